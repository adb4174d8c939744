"""Files that appear under their names only when they are complete. Imports no framework."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TextIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FULL = 1 << 20
"""Bytes; after a failed write, a disk with less free space than this counts as full."""
TEMPORARY = re.compile(r"partial-[0-9a-f]{32}-.*", re.DOTALL)
"""Names of incomplete files. They are random, one per writer, so nothing else has such a name."""
MOST_NAME = 255
"""Most bytes of a file name on nearly all file systems."""
_OPEN = re.compile(r"/dev/(stdin|stdout|stderr)|/(?:dev|proc/self)/fd/(\d+)")
"""Names of files that this process has open."""
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)

MOST = 1 << 26
"""Bytes; a longer file is not one of our JSON files."""
DEEPEST = 500
"""Deepest nesting of JSON values that is read."""


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yields a temporary file beside `path`, with the same extension, to write to.

    On success it is synced to disk and replaces `path`, even if that is a link; it takes over the permissions of a file
    there. If anything fails, `path` is unchanged and nothing is left behind.

    Raises:
        OSError: ENOSPC, whatever the writer raised, if the disk is full.
    """
    path = Path(path)
    partial = temporary_name(path)
    try:
        with errors_named(path, partial):
            os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_FOLLOW, 0o666))
            yield partial
            keep_mode(path, partial)
            sync(partial)
            partial.replace(path)
            sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def output_file(path: Path | str) -> Iterator[Path]:
    """Yields a file to write to, for an output that the user named.

    A link stays a link: its target is replaced as by `whole_file`. A device or pipe is written at the end.
    """
    target = follow_links(path)
    if not is_device(target):
        with whole_file(target) as partial:
            yield partial
        return
    with tempfile.TemporaryDirectory(prefix="seq2seq-") as folder:
        partial = Path(folder) / f"output{target.suffix}"
        partial.touch()
        yield partial
        with open(_open_device(target), "wb") as out, open(partial, "rb") as written:
            shutil.copyfileobj(written, out)


@contextmanager
def output_text(path: Path | str) -> Iterator[TextIO]:
    """As `output_file`, opened as UTF-8 text; a device or pipe is written to directly."""
    target = follow_links(path)
    if is_device(target):
        with open(_open_device(target), "w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    with whole_file(target) as partial, open(partial, "w", encoding="utf-8", newline="\n") as stream:
        yield stream


def follow_links(path: Path | str) -> Path:
    """Resolves links in the last part of a path; the target need not exist. OSError for a cycle of links."""
    path = Path(path)
    for _ in range(40):
        if _OPEN.fullmatch(os.path.abspath(path)) or not path.is_symlink():
            return path
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def is_device(path: Path) -> bool:
    """Whether `path` is written in place: a device, a pipe, or a file that this process has open."""
    if _OPEN.fullmatch(os.path.abspath(path)):
        return True
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def _open_device(path: Path) -> int:
    found = _OPEN.fullmatch(os.path.abspath(path))
    if found is None:
        return os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
    return os.dup(("stdin", "stdout", "stderr").index(found[1]) if found[1] else int(found[2]))


def remove_leftovers(folder: Path) -> None:
    """Removes incomplete files that killed processes left in a folder; the caller must hold its lock."""
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if TEMPORARY.fullmatch(path.name)]:
            if path.is_symlink() or not path.is_dir():
                path.unlink(missing_ok=True)
            else:
                shutil.rmtree(path, ignore_errors=True)


def parse_json(text: str | bytes, finite: bool = False) -> Any:
    """As `json.loads`, but raises ValueError for values nested deeper than `DEEPEST`.

    Python's own limit is some 980 levels, less the depth of the call stack. With `finite`, NaN, Infinity and numbers
    too large for a float, which Python accepts and JSON does not have, are errors too.
    """
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_finite) if finite else json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    opened = (b"[", b"{") if isinstance(text, bytes) else ("[", "{")
    if sum(map(text.count, opened)) > DEEPEST:  # type: ignore[arg-type]  # of the same kind as the text
        level, depth = [value], 0
        while level := [item for one in level if isinstance(one, dict | list) for item in _items(one)]:
            depth += 1
            if depth > DEEPEST:
                raise ValueError("it is nested too deeply")
    return value


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def is_plain_name(name: str) -> bool:
    """Whether `name` is a plain file name that cannot lead to another folder."""
    return bool(name) and name not in (".", "..") and not set(name) & set("/\\\0")


def format_json(value: Any, indent: int | None = None) -> str:
    """As `json.dumps` without escapes; with them if UTF-8 cannot encode a character (a lone surrogate)."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent)
    return text


def check_regular(path: Path | str) -> None:
    """Raises ValueError for a device or pipe, which may never end and must not be opened."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError("it is not a regular file")


def read_bytes(path: Path | str, most: int) -> bytes:
    """Returns the contents of a file.

    Raises:
        ValueError: it is longer than `most` bytes.
        OSError: it is missing, a folder, or not readable.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(most + 1) if size <= most else b""
    if max(size, len(data)) > most:
        raise ValueError(f"it is longer than {most:,} bytes")
    return data


def read_json(path: Path | str) -> Any:
    """Returns the value in a JSON file; errors as in `check_regular`, `read_bytes` and `parse_json`."""
    check_regular(path)
    return parse_json(read_bytes(path, MOST).decode("utf-8-sig"))


def write_bytes(file: IO[bytes], data: bytes) -> None:
    """Writes to an open file; an OSError carries the file name, which `file.write` leaves out."""
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        raise OSError(error.errno, error.strerror, file.name) from error


def write_text(path: Path | str, text: str) -> None:
    """Writes a UTF-8 text file completely or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def locked(folder: Path | str, wait: bool = True) -> Iterator[None]:
    """Holds an exclusive lock on an existing folder. Leaves no file behind.

    The system releases the lock when the process ends in any way. Where there are no such locks, as on Windows and some
    network file systems, nothing is locked.

    Raises:
        BlockingIOError: another process holds the lock, and `wait` is False.
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
        if not os.path.samestat(os.fstat(number), os.stat(folder)):  # replaced since it was opened
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(folder))
        yield
    finally:
        os.close(number)


def temporary_name(path: Path) -> Path:
    """A random name in the same folder, with the same extension, since some libraries look at it."""
    start = f"partial-{secrets.token_hex(16)}-"
    end = os.fsencode(path.name)[-(MOST_NAME - len(start)) :]
    while len(end) + len(start) == MOST_NAME and end[0] & 0xC0 == 0x80:  # the tail of a character that was cut
        end = end[1:]
    return path.with_name(start + os.fsdecode(end))


def keep_mode(path: Path, partial: Path) -> None:
    """Gives `partial` the permissions of the file at `path`, if there is one."""
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            partial.chmod(stat.S_IMODE(mode) & 0o777)


def sync(path: Path) -> None:
    """Syncs a file, or the entries of a folder, to disk."""
    number = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def errors_named(path: Path, partial: Path) -> Iterator[None]:
    """Makes errors about `partial` name `path`, and raises ENOSPC for a full disk, which libraries report in words."""
    try:
        yield
    except ValueError:
        raise  # bad data, not a failed write
    except Exception as error:
        if getattr(error, "filename", None) == str(partial) and isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        if getattr(error, "errno", None) != errno.ENOSPC and not _is_full(path.parent):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from error


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL
    except OSError:
        return False
