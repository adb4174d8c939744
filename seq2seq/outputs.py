"""Checks what a command may write: never its inputs, parts of a run, one file twice, or another tool's output.

Every command calls `check_outputs` before its work. Imports no framework.
"""

from __future__ import annotations

import os
import stat
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from seq2seq.files import follow_links, is_device
from seq2seq.folders import check_replaceable, read_marker

STDIN, STDOUT = 0, 1
"""Standard input and output, which may be files, among the inputs and outputs."""
RUN_FILES = ("source.model", "model.weights.h5", "checkpoint.npz", "environment.json")
"""At least one of these is in every run folder, beside recipe.json."""

Place = Path | str | int
"""A path, or the number of an open file."""
Identity = tuple[object, ...]
"""Equal for all paths of one file, such as links."""


class Folder(NamedTuple):
    """A folder that a command makes."""

    option: str
    path: Path | str
    kind: str = ""
    """See `folders.whole_folder`; "" if the folder must be new."""
    own: Path | None = None
    """A folder within a run folder that the command may write to."""


def check_outputs(
    inputs: Iterable[Place | None], outputs: Mapping[str, Place | None], folder: Folder | None = None
) -> None:
    """Checks everything that a command is going to write; None means not given.

    Args:
        inputs: All files and folders that the command reads.
        outputs: Files, by the options that name them.
        folder: A folder that it makes.

    Raises:
        ValueError: an output would replace or damage something else; the message is one sentence.
    """
    read = [place for place in inputs if place is not None and place != ""]
    made: dict[Identity, str] = {}
    for option, place in outputs.items():
        if place is None or place == "":
            continue
        identity = _identity(place)
        if isinstance(place, int):
            name = "standard output"
        else:
            name = f"{option} {place}"
            target = follow_links(place)
            if is_device(target):
                if stat.S_ISSOCK(os.stat(target).st_mode):
                    raise ValueError(f"{name}: expected a file, a device or a pipe; it is a socket.")
                continue
            _check_file(name, target)
            for other in read:
                if _identity(other) == identity:
                    raise ValueError(f"{name}: it is read by this command; give another name.")
            _check_place(name, target, read)
        if identity and identity in made:
            raise ValueError(f"{name} and {made[identity]} are one file; give two names.")
        if identity:
            made[identity] = name
    if folder:
        _check_folder(folder, read, [place for place in outputs.values() if isinstance(place, (str, Path)) and place])


def check_run_folder(path: Path | str) -> None:
    """Raises ValueError if a new run folder would be inside another run or another command's output."""
    _check_place(f"--run-folder {path}", Path(path), ())


def export_kind(form: str) -> str:
    """The kind of an export folder; a SavedModel has none, since every version is a new folder."""
    return f"seq2seq export --format {form}"


def is_run_folder(path: Path) -> bool:
    """Whether `path` is a run folder, finished or not."""
    return (path / "recipe.json").is_file() and any((path / name).is_file() for name in RUN_FILES)


def _check_file(name: str, target: Path) -> None:
    if target.is_dir():
        raise ValueError(f"{name}: expected the name of a file; it is a folder.")
    if not target.parent.is_dir():
        raise ValueError(f"{name}: there is no folder {target.parent}.")
    if not os.access(target.parent, os.W_OK):
        raise ValueError(f"{name}: the folder {target.parent} may not be written to.")


def _check_folder(folder: Folder, read: list[Place], files: list[Path | str]) -> None:
    name, target = f"{folder.option} {folder.path}", follow_links(folder.path)
    is_own = folder.own is not None and _is_written_below(Path(folder.path), folder.own)
    if folder.own and is_own:
        check_no_links(folder.own.parent, Path(folder.path))
    if is_run_folder(target):
        raise ValueError(f"{name}: it is a run folder; choose another folder.")
    check_holds_none(name, target, read)
    for place in files:
        if Path(os.path.realpath(place)).is_relative_to(os.path.realpath(target)):
            raise ValueError(f"{name}: it would hold {place}, which is another output; choose another folder.")
    if target.exists() and _contains(target, Path.cwd()):
        raise ValueError(f"{name}: the command runs in it; choose another folder.")
    if os.path.ismount(target):
        raise ValueError(f"{name}: it is a mount point, which cannot be replaced; give a folder inside of it.")
    if not is_own:
        _check_place(name, target, read)
    above = next(place for place in target.absolute().parents if os.path.lexists(place))
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ValueError(f"{name}: no folder can be made in {above}.")
    try:
        check_replaceable(target, folder.kind)
    except ValueError as error:
        raise ValueError(f"{folder.option} {error}") from None


def check_holds_none(name: str, folder: Path, read: Iterable[Place]) -> None:
    """Raises ValueError if a folder that will be replaced holds an input of the command."""
    for place in read:
        if not isinstance(place, int) and _contains(folder, place):
            raise ValueError(f"{name}: it holds {place}, which is read by this command; choose another folder.")


def check_no_links(root: Path, path: Path) -> None:
    """Raises ValueError if `path`, or a folder between `root` and it, is a link."""
    inner = Path(os.path.abspath(path)).relative_to(os.path.abspath(root))
    for depth in range(1, len(inner.parts) + 1):
        place = root.joinpath(*inner.parts[:depth])
        if place.is_symlink():
            raise ValueError(f"{place} is a link; a run folder is written without following links: remove it.")


def _check_place(name: str, target: Path, read: Iterable[Place]) -> None:
    """Refuses paths inside inputs or runs, and files that belong to another command's output."""
    sources = {identity: place for place in read if not isinstance(place, int) and (identity := _identity(place))}
    real = Path(os.path.realpath(target))
    for above in real.parents:
        if (identity := _identity(above)) in sources:
            raise ValueError(f"{name}: it is inside of {sources[identity]}, which is read by this command.")
        if is_run_folder(above):
            raise ValueError(f"{name}: it is inside of the run folder {above}; choose another place.")
        maker, files = read_marker(above)
        if str(real.relative_to(above)) in files:
            raise ValueError(f"{name}: it is a part of what {maker} made; give another name.")


def _identity(place: Place) -> Identity | None:
    """Identifies a file or folder, even one that does not exist yet; None for a device or pipe."""
    try:
        found = os.stat(place)
    except OSError:
        if isinstance(place, int):
            return None
        target = follow_links(place)
        return "new", _identity(target.parent) if target.parent != target else None, _folded(target.name)
    except ValueError:  # a NUL in it
        return None
    if stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode):
        return found.st_dev, found.st_ino
    return None


def _folded(name: str) -> str:
    """A name as macOS file systems compare it."""
    return unicodedata.normalize("NFC", name).casefold() if sys.platform == "darwin" else name


def _contains(folder: Path, place: Path | str) -> bool:
    """Whether `place` is in an existing folder, or is that folder."""
    identity, real = _identity(folder), Path(os.path.realpath(place))
    return folder.is_dir() and any(_identity(above) == identity for above in (real, *real.parents))


def _is_written_below(path: Path, folder: Path) -> bool:
    """Whether a path, as written, is inside `folder`."""
    return ".." not in path.parts and Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))
