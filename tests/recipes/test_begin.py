"""What a recipe's command leaves behind when it fails before, or after, something was done."""

import os

import pytest

from recipes.translation import RECIPES
from seq2seq.cli.common import EXIT_FAILED, EXIT_MISTAKE
from seq2seq.cli.train import build_run, run_recipe
from seq2seq.signals import EXIT_INTERRUPTED, RunFailed

GOES_ON = "the same command goes on from there"


def start(build, *words):
    return run_recipe(RECIPES, "train", "", ["tiny", *map(str, words)], build)


def failing(error, name="model.weights.h5"):
    def build(folder, recipe):
        if name:
            (folder.path / name).touch()
        raise error

    return build


@pytest.mark.parametrize("error", [ValueError("odd line"), OSError(28, "full"), KeyboardInterrupt(), RunFailed("lost")])
def test_a_folder_in_which_nothing_was_done_goes_again(tmp_path, capsys, error):
    assert start(failing(error, ""), "--run-folder", tmp_path / "runs" / "a")
    assert GOES_ON not in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "code", "goes_on"),
    [
        (OSError(28, "No space left on device"), EXIT_FAILED, True),
        (KeyboardInterrupt(), EXIT_INTERRUPTED, True),
        (ValueError("odd line"), EXIT_MISTAKE, False),
        (RunFailed("training diverges"), EXIT_FAILED, False),
    ],
)
def test_the_same_command_is_advised_only_where_it_helps(tmp_path, capsys, error, code, goes_on):
    assert start(failing(error), "--run-folder", tmp_path / "a") == code
    assert (GOES_ON in capsys.readouterr().err) == goes_on
    assert (tmp_path / "a" / "recipe.json").exists()
    (tmp_path / "a" / "recipe.json").write_text("{")
    assert start(failing(error), "--run-folder", tmp_path / "a") == EXIT_MISTAKE  # it cannot be opened
    assert GOES_ON not in capsys.readouterr().err


def test_a_run_folder_that_cannot_be_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "t.en").touch()
    for name, message in (("t.en", "is a file. Choose another folder"), ("x" * 300, "File name too long")):
        assert start(failing(ValueError("x")), "--run-folder", tmp_path / name)
        told = capsys.readouterr().err
        assert message in told
        assert told.count("\n") == 1
    assert os.listdir(tmp_path) == ["t.en"]


def test_a_number_beyond_what_the_libraries_take_is_refused(tmp_path, capsys):
    assert start(failing(ValueError("x")), "--training.loss_budget_mb", 10**22, "--seed", 2**31) == EXIT_MISTAKE
    told = capsys.readouterr().err
    assert "--training.loss_budget_mb: expected at most 2,147,483,647. Received: 1" in told
    assert "--seed: expected at most" in told


def test_a_pipe_in_place_of_a_file_is_refused(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "t.tsv").write_text("a\tb\n")
    text = ["--data.train.source", tmp_path / "t.tsv"]
    aligned = [*text, "--training.alignment_loss", "1", "--data.train_alignments", tmp_path / "pipe"]
    for words in (aligned, ["--data.train.source", tmp_path / "pipe", "--data.train.target", tmp_path / "pipe"]):
        assert start(build_run, *words, "--run-folder", tmp_path / "run") == EXIT_MISTAKE
        assert f"{tmp_path / 'pipe'} is a folder, a pipe or a device." in capsys.readouterr().err
        assert not (tmp_path / "run").exists()
