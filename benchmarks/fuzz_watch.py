"""Watches what Python writes: a case of the fuzzer changes nothing outside its working folder.

An audit hook receives every file that is opened for writing, renamed, linked or removed. It does not see what libraries
written in C do themselves, so the run that cases copy is compared, too.
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
"""Events, and how many of their first arguments are paths that they change."""
RELATIVE = {"os.remove", "os.rmdir"}
"""Events whose last argument may be the descriptor of the folder with the name."""
FREE = ("/dev/", "/proc/")
CACHES = ("__pycache__", ".cache", "matplotlib", ".keras")
"""Parts of paths of libraries' own files."""

MAKING = ("os.mkdir", "tempfile.mkdtemp", "tempfile.mkstemp")
"""Events that create what their first argument names."""

_state: dict[str, Any] = {"place": "", "found": [], "made": set(), "hooked": False}
"""The working folder, "" outside a case; the violations; what the case itself has created."""


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
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
            continue  # in a folder that is removed as a whole, an event of its own
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
    """Returns the path of the name itself: a link is changed, not what it points to."""
    return os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))


def _marks(folder: Path) -> dict[str, tuple[int, ...]]:
    found = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        found[str(path)] = state.st_ino, state.st_mode, state.st_size, state.st_mtime_ns
    return found


@contextmanager
def watched(untouched: Path) -> Iterator[None]:
    """Inside, files may change in the working folder only, and never in `untouched`.

    Raises:
        AssertionError: anything else has changed; it names the file.
    """
    if not _state["hooked"]:
        sys.addaudithook(_on_event)
        _state["hooked"] = True
    before = _marks(untouched)
    _state["found"], _state["made"], _state["place"] = [], set(), os.path.realpath(".")
    try:
        yield
    finally:
        _state["place"] = ""
    assert not _state["found"], f"changed elsewhere: {_state['found'][0]}"
    after = _marks(untouched)
    changed = sorted(path for path in {**before, **after} if before.get(path) != after.get(path))
    assert not changed, f"changed in the run: {changed[0]}"
