"""`seq2seq detect`: alarms and scores of tables and of rows as they come, one sentence for a mistake."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import seq2seq
from seq2seq.series.cells import Columns
from tests.detectors import HOURS, readings, write_run

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("detect") / "run", threshold=0.5)


def rows_of(series, names=("unique_id", "ds", "y")):
    """Rows of CSV, hour by hour, those of all series in turn."""
    lines = [",".join(names)]
    for row in range(max(map(len, series.values()))):
        for name, values in series.items():
            if row < len(values):
                value = "" if np.isnan(values[row]) else repr(float(values[row]))
                lines.append(f"{name},{str(HOURS[row]).replace('T', ' ')},{value}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def table(tmp_path):
    series = {"a": readings(), "b": readings(350, seed=1, jump=250)}
    series["a"][100] = np.nan
    (tmp_path / "live.csv").write_text(rows_of(series))
    return tmp_path / "live.csv"


def parsed(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_alarms_and_scores_are_those_of_the_detector(cli, run, table, tmp_path):
    words = ("detect", run, "--input", table)
    code, out, err = cli(*words, "--output", tmp_path / "alarms.csv", "--scores", tmp_path / "scores.csv")
    assert (code, out, err) == (0, "", "")
    alarms = parsed((tmp_path / "alarms.csv").read_text())
    assert list(alarms[0]) == ["unique_id", "start", "end", "severity"]
    frame = seq2seq.load(run).detect(table).alarms_frame()
    assert [row["unique_id"] for row in alarms] == frame["unique_id"].tolist()
    assert [row["start"] for row in alarms] == [str(stamp) for stamp in frame["start"]]
    scores = parsed((tmp_path / "scores.csv").read_text())
    assert len(scores) == 750
    assert next(row for row in scores if row["ds"] == "2024-01-05 04:00:00") == {
        "unique_id": "a", "ds": "2024-01-05 04:00:00", "y": "", "score": "0.0"
    }  # fmt: skip
    assert max(float(row["score"]) for row in scores) == max(float(row["severity"]) for row in alarms)
    code, out, _ = cli(*words, "--json")
    assert [json.loads(line)["start"] for line in out.splitlines()] == [row["start"] for row in alarms]


def test_rows_that_come_get_the_answers_of_the_table(cli, run, table, tmp_path):
    cli("detect", run, "--input", table, "--scores", tmp_path / "scores.csv")
    expected = {
        (row["unique_id"], row["ds"]): float(row["score"]) for row in parsed((tmp_path / "scores.csv").read_text())
    }
    code, out, err = cli("detect", run, "--follow", text=table.read_bytes())
    assert (code, err) == (0, "")
    answers = parsed(out)
    assert list(answers[0]) == ["unique_id", "ds", "y", "score", "alarm"]
    assert len(answers) == len(expected)
    for row in answers:
        assert float(row["score"]) == pytest.approx(expected[row["unique_id"], row["ds"]], abs=1e-3)
    assert {row["alarm"] for row in answers} == {"0", "1"}
    lines = cli("detect", run, "--follow", "--json", text=table.read_bytes())[1].splitlines()
    assert json.loads(lines[200]) == {
        "unique_id": "a", "ds": "2024-01-05 04:00:00", "y": None, "score": 0.0, "alarm": False
    }  # fmt: skip


def test_a_lower_rate_gives_fewer_alarms_and_a_threshold_takes_its_place(cli, run, table):
    counts = [len(cli("detect", run, "--input", table, *more)[1].splitlines()) for more in (
        ("--threshold", 0.1), ("--rate", 100), ("--rate", 5), ("--threshold", 99)
    )]  # fmt: skip
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 1


def test_a_picture_is_drawn_of_the_severest_or_of_the_named_series(cli, run, table, tmp_path):
    words = ("detect", run, "--input", table, "--output", tmp_path / "x.csv", "--plot")
    code, _, err = cli(*words, tmp_path / "a.svg")
    assert (code, "one of 2 series" in err) == (0, True)
    assert cli(*words, tmp_path / "b.png", "--series", "b")[0] == 0
    assert (tmp_path / "b.png").stat().st_size > 1000
    code, _, err = cli(*words, tmp_path / "c.png", "--series", "B")
    assert (code, "Did you mean 'b'?" in err) == (2, True)


def test_several_targets_and_a_table_of_one_series_are_streams(cli, tmp_path):
    wide = write_run(tmp_path / "wide", columns=Columns(time="when", target=("x", "z")))
    text = "when,x,z\n2024-01-01,1,5\n2024-01-01 01:00:00,2,\n"
    answers = parsed(cli("detect", wide, "--follow", text=text.encode())[1])
    assert [(row["unique_id"], row["y"]) for row in answers] == [("x", "1.0"), ("z", "5.0"), ("x", "2.0"), ("z", "")]
    single = write_run(tmp_path / "single", frequency="")
    code, out, err = cli("detect", single, "--follow", text=b"ds,y\n1,2.5\n2,3\n")
    assert (code, [row["unique_id"] for row in parsed(out)]) == (0, ["series"] * 2)
    assert "--frequency F" in err
    assert cli("detect", single, "--follow", "--frequency", "h", text=b"ds,y\n1,2.5\n")[2] == ""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,2024-01-02", "expected 3 columns, as in the header. Received: 2."),
        ("a,2024-01-01,x", "column 'y': expected a number"),
        ("a,2024-01-01,inf", "column 'y': expected a finite number"),
        ("a,yesterday,1", "column 'ds': expected a time stamp"),
        ('a,"2024,1', "not a row of CSV"),
        (",2024-01-01,1", "column 'unique_id' has no name of a series"),
    ],
)
def test_a_wrong_row_is_named_by_its_line_and_the_stream_goes_on(cli, run, row, message):
    right = "a,2024-01-01,1\n"
    code, out, err = cli("detect", run, "--follow", text=f"unique_id,ds,y\n{right}{row}\n{right}".encode())
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith(f"standard input:3: {message}")
    assert err.endswith(" The row is left out.\n")
    assert out == cli("detect", run, "--follow", text=f"unique_id,ds,y\n{right}{right}".encode())[1]
    assert out.count("\n") == 3


def test_no_row_of_several_targets_is_answered_by_half(cli, tmp_path):
    wide = write_run(tmp_path / "wide", columns=Columns(time="when", target=("x", "z")))
    code, out, err = cli("detect", wide, "--follow", text=b"when,x,z\n2024-01-01,1,oops\n2024-01-02,1,2\n")
    assert (code, [row["unique_id"] for row in parsed(out)]) == (0, ["x", "z"])
    assert "standard input:2: column 'z'" in err


def test_a_header_without_a_column_is_refused(cli, run):
    code, out, err = cli("detect", run, "--follow", text=b"unique_id,dss,y\n")
    assert (code, out.count("\n")) == (2, 1)
    assert "standard input:1: there is no column 'ds'" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--follow", "--input", "x.csv"], "it goes without --input"),
        (["--series", "a"], "--series names the series of --plot FILE"),
        (["--rate", "0"], "must be above 0 and below 10,000"),
        (["--rate", "0.5"], "Expected at least 20,000 readings to find the threshold of 0.5 alarms"),
        (["--threshold", "nan"], "must be a finite number"),
        (["--rate", "1", "--threshold", "1"], "not allowed with argument"),
        (["--frequency", "fortnight"], "Expected a frequency"),
        (["--plot", "x.pdf"], "A plot of alarms is written as .png or .svg"),
        (["--input", "missing.csv"], "missing.csv"),
    ],
)
def test_a_mistake_gets_one_sentence(cli, run, table, words, message, monkeypatch):
    monkeypatch.chdir(table.parent)
    given = words if {"--input", "--follow"} & set(words) else ["--input", table.name, *words]
    code, out, err = cli("detect", run, *given)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert {path.name for path in table.parent.iterdir()} == {"live.csv"}


def test_a_table_of_another_frequency_is_refused(cli, run, tmp_path):
    (tmp_path / "months.csv").write_text("ds,y\n" + "".join(f"2024-0{month}-01,{month}\n" for month in range(1, 8)))
    code, out, err = cli("detect", run, "--input", tmp_path / "months.csv")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "the rows have the frequency MS: no two of a series are a step of h apart" in err


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_each_row_is_answered_before_the_next_comes_and_an_interrupt_is_clean(run):
    process = subprocess.Popen(
        [sys.executable, "-m", "seq2seq.cli.main", "detect", str(run), "--follow"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write("ds,y\n")
    for hour in range(3):
        process.stdin.write(f"2024-01-01 0{hour}:00:00,{hour}\n")
        process.stdin.flush()
        if not hour:
            assert process.stdout.readline() == "unique_id,ds,y,score,alarm\n"
        assert process.stdout.readline() == f"series,2024-01-01 0{hour}:00:00,{hour}.0,0.0,0\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "Interrupted.")


def test_the_table_that_a_run_was_made_from_is_not_written_over(cli, table, tmp_path):
    run = write_run(tmp_path / "run", threshold=0.5)
    (run / "data.json").write_text(json.dumps({"training": {str(table): "0"}, "test_files": {}}))
    before = table.read_bytes()
    for option in ("--output", "--scores"):
        code, _, err = cli("detect", run, option, table)
        assert (code, err.count("\n")) == (2, 1)
        assert "it is read by this command" in err
    assert table.read_bytes() == before
