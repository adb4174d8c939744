"""Evaluations on record, comparisons, seeds and COMET by the command line."""

import json
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

from seq2seq.cli.train import summary_of_seeds, take_count
from seq2seq.metrics.comet import Comet
from seq2seq.run.parsing import RecipeError

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def other(finished, tmp_path):
    """A copy of the finished run with other outputs, under a name that a terminal and a plot must take for text."""
    folder = tmp_path / "other\x1b[2J$\\frac$"
    shutil.copytree(finished, folder)
    path = next((folder / "hypotheses").iterdir())
    path.write_text("".join(line.lower() + "\n" for line in path.read_text().splitlines()))
    return folder


def test_an_evaluation_keeps_all_that_its_scores_depend_on(cli, finished, tmp_path):
    code, out, _ = cli("evaluate", finished, "--json", "--output-folder", tmp_path / "kept", "--beam-size", 1)
    record = json.loads((tmp_path / "kept" / "scores.json").read_text())
    assert code == 0
    assert record["scores"] == json.loads(out)
    assert record["search"]["beam_size"] == 1
    assert record["versions"]["seq2seq"]
    assert all(len(value) == 64 for value in record["data"]["sha256"].values())
    lines = (tmp_path / "kept" / "hypotheses.txt").read_text().splitlines()
    assert len(lines) == len(Path(record["data"]["source"]).read_text().splitlines())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x")
    code, _, err = cli("evaluate", finished, "--output-folder", tmp_path / "mine")
    assert code == 2
    assert "expected a new or empty folder, or one that seq2seq evaluate --output-folder made; it holds file" in err


def test_runs_and_evaluations_are_compared(cli, finished, other, tmp_path):
    words = ("compare", finished, other, "--samples", 20)
    code, out, _ = cli(*words, "--html", tmp_path / "x.html", "--curves", tmp_path / "x.svg")
    assert code == 0
    assert "bleu" in out
    assert r"other\u001b[2J" in out
    assert "\x1b" not in out
    assert "val_nll" in (tmp_path / "x.html").read_text()
    assert "<svg" in (tmp_path / "x.svg").read_text()
    stored = json.loads((finished / "scores.json").read_text())["tests"]["test"]["bleu"]["score"]
    (found,) = json.loads(cli(*words, "--json")[1])
    assert round(found["scores"]["bleu"][0]["score"], 2) == stored
    assert cli("evaluate", finished, "--output-folder", tmp_path / "kept")[0] == 0
    (found,) = json.loads(cli("compare", finished, tmp_path / "kept", "--json", "--samples", 20)[1])
    assert found["scores"]["bleu"][0]["score"] == found["scores"]["bleu"][1]["score"]


def test_what_cannot_be_compared_is_refused_with_the_reason(cli, finished, other, tmp_path):
    def refused(*words):
        code, _, err = cli("compare", *words)
        assert code == 2
        return err

    assert "two runs or more" in refused(finished)
    assert "no scores.json" in refused(finished, tmp_path)
    assert "No test set 'x'" in refused(finished, other, "--test", "x")
    scores = json.loads((other / "scores.json").read_text())
    scores["tests"]["test"]["bleu"]["signature"] += "|version:0"
    (other / "scores.json").write_text(json.dumps(scores))
    assert "signatures differ" in refused(finished, other)
    data = json.loads((other / "data.json").read_text())
    entry = data["tests"]["test"]
    changed = tmp_path / "changed.y"
    changed.write_text(Path(entry["target"]).read_text())
    entry["target"] = str(changed)
    entry["sha256"] = {**entry["sha256"], str(changed): "0" * 64}
    (other / "data.json").write_text(json.dumps(data))
    assert "has changed since" in refused(finished, other)
    (other / "scores.json").write_text("{")
    assert "damaged scores or data" in refused(finished, other)


def test_to_compare_needs_no_tensorflow(finished, other):
    code = (
        "import sys; from seq2seq.cli.main import main; "
        f"code = main(['compare', {str(finished)!r}, {str(other)!r}, '--samples', '5']); "
        "assert not {'keras', 'tensorflow', 'matplotlib'} & set(sys.modules); sys.exit(code)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_seeds_give_means_and_go_on_where_they_were(quick_run, tmp_path, capsys):
    words = ("--training.epochs", "1", "--seeds", "2")
    assert quick_run(tmp_path / "runs", *words) == 0
    found = json.loads((tmp_path / "runs" / "seeds.json").read_text())
    each = [json.loads((tmp_path / "runs" / f"seed-{n}" / "scores.json").read_text()) for n in (1, 2)]
    scores = [one["tests"]["test"]["chrf"]["score"] for one in each]
    assert found["seeds"] == [1, 2]
    assert found["tests"]["test"]["chrf"]["scores"] == scores
    assert found["tests"]["test"]["chrf"]["mean"] == pytest.approx(sum(scores) / 2)
    written = (tmp_path / "runs" / "seed-1" / "model.weights.h5").stat().st_mtime_ns
    assert quick_run(tmp_path / "runs", *words) == 0
    assert (tmp_path / "runs" / "seed-1" / "model.weights.h5").stat().st_mtime_ns == written
    assert "mean ± standard deviation" in capsys.readouterr().out


def test_the_deviation_is_that_of_a_sample():
    runs = [{"t": {"bleu": {"score": score, "signature": "s"}}} for score in (1.0, 2.0, 6.0)]
    found = summary_of_seeds(runs)["t"]["bleu"]
    assert (found["mean"], found["signature"]) == (3.0, "s")
    assert found["deviation"] == pytest.approx(7**0.5)


def test_fewer_than_two_seeds_are_refused():
    assert take_count("seeds", "runs", ["demo", "--seeds=3", "--seed", "4"]) == (3, ["demo", "--seed", "4"])
    for words in (["--seeds", "1"], ["--seeds"], ["--seeds", "x"]):
        with pytest.raises(RecipeError, match="at least 2"):
            take_count("seeds", "runs", words)


def test_comet_is_asked_only_when_wanted_and_says_what_is_missing(cli, finished, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "comet", None)
    code, _, err = cli("evaluate", finished, "--comet", "some/model")
    assert code == 2
    assert 'pip install "keras-seq2seq-rnn[comet]"' in err

    def fetch(name):
        raise OSError("no network")

    package = types.ModuleType("comet")
    package.download_model = fetch
    monkeypatch.setitem(sys.modules, "comet", package)
    with pytest.raises(ValueError, match=r"'some/model' is not here.*no network.*huggingface.co/some/model"):
        Comet("some/model")

    class Model:
        def predict(self, rows, **options):
            assert {"src", "mt", "ref"} == set(rows[0])
            return types.SimpleNamespace(system_score=0.5)

    package.load_from_checkpoint = lambda path: Model()
    monkeypatch.setattr("seq2seq.metrics.comet.metadata.version", lambda name: "9")
    (tmp_path / "model.ckpt").write_text("x")
    score = Comet(str(tmp_path / "model.ckpt"))(["a"], ["b"], ["c"])
    assert (score.score, score.signature) == (50.0, "comet|model:model.ckpt|package:9")
