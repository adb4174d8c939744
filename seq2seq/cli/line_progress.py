"""How many lines of a long text are done."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from types import TracebackType

from seq2seq.progress import ProgressLine, time_left
from seq2seq.text.opening import CorpusError, open_bytes


class LineProgress:
    """Shows on a terminal how many lines are done, how fast, and how long the rest takes. Silent in a log.

    Args:
        path: The file whose lines are counted; None for standard input, whose length is unknown.
        total: The number of its lines, where it is known.
        before: Lines that earlier runs did; they are left out of the speed.
    """

    def __init__(self, path: str | None, total: int | None = None, before: int = 0):
        self._line = ProgressLine(terminal_pause=0.0, log_pause=math.inf)
        typed = path is None and sys.stdin is not None and sys.stdin.isatty()  # a person types: leave the screen alone
        self._is_shown = self._line.on_terminal and not typed
        self._total = total if total is not None else _count_lines(path) if self._is_shown and path else 0
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
        """Shows that `done` lines are finished."""
        new = done - self._before
        if not self._is_shown or not new:
            return
        seconds = time.monotonic() - self._begin
        rest = ""
        if self._total:
            rest = f" of {self._total:,}  time left {time_left(seconds, new, self._total - self._before)}"
        self._line.show(f"{done:,} lines{rest}  {new / max(seconds, 1e-9):,.0f} a second")

    def clear(self) -> None:
        """Removes the line."""
        self._line.clear()


def _count_lines(path: str) -> int:
    """Returns the number of lines of a file; 0 if it cannot be read twice, or at all (the reader reports why)."""
    try:
        if not Path(path).is_file():
            return 0
        with open_bytes(Path(path)) as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except (OSError, CorpusError):
        return 0
