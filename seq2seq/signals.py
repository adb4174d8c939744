"""How a run is stopped from outside, and how it stops itself: signals, and failures with a message. Imports no
framework."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

T = TypeVar("T")

EXIT_INTERRUPTED = 130
"""Ctrl-C, SIGINT."""
EXIT_TERMINATED = 143
"""SIGTERM, as a cluster or `kill` sends it."""

GRACE = 9.0
"""Seconds from a SIGTERM until the process ends, come what may; from a second Ctrl-C it is one."""


class Terminated(BaseException):
    """The process was asked to end by SIGTERM. As with KeyboardInterrupt, only the outermost caller catches it."""


class RunFailed(Exception):
    """Something broke that is not a mistake in what was given. The message says what, and what to do."""


_ERRORS: dict[int, type[BaseException]] = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


class _Signals:
    """What came so far, and whether it may be acted upon at once."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.waits = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        first = not self.came
        self.came.append(number)
        if not (self.waits and first):
            raise _ERRORS[number]


_signals: _Signals | None = None
"""None where nobody called `handle_signals`, as in a notebook: then Python's own ways hold."""


@contextmanager
def handle_signals() -> Iterator[None]:
    """Inside, SIGINT raises KeyboardInterrupt and SIGTERM raises Terminated, in the main thread.

    Whatever else such a signal led to comes out as the same: interrupted in the middle of a graph, TensorFlow raises
    errors of its own. Python can raise only between two of its own instructions; a process that is inside of a library
    for longer than `GRACE` after a SIGTERM ends without further ado, as all that it keeps is kept whole at any time.
    """
    global _signals
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outer, _signals = _signals, _Signals()
    mine = _signals
    before = {number: signal.signal(number, mine.receive) for number in _ERRORS}
    try:
        with _watchdog():
            yield
    except Exception:
        if mine.came:
            raise _ERRORS[mine.came[0]] from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _signals = outer


@contextmanager
def defer_signals() -> Iterator[Callable[[], bool]]:
    """Inside, a first signal waits until the code asks: the yielded function tells whether one came.

    The caller then saves its work and calls `raise_pending`; a signal that came too late to be seen raises at the end.
    A second signal raises at once.
    """
    signals = _signals
    if signals is None:
        yield lambda: False
        return
    signals.waits = True
    try:
        yield lambda: bool(signals.came)
    finally:
        signals.waits = False
    raise_pending()


def raise_pending() -> None:
    """Raises what the first signal wants; nothing where none came."""
    if _signals is not None and _signals.came:
        raise _ERRORS[_signals.came[0]]


def in_background(work: Callable[[], T]) -> T:
    """Runs `work`, a long call of a library that gives the lock of the interpreter back, so that signals are heeded."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # handed on to whoever waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
    if errors:
        raise errors[0]
    return results[0]


@contextmanager
def _watchdog() -> Iterator[None]:
    """A thread that learns of a signal even while the main one is inside of a library, and ends the process in time."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    done = threading.Event()

    def watch() -> None:
        presses = 0
        while byte := os.read(reader, 1):
            presses += byte[0] == signal.SIGINT
            if byte[0] == signal.SIGTERM or presses == 2:
                code, grace = (EXIT_TERMINATED, GRACE) if byte[0] == signal.SIGTERM else (EXIT_INTERRUPTED, 1.0)
                if not done.wait(grace):
                    with suppress(OSError, ValueError, AttributeError):
                        os.write(sys.stderr.fileno(), b"\nStopped in the middle of a step.\n")
                    os._exit(code)
                return

    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        signal.set_wakeup_fd(before)
        os.close(writer)  # the reader sees the end of the pipe
        thread.join(1)
        os.close(reader)
