"""A run that starts from another one."""

from __future__ import annotations

import json
import re
import shutil

import keras
import numpy as np
import pytest

from recipes.language_model import RECIPES
from seq2seq.cli.train import parse
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.run.parsing import RecipeError
from seq2seq.run.start import as_the_start, named, take_codec, take_weights
from seq2seq.tasks import named_recipes, translation
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.model import build_model
from seq2seq.text.growth import parts_of
from tests.runs import history_of, training_of


def starting(finished, **training):
    """The recipe of a run that starts from another, and the folder's."""
    recipe = TextRunFolder(finished).load_recipe()
    options = recipe.training.model_copy(update={"start_from": str(finished), **training})
    return recipe.model_copy(update={"training": options})


def network(recipe, tokenizers):
    source, target = tokenizers
    return build_model(recipe.model, source.size, target.size, source.vocabulary)


def test_after_no_step_the_run_is_the_one_that_it_started_from(finished, tmp_path, caplog):
    folder, recipe = TextRunFolder(tmp_path / "new"), starting(finished)
    folder.path.mkdir()
    folder.save_recipe(recipe)
    take_codec(folder, recipe, translation)
    for file in ("source.model", "target.model"):
        assert (folder.path / file).read_bytes() == (finished / file).read_bytes()
    caplog.set_level("INFO")
    model = network(recipe, folder.load_tokenizers())
    take_weights(model, recipe, translation)
    old, *_ = TextRunFolder(finished).load_model()
    for one, other in zip(model.get_weights(), old.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    count = f"{model.count_params():,}"
    assert f"{count} of {count} weights" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_what_fits_is_taken_and_the_rest_is_named(finished, caplog):
    recipe = starting(finished)
    deeper = recipe.model.model_copy(
        update={
            "encoder": recipe.model.encoder.model_copy(update={"num_layers": 2}),
            "decoder": recipe.model.decoder.model_copy(update={"attention": "none"}),
        }
    )
    recipe = recipe.model_copy(update={"model": deeper})
    model, old = network(recipe, TextRunFolder(finished).load_tokenizers()), TextRunFolder(finished).load_model()[0]
    before = {name: weight.numpy() for name, weight in named(model.weights).items()}
    take_weights(model, recipe, translation)
    theirs, ours = named(old.weights), named(model.weights)
    new = {name for name in ours if "encoder/forward_1/" in name or "encoder/backward_1/" in name}
    assert new
    for name, weight in ours.items():
        fits = name in theirs and theirs[name].shape == weight.shape
        assert not (fits and name in new)
        np.testing.assert_array_equal(weight.numpy(), theirs[name].numpy() if fits else before[name])
        assert fits or f"{name} {tuple(weight.shape)}" in caplog.text
    assert "not used: " in caplog.text
    assert "attention" in caplog.text.split("not used: ")[1]


def test_names_do_not_depend_on_what_was_made_before():
    recipe = named_recipes("translation")["tiny"]
    one, other = (build_model(recipe.model, 20, 20, None) for _ in range(2))
    assert list(named(one.weights)) == list(named(other.weights))
    assert len(named(one.weights)) == len(one.weights)
    for mine, theirs in zip(named(one.weights).values(), one.weights, strict=True):
        assert mine is theirs


def test_a_run_from_another_begins_better_and_killed_ends_the_same(run, finished, tmp_path, monkeypatch):
    words = ["--training.start_from", str(finished), "--training.checkpoint_minutes", "1e-9"]
    assert run(tmp_path / "whole", *words) == 0
    first = float(history_of(tmp_path / "whole")[0]["val_nll"])
    assert first < min(float(row["val_nll"]) for row in history_of(finished))
    record = json.loads((tmp_path / "whole" / "started_from.json").read_text())
    assert record["run"] == str(finished.resolve())

    from seq2seq.training import checkpoint

    class Killed(BaseException):
        pass

    save = checkpoint.save_checkpoint

    def save_then_die(path, objective, progress):
        save(path, objective, progress)
        if progress["step"] == 1:
            raise Killed

    start = shutil.copytree(finished, tmp_path / "start")
    words[1] = str(start)
    monkeypatch.setattr(checkpoint, "save_checkpoint", save_then_die)
    with pytest.raises(Killed):
        run(tmp_path / "parted", *words)
    monkeypatch.undo()
    shutil.rmtree(start)  # it is not needed any more
    assert run(tmp_path / "parted", *words) == 0
    assert training_of(tmp_path / "parted") == training_of(tmp_path / "whole")


def test_network_and_vocabulary_are_those_of_the_start_unless_they_are_given(finished, tmp_path):
    there = TextRunFolder(finished).load_recipe()
    flags = {"training.start_from": str(finished)}
    found = as_the_start(named_recipes("translation")["demo"], flags, tmp_path / "new")
    assert (found.model, found.tokenizer, found.name) == (there.model, there.tokenizer, "demo")
    words = ["demo", "--training.start_from", str(finished), "--model.encoder.num_layers", "2"]
    recipe, _ = parse(named_recipes("translation"), words)
    assert recipe.model.encoder == there.model.encoder.model_copy(update={"num_layers": 2})
    assert as_the_start(recipe, {}, tmp_path) is recipe


def test_what_cannot_be_started_from_is_said(finished, tmp_path):
    def message(kind, **training):
        recipe = starting(finished, **training)
        folder = RunFolder(tmp_path / "new")
        with pytest.raises(kind) as caught:
            take_codec(folder, recipe, translation)
        assert "\n  " in str(caught.value) or "\n" not in str(caught.value)
        return str(caught.value)

    nowhere = str(tmp_path / "nowhere")
    expected = f"--training.start_from: {nowhere}: no such run folder."
    assert message(RunFolderError, start_from=nowhere) == expected
    with pytest.raises(RunFolderError, match=re.escape(expected)):
        as_the_start(named_recipes("translation")["tiny"], {"training.start_from": nowhere}, tmp_path / "new")
    assert "cannot start from itself" in message(RecipeError, start_from=str(tmp_path / "new"))
    with pytest.raises(RunFolderError, match="expected a run of the task language_model") as caught:
        as_the_start(RECIPES["tiny"], {"training.start_from": str(finished)}, tmp_path)
    assert "\n" not in str(caught.value)  # and not all that another task has no fields for
    recipe = starting(finished)
    other = recipe.model_copy(update={"tokenizer": recipe.tokenizer.model_copy(update={"size": 77})})
    with pytest.raises(RecipeError, match=r"tokenizer\.size: 60 there, 77 now"):
        take_codec(RunFolder(tmp_path / "new"), other, translation)
    untrained = shutil.copytree(finished, tmp_path / "untrained")
    (untrained / "model.weights.h5").unlink()
    assert "no trained weights yet" in message(RunFolderError, start_from=str(untrained))


def test_another_start_than_the_run_began_with_is_refused(finished, tmp_path):
    start = shutil.copytree(finished, tmp_path / "start")
    folder, recipe = RunFolder(tmp_path / "new"), starting(start)
    folder.path.mkdir()
    take_codec(folder, recipe, translation)
    take_codec(folder, recipe, translation)  # as a run that was stopped before its first checkpoint
    model, *_ = TextRunFolder(start).load_model()
    model.weights[0].assign(keras.ops.zeros_like(model.weights[0]))
    model.save_weights(start / "model.weights.h5")
    with pytest.raises(RunFolderError, match="began with other weights"):
        take_codec(folder, recipe, translation)


def test_nothing_that_fits_is_an_error(finished, monkeypatch):
    recipe = starting(finished)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(RunFolderError, match=r"no weights of .* fit this network"):
        take_weights(model, recipe, translation)


def test_a_vocabulary_grows_and_its_old_rows_are_kept(run, finished, tmp_path, monkeypatch, caplog):
    source = tmp_path / "new.tsv"
    source.write_text("".join(f"жж ab zz{n % 3}\tЖЖ AB ZZ{n % 3}\n" for n in range(40)), "utf-8")
    start = shutil.copytree(finished, tmp_path / "start")
    words = ["--data.train.source", str(source), "--data.train.target", "", "--training.epochs", "1"]
    words += ["--training.start_from", str(start), "--training.grow_vocabulary", "6"]
    taken = {}

    def take(model, *others):
        taken["before"] = {name: weight.numpy() for name, weight in named(model.weights).items()}
        take_weights(model, *others)
        taken["after"] = {name: weight.numpy() for name, weight in named(model.weights).items()}

    monkeypatch.setattr("seq2seq.run.train.take_weights", take)
    caplog.set_level("INFO")
    assert run(tmp_path / "grown", *words) == 0
    assert "has grown: " in caplog.text
    assert "New, since" not in caplog.text
    old, *tokenizers = TextRunFolder(finished).load_model()
    _, new = TextRunFolder(tmp_path / "grown").load_tokenizers()
    assert new.size == tokenizers[1].size + 6
    parts = parts_of(tokenizers[1], new)
    theirs = {name: weight.numpy() for name, weight in named(old.weights).items()}
    assert {len(taken["after"][name]) for name in theirs if len(theirs[name]) == tokenizers[1].size} == {new.size}
    for name, weight in theirs.items():
        ours = taken["after"][name]
        if ours.shape == weight.shape:
            np.testing.assert_array_equal(ours, weight)
        else:
            for row, drawn, some in zip(ours, taken["before"][name], parts, strict=True):
                np.testing.assert_allclose(row, weight[some].mean(0) if some else drawn, rtol=1e-6)
    monkeypatch.undo()
    # What has begun does not grow again, and does not need the other run.
    model = (tmp_path / "grown" / "target.model").read_bytes()
    shutil.rmtree(start)
    assert run(tmp_path / "grown", *words, "--training.epochs", "2") == 0
    assert (tmp_path / "grown" / "target.model").read_bytes() == model


def test_tags_that_a_vocabulary_lacks_need_growth(run, finished, tmp_path, capsys):
    words = ["--training.start_from", str(finished), "--tokenizer.tags", ">>x<<"]
    assert run(tmp_path / "new", *words) == 2
    assert f"The vocabulary of {finished} has no symbol >>x<< of tokenizer.tags. Let it grow" in capsys.readouterr().err
    with pytest.raises(RecipeError, match=r"grow_vocabulary needs training\.start_from"):
        parse(named_recipes("translation"), ["tiny", "--training.grow_vocabulary", "5"])
