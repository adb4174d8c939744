"""What is written appears whole or not at all, and a full disk is told as one."""

import errno
import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pytest

from seq2seq.files import (
    DEEPEST,
    TEMPORARY,
    locked,
    output_file,
    output_text,
    parse_json,
    remove_leftovers,
    whole_file,
    write_bytes,
    write_text,
)
from seq2seq.folders import whole_folder


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


def test_an_error_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, whole_file(tmp_path / "none" / "it"):
        pytest.fail("opened")
    assert caught.value.filename == str(tmp_path / "none" / "it")


def test_temporary_names_are_nobodys_and_fit_beside_the_longest_name(tmp_path):
    names = ["x.weights.h5", "a" * 255, "é" * 127, "ab" + "字" * 84, "." * 9]
    for name in names:
        for user in (f"partial-{name}"[:255], f"before-{name}"[:255]):
            if len(user.encode()) < 256:
                (tmp_path / user).write_text("a user's")
        with whole_file(tmp_path / name) as one, whole_file(tmp_path / name) as other:
            assert one != other
            assert TEMPORARY.fullmatch(one.name)
            assert one.name.endswith(name[-9:])
            one.write_text("")
            other.write_text("")
    assert {path.read_text() for path in tmp_path.iterdir()} == {"", "a user's"}


def test_a_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "it"
    path.touch(0o600)
    write_text(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_left_is_removed_by_its_name_alone_and_links_are_not_followed(tmp_path):
    folder, outside, draw = tmp_path / "a", tmp_path / "outside", "partial-" + "0" * 32 + "-"
    outside.mkdir()
    (outside / "it").touch()
    (folder / f"{draw}folder").mkdir(parents=True)
    (folder / f"{draw}folder" / "half").touch()
    (folder / f"{draw}link").symlink_to(outside)
    users = ["partial-it", "before-it", draw[:-1], draw[:-3] + "-it", f"x{draw}it"]
    for name in (*users, f"{draw}it"):
        (folder / name).touch()
    remove_leftovers(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(users)
    assert (outside / "it").exists()
    remove_leftovers(folder / "none")


@pytest.fixture(params=[output_file, output_text])
def write(request):
    """Writes "new" to a place that a user named."""

    def write_(path):
        with request.param(path) as made:
            made.write_text("new") if isinstance(made, Path) else made.write("new")

    return write_


@pytest.mark.parametrize("before", ["old", None], ids=["a file", "nothing"])
def test_an_output_on_a_link_replaces_what_it_leads_to(tmp_path, write, before):
    target, link, further = tmp_path / "elsewhere" / "it", tmp_path / "link", tmp_path / "further"
    target.parent.mkdir()
    if before:
        target.write_text(before)
    link.symlink_to(Path("elsewhere") / "it")
    further.symlink_to(link)
    write(further)
    assert target.read_text() == "new"
    assert link.is_symlink()
    assert further.is_symlink()
    assert len(list(tmp_path.iterdir())) == 3
    link.unlink()
    link.symlink_to(further)
    with pytest.raises(OSError, match="symbolic links"):
        write(link)


def test_an_output_on_a_pipe_or_a_device_is_written_in_place(tmp_path, write):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for name in (pipe, link):
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        write(name)
        assert os.read(reader, 9) == b"new"
        os.close(reader)
    link.unlink()
    link.symlink_to("/dev/null")
    write(link)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert len(list(tmp_path.iterdir())) == 2


def test_an_output_on_what_the_process_has_open_goes_on_there(tmp_path, write):
    (tmp_path / "log").write_text("before ")
    with open(tmp_path / "log", "a") as log:
        write(f"/dev/fd/{log.fileno()}")
        log.write(" after")
    assert (tmp_path / "log").read_text() == "before new after"


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


@pytest.mark.parametrize("depth", [DEEPEST + 2, 970, 985, 100_000])
def test_json_nested_so_deeply_that_python_might_not_write_it_is_refused(depth):
    for text in ("[" * depth + "]" * depth, '{"x":' * depth + "1" + "}" * depth):
        for form in (text, text.encode()):
            with pytest.raises(ValueError, match="nested too deeply"):
                parse_json(form)
    assert parse_json("[" * DEEPEST + "]" * DEEPEST)


def test_a_full_disk_is_named_with_the_file():
    with open("/dev/full", "wb", buffering=0) as file, pytest.raises(OSError, match="No space left") as raised:
        write_bytes(file, b"x" * 3000)
    assert raised.value.filename == "/dev/full"
