"""Folders that are complete at every moment and record which command made them. Imports no framework."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.files import TEMPORARY, errors_named, keep_mode, read_json, sync, temporary_name

MARKER = ".seq2seq.json"
"""File in a folder made by a command: names the command and the files it wrote."""


@contextmanager
def whole_folder(path: Path | str, kind: str = "") -> Iterator[Path]:
    """As `whole_file`, for a folder: yields an empty one. At any moment `path` is either the old or the new folder.

    Replaces only a missing or empty folder and, with `kind`, one made by the same kind of command, as recorded in its
    marker file.

    Args:
        path: The folder. Its parents are created.
        kind: The command that makes it, as named in messages.

    Raises:
        ValueError: `path` holds something else.
        OSError: as `whole_file`.
    """
    path = Path(path)
    check_replaceable(path, kind)
    partial = temporary_name(path)
    try:
        with errors_named(path, partial):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.mkdir()
            yield partial
            if kind:
                made = {"made_by": kind, "files": sorted(_files_below(partial))}
                (partial / MARKER).write_text(json.dumps(made, indent=2) + "\n", "utf-8")
            keep_mode(path, partial)
            _sync_all(partial)
            _put_folder(partial, path, kind)
            sync(path.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)  # after an exchange, the old folder


def check_replaceable(path: Path, kind: str) -> None:
    """Raises ValueError if `whole_folder` of this kind must not replace `path`."""
    reason = ""
    if path.is_symlink():
        reason = "it is a link"
    elif path.exists() and not path.is_dir():
        reason = "it is a file"
    elif path.is_dir() and (found := _files_below(path)):
        maker, files = read_marker(path)
        if foreign := sorted(found - files - {MARKER}):
            reason = f"it holds {foreign[0]}"
        elif maker != kind:
            reason = f"{maker} made it" if maker else "it is not empty"
    if reason:
        more = f", or one that {kind} made" if kind else ""
        raise ValueError(f"{path}: expected a new or empty folder{more}; {reason}.")


def next_version(folder: Path) -> Path:
    """Returns `folder/N`, one above the highest version in it, from 1.

    Raises:
        ValueError: it is a file, or is not empty and holds no version.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder; it is a file.")
    found = folder.iterdir() if folder.exists() else ()
    names = [path.name for path in found if not TEMPORARY.fullmatch(path.name)]
    versions = [int(name) for name in names if name.isascii() and name.isdecimal()]
    if names and not versions:
        raise ValueError(f"{folder}: expected a new or empty folder, or one of versions 1, 2, …; it holds {names[0]}.")
    return folder / str(max(versions, default=0) + 1)


def read_marker(folder: Path) -> tuple[str, set[str]]:
    """Returns which command made a folder and the names of its files; `("", set())` if unknown."""
    file = folder / MARKER
    try:
        if file.is_symlink():
            return "", set()
        made = read_json(file)
        return str(made["made_by"]), set(map(str, made["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        return "", set()


def _files_below(folder: Path) -> set[str]:
    """Paths of all files in a folder, recursively; links are not followed."""
    found = set()

    def fail(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=fail):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        found |= {os.path.relpath(os.path.join(place, name), folder) for name in files + links}
    return found


def _put_folder(partial: Path, path: Path, kind: str) -> None:
    """Moves `partial` to `path`, exchanging the two if a folder of the same kind is there."""
    try:
        partial.rename(path)
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
    check_replaceable(path, kind)  # it may have changed meanwhile
    if _exchange(partial, path):
        return
    aside = temporary_name(path)
    try:
        path.rename(aside)
        partial.rename(path)
    except BaseException:
        if aside.exists() and not path.exists():
            aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchanges two paths atomically; returns False where that is not supported."""
    here, swap = -100, 2  # AT_FDCWD; RENAME_EXCHANGE and RENAME_SWAP
    names = os.fsencode(one), os.fsencode(other)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            code = library.renamex_np(*names, ctypes.c_uint(swap))
        else:
            code = library.renameat2(here, names[0], here, names[1], ctypes.c_uint(swap))
    except (AttributeError, OSError, TypeError):
        return False
    number = ctypes.get_errno()
    if code and number not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        raise OSError(number, os.strerror(number), str(other))
    return not code


def _sync_all(folder: Path) -> None:
    """Syncs a folder and its contents to disk."""
    for place, _, files in os.walk(folder, topdown=False):
        for name in files:
            sync(Path(place, name))
        sync(Path(place))
