"""What is written appears whole or not at all, and a full disk is told as one."""

import errno
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pytest

from seq2seq.files import locked, whole_file, whole_folder, write_text


class Stop(Exception):
    pass


@pytest.fixture(params=[False, True], ids=["new", "there before"])
def file(request, tmp_path):
    """A path with what stands there, None for nothing."""
    path = tmp_path / "it.txt"
    if request.param:
        path.write_text("old")
    return path, "old" if request.param else None


def fail(path, error):
    path.write_text("half")
    raise error


def content(path):
    return path.read_text() if path.exists() else None


def test_a_file_appears_when_it_is_whole(file):
    path, before = file
    with whole_file(path) as partial:
        partial.write_text("new")
        assert content(path) == before
        assert partial.suffix == path.suffix
    assert content(path) == "new"
    assert [p.name for p in path.parent.iterdir()] == ["it.txt"]


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, ValueError, OSError])
def test_a_file_that_fails_leaves_what_was(file, error):
    path, before = file
    with pytest.raises(error), whole_file(path) as partial:
        fail(partial, error)
    assert content(path) == before
    assert len(list(path.parent.iterdir())) == (before is not None)


@pytest.mark.parametrize("before", [None, "old"])
def test_a_folder_appears_when_it_is_whole(tmp_path, before):
    path = tmp_path / "deep" / "it"
    if before:
        path.mkdir(parents=True)
        (path / "a").write_text(before)
    with whole_folder(path) as partial:
        assert not list(partial.iterdir())
        (partial / "b").write_text("new")
        assert content(path / "a") == before
    assert [(p.name, p.read_text()) for p in path.iterdir()] == [("b", "new")]
    assert [p.name for p in path.parent.iterdir()] == ["it"]


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
def test_a_folder_that_fails_leaves_what_was(tmp_path, error):
    write_text(tmp_path / "it", "")  # in the way of a folder on purpose: nothing may touch it
    with pytest.raises(error), whole_folder(tmp_path / "it") as partial:
        fail(partial / "b", error)
    assert [p.name for p in tmp_path.iterdir()] == ["it"]


def test_what_an_earlier_process_left_half_written_is_no_obstacle(tmp_path):
    with whole_folder(tmp_path / "it") as partial:
        left = partial
    left.mkdir()
    (left / "half").write_text("")
    with whole_folder(tmp_path / "it") as partial:
        (partial / "b").write_text("new")
    assert [p.name for p in (tmp_path / "it").iterdir()] == ["b"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_folder_stopped_between_its_two_renames_leaves_what_was(tmp_path, monkeypatch, error):
    def rename(path, target):
        if path.name.startswith("partial-"):
            raise error
        return real(path, target)

    real, path = Path.rename, tmp_path / "it"
    path.mkdir()
    (path / "a").write_text("old")
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(error), whole_folder(path) as partial:
        write_text(partial / "b", "new")
    assert [(p.name, p.read_text()) for p in path.iterdir()] == [("a", "old")]
    assert [p.name for p in tmp_path.iterdir()] == ["it"]


def test_what_a_killed_process_had_put_aside_comes_back(tmp_path):
    (tmp_path / "before-it").mkdir()
    (tmp_path / "before-it" / "a").write_text("old")
    with pytest.raises(Stop), whole_folder(tmp_path / "it"):
        raise Stop
    assert [(p.name, p.read_text()) for p in (tmp_path / "it").iterdir()] == [("a", "old")]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("Can't synchronously write data"), True),
        (OSError("27657 requested and 9216 written"), True),
        (ValueError("line 3: not valid UTF-8"), False),
    ],
)
@pytest.mark.parametrize("make", [whole_file, whole_folder])
def test_a_full_disk_is_told_whatever_the_writer_raises(tmp_path, monkeypatch, make, error, told):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(OSError if told else ValueError) as caught, make(tmp_path / "it"):
        raise error
    if told:
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "it"))


def test_with_room_on_the_disk_an_error_is_what_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 40))
    with pytest.raises(RuntimeError, match="boom"), whole_file(tmp_path / "it"):
        raise RuntimeError("boom")


def test_a_lock_keeps_others_out_and_leaves_nothing(tmp_path):
    with locked(tmp_path):
        with pytest.raises(BlockingIOError), locked(tmp_path, wait=False):
            pass
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            assert pool.submit(_is_locked, tmp_path).result()
    with locked(tmp_path, wait=False):
        assert not list(tmp_path.iterdir())


def test_a_lock_ends_with_the_process_that_held_it(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert _is_locked(tmp_path)
        holder.kill()
        holder.wait()
        assert not _is_locked(tmp_path)


HOLD = """
import sys, time
from seq2seq.files import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def _is_locked(path):
    try:
        with locked(path, wait=False):
            return False
    except BlockingIOError:
        return True
