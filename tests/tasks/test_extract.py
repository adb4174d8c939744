"""A recipe that learns what to keep: from pairs of text to extracts, by every way to use a run."""

from __future__ import annotations

import json
import random
import shutil

import numpy as np
import pytest

from seq2seq.run.folder import save_weights
from seq2seq.run.opening import open_run
from seq2seq.run.parsing import RecipeError, override
from seq2seq.tasks.text_to_text import loading
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.prepare import Corpus, learn_tokenizers
from seq2seq.tasks.text_to_text.recipe import Model, Recipe, Tokenizer
from seq2seq.text.corpus import read_lines
from seq2seq.text.examples import Example

pytestmark = pytest.mark.usefixtures("loaded_once")

WORDS = ["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]
KEPT = set(WORDS[::2])
SELECTOR = ("--model.selector", "true", "--training.selector_loss", "1", "--search.extract", "true")


def shortened(line):
    """In this language every other word is idle."""
    return " ".join(word for word in line.split() if word in KEPT)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, draw = tmp_path_factory.mktemp("extracts"), random.Random(3)
    flags = []
    for split, count in (("train", 120), ("validation", 12), ("test", 8)):
        lines = [" ".join([draw.choice(WORDS) for _ in range(draw.randint(1, 6))] + ["ab"]) for _ in range(count)]
        for side, text in (("source", lines), ("target", map(shortened, lines))):
            path = folder / f"{split}.{side}"
            path.write_text("".join(line + "\n" for line in text))
            flags += [f"--data.{split}.{side}", str(path)]
    return folder, flags


@pytest.fixture(scope="module")
def extractors(run, files, tmp_path_factory):
    """A run folder, and a copy with other weights that extracts alike; tests may not change them."""
    folder = tmp_path_factory.mktemp("extractors")
    more = ("--model.encoder.units", "16", "--training.learning_rate", "0.03", "--training.ema", "0")
    more += ("--batching.tokens", "300", "--model.encoder.dropout", "0", "--task", "compression")
    more += ("--model.words", "true")
    assert run(folder / "one", *files[1], *more, *SELECTOR) == 0
    two = TextRunFolder(shutil.copytree(folder / "one", folder / "two"))
    model, draw = two.load_model()[0], np.random.default_rng(1)
    model.set_weights([weight * draw.uniform(0.9, 1.1, weight.shape) for weight in model.get_weights()])
    save_weights(model, two.weights_file)
    return folder / "one", two.path


def test_a_run_learns_what_to_keep_and_is_scored_by_its_extracts(extractors, files):
    hypotheses = list(read_lines(extractors[0] / "hypotheses" / "test.txt"))
    assert hypotheses == list(read_lines(files[0] / "test.target"))
    scores = json.loads((extractors[0] / "scores.json").read_text())["tests"]["test"]
    assert scores["f1"]["score"] == scores["exact"]["score"] == 100.0
    assert "selector on the encoder" in (extractors[0] / "README.md").read_text()


def test_one_line_and_many_are_extracted_alike_and_scores_are_chances(extractors):
    generator = loading.load_generator(extractors[0])
    lines = ["ab cd ef", "", "kl", "gh ab ij op mn cd ef kl"]
    together = generator.generate(lines)
    assert [found[0].text for found in together] == [generator(line) for line in lines]
    assert together[1][0].text == ""
    for line, found in zip(lines, together, strict=True):
        if line:
            assert 0 < found[0].score <= 1
            assert 0 < found[0].confidence <= 1


def test_the_command_line_extracts_and_searches(cli, extractors):
    one = extractors[0]
    assert cli("summarize", one, text=b"ab cd ef\n")[:2] == (0, "ab ef\n")
    assert cli("summarize", one, "--extract", text=b"ab cd ef\n")[:2] == (0, "ab ef\n")
    code, out, err = cli("summarize", one, "--no-extract", "--n-best", "2", text=b"ab cd ef\n")
    assert code == 0, err
    assert len(out.splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--n-best", "2"), "An extract is one text a line"),
        (("--sampling",), "An extract is one text a line"),
        (("--prefix", "ab"), "it has no constraints"),
        (("--include", "ab"), "it has no constraints"),
    ],
)
def test_what_an_extract_cannot_do_is_told_in_one_line(cli, extractors, words, told):
    code, out, err = cli("summarize", extractors[0], *words, text=b"ab cd ef\n")
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_run_without_a_selector_says_so(cli, finished):
    code, _, err = cli("translate", finished, "--extract", text=b"ab\n")
    assert code == 2
    assert "no selector" in err
    assert err.count("\n") == 1


def test_an_ensemble_extracts_by_the_mean(cli, extractors):
    lines = ["ab cd ef gh", "op mn ij"]
    code, out, err = cli("summarize", *extractors, text="\n".join(lines).encode())
    assert code == 0, err
    assert out.splitlines() == [shortened(line) for line in lines]
    alone = [loading.load_generator(path).generate(lines) for path in extractors]
    mixed = loading.load_generator(extractors[0], extractors[1:]).generate(lines)
    for n in range(2):
        scores = sorted(found[n][0].score for found in alone)
        assert scores[0] - 1e-6 <= mixed[n][0].score <= scores[1] + 1e-6


def test_members_must_all_have_a_selector_and_the_same_pieces(cli, extractors, finished):
    code, _, err = cli("summarize", extractors[0], finished, text=b"ab\n")
    assert code == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.selector": "true"}, "model.selector and training.selector_loss above 0 need each other"),
        ({"training.selector_loss": "1"}, "model.selector and training.selector_loss above 0 need each other"),
        ({"training.selector_loss": "-1"}, "training.selector_loss must not be negative"),
        ({"search.extract": "true"}, "search.extract needs model.selector"),
        (
            {"model.selector": "true", "training.selector_loss": "1", "data.right_to_left": "true"},
            "model.selector keeps source tokens as they are",
        ),
        (
            {"model.selector": "true", "training.selector_loss": "1", "training.alignment_loss": "1"},
            "model.selector makes alignments of its own",
        ),
    ],
)
def test_a_recipe_that_cannot_extract_is_refused(changes, message):
    with pytest.raises(RecipeError, match=message):
        override(Recipe(), changes)


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize(
    ("line", "long"), [("这是一个没有空格的句子而且它相当长", True), ("the words stand apart here", False)]
)
def test_text_that_no_blanks_part_is_told_of(line, long, words, tmp_path, caplog):
    draw = random.Random(1)
    parts = line.split() if " " in line else [*line]
    lines = [(" " * (" " in line)).join(draw.sample(parts, len(parts))) for _ in range(30)]
    pairs = [Example(text, text, number) for number, text in enumerate(lines, 1)]
    recipe = Recipe(tokenizer=Tokenizer(size=60), model=Model(words=words))
    assert not open_run(TextRunFolder(tmp_path), recipe)
    with caplog.at_level("WARNING"):
        learn_tokenizers(TextRunFolder(tmp_path), recipe, Corpus(pairs, pairs, {}))
    assert ("tokens between spaces" in caplog.text) == (long and words)
