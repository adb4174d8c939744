"""Files and folders that appear under their names only when they are whole. Imports no framework."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FULL = 1 << 20
"""Bytes; a disk with less room than this counts as full when something could not be written."""


MOST = 1 << 26
"""Bytes; a file of values in JSON that is longer is another file."""


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yields a temporary name beside `path`, of the same ending, to write to.

    At the end what was written is brought to the disk and takes the place of `path`. If anything fails, or nothing
    was written, `path` stays as it was and nothing is left.

    Raises:
        OSError: with ENOSPC whatever the writer raised, if the disk is full.
    """
    path = Path(path)
    partial = _partial(path)
    try:
        with _told(path):
            yield partial
            _sync(partial)
            partial.replace(path)
            _sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path | str) -> Iterator[Path]:
    """As `whole_file`, for a folder: yields an empty one; what stood at `path` is replaced at the end."""
    path = Path(path)
    partial = _partial(path)
    before = path.with_name(f"before-{path.name}")
    _settle(path, before)
    try:
        with _told(path):
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            yield partial
            if path.exists():
                path.rename(before)
            partial.rename(path)
    finally:
        _settle(path, before)
        shutil.rmtree(partial, ignore_errors=True)


def _settle(path: Path, before: Path) -> None:
    """Ends an exchange of folders, wherever it was stopped: what stood there comes back unless the new one is there."""
    if before.exists() and not path.exists():
        before.rename(path)
    shutil.rmtree(before, ignore_errors=True)


def parse_json(text: str | bytes) -> Any:
    """As `json.loads`; text that is nested too deeply for Python is a ValueError like any other that is no JSON."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def is_plain_name(name: str) -> bool:
    """Whether a file or folder called so would stand where it is put, and not elsewhere."""
    return bool(name) and name not in (".", "..") and not set(name) & set("/\\\0")


def format_json(value: Any) -> str:
    """As `json.dumps`, with characters as they are; all are escaped where UTF-8 cannot hold one, a lone surrogate."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def check_regular(path: Path | str) -> None:
    """Raises ValueError if something stands there that may never end, as a device or a pipe: it must not be opened."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError("it is no regular file")


def read_bytes(path: Path | str, most: int) -> bytes:
    """Returns what stands in a file.

    Raises:
        ValueError: it is longer than `most` bytes.
        OSError: it is not there, a folder, or not to be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(most + 1) if size <= most else b""
    if max(size, len(data)) > most:
        raise ValueError(f"it is longer than {most:,} bytes")
    return data


def read_json(path: Path | str) -> Any:
    """Returns the value in a JSON file that a command did not name; errors as the three functions before."""
    check_regular(path)
    return parse_json(read_bytes(path, MOST).decode("utf-8-sig"))


def write_text(path: Path | str, text: str) -> None:
    """Writes a UTF-8 text file whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def locked(folder: Path | str, wait: bool = True) -> Iterator[None]:
    """Inside, no other process is inside for the same folder, which must exist. It leaves no trace.

    The system gives the lock back when the process ends, however it ends. Where there are no such locks, as on Windows
    or some network file systems, everybody may go in.

    Raises:
        BlockingIOError: somebody else is inside, and `wait` is False.
    """
    if fcntl is None:
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.EBADF):
                raise
        yield
    finally:
        os.close(number)


def _sync(path: Path) -> None:
    """Brings a file, or the names in a folder, to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _partial(path: Path) -> Path:
    return path.with_name(f"partial-{path.name}")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Gives a full disk its number and the name of the file: libraries hide both in words, each in its own."""
    try:
        yield
    except ValueError:
        raise  # a mistake in what was to be written
    except Exception as error:
        if getattr(error, "errno", None) != errno.ENOSPC and shutil.disk_usage(path.parent).free >= FULL:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error
