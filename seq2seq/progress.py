"""The one line that shows how far long work has come: rewritten on a terminal, repeated now and then in a log."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from seq2seq.clock import clock
from seq2seq.messages import rewrite, say


class ProgressLine:
    """Writes progress to a stream, stderr unless another one is given.

    Args:
        terminal_pause: Seconds between two updates on a terminal.
        log_pause: Seconds between two lines where the stream is no terminal; infinity writes none.
        stream: Where to write; None is stderr as it is now.
    """

    def __init__(self, terminal_pause: float, log_pause: float, stream: TextIO | None = None):
        self._stream = stream if stream is not None else sys.stderr
        self.on_terminal = self._stream is not None and self._stream.isatty()
        self._pause = terminal_pause if self.on_terminal else log_pause
        self._is_visible = False
        self.restart()

    def restart(self) -> None:
        """Starts the pause again."""
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Whether the pause since the last line is over."""
        return time.monotonic() - self._last >= self._pause

    def show(self, text: str) -> None:
        """Writes `text` now, whether it is due or not."""
        self.restart()
        if self.on_terminal:
            rewrite(text, self._stream)
            self._is_visible = True
        else:
            say(text, self._stream)

    def clear(self) -> None:
        """Removes the line from a terminal, so that a message can be written there."""
        if self._is_visible:
            rewrite(stream=self._stream)
            self._is_visible = False


def time_left(seconds: float, done: float, total: float) -> str:
    """Returns the time that the rest takes at the pace so far, as `m:ss`.

    Args:
        seconds: Spent on what is done.
        done: How much is done, above 0, in any unit.
        total: How much there is, in the same unit.
    """
    return clock(seconds / done * (total - done))
