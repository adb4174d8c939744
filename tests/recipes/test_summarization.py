import json

import pytest

from recipes.summarization import RECIPES
from recipes.translation import RECIPES as TRANSLATION
from seq2seq.catalogue import fetch, phrases
from seq2seq.cli.main import main as cli
from seq2seq.cli.train import run_recipe
from seq2seq.text.corpus import read_lines

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The tiny variant, finished; tests may not change it."""
    folder = tmp_path_factory.mktemp("summaries")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(fetch.CACHE, str(folder / "cache"))
        patch.setitem(phrases.SPLITS, "val", 50)
        patch.setitem(phrases.SPLITS, "test", 100)
        words = ["tiny", "--run-folder", str(folder / "run"), "--search.max_ratio", "0", "--search.max_extra", "8"]
        assert run_recipe(RECIPES, "train", "", [*words, "--search.no_repeat_ngram", "2"]) == 0
    return folder / "run"


def test_the_tiny_variant_goes_from_the_embedded_corpus_to_a_scored_run(tiny):
    scores = json.loads((tiny / "scores.json").read_text())["tests"]["test"]
    assert {"rouge1", "rouge2", "rougeL", "names", "copied", "novel_2", "repeated_2", "length"} <= set(scores)
    assert (tiny / "export" / "saved_model" / "1" / "saved_model.pb").exists()
    assert len(list(read_lines(tiny / "hypotheses" / "test.txt"))) == 100
    assert "Summarises en text" in (tiny / "README.md").read_text()
    assert "val_rouge" in (tiny / "history.csv").read_text()


def test_summarize_is_translate_by_another_name(tiny, capfdbinary, tmp_path):
    (tmp_path / "in").write_text("Please pay Rolund the 4711 euros .\n\n")
    outputs = []
    for verb in ("summarize", "translate"):
        assert cli([verb, str(tiny), "--input", str(tmp_path / "in")]) == 0
        outputs.append(capfdbinary.readouterr().out)
    assert outputs[0] == outputs[1]
    assert outputs[0].count(b"\n") == 2


def test_a_run_is_evaluated_by_its_own_task_and_named_fields(tiny, capfdbinary, tmp_path):
    assert cli(["evaluate", str(tiny), "--test", "test", "--json"]) == 0
    scores = json.loads((tiny / "scores.json").read_text())["tests"]["test"]
    assert json.loads(capfdbinary.readouterr().out) == scores
    (tmp_path / "x.jsonl").write_text(json.dumps({"source": "a b", "target": "a"}) + "\n")
    assert cli(["evaluate", str(tiny), "--source", str(tmp_path / "x.jsonl")]) == 0
    assert b"rougeL" in capfdbinary.readouterr().out
    assert cli(["evaluate", str(tiny), "--lowercase"]) == 2
    assert b"are for BLEU" in capfdbinary.readouterr().err


def test_custom_json_lines_are_learned_from(tmp_path, monkeypatch):
    rows = [{"text": f"the {w} of {n}", "title": w, "more": n} for w in ("ab", "cd", "ef") for n in ("gh", "ij", "kl")]
    path = tmp_path / "my.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows * 12))
    words = ["custom", "--run-folder", str(tmp_path / "run"), "--exports", "", "--tokenizer.size", "40"]
    words += ["--data.train.source", str(path), "--data.source_field", "text", "--data.target_field", "title"]
    words += ["--data.test.source", str(path), "--data.reference_fields", "more", "--training.epochs", "1"]
    words += ["--model.embedding", "8", "--model.encoder.units", "8", "--model.decoder.units", "8"]
    words += ["--data.cut_source", "6", "--search.max_input", "6", "--search.max_extra", "4", "--search.beam_size", "1"]
    assert run_recipe(RECIPES, "train", "", words) == 0
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())["tests"]["test"]
    assert "refs:2|best" in scores["rouge1_best"]["signature"]
    assert cli(["evaluate", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--model.pointer", "true", "--tokenizer.joint", "false", "--model.tie", "target"], "needs tokenizer.joint"),
        (["--model.pointer", "true", "--model.decoder.attention", "none"], "model.pointer needs attention"),
        (["--model.decoder.coverage", "true", "--model.decoder.attention", "none"], "coverage needs attention"),
        (["--training.coverage_loss", "1"], "coverage_loss needs model.decoder.coverage"),
        (["--search.coverage_penalty", "-1"], "coverage_penalty must be from 0 to 1,000"),
        (["--search.min_length", "-1"], "min_length must not be negative"),
    ],
)
def test_options_that_contradict_each_other_are_told_before_anything_is_done(words, told, tmp_path, capsys):
    assert run_recipe(TRANSLATION, "train", "", ["demo", "--run-folder", str(tmp_path / "run"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
