"""What workers do in tests: each task is a word that says what happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path


def make(folder: Path) -> Callable[[str], str]:
    """Makes what takes tasks; notes each call in `folder`."""
    (folder / f"made-{os.getpid()}").touch()
    return partial(work, folder)


def make_nothing(folder: Path) -> Callable[[str], str]:
    raise ValueError(f"{folder}: no model")


def work(folder: Path, task: str) -> str:
    what, _, which = task.partition(" ")
    if what == "die" or (what == "die-once" and not (folder / which).exists()):
        (folder / which).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "wrong":
        raise ValueError(f"line {which} is wrong")
    if what == "full":
        raise OSError(28, "No space left on device", which)
    if what == "bug":
        raise KeyError(which)
    if what == "sleep":
        (folder / f"asleep-{os.getpid()}").touch()
        time.sleep(600)
    return task.upper()
