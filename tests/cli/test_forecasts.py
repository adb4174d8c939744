"""The verbs of forecasting: values to files and streams, scores beside baselines, one sentence for a mistake."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from seq2seq.extras import is_installed
from seq2seq.inference import forecasting
from seq2seq.run.environment import sha256
from seq2seq.series.baselines import forecast_table, seasonal_naive
from seq2seq.series.cells import Columns
from seq2seq.series.reading import read_table
from tests.seasonal_forecaster import SeasonalForecaster, daily

MODULES = {"evaluate": "evaluate_forecasts", "compare": "compare_forecasts"}
ROWS = ("run", "naive", "seasonal naive", "naive2", "theta", "ridge")


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """Makes a folder a run of a forecaster; returns the folder and its maker."""

    def make(**options):
        forecaster = SeasonalForecaster(**options)
        monkeypatch.setattr("seq2seq.tasks.load", lambda path, others=(): forecaster)
        monkeypatch.setattr("seq2seq.tasks.module_of_verb", lambda verb, words: MODULES.get(verb, verb))
        (tmp_path / "run").mkdir(exist_ok=True)
        return forecaster

    make()
    return make


@pytest.fixture
def series(tmp_path):
    """A file of series with names of their own."""
    table = daily(4, 50, seed=3)
    rows = [
        (one.id, str(time)[:10], value)
        for one in table
        for time, value in zip(one.times, one.values.tolist(), strict=True)
    ]
    pd.DataFrame(rows, columns=["unique_id", "ds", "y"]).to_csv(tmp_path / "new.csv", index=False)
    return tmp_path / "new.csv"


def test_a_forecast_is_written_to_standard_output_and_to_files_alike(cli, loaded, tmp_path, series):
    code, out, err = cli("forecast", tmp_path / "run", "--input", series, "--level", 80, 95)
    assert (code, err.count("\n")) == (0, 1)
    assert "Inferred the frequency D." in err
    lines = out.splitlines()
    head = "unique_id,ds,forecast,forecast-lo-80,forecast-hi-80,forecast-lo-95,forecast-hi-95"
    assert (lines[0], len(lines)) == (head, 1 + 4 * 7)
    table = read_table(series)
    expected = forecast_table(table, seasonal_naive, 7, 7).mean
    assert lines[1].startswith(f"s0,2024-02-20,{np.float32(expected[0, 0])!s},")
    for kind in ("csv", "tsv", "jsonl", "parquet"):
        path = tmp_path / f"out.{kind}"
        code, nothing, _ = cli("forecast", tmp_path / "run", "--input", series, "--output", path)
        assert (code, nothing) == (0, "")
        np.testing.assert_allclose(read_table(path, Columns(target="forecast")).values, expected.ravel(), rtol=1e-7)
    assert (tmp_path / "out.csv").read_text() == out
    code, out, _ = cli("forecast", tmp_path / "run", "--format", "jsonl", "--horizon", 1, "--level", 50)
    assert json.loads(out.splitlines()[0]).keys() == {
        "unique_id", "ds", "forecast", "forecast-lo-50", "forecast-hi-50"
    }  # fmt: skip


def test_parts_change_nothing_and_paths_follow_from_the_seed(cli, loaded, tmp_path, series, monkeypatch):
    forecaster = loaded(samples=True)
    words = ("forecast", tmp_path / "run", "--input", series, "--horizon", 30, "--samples", 20)
    first = cli(*words)
    assert first == cli(*words, "--seed", 0)
    assert first[1] != cli(*words, "--seed", 1)[1]
    monkeypatch.setattr(forecasting, "NUMBERS", 1)
    forecaster.calls.clear()
    assert cli(*words)[1] == first[1]
    assert [call[:2] for call in forecaster.calls] == [(1, 30)] * 4


def test_what_is_known_of_the_future_is_handed_on(cli, loaded, tmp_path, series):
    forecaster = loaded()
    assert cli("forecast", tmp_path / "run", "--future", series)[0] == 0
    assert list(forecaster.calls[0][2].ids) == ["s0", "s1", "s2", "s3"]


def test_fans_are_drawn(cli, loaded, tmp_path, monkeypatch):
    loaded(series=14)
    monkeypatch.setattr(forecasting, "NUMBERS", 1)
    code, out, _ = cli("forecast", tmp_path / "run", "--plot", tmp_path / "fan.svg", "--output", tmp_path / "x.csv")
    assert (code, out) == (0, "")
    assert "The first 12 of 14 forecasts" in (tmp_path / "fan.svg").read_text()
    words = ("--plot", tmp_path / "fan.png", "--pit", tmp_path / "pit.png")
    assert cli("backtest", tmp_path / "run", *words)[0] == 0
    assert {"fan.png", "pit.png"} <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--horizon", 15], "Expected --horizon of at most 14, which is how far this run can forecast. Received: 15"),
        (["--horizon", 0], "--horizon: must be from 1"),
        (["--level", 100], "--level: must be at least 1 and below 100 percent, such as 80"),
        (["--level", 99], "cover 0.025 to 0.975, so intervals of at most 95 %. Asked for: 0.005"),
        (["--output", "x.xlsx"], "x.xlsx: expected a name that ends with one of .csv, .tsv, .jsonl, .parquet"),
        (["--format", "parquet"], "Parquet is written to a file"),
        (["--plot", "x.pdf"], "A figure is a .png or .svg file"),
        (["--input", "missing.csv"], "missing.csv"),
        (["--seed", -1], "--seed: must be from 0"),
    ],
)
def test_a_mistake_gets_one_sentence(cli, loaded, tmp_path, words, message, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("forecast", "run", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_inputs_are_not_written_over(cli, loaded, tmp_path, series):
    before = series.read_bytes()
    code, _, err = cli("forecast", tmp_path / "run", "--input", series, "--output", series)
    assert code == 2
    assert "it is read by this command" in err
    assert series.read_bytes() == before


def test_a_backtest_scores_the_run_beside_the_baselines(cli, loaded, tmp_path, series):
    words = ("backtest", tmp_path / "run", "--input", series, "--windows", 3, "--step", 5)
    code, out, _ = cli(*words, "--output", tmp_path / "forecasts.csv", "--losses", tmp_path / "losses.csv")
    assert code == 0
    assert [line.split("  ")[0].strip() for line in out.splitlines()[1:7]] == list(ROWS)
    assert "12 windows of 4 series, horizon 7, season 7." in out
    rows = pd.read_csv(tmp_path / "forecasts.csv")
    assert list(rows.columns[:5]) == ["unique_id", "ds", "cutoff", "y", "forecast"]
    assert len(rows) == 4 * 3 * 7
    known = pd.read_csv(series)
    assert len(rows.merge(known, on=["unique_id", "ds", "y"])) == len(rows)
    assert sorted(set(rows["cutoff"])) == ["2024-02-02", "2024-02-07", "2024-02-12"]
    found = json.loads(cli(*words, "--json")[1])
    own = found["scores"]["run"]
    assert own["mae"]["score"] == pytest.approx((rows["forecast"] - rows["y"]).abs().mean())
    inside = rows["y"].between(rows["forecast-lo-80"], rows["forecast-hi-80"])
    assert own["coverage-80"]["score"] == pytest.approx(100 * inside.mean())
    assert own["mae"] == found["scores"]["seasonal naive"]["mae"]
    assert found["scores"]["naive2"]["owa"]["score"] == 1
    (tmp_path / "losses.csv").rename(tmp_path / "a.csv")
    code, out, _ = cli("compare", tmp_path / "a.csv", "--samples", 50)
    assert code == 0
    assert "Fewer than 10 series" in out
    assert "ridge better than the baseline" in out


def test_the_tables_that_a_run_was_made_from_are_not_written_over(cli, loaded, tmp_path, series):
    record = {"training": {str(series): sha256(series)}, "test_files": {}}
    (tmp_path / "run" / "data.json").write_text(json.dumps(record))
    before = series.read_bytes()
    for verb, option in (("forecast", "--output"), ("backtest", "--output"), ("backtest", "--losses")):
        code, _, err = cli(verb, tmp_path / "run", option, series)
        assert (code, err.count("\n")) == (2, 1)
        assert "it is read by this command" in err
    assert series.read_bytes() == before


@pytest.mark.parametrize("verb", ["backtest", "evaluate"])
def test_the_table_of_training_says_that_its_scores_are_too_good(cli, loaded, tmp_path, series, verb):
    words = (verb, tmp_path / "run", "--input", series, "--windows", 1)
    assert "has learned from" not in cli(*words)[2]
    record = {"training": {"elsewhere.csv": sha256(series)}, "test_files": {}}
    (tmp_path / "run" / "data.json").write_text(json.dumps(record))
    assert "The run has learned from these series" in cli(*words)[2]
    (tmp_path / "run" / "data.json").write_text(json.dumps({"training": {}, "test_files": record["training"]}))
    assert "has learned from" not in cli(*words)[2]


def test_a_backtest_on_what_was_learned_says_so(cli, loaded, tmp_path):
    code, _, err = cli("backtest", tmp_path / "run", "--windows", 2)
    assert code == 0
    assert "The run has learned from these series" in err
    code, _, err = cli("backtest", tmp_path / "run", "--horizon", 14, "--windows", 1, "--step", 1, "--json")
    assert code == 0


def test_windows_that_do_not_fit_are_refused(cli, loaded, tmp_path):
    (tmp_path / "short.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n")
    code, _, err = cli("backtest", tmp_path / "run", "--input", tmp_path / "short.csv")
    assert code == 2
    assert "No series is long enough: a window needs 1 + 7 steps. The longest series has 2." in err


def test_a_run_is_evaluated_on_its_test_or_on_a_file(cli, loaded, tmp_path, series):
    code, out, _ = cli("evaluate", tmp_path / "run", "--output", tmp_path / "test.csv")
    assert code == 0
    assert "6 windows of 3 series" in out
    code, out, _ = cli("evaluate", tmp_path / "run", "--input", series, "--windows", 2, "--json")
    assert json.loads(out)["windows"] == 8
    refused = {
        ("--test", "x"): "No test set 'x'. Expected one of: test",
        ("--test", "x", "--input", series): "either --test or --input",
        ("--windows", 2): "--windows is for --input FILE",
        ("--pit", "x.gif"): "A figure is a .png or .svg file",
    }
    for words, message in refused.items():
        code, _, err = cli("evaluate", tmp_path / "run", *words)
        assert code == 2
        assert message in err
    loaded(tests=False)
    code, _, err = cli("evaluate", tmp_path / "run")
    assert (code, "has no test set. Give a file: --input FILE." in err) == (2, True)


@pytest.mark.skipif(is_installed("statsforecast"), reason="the extra 'baselines' is installed")
def test_automatic_baselines_need_their_extra(cli, loaded, tmp_path):
    for verb in ("evaluate", "backtest"):
        code, _, err = cli(verb, tmp_path / "run", "--baselines", "autoets")
        assert code == 2
        assert 'pip install "keras-seq2seq-rnn[baselines]"' in err


def test_a_run_of_few_quantiles_is_scored_by_what_it_covers(cli, loaded, tmp_path):
    loaded(levels=(0.1, 0.5, 0.9))
    code, out, _ = cli("evaluate", tmp_path / "run")
    assert code == 0
    assert "run: No interval of 95 %" in out


def test_runs_and_tables_are_compared(cli, loaded, tmp_path, series, monkeypatch):
    for name in ("a", "b"):
        loaded(series=12)
        assert cli("evaluate", tmp_path / "run", "--output", tmp_path / f"{name}.csv")[0] == 0
    (tmp_path / "run" / "losses-test.csv").write_text((tmp_path / "a.csv").read_text())
    words = ("compare", tmp_path / "run", tmp_path / "b.csv", "--samples", 50)
    code, out, _ = cli(*words, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["units"] == "series"
    assert found["scores"]["mae"][str(tmp_path / "b.csv")]["p_bootstrap"] == 1
    (tmp_path / "other").mkdir()
    refused = {
        (tmp_path / "run", "--test", "x"): "No test set 'x' that all have.",
        (tmp_path / "run", tmp_path / "other"): "other has no scores of a test set",
    }
    for words, message in refused.items():
        code, _, err = cli("compare", *words)
        assert code == 2
        assert message in err
    monkeypatch.undo()  # tables without a run find their verb by themselves
    code, out, _ = cli("compare", tmp_path / "a.csv", tmp_path / "b.csv", "--samples", 50)
    assert code == 0
    assert "24 windows of 12 series, horizon 7, season 7" in out
    refused = {
        ("--html", tmp_path / "x.html"): "--html is for runs, and tables of forecasters are compared",
        ("--test", "x"): "--test is for runs, and tables of forecasters are compared",
        (tmp_path / "a.csv",): "Expected different runs",
    }
    for words, message in refused.items():
        code, _, err = cli("compare", tmp_path / "a.csv", *words)
        assert code == 2
        assert message in err
