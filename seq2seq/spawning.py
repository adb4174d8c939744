"""Child processes without the working folder on their search path, which leave Ctrl-C to their parent."""

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
"""If set, Python puts neither the working folder nor the script's folder on the search path."""

_lock = threading.Lock()


def spawn_context() -> context.SpawnContext:
    """Like `multiprocessing.get_context("spawn")`, with a safe search path in the children."""
    with _safe_path():
        resource_tracker.ensure_running()  # a separate process, which the first queue would start
    return _Spawn()


class _Process(context.SpawnProcess):
    """A fresh interpreter that imports nothing from the working folder."""

    def start(self) -> None:
        with _safe_path(), _no_interrupts():
            super().start()


class _Spawn(context.SpawnContext):
    Process = _Process


@contextmanager
def _safe_path() -> Iterator[None]:
    """Inside, interpreters that multiprocessing starts begin with a safe search path.

    It starts them with `-c`, for which Python puts the working folder first, and then imports its own modules. There is
    no option to change that, and the environment variable has no effect if this process was started with -E.
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
    """Processes started inside ignore Ctrl-C, which a terminal sends to all of them; their parent ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def safe_environment() -> dict[str, str]:
    """Returns the environment for a new Python process that must find the same modules."""
    return {**os.environ, SAFE_PATH: "1", "PYTHONPATH": os.pathsep.join(search_path())}
