"""Guided attention by a recipe: from a file of links to a model that attends as they say."""

from __future__ import annotations

import pytest

from seq2seq.cli.main import main
from seq2seq.pipeline.store import Store
from seq2seq.run.folder import RunFolder
from seq2seq.run.parsing import RecipeError, override
from seq2seq.tasks.text_to_text.prepare import Corpus, TokenisedCorpus
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.text.corpus import read_lines
from seq2seq.text.examples import Example
from tests.runs import training_of

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def links(corpus_files, tmp_path_factory):
    """In the toy language each word is linked to its capitals: the n-th to the n-th."""
    path = tmp_path_factory.mktemp("links") / "links"
    lines = read_lines(corpus_files / "train.x")
    path.write_text("".join(" ".join(f"{n}-{n}" for n in range(len(line.split()))) + "\n" for line in lines))
    return path


def share_on_the_diagonal(run_folder, corpus_files, out):
    files = ("--source", corpus_files / "test.x", "--target", corpus_files / "test.y", "--hard-alignments", out)
    assert main(["align", str(run_folder), *map(str, files)]) == 0
    found = [link.split("-") for line in read_lines(out) for link in line.split()]
    return sum(i == j for i, j in found) / len(found)


def test_a_guided_run_attends_as_the_links_say(run, finished, links, corpus_files, tmp_path):
    more = ("--training.epochs", "4", "--model.encoder.units", "16", "--model.decoder.units", "16")
    more += ("--model.decoder.attention_position", "after", "--training.ema", "0", "--training.select_by", "loss")
    more += ("--training.learning_rate", "0.02", "--search.beam_size", "1")
    more += ("--batching.tokens", "50", "--model.encoder.dropout", "0", "--model.decoder.dropout", "0")
    guided = ("--data.train_alignments", str(links), "--training.alignment_loss", "1")
    assert run(tmp_path / "guided", *more, *guided) == 0
    assert share_on_the_diagonal(finished, corpus_files, tmp_path / "out") < 0.6
    assert share_on_the_diagonal(tmp_path / "guided", corpus_files, tmp_path / "out") > 0.8


def test_guidance_ends_with_its_last_epoch_and_a_stopped_run_goes_on_alike(quick_run, links, tmp_path, monkeypatch):
    from seq2seq.training import checkpoint

    save = checkpoint.save_checkpoint
    guided = (
        "--data.train_alignments",
        str(links),
        "--training.alignment_loss",
        "2",
        "--training.alignment_epochs",
        "2",
    )

    class Killed(BaseException):
        pass

    def save_then_die(path, objective, progress):
        save(path, objective, progress)
        if progress["epoch"] == 1:
            raise Killed

    assert quick_run(tmp_path / "whole", *guided) == 0
    monkeypatch.setattr(checkpoint, "save_checkpoint", save_then_die)
    with pytest.raises(Killed):
        quick_run(tmp_path / "parted", *guided)
    assert "alignment" in Store(tmp_path / "parted" / "stores" / "train")
    assert "alignment" not in Store(tmp_path / "parted" / "stores" / "validation")
    monkeypatch.setattr(checkpoint, "save_checkpoint", save)
    assert quick_run(tmp_path / "parted", *guided) == 0
    whole, parted = (training_of(tmp_path / name) for name in ("whole", "parted"))
    assert whole == parted
    # The loss counts the guidance in the first two epochs alone: that of the third is the loss of the pieces.
    gaps = [float(row["loss"]) - float(row["nll"]) for row in whole["history"]]
    assert min(gaps[:2]) > 1 > gaps[2]


@pytest.fixture
def tokenised(tokenizers, tmp_path):
    """The tokenised corpus of a recipe with these changes."""

    def make(**changes):
        recipe = override(Recipe(), {name.replace("__", "."): value for name, value in changes.items()})
        lines = ["the cat sits", "", "green ½ trees", "hello, world!"]
        text = [
            Example(
                line,
                " ".join(reversed(line.split())),
                n,
                alignment=tuple((i, len(line.split()) - 1 - i) for i in range(len(line.split()))),
            )
            for n, line in enumerate(lines, 1)
        ]
        tokenizer = tokenizers["unigram", False]
        return TokenisedCorpus(RunFolder(tmp_path / "run"), recipe, Corpus(text, text, {}), tokenizer, tokenizer)

    return make


GUIDED = {"training__alignment_loss": "1", "data__train_alignments": "links"}


@pytest.mark.parametrize("sampling", ["0", "0.2"])
def test_links_of_words_reach_the_pieces_however_they_are_cut(tokenised, sampling):
    corpus = tokenised(tokenizer__sampling=sampling, **GUIDED)
    lines = ["the cat sits", "green ½ trees", "hello, world!"]
    cuts = set()
    for epoch in range(3):
        store = corpus.epoch(epoch)
        for pair, line in enumerate(lines):
            sides = store["source"][pair][:-1].tolist(), store["target"][pair][:-1].tolist()
            cuts.add((pair, tuple(sides[0])))
            words = line.split()
            source, target = (
                corpus.source.line_word_numbers([" ".join(text)], [ids])[0]
                for text, ids in zip((words, words[::-1]), sides, strict=True)
            )
            wanted = {(i, j) for i, n in enumerate(source) for j, m in enumerate(target) if n + m == len(words) - 1}
            assert wanted == {(int(i), int(j)) for i, j in store["alignment"][pair]}
    assert (len(cuts) > 3) == (sampling != "0")


def test_a_store_of_a_run_that_was_not_guided_is_made_again(tokenised):
    assert "alignment" not in tokenised().train
    assert "alignment" in tokenised(**GUIDED).train
    assert "alignment" not in tokenised().train


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.alignment_loss": "1"}, "training.alignment_loss needs data.train_alignments"),
        ({"data.train_alignments": "x"}, "data.train_alignments needs training.alignment_loss above 0"),
        ({"training.alignment_epochs": "2"}, "training.alignment_epochs needs training.alignment_loss above 0"),
        ({"training.alignment_loss": "-1"}, "training.alignment_loss must not be negative"),
        (
            {"training.alignment_loss": "1", "data.train_alignments": "x", "model.decoder.attention": "none"},
            "training.alignment_loss needs attention",
        ),
    ],
)
def test_a_recipe_that_cannot_be_guided_is_refused(changes, message):
    with pytest.raises(RecipeError, match=message):
        override(Recipe(), changes)


def test_mistakes_in_the_links_are_told_before_anything_is_made(run, links, tmp_path, capsys):
    lines = links.read_text().splitlines()
    (tmp_path / "bad").write_text("\n".join([*lines[:6], lines[6] + " 40-0", *lines[7:]]) + "\n")
    guided = ("--training.alignment_loss", "1", "--data.train_alignments")
    assert run(tmp_path / "run", *guided, str(tmp_path / "bad")) == 2
    assert f"{tmp_path / 'bad'}:7: '40-0' aligns word 40 of the source" in capsys.readouterr().err
    assert run(tmp_path / "run", *guided, str(tmp_path / "none")) == 2
    assert "none: no such file" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
