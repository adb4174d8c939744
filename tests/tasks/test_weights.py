"""Training files that an epoch reads more or less often than once."""

from __future__ import annotations

from collections import Counter

import pytest

from seq2seq.run.parsing import RecipeError, override
from seq2seq.tasks.text_to_text.data import find_corpus
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.prepare import TokenisedCorpus, learn_tokenizers
from seq2seq.tasks.text_to_text.recipe import Recipe


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, count in (("a", 104), ("b", 20)):
        (folder / f"{name}.tsv").write_text("".join(f"{name} {n} x\t{name.upper()} {n}\n" for n in range(count)))
    return folder


def recipe_of(files, **fields):
    flags = {"data.corpus": "files", "data.train.source": f"{files / 'a.tsv'},{files / 'b.tsv'}"}
    return override(Recipe(), flags | {"tokenizer.kind": "words", "batching.tokens": "60"} | fields)


def stores_of(folder, recipe):
    run, corpus = TextRunFolder(folder), find_corpus(recipe.data)
    run.path.mkdir(exist_ok=True)
    if not run.recipe_file.exists():
        run.save_recipe(recipe)
    return TokenisedCorpus(run, recipe, corpus, *learn_tokenizers(run, recipe, corpus))


def sources_of(stores, epoch):
    plan = stores.plan(epoch)
    ids = [plan.store["source"][row].tolist() for step in range(len(plan)) for row in plan.rows(step)]
    return Counter(stores.source.decode(ids))


def test_files_are_read_as_often_as_their_weights_say(files, tmp_path):
    recipe = recipe_of(files, **{"data.train_weights": "0.5,3"})
    stores = stores_of(tmp_path / "run", recipe)
    first, second = sources_of(stores, 0), sources_of(stores, 1)
    held_out = {example.source for example in find_corpus(recipe.data).validation}
    assert held_out == {"a 49 x", "a 99 x"}
    a = {f"a {n} x" for n in range(104)} - held_out
    assert {line: count for line, count in first.items() if line[0] == "b"} == {f"b {n} x": 3 for n in range(20)}
    assert sum(count for line, count in first.items() if line[0] == "a") == 51
    assert {line for line in first | second if line[0] == "a"} == a
    assert stores.steps == len(stores.plan(0))
    assert sources_of(stores_of(tmp_path / "run", recipe), 1) == second, "the same in another process"


def test_weights_of_1_are_no_weights(files, tmp_path):
    plain = stores_of(tmp_path / "run", recipe_of(files)).plan(1)
    ones = stores_of(tmp_path / "run", recipe_of(files, **{"data.train_weights": "1,1"})).plan(1)
    assert [ones.rows(step).tolist() for step in range(len(ones))] == [
        plain.rows(step).tolist() for step in range(len(plain))
    ]


def test_added_pairs_have_the_weight_1(files, tmp_path):
    (files / "c.tsv").write_text("c 1 x\tC 1\nc 2 x\tC 2\n")
    both = {"data.train_weights": "1,0", "data.added.source": str(files / "c.tsv")}
    found = sources_of(stores_of(tmp_path / "run", recipe_of(files, **both)), 0)
    assert Counter(line[0] for line in found.elements()) == {"a": 102, "c": 2}
    with pytest.raises(ValueError, match=r"--data\.added\.source names .*a\.tsv, which --data\.train\.source names"):
        find_corpus(recipe_of(files, **both | {"data.added.source": str(files / "a.tsv")}).data)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("1", r"expects a number for each of the 2 training files .*Received 1: 1$"),
        ("1,2,3", r"Received 3: 1,2,3$"),
        ("1,-1", r"data\.train_weights must be numbers from 0 to 1000, received 1,-1$"),
        ("1,nan", r"finite number. Received: 'nan'"),
        ("inf,1", r"finite number. Received: 'inf'"),
        ("0,0", r"must not all be 0"),
    ],
)
def test_wrong_weights_are_said(files, weights, message):
    with pytest.raises((RecipeError, ValueError), match=message):
        find_corpus(recipe_of(files, **{"data.train_weights": weights}).data)
