"""The mean of weights as a run of its own, and the epochs that a run keeps for it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import seq2seq
from seq2seq.run import average
from seq2seq.run.folder import RunFolderError, load_weights, save_weights
from seq2seq.tasks import translation
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from tests.small_task import SMALL_TASK, untrained_model


def average_runs(runs, output, last=0):
    return average.average_runs(runs, output, translation, last)


def weights_of(folder):
    model, _, _ = TextRunFolder(folder).load_model()
    return model.get_weights()


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of the finished run, its weights changed by a function."""

    def copy_(name, change=lambda weight: weight):
        folder = tmp_path / name
        shutil.copytree(finished, folder)
        model, _, _ = TextRunFolder(folder).load_model()
        model.set_weights([change(weight) for weight in model.get_weights()])
        save_weights(model, folder / "model.weights.h5")
        return folder

    return copy_


def test_the_average_of_equal_weights_is_each_of_them(finished, tmp_path):
    new = average_runs([finished] * 3, tmp_path / "new")
    for one, other in zip(weights_of(new), weights_of(finished), strict=True):
        np.testing.assert_array_equal(one, other)
    lines = ["ab cd", "", "ef gh ij"]
    assert seq2seq.load(new)(lines) == seq2seq.load(finished)(lines)


def test_the_average_is_the_mean_of_each_weight(copy, tmp_path):
    one, other = copy("one"), copy("other", lambda weight: 3 * weight + 1)
    for mean, weight in zip(weights_of(average_runs([one, other], tmp_path / "new")), weights_of(one), strict=True):
        np.testing.assert_allclose(mean, 2 * weight + 0.5, atol=1e-6)


def test_the_new_folder_says_what_it_is_made_of(finished, copy, tmp_path):
    other = copy("other")
    new = average_runs([finished, other], tmp_path / "runs" / "new")
    made_of = json.loads((new / "recipe.json").read_text())["made_of"]
    assert [part["weights"] for part in made_of] == [str(f / "model.weights.h5") for f in (finished, other)]
    assert all(len(part["sha256"]) == 64 for part in made_of)
    readme = (new / "README.md").read_text()
    assert str(finished) in readme
    assert str(other) in readme
    assert TextRunFolder(new).load_recipe().name == "new"
    assert TextRunFolder(new).load_test("test") == TextRunFolder(finished).load_test("test")
    assert not list((tmp_path / "runs").glob("partial-*"))


def other_recipe(folder, part, name, value):
    values = json.loads((folder / "recipe.json").read_text())
    place = values["recipe"]
    for key in part:
        place = place[key]
    place[name] = value
    (folder / "recipe.json").write_text(json.dumps(values))


def test_what_does_not_go_together_is_refused_by_name_and_nothing_is_made(finished, copy, tokenizers, tmp_path):
    other = copy("other")
    other_recipe(other, ["model", "decoder"], "units", 9)
    with pytest.raises(RunFolderError, match=r"other are of different architectures:\n  decoder.units: 8 and 9"):
        average_runs([finished, other], tmp_path / "new")
    other = copy("cut")
    tokenizers["bpe", False].save(other / "target.model")
    with pytest.raises(RunFolderError, match="cut have different target vocabularies"):
        average_runs([finished, other], tmp_path / "new")
    other = copy("backwards")
    other_recipe(other, ["data"], "right_to_left", True)
    with pytest.raises(RunFolderError, match="right_to_left: False and True"):
        average_runs([finished, other], tmp_path / "new")
    with pytest.raises(RunFolderError, match="made of several runs, or of epochs"):
        average_runs([finished], tmp_path / "new")
    with pytest.raises(RunFolderError, match=r"has kept 0 epochs, not 2: train with --training\.keep_epochs 2"):
        average_runs([finished], tmp_path / "new", last=2)
    assert not (tmp_path / "new").exists()
    with pytest.raises(ValueError, match="expected a new or empty folder"):
        average_runs([finished, finished], finished)


def test_other_dropout_is_no_other_architecture(finished, copy, tmp_path):
    other = copy("other")
    other_recipe(other, ["model", "decoder"], "dropout", 0.7)
    assert average_runs([finished, other], tmp_path / "new").is_dir()


def test_an_average_is_not_trained_on(run, finished, tmp_path, capsys):
    new = average_runs([finished, finished], tmp_path / "new")
    before = (new / "model.weights.h5").read_bytes()
    assert run(new) == 2
    assert "holds averaged weights" in capsys.readouterr().err
    assert (new / "model.weights.h5").read_bytes() == before


def test_the_last_epochs_are_kept_killed_or_not_and_averaged(quick_run, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    from seq2seq.training import checkpoint

    save = checkpoint.save_checkpoint

    def die_then_save(path, objective, progress):
        if progress["epoch"] == 2:
            raise Killed  # the epoch's weights are kept, and it will be trained again
        save(path, objective, progress)

    flags = ("--training.keep_epochs", "2")
    monkeypatch.setattr(checkpoint, "save_checkpoint", die_then_save)
    with pytest.raises(Killed):
        quick_run(tmp_path / "run", *flags)
    assert list(TextRunFolder(tmp_path / "run").kept_epochs()) == [1, 2]
    monkeypatch.undo()

    def weights_in(file):
        model = untrained_model(TextRunFolder(tmp_path / "run"))
        load_weights(model, file)
        return model.get_weights()

    killed = weights_in(tmp_path / "run" / "epochs" / "0002.weights.h5")
    assert quick_run(tmp_path / "run", *flags) == 0
    kept = TextRunFolder(tmp_path / "run").kept_epochs()
    assert list(kept) == [2, 3]
    assert sorted(p.name for p in (tmp_path / "run" / "epochs").iterdir()) == ["0002.weights.h5", "0003.weights.h5"]
    second, third = (weights_in(path) for path in kept.values())
    for one, other in zip(second, killed, strict=True):
        np.testing.assert_array_equal(one, other)
    new = average.average_runs([tmp_path / "run"], tmp_path / "new", SMALL_TASK, last=2)
    for mean, one, other in zip(weights_in(new / "model.weights.h5"), second, third, strict=True):
        np.testing.assert_allclose(mean, (one + other) / 2, rtol=1e-5, atol=1e-7)
    # Of one epoch the mean is the epoch.
    only = average.average_runs([tmp_path / "run"], tmp_path / "only", SMALL_TASK, last=1)
    for one, other in zip(weights_in(only / "model.weights.h5"), third, strict=True):
        np.testing.assert_array_equal(one, other)
