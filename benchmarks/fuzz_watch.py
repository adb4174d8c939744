"""Sees what Python writes: a case of the fuzzer changes nothing outside of the folder it works in.

An audit hook hears of every file that is opened to be written, renamed, linked or removed. What libraries written in C
do by themselves is not heard of; so the run that cases take copies from is compared as well.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PATHS = {"os.remove": 1, "os.rename": 2, "os.rmdir": 1, "os.truncate": 1, "shutil.rmtree": 1, "os.chmod": 1}
"""Events, and how many of their first arguments are paths that are changed."""
RELATIVE = {"os.remove", "os.rmdir"}
"""Events whose last argument may be the descriptor of the folder that a name is in."""
FREE = ("/dev/", "/proc/")
CACHES = ("__pycache__", ".cache", "matplotlib", ".keras")
"""Parts of paths of what libraries keep for themselves."""

MAKING = ("os.mkdir", "tempfile.mkdtemp", "tempfile.mkstemp")
"""Events that make what their first argument names."""

_state: dict[str, Any] = {"place": "", "found": [], "made": set(), "hooked": False}
"""The working folder, "" outside of a case; what was heard of; what the case itself has made."""


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _state["place"]:
        return
    if event in MAKING and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = _of_name(os.fsdecode(arguments[0]))
        _state["made"] |= set() if os.path.lexists(path) and event == "os.mkdir" else {path}
    if event == "open":
        _, _, flags = arguments
        count = 1 if isinstance(flags, int) and flags & WRITING else 0
    else:
        count = PATHS.get(event, 0)
    for path in arguments[:count]:
        if not isinstance(path, (str, bytes, os.PathLike)):
            continue  # an open file
        name = os.fsdecode(path)
        if event in RELATIVE and arguments[-1] != -1 and not os.path.isabs(name):
            continue  # in a folder that is removed as a whole, which was heard of before
        real = os.path.realpath(name) if event == "open" else _of_name(name)
        known = real.startswith(FREE) or any(part in CACHES for part in Path(real).parts)
        own = {_state["place"], *_state["made"]}
        if known or not own.isdisjoint([real, *map(str, Path(real).parents)]):
            continue
        if os.path.lexists(real):
            _state["found"].append(f"{event} {real}")
        else:
            _state["made"].add(real)


def _of_name(path: str) -> str:
    """A name itself is changed, not what it leads to."""
    return os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))


def _marks(folder: Path) -> dict[str, tuple[int, ...]]:
    found = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        found[str(path)] = state.st_ino, state.st_mode, state.st_size, state.st_mtime_ns
    return found


@contextmanager
def watched(untouched: Path) -> Iterator[None]:
    """Inside, only what is in the working folder may change, and nothing in `untouched`.

    Raises:
        AssertionError: something else was changed; it says how.
    """
    if not _state["hooked"]:
        sys.addaudithook(_hear)
        _state["hooked"] = True
    before = _marks(untouched)
    _state["found"], _state["made"], _state["place"] = [], set(), os.path.realpath(".")
    try:
        yield
    finally:
        _state["place"] = ""
    assert not _state["found"], f"changed elsewhere: {_state['found'][0]}"
    after = _marks(untouched)
    apart = sorted(path for path in {**before, **after} if before.get(path) != after.get(path))
    assert not apart, f"changed in the run: {apart[0]}"
