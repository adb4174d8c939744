"""Language models from the command line: trained once, asked by every verb."""

import json
import math
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from recipes.language_model import RECIPES
from seq2seq.cli.prompts import read_prompt
from seq2seq.cli.score_text import ScoreOptions, _format
from seq2seq.cli.train import run_recipe
from seq2seq.inference.text_scoring import ScoredLine
from seq2seq.run.folder import RunFolderError
from seq2seq.run.parsing import RecipeError, from_json
from seq2seq.run.task import Prepared
from seq2seq.run.train import _warn_if_nothing_was_learned
from seq2seq.symbols import EOS
from seq2seq.tasks.language_model.data import find_corpus
from seq2seq.tasks.language_model.folder import LanguageRunFolder
from seq2seq.tasks.language_model.recipe import Recipe
from seq2seq.tasks.language_model.task import record_data
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.vocabulary import Vocabulary

pytestmark = pytest.mark.usefixtures("loaded_once")

WORDS = ["the", "cat", "sees", "a", "dog", ".", "the", "dog", "sits", "on", "the", "mat", ".", "a", "cat", "sits", "."]
TEXT = [" ".join(WORDS[n % 11 : n % 11 + 3 + n % 4]) for n in range(60)]


@pytest.fixture(scope="session")
def text_file(made_once):
    return made_once("language_text", lambda path: path.write_text("\n".join(TEXT) + "\n"))


def train(text_file, folder, epochs=2):
    words = ["custom", "--data.train", str(text_file), "--data.test", str(text_file), "--run-folder", str(folder)]
    words += ["--tokenizer.kind", "words", "--tokenizer.size", "0", "--model.embedding", "8", "--model.units", "8"]
    words += ["--batching.rows", "4", "--batching.steps", "6", "--training.warmup_steps", "2"]
    words += ["--training.learning_rate", "0.05", "--exports", "", "--training.epochs", str(epochs)]
    return run_recipe(RECIPES, "python -m recipes.language_model", "", words)


@pytest.fixture(scope="session")
def language_run(text_file, made_once):
    """A finished run; tests may not change it, nor lock it."""

    def make(folder):
        assert train(text_file, folder) == 0

    return made_once("language_run", make)


def test_a_run_leaves_scores_with_their_units_a_sample_and_a_readme(language_run):
    scores = json.loads((language_run / "scores.json").read_text())["tests"]["test"]
    tokens = sum(len(line.split()) + 1 for line in TEXT)
    assert scores["perplexity"]["score"] < 15
    assert scores["perplexity"]["signature"].startswith(f"per:token|tokens:{tokens}|unknown:0|")
    assert scores["word_perplexity"]["score"] == pytest.approx(scores["perplexity"]["score"])
    assert scores["bits_per_character"]["signature"].startswith("per:character|")
    assert (language_run / "samples.txt").read_text().strip()
    assert "seq2seq next" in (language_run / "README.md").read_text()
    assert not (language_run / "stores").exists()


def test_evaluate_gives_what_the_run_has_recorded_with_others_beside_it(language_run, cli):
    recorded = json.loads((language_run / "scores.json").read_text())["tests"]["test"]
    code, out, err = cli("evaluate", language_run, "--json", "--ngram", "3")
    assert code == 0, err
    found = json.loads(out)
    assert found["model"] == recorded
    assert found["3-gram"]["perplexity"]["score"] < 15
    assert "kneser-ney:3" in found["3-gram"]["perplexity"]["signature"]


def test_a_mixture_is_no_worse_on_the_text_that_its_weight_is_chosen_by(language_run, cli):
    code, out, err = cli("evaluate", language_run, "--json", "--test", "validation", "--ngram", "3", "--mix")
    assert code == 0, err
    found = {name: scores["perplexity"] for name, scores in json.loads(out).items()}
    assert found["model and 3-gram"]["score"] <= min(found["model"]["score"], found["3-gram"]["score"]) + 1e-3
    assert "kneser-ney:3|weight:" in found["model and 3-gram"]["signature"]
    assert cli("evaluate", language_run, "--mix")[0] == 2
    assert cli("evaluate", language_run, "--mix", "--ngram", "3", "--dynamic", "0.1")[0] == 2


def test_an_n_gram_model_finds_its_training_text_from_any_folder_and_notices_a_change(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("\n".join(TEXT) + "\n")
    monkeypatch.chdir(tmp_path)
    recipe = from_json(Recipe, {"data": {"corpus": "files", "train": "a.txt", "max_train": 50}}, "recipe.json")
    corpus = find_corpus(recipe.data)
    folder = LanguageRunFolder(tmp_path / "run")
    folder.path.mkdir()
    record_data(folder, corpus)
    monkeypatch.chdir("/")
    monkeypatch.setattr(LanguageRunFolder, "load_recipe", lambda folder: recipe)
    assert list(folder.load_training_text()) == TEXT[:50]
    recipe = from_json(Recipe, {"data": {"corpus": "files", "train": "a.txt"}}, "recipe.json")
    assert list(folder.load_training_text()) == TEXT[:57]  # the last twentieth is validation text
    (tmp_path / "a.txt").write_text("other\n")
    with pytest.raises(RunFolderError, match="is missing or has changed since"):
        folder.load_training_text()


def test_the_validation_text_can_be_evaluated_too(language_run, cli):
    code, out, err = cli("evaluate", language_run, "--test", "validation", "--json")
    assert code == 0, err
    held_out = sum(len(line.split()) + 1 for line in TEXT[-3:])
    assert f"|tokens:{held_out}|" in json.loads(out)["model"]["perplexity"]["signature"]


@pytest.mark.parametrize("more", [["--cache", "50", "--cache-weight", "0.2"], ["--dynamic", "0.2"]])
def test_what_learns_from_the_text_says_so_in_its_signature(more, language_run, cli):
    recorded = json.loads((language_run / "scores.json").read_text())["tests"]["test"]["perplexity"]["score"]
    code, out, err = cli("evaluate", language_run, *more)
    assert code == 0, err
    line = out.splitlines()[1].split()
    assert line[0] == "perplexity"
    assert float(line[1]) != pytest.approx(recorded, abs=1e-3)
    if "--dynamic" in more:
        assert float(line[1]) < recorded
    assert more[0].removeprefix("--") + ":" in line[2]


def test_next_shows_words_with_bars_and_json(language_run, cli):
    code, out, err = cli("next", language_run, "the cat", "--top", "4")
    assert code == 0, err
    rows = [line.split() for line in out.splitlines()]
    assert len(rows) == 4
    code, out, _ = cli("next", language_run, "the cat", "--top", "4", "--json")
    found = json.loads(out)
    assert found["unit"] == "word"
    probabilities = [one["probability"] for one in found["next"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert probabilities[0] == pytest.approx(math.exp(found["next"][0]["log_probability"]))
    assert f"{probabilities[0]:.4f}" in rows[0]


def test_a_sample_goes_on_from_the_prompt_and_scores_as_it_was_drawn(language_run, cli):
    code, out, err = cli("sample", language_run, "--prompt", "the cat", "--length", "8", "--count", "2", "--json")
    assert code == 0, err
    first, second = map(json.loads, out.splitlines())
    assert first["text"] != second["text"]
    assert len(first["tokens"]) == 8
    code, out, _ = cli("sample", language_run, "--prompt", "the cat", "--length", "8")
    assert cli("sample", language_run, "--prompt", "the cat ", "--length", "8")[1] == out  # no blank comes twice
    assert out.rstrip("\n") == ("the cat" + first["text"]).rstrip("\n")
    code, out, _ = cli("score", language_run, "--json", text=("the cat" + first["text"]).encode())
    log_probs = [value for line in out.splitlines() for value in json.loads(line)["log_probabilities"]]
    assert log_probs[2:10] == pytest.approx(first["log_probabilities"], abs=1e-4)
    code, out, _ = cli("sample", language_run, "--one-line", "--length", "100")
    assert out.count("\n") == 1


def test_score_prints_tokens_lines_json_and_a_page(language_run, cli, tmp_path):
    text = b"the cat <b>\n\nthe cat"
    code, table, err = cli("score", language_run, "--heatmap", tmp_path / "a.html", text=text)
    assert code == 0, err
    assert "8 tokens, perplexity" in err
    assert "1 tokens are unknown" in err
    rows = [line.split("\t") for line in table.splitlines()]
    assert [row[0] for row in rows] == ["the", "cat", "<unk>", "</s>", "</s>", "the", "cat", "</s>"]
    assert all(float(row[2]) == pytest.approx(-float(row[1]) / math.log(2), abs=0.01) for row in rows)
    _, sums, _ = cli("score", language_run, "--lines", text=text)
    assert float(sums.splitlines()[2]) == pytest.approx(sum(float(row[1]) for row in rows[5:]), abs=0.01)
    _, out, _ = cli("score", language_run, "--lines", "--separate", text=text)
    assert out.splitlines()[0] == sums.splitlines()[0]
    page = (tmp_path / "a.html").read_text()
    assert "&lt;unk&gt;" in page
    assert "<b>" not in page
    assert page.count("<span") == 8 + 6
    assert "> cat</span>" in page  # words stand apart
    assert ">the</span>" in page


def test_it_reranks_a_list_by_its_targets_alone(language_run, cli, tmp_path):
    (tmp_path / "s").write_text("x\ny\n")
    (tmp_path / "n").write_text("0 ||| mat the the a ||| -1\n0 ||| the cat sees a ||| -1\n1 ||| a dog ||| -1\n")
    words = ["rerank", "--source", tmp_path / "s", "--n-best", tmp_path / "n", "--score", language_run]
    code, out, err = cli(*words)
    assert (code, out) == (0, "the cat sees a\na dog\n"), err
    code, _, err = cli(*words[:-2], "--reverse", language_run)
    assert code == 2
    assert "--reverse takes runs that read a source" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["next", "RUN", ""], "The prompt is empty."),
        (["next", "RUN", "\n"], "The prompt is empty."),
        (["next", "RUN", " "], "The prompt holds no token."),
        (["next", "RUN", "жжж жж"], "has nothing of the prompt."),
        (["score", "nowhere", "--lines"], "nowhere: no such run folder."),
        (["evaluate", "nowhere", "--text", "x"], "nowhere: no such run folder."),
        (["sample", "RUN", "--prompt", "a " * 60_000], "The prompt has 120,000 characters, at most 100,000 are read."),
        (["sample", "RUN", "--length", "0"], "must be from 1 to"),
        (["sample", "RUN", "--length", "-5"], "must be from 1 to"),
        (["sample", "RUN", "--temperature", "-1"], "temperature"),
        (["score", "RUN", "--json", "--lines"], "Give either --json or --lines."),
        (["score", "RUN", "--heatmap", "a.png"], "ends in .html"),
        (["evaluate", "RUN", "--test", "nothing"], "This run knows the test sets test. Received: 'nothing'."),
        (["evaluate", "RUN", "--text", "nowhere.txt"], "--text: nowhere.txt: no such file."),
        (["evaluate", "RUN", "--text", "/dev/null"], "is a folder, a pipe or a device."),
        (["evaluate", "RUN", "--cache", "9", "--dynamic", "1"], "Give either --dynamic or --cache"),
        (["evaluate", "RUN", "--cache", "-2"], "A cache expects"),
        (["evaluate", "RUN", "--dynamic", "-2"], "Dynamic evaluation expects"),
        (["translate", "RUN"], "takes runs of translation, summarization and compression. Received: "),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_mistake_gets_one_sentence(words, message, language_run, cli):
    code, out, err = cli(*[language_run if word == "RUN" else word for word in words])
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert err.splitlines()[-1].count("error: ") == 1


def test_a_prompt_of_unknown_characters_is_refused_whatever_the_tokens():
    class Model:
        name = "runs/a"
        codec = SubwordTokenizer.train(["the cat sits"] * 30, 14, "bpe")

        def read(self, lines):
            return lines

    for prompt in ("жжж", "жжж жж", "  ж"):
        with pytest.raises(ValueError, match="has nothing of the prompt"):
            read_prompt(Model(), [prompt])
    assert read_prompt(Model(), ["a ж"]) == ["a ж"]


def test_no_token_breaks_the_table_of_scores():
    line = ScoredLine("\t\x1b", (4, 5, EOS), np.zeros(3, np.float32))
    model = SimpleNamespace(codec=Vocabulary(["\t", "\x1b"], "characters"))
    options = ScoreOptions("", None, None, separate=False, lines=False, json=False, heatmap=None)
    rows = [row.split("\t") for row in _format(options, model, line).splitlines()]
    assert [row[0] for row in rows] == ["\\t", "\\u001b", "</s>"]
    assert {len(row) for row in rows} == {3}


def test_a_run_too_short_to_learn_gets_other_advice_than_one_that_diverges(caplog):
    for steps, message in ((16, "The run took only 16 steps"), (5000, "a lower rate")):
        caplog.clear()
        prepared = Prepared(None, SimpleNamespace(steps=steps), None, 2.0)
        _warn_if_nothing_was_learned([{"nll": 2.5}], prepared, "a lower rate")
        assert message in caplog.text
        assert ("a lower rate" in caplog.text) == (steps == 5000)


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        ("", [], "has 0 lines, so none can be held out"),
        ("a b c d", [], "has 1 line, so none can be held out"),
        ("a" * ((1 << 20) + 1), [], "is longer than 1,048,576 bytes"),
        (None, [], "no such file"),
    ],
)
def test_a_text_that_cannot_be_learned_gets_one_sentence(text, more, message, tmp_path, capsys):
    if text is not None:
        (tmp_path / "a.txt").write_text(text)
    code = run_recipe(
        RECIPES, "x", "", ["custom", "--data.train", str(tmp_path / "a.txt"), "--run-folder", str(tmp_path / "run")]
    )
    assert code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": {"readout": False, "units": 8, "embedding": 9}}, "needs model.units as wide as model.embedding"),
        ({"model": {"cell": "ssru", "weight_dropout": 0.5}}, "needs a cell with recurrent weights"),
        ({"batching": {"rows": 0}}, "batching.rows must be at least 1"),
        ({"model": {"dropout": 1.0}}, r"model.dropout must be in \[0, 1\)"),
        ({"data": {"corpus": "files"}}, "data.train must name a file"),
        ({"tokenizer": {"kind": "words", "size": 3}}, "tokenizer.size must be 0 or at least 5"),
        ({"training": {"learning_rate": 0}}, "learning_rate must be above 0"),
    ],
)
def test_a_recipe_that_contradicts_itself_says_so(values, message):
    with pytest.raises(RecipeError, match=message):
        from_json(Recipe, values, "recipe.json")


def test_a_run_goes_on_to_more_epochs(text_file, language_run, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(language_run, folder)
    assert train(text_file, folder, 3) == 0, capsys.readouterr().err
    history = (folder / "history.csv").read_text().splitlines()
    assert len(history) == 4
    assert history[:3] == (language_run / "history.csv").read_text().splitlines()
