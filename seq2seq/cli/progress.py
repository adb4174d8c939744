"""How far a long file is, on a terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType

from seq2seq.clock import clock
from seq2seq.messages import rewrite
from seq2seq.text.opening import CorpusError, open_bytes


class LineProgress:
    """One line on stderr, rewritten as lines are done: how many, how quick, how long still. Silent elsewhere.

    Args:
        path: The file whose lines are counted; None for standard input, whose end nobody knows.
        total: Its lines, where they have been counted.
        before: Those of them that were done in earlier runs, and tell nothing about the speed.
    """

    def __init__(self, path: str | None, total: int | None = None, before: int = 0):
        self._shown = sys.stderr.isatty() and not (path is None and sys.stdin and sys.stdin.isatty())
        self._total = total if total is not None else _count(path) if self._shown and path else 0
        self._before = before
        self._begin = time.monotonic()

    def __enter__(self) -> LineProgress:
        self._begin = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, done: int) -> None:
        """`done` lines are finished."""
        new = done - self._before
        if not self._shown or not new:
            return
        spent = time.monotonic() - self._begin
        rest = f" of {self._total:,}  time left {clock(spent / new * (self._total - done))}" if self._total else ""
        rewrite(f"{done:,} lines{rest}  {new / max(spent, 1e-9):,.0f} a second")

    def clear(self) -> None:
        """Leaves the terminal as it was."""
        if self._shown:
            rewrite()


def _count(path: str) -> int:
    """The lines of a file; 0 where it cannot be read twice, or at all: whoever reads it will say so."""
    try:
        if not Path(path).is_file():
            return 0
        with open_bytes(Path(path)) as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except (OSError, CorpusError):
        return 0
