"""A run folder is written without following links: nothing outside of it is changed or deleted."""

import shutil
from pathlib import Path

import pytest

from recipes.translation import RECIPES
from seq2seq.cli.train import run_recipe
from seq2seq.run.folder import RunFolder, RunFolderError


@pytest.fixture
def begun(finished, tmp_path):
    """A run that the same command would go on with."""
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    (folder / "scores.json").unlink()
    return folder


@pytest.fixture
def outside(tmp_path):
    """A folder that is not the run's; nothing in it may change."""
    folder = tmp_path / "outside"
    (folder / "deep").mkdir(parents=True)
    for name in ("it", "deep/store.json", "deep/it"):
        (folder / name).write_text("mine")
    yield folder
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
        "deep",
        "deep/it",
        "deep/store.json",
        "it",
    ]
    assert all(path.read_text() == "mine" for path in folder.rglob("*") if path.is_file())


FOLDERS = ["stores", "stores/train", "export", "export/saved_model", "tensorboard/train", "epochs", "bad_batches", "x"]
FILES = ["partial-source.model", "checkpoint.npz", "checkpoint.before.npz", "history.csv", "hypotheses/test.txt", "x/y"]


@pytest.mark.parametrize("name", FOLDERS + FILES)
def test_a_link_in_a_run_that_goes_on_is_refused_by_name(run, begun, outside, capsys, name):
    path = begun / name
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside if name in FOLDERS else outside / "it")
    assert run(begun) == 2
    assert f"error: {path} is a link; a run folder is written without following links" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["hypotheses/a.txt", "stores/train", "export/litert"])
def test_a_link_that_comes_while_a_run_is_at_work_is_not_followed(tmp_path, outside, name):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    with folder.claimed():
        (folder.path / Path(name).parent).symlink_to(outside)
        with pytest.raises(RunFolderError, match="is a link"):
            folder.write(folder.path / name, "x")
        with pytest.raises(RunFolderError, match="is a link"):
            folder.inside(folder.path / name)


def start(folder, *more):
    """Runs a recipe that does nothing; returns the exit code and where its run folder is."""
    places = []

    def build(run_folder, recipe):
        places.append(run_folder.path)

    words = ["demo", "--run-folder", str(folder), *more]
    return run_recipe(RECIPES, "train", "", words, build), places


def test_a_run_folder_may_be_reached_through_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    for name in ("disk/there", "disk/missing"):
        link = tmp_path / Path(name).name
        link.symlink_to(name)
        for _ in range(2):
            assert start(link) == (0, [tmp_path / name])
        assert (tmp_path / name / "recipe.json").is_file()
        assert link.is_symlink()


def test_no_run_begins_inside_of_a_run(begun, capsys):
    assert start(begun / "export" / "new") == (2, [])
    assert "is inside of the run folder" in capsys.readouterr().err
    assert not (begun / "export").exists()


def test_a_summary_of_seeds_takes_the_place_of_no_other_file(tmp_path, capsys):
    (tmp_path / "seeds.json").write_text('{"mine": 1}')
    assert start(tmp_path, "--seeds", "2") == (2, [])
    assert "seeds.json was not made by --seeds" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["seeds.json"]


def test_what_a_killed_process_left_is_removed_and_what_users_call_so_is_not(tmp_path):
    folder, left = RunFolder(tmp_path), f"partial-{'0' * 32}-it"
    for name in (left, f"stores/{left}/x", f"export/{left}", "partial-source.model", "before-it"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "recipe.json").touch()
    with folder.claimed():
        pass
    kept = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert kept == {"recipe.json", "partial-source.model", "before-it", "stores", "export"}


def test_a_run_that_was_killed_at_its_first_file_begins_anew(tmp_path):
    (tmp_path / f"partial-{'0' * 32}-recipe.json").touch()
    assert start(tmp_path) == (0, [tmp_path])
