"""Standard input that may pause: lines are processed when no more come for a moment, so a co-process gets answers.

Read from the descriptor itself: Python's own buffer does not say whether a line is there.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Callable, Iterator
from typing import IO, Protocol, TypeVar

PAUSE = 0.05
"""Seconds without input after which the lines at hand are processed."""
BLOCK = 1 << 16
"""Bytes read at once; a pipe holds this many."""

MOST = 1 << 21
"""The largest number of bytes to wait for the end of a line; readers refuse longer lines."""

T = TypeVar("T")


class Lines(Protocol):
    """What lines are read from."""

    def readline(self, size: int = -1, /) -> bytes:
        """As of a binary file."""


class LiveInput:
    """The lines of a pipe, a socket or a terminal.

    Args:
        descriptor: Its number.
    """

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self._buffer = bytearray()
        self._ended = False

    def readline(self, size: int = -1, /) -> bytes:
        """Returns the next line with its end, at most `size` bytes of it; waits for it."""
        while (end := self._end(size)) == 0 and not self._ended:
            self._fill()
        line = bytes(self._buffer[: end or len(self._buffer)])
        del self._buffer[: len(line)]
        return line

    def read1(self, size: int = -1, /) -> bytes:
        """Returns what is there, as soon as it is, whatever its size; nothing at the end of the input."""
        if not self._buffer and not self._ended:
            self._fill()
        block = bytes(self._buffer)
        self._buffer.clear()
        return block

    def at_hand(self) -> bool:
        """Whether a whole line is there, or comes soon; also where the input has ended."""
        while not self._ended and b"\n" not in self._buffer and len(self._buffer) <= MOST:
            if not select.select([self._descriptor], [], [], PAUSE)[0]:
                return False
            self._fill()
        return True

    def _end(self, size: int) -> int:
        """Where the first line ends; 0 while that is not known."""
        end = self._buffer.find(b"\n") + 1
        if size >= 0 and (end > size or (not end and len(self._buffer) >= size)):
            return size
        return end

    def _fill(self) -> None:
        block = os.read(self._descriptor, BLOCK)
        self._buffer += block
        self._ended = not block


def standard_input() -> IO[bytes] | LiveInput:
    """Returns what standard input is read from.

    Raises:
        ValueError: the process was started without it.
    """
    if sys.stdin is None:
        raise ValueError("Standard input is closed. Give text on it, or a file with --input FILE.")
    try:
        descriptor = sys.stdin.fileno()
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    except (OSError, ValueError):  # no file of the system's
        return sys.stdin.buffer
    return sys.stdin.buffer if regular or os.name == "nt" else LiveInput(descriptor)


def in_chunks(items: Iterator[T], size: int, at_hand: Callable[[], bool] = lambda: True) -> Iterator[list[T]]:
    """Yields items `size` at a time, fewer at the end and where the next one is not at hand."""
    for item in items:
        chunk = [item]
        while len(chunk) < size and at_hand():
            try:
                chunk.append(next(items))
            except StopIteration:
                break
        yield chunk
