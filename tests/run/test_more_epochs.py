"""A run that goes on to more epochs than it was made for."""

from __future__ import annotations

import shutil

import pytest

from seq2seq.run.folder import RunFolderError
from seq2seq.run.opening import open_run
from seq2seq.run.report import read_history
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.learned import load_learned
from seq2seq.tasks.text_to_text.readme import write_readme
from tests.runs import history_of, training_of

MORE = ("--training.epochs", "5", "--training.checkpoint_minutes", "1e-9")


def test_a_finished_run_goes_on_to_more_epochs_and_ends_the_same_when_killed_on_the_way(
    quick_run, quick_finished, tmp_path, monkeypatch, caplog
):
    for name in ("whole", "parted"):
        shutil.copytree(quick_finished, tmp_path / name)
    assert quick_run(tmp_path / "whole", *MORE) == 0
    assert "Going on to epoch 5 in place of 3" in caplog.text
    assert history_of(tmp_path / "whole")[:3] == history_of(quick_finished)
    assert [row["epoch"] for row in history_of(tmp_path / "whole")] == ["1", "2", "3", "4", "5"]
    assert TextRunFolder(tmp_path / "whole").load_recipe().training.epochs == 5
    assert (tmp_path / "whole" / "scores.json").exists()

    from seq2seq.training import checkpoint

    class Killed(BaseException):
        pass

    save = checkpoint.save_checkpoint

    def save_then_die(path, objective, progress):
        save(path, objective, progress)
        if (progress["epoch"], progress["step"]) == (3, 2):
            raise Killed

    monkeypatch.setattr(checkpoint, "save_checkpoint", save_then_die)
    with pytest.raises(Killed):
        quick_run(tmp_path / "parted", *MORE)
    monkeypatch.undo()
    assert not (tmp_path / "parted" / "scores.json").exists()
    assert quick_run(tmp_path / "parted", *MORE) == 0
    assert training_of(tmp_path / "parted") == training_of(tmp_path / "whole")


def test_the_readme_says_how_many_epochs_were_trained(finished, tmp_path):
    folder = TextRunFolder(shutil.copytree(finished, tmp_path / "run"))
    selection = load_learned(folder).selection
    for rows in (3, 2):
        write_readme(folder, folder.load_recipe(), {}, read_history(folder)[:rows], selection)
        assert f"Trained {rows} epochs" in folder.readme_file.read_text()


def test_fewer_epochs_than_were_trained_are_refused_and_nothing_changes(run, finished, capsys):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    assert run(finished, "--training.epochs", "2") == 2
    assert "has trained 3 epochs, and --training.epochs 2 is fewer" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_without_a_checkpoint_a_finished_run_cannot_go_on_and_stays_as_it_is(run, finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoint*"))
    assert run(tmp_path / "run", "--training.epochs", "5") == 2
    assert "has no checkpoint.npz to go on from" in capsys.readouterr().err
    assert (tmp_path / "run" / "scores.json").exists()
    assert TextRunFolder(tmp_path / "run").load_recipe().training.epochs == 3


def test_patience_begins_anew_where_a_run_goes_on():
    from seq2seq.run.train import _extended

    stopped = {"epoch": 5, "epochs": 20, "patience_from": 0}
    assert _extended(stopped, 12) == {"epoch": 5, "epochs": 12, "patience_from": 5}
    assert _extended(stopped, 20) == stopped


@pytest.mark.parametrize(("state", "planned", "asked"), [("under way", 9, 4), ("stopped early", 20, 5)])
def test_a_run_under_way_or_stopped_early_is_opened_for_any_number_from_what_was_trained(
    finished, tmp_path, state, planned, asked
):
    def of(epochs):
        before = TextRunFolder(finished).load_recipe()
        return before.model_copy(update={"training": before.training.model_copy(update={"epochs": epochs})})

    folder = TextRunFolder(tmp_path / "run")
    shutil.copytree(finished, folder.path)
    folder.save_recipe(of(planned))
    if state == "under way":
        folder.scores_file.unlink()
    with pytest.raises(RunFolderError, match="is fewer"):
        open_run(folder, of(2))
    assert open_run(folder, of(planned)) == folder.scores_file.exists()
    assert not open_run(folder, of(asked))
    assert folder.load_recipe().training.epochs == asked
    assert not folder.scores_file.exists()
