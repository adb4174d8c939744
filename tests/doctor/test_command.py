"""The verb: exit codes, forms of the report, and what it takes from a run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.cli.main import main
from seq2seq.doctor.page import as_html
from seq2seq.doctor.terminal import as_text
from tests.doctor.conftest import clean


@pytest.fixture
def doctor(capfd):
    def call(*words):
        capfd.readouterr()
        try:
            code = main(["doctor", *map(str, words)])
        except SystemExit as stop:
            code = stop.code
        return code, *capfd.readouterr()

    return call


@pytest.fixture
def validation(tmp_path):
    """Validation text that training does not hold, of enough lines."""
    path = tmp_path / "validation.en"
    path.write_text("".join(f"number {n}\n" for n in range(200)))
    return "--validation-source", path


def _files(layout):
    return "--source", layout.source, "--target", layout.target


def test_a_clean_corpus_gives_0_and_an_unreadable_line_1(doctor, write, pairs, validation):
    code, out, err = doctor(*_files(write(pairs)), *validation)
    assert (code, err) == (0, "")
    assert "300 pairs" in out
    assert "Nothing found" in out
    pairs[3] = (b"\xff", "x")
    code, out, _ = doctor(*_files(write(pairs)))
    assert code == 1
    assert "Training would refuse" in out
    assert "line 4: byte 1: \\xff" in out


def test_fix_gives_0_and_a_corpus_that_training_takes(doctor, write, pairs, tmp_path):
    pairs[3] = (b"\xff", "x")
    code, _, err = doctor(*_files(write(pairs)), "--fix", tmp_path / "clean")
    assert code == 0
    assert "Wrote 299 pairs" in err
    assert doctor("--source", tmp_path / "clean/text.en", "--target", tmp_path / "clean/text.de")[0] == 0


def test_json_and_page_tell_the_same(doctor, write, pairs, validation, tmp_path):
    pairs[3] = ("", "x")
    code, out, _ = doctor(*_files(write(pairs)), *validation, "--json", "--html", tmp_path / "page.html")
    report = json.loads(out)
    assert code == 0
    assert [(f["kind"], f["count"], f["examples"][0]["line"]) for f in report["findings"]] == [("empty", 1, 4)]
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "empty line" in page
    assert page.count("<svg") == 3
    assert not re.search(r"https?://|<script|<link|src=", page)


def test_nothing_from_the_corpus_is_markup_in_the_page_or_control_in_the_text(write, look, pairs):
    pairs[3] = ("the <script>alert(1)</script>\x1b[31m house \" ' &", "<img src=x onerror=y> house")
    report = look(write(pairs)).report
    report.files = [("<i>name</i>", 1)]
    page = as_html(report)
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<script|<img|<i>|\x1b", page)
    assert "\x1b" not in as_text(report)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Give --source FILE and --target FILE"),
        (["--source", "nowhere.en", "--target", "nowhere.de"], "nowhere.en: no such file"),
        (["--source", "nowhere.en"], "--target is missing"),
        (["--recipe", "multi31k"], "no such file, nor one of"),
        (["--run", "nowhere"], "no such run folder"),
        (["--run", "a", "--recipe", "b"], "either --run or --recipe"),
        (["--source", "x.tsv", "--drop", "rato"], "--drop takes"),
        (["--max-length", "0"], "must be from 1"),
    ],
)
def test_a_mistake_gets_one_message(doctor, words, message):
    if "x.tsv" in words:
        words[1] = __file__
        words += ["--target", __file__]
    code, out, err = doctor(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_tests_given_are_looked_up(doctor, write, pairs, validation):
    test = write(pairs[:2], "test")
    report = json.loads(doctor(*_files(write(pairs)), *validation, "--json", "--test-source", test.source)[1])
    assert [(f["kind"], f["count"]) for f in report["findings"]] == [("overlap", 2)]
    assert report["tests"][str(test.source)] == {"lines": 2, "sources": 2, "pairs": 0}


def test_a_run_gives_its_tokenisers_and_a_forecast(doctor, finished, corpus_files):
    files = ("--source", corpus_files / "train.x", "--target", corpus_files / "train.y")
    report = json.loads(doctor("--run", finished, *files, "--json")[1])
    assert report["tokenizer"].startswith("of ")
    assert all(row["unknown_share"] == 0 for row in report["tokens"])
    forecast = report["forecast"]
    assert forecast["steps"] == 3
    assert forecast["epochs"] == 3
    assert forecast["parameters"] > 100
    assert forecast["total_seconds"] == pytest.approx(3 * forecast["epoch_seconds"])
    assert forecast["memory_mb"] > 100


def test_text_is_held_to_the_script_of_the_language_given(write, look):
    report = look(write(clean()), languages=("ru", "de")).report
    assert {(f.kind, f.side, f.count) for f in report.findings} == {("script", "source", 300)}


def test_the_installed_command_knows_the_named_recipes_from_any_folder(tmp_path):
    words = [Path(sys.executable).parent / "seq2seq", "doctor", "--recipe", "tiny", "--no-forecast", "--processes", "1"]
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "__init__.py").write_text("raise SystemExit('code of the folder was run')")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "code of the folder" not in done.stderr
    assert "tokeniser: learned" in done.stdout
