"""Processes of our own: none has the working folder on its search path, and none answers to Ctrl-C itself."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import context, resource_tracker, util

from seq2seq.early import search_path

SAFE_PATH = "PYTHONSAFEPATH"
"""Set to anything, Python puts neither the working folder nor that of a script on the search path."""

_lock = threading.Lock()


def spawn_context() -> context.SpawnContext:
    """Returns what makes processes, queues and pools as `multiprocessing.get_context("spawn")` does, safely."""
    with _safe_path():
        resource_tracker.ensure_running()  # a process of its own, which a first queue would start
    return _Spawn()


class _Process(context.SpawnProcess):
    """A fresh interpreter that takes no code from the working folder."""

    def start(self) -> None:
        with _safe_path(), _no_interrupts():
            super().start()


class _Spawn(context.SpawnContext):
    Process = _Process


@contextmanager
def _safe_path() -> Iterator[None]:
    """Inside, multiprocessing starts interpreters that begin with a safe path, and hands them one.

    It starts them with `-c`, for which Python puts the working folder first, and imports its own modules then. There
    is no option for that, and the environment variable has no effect where this process was started with -E.
    """
    with _lock:
        path, flags = sys.path, util._args_from_interpreter_flags  # type: ignore[attr-defined]  # private, see above
        util._args_from_interpreter_flags = lambda: [*flags(), "-P"]  # type: ignore[attr-defined]
        sys.path = search_path()
        try:
            yield
        finally:
            sys.path = path
            util._args_from_interpreter_flags = flags  # type: ignore[attr-defined]


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """A process started inside ignores Ctrl-C, which goes to all processes of a terminal: its parent ends it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def safe_environment() -> dict[str, str]:
    """Returns the environment for a Python that is started anew and must find what this one runs."""
    return {**os.environ, SAFE_PATH: "1", "PYTHONPATH": os.pathsep.join(search_path())}
