"""A folder is whole at every moment, and takes the place of nothing but what the same kind of command made."""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from seq2seq import folders
from seq2seq.files import TEMPORARY
from seq2seq.folders import MARKER, next_version, whole_folder


class Stop(Exception):
    pass


def make(path, text="new", kind="a test", then=lambda: None):
    """Makes a folder, and does something else before it is put in its place."""
    with whole_folder(path, kind) as partial:
        (partial / "deep").mkdir()
        (partial / "deep" / "it").write_text(text)
        then()


def fail(error):
    raise error


def content(path):
    return (path / "deep" / "it").read_text()


@pytest.fixture(params=[None, False], ids=["exchange", "two renames"])
def old(request, tmp_path, monkeypatch):
    """A folder that was made before, on a system that can exchange names and on one that cannot."""
    make(tmp_path / "it", "old")
    if request.param is not None:
        monkeypatch.setattr(folders, "_exchange", lambda one, other: request.param)
    return tmp_path / "it"


def test_a_folder_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "it"
    with whole_folder(path) as partial:
        assert not list(partial.iterdir())
        assert TEMPORARY.fullmatch(partial.name)
        (partial / "b").write_text("new")
        assert not path.exists()
    assert [p.name for p in path.iterdir()] == ["b"]
    (tmp_path / "empty").mkdir(0o700)
    make(tmp_path / "empty")
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o700
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "empty"]


def test_the_same_kind_takes_its_place(old):
    with whole_folder(old, "a test") as partial:
        (partial / "b").write_text("new")
        assert content(old) == "old"
    assert sorted(p.name for p in old.iterdir()) == [MARKER, "b"]
    assert [p.name for p in old.parent.iterdir()] == ["it"]


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, OSError])
def test_a_folder_that_fails_leaves_what_was(old, error):
    with pytest.raises(error):
        make(old, then=lambda: fail(error))
    assert content(old) == "old"
    assert [p.name for p in old.parent.iterdir()] == ["it"]


def test_stopped_between_two_renames_what_was_comes_back(old, monkeypatch):
    def rename(path, target):
        if TEMPORARY.fullmatch(path.name) and (path / MARKER).is_file() and content(path) == "new":
            calls.append(target)
            if len(calls) == 2:  # the first finds the old folder in its way
                raise KeyboardInterrupt
        return real(path, target)

    calls, real = [], Path.rename
    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    with pytest.raises(KeyboardInterrupt):
        make(old)
    assert content(old) == "old"
    assert [p.name for p in old.parent.iterdir()] == ["it"]


needs_exchange = pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="no exchange of names here")


@needs_exchange
def test_at_no_moment_is_the_name_gone(tmp_path):
    path, gone, done = tmp_path / "it", [], threading.Event()
    make(path)

    def watch():
        while not done.is_set():
            if not path.is_dir():
                gone.append(path)

    thread = threading.Thread(target=watch)
    thread.start()
    for _ in range(50):
        make(path)
    done.set()
    thread.join()
    assert not gone


DIE = """
import os, signal, sys
from pathlib import Path
from seq2seq import folders

real = folders._exchange
def die(one, other):
    if sys.argv[2] == "after":
        real(one, other)
    os.kill(os.getpid(), signal.SIGKILL)

folders._exchange = die
with folders.whole_folder(sys.argv[1], "a test") as partial:
    (partial / "deep").mkdir()
    (partial / "deep" / "it").write_text("new")
"""


@needs_exchange
@pytest.mark.parametrize(("moment", "expected"), [("before", "old"), ("after", "new")])
def test_killed_around_the_exchange_a_whole_folder_is_there(tmp_path, moment, expected):
    make(tmp_path / "it", "old")
    done = subprocess.run([sys.executable, "-c", DIE, str(tmp_path / "it"), moment], check=False)
    assert done.returncode == -signal.SIGKILL
    assert content(tmp_path / "it") == expected
    make(tmp_path / "it", "newer")
    assert content(tmp_path / "it") == "newer"


def test_two_at_once_commit_whole_one_after_the_other(tmp_path):
    with whole_folder(tmp_path / "it", "a test") as one:
        (one / "one").touch()
        with whole_folder(tmp_path / "it", "a test") as other:
            (other / "other").touch()
        assert sorted(p.name for p in (tmp_path / "it").iterdir()) == [MARKER, "other"]
    assert sorted(p.name for p in (tmp_path / "it").iterdir()) == [MARKER, "one"]


def _file(path):
    shutil.rmtree(path)
    path.write_text("old")


def _link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _linked_marker(path):
    (path / MARKER).rename(path.with_name("marker"))
    (path / MARKER).symlink_to(path.with_name("marker"))


CHANGES = [
    ("it is a file", _file),
    ("it is a link", _link),
    ("it holds deep/thesis.tex", lambda path: (path / "deep" / "thesis.tex").touch()),
    ("it holds a-link", lambda path: (path / "a-link").symlink_to("deep")),
    ("it holds deep/it", lambda path: (path / MARKER).unlink()),
    ("it holds deep/it", _linked_marker),
    ("it holds deep/it", lambda path: (path / MARKER).write_text("[" * 9)),
]


@pytest.mark.parametrize(("reason", "change"), CHANGES)
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_is_not_of_the_same_kind_is_never_replaced(tmp_path, reason, change, when):
    path = tmp_path / "it"
    make(path, "old")
    if when == "before":
        change(path)
    with pytest.raises(ValueError, match=rf"expected a new or empty folder, or one that a test made; {reason}\.$"):
        make(path, then=lambda: change(path) if when == "meanwhile" else pytest.fail("opened"))
    assert path.read_text() == "old" if path.is_file() else content(path) == "old"
    assert not [p for p in tmp_path.iterdir() if TEMPORARY.fullmatch(p.name)]


def test_another_kind_and_what_must_be_new_are_refused(tmp_path):
    make(tmp_path / "it", "old")
    with pytest.raises(ValueError, match=r"or one that another made; a test made it\.$"):
        make(tmp_path / "it", kind="another")
    with pytest.raises(ValueError, match=r"expected a new or empty folder; a test made it\.$"):
        make(tmp_path / "it", kind="")
    assert content(tmp_path / "it") == "old"


def test_versions_are_counted_and_other_folders_left_alone(tmp_path):
    assert next_version(tmp_path / "new") == tmp_path / "new" / "1"
    assert next_version(tmp_path) == tmp_path / "1"
    for name in ("2", "10", "²", "a"):
        (tmp_path / name).mkdir()
    assert next_version(tmp_path) == tmp_path / "11"
    (tmp_path / "a" / "b").touch()
    with pytest.raises(ValueError, match="it holds b"):
        next_version(tmp_path / "a")
    with pytest.raises(ValueError, match="it is a file"):
        next_version(tmp_path / "a" / "b")
