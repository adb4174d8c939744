"""Signals that stop a run, and failures with a message. Imports no framework."""

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
"""Seconds from a SIGTERM until the process is ended by force; after a second Ctrl-C it is one second."""


class Terminated(BaseException):
    """SIGTERM asked the process to end. Like KeyboardInterrupt, only the outermost caller catches it."""


class RunFailed(Exception):
    """Something failed that is not a mistake in the input. The message says what, and what to do."""


_ERRORS: dict[int, type[BaseException]] = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}


class _Signals:
    """The signals received so far, and whether they raise at once."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self.deferred = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        first = not self.received
        self.received.append(number)
        if not (self.deferred and first):
            raise _ERRORS[number]


_signals: _Signals | None = None
"""None outside of `handle_signals`, as in a notebook: Python's own handlers are then in place."""


@contextmanager
def handle_signals() -> Iterator[None]:
    """Inside, SIGINT raises KeyboardInterrupt and SIGTERM raises Terminated, in the main thread.

    Errors that a library raises because of the signal are replaced by these: TensorFlow, interrupted within a graph,
    raises its own. Python handles signals only between bytecode instructions, so a process that stays inside a library
    for longer than `GRACE` after a SIGTERM is ended by force; its files are whole at any time.
    """
    global _signals
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    outer, _signals = _signals, _Signals()
    state = _signals
    before = {number: signal.signal(number, state.receive) for number in _ERRORS}
    try:
        with _watchdog():
            yield
    except Exception:
        if state.received:
            raise _ERRORS[state.received[0]] from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _signals = outer


@contextmanager
def defer_signals() -> Iterator[Callable[[], bool]]:
    """Inside, a first signal does not raise; the yielded function returns whether one was received.

    The caller then saves its work and calls `raise_pending`; a signal that came too late to be seen raises at the end.
    A second signal raises at once.
    """
    signals = _signals
    if signals is None:
        yield lambda: False
        return
    signals.deferred = True
    try:
        yield lambda: bool(signals.received)
    finally:
        signals.deferred = False
    raise_pending()


def raise_pending() -> None:
    """Raises the exception of the first signal received, if any."""
    if _signals is not None and _signals.received:
        raise _ERRORS[_signals.received[0]]


def in_background(work: Callable[[], T]) -> T:
    """Runs `work`, a long library call that releases the GIL, in a thread, so that signals are handled meanwhile."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # re-raised in the waiting thread
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
    """A thread that sees signals even while the main thread is inside a library, and ends the process in time."""
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
