"""How far the doctor is: the stage it is in, the share that is done, and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from seq2seq.progress import ProgressLine, time_left

ReportStage = Callable[[str, float], None]
"""Called with the name of a stage and the share of it that is done, 0 to 1."""
LEAST_SECONDS = 3.0
"""A stage runs this long before its time left is shown."""


class StageProgress:
    """One line on a terminal, new at each stage; in a log a line every minute."""

    def __init__(self) -> None:
        self._line = ProgressLine(terminal_pause=0.3, log_pause=60.0)
        self._stage, self._begin = "", time.monotonic()

    def __call__(self, stage: str, share: float) -> None:
        """Shows `stage` and the share of it that is done, where that is due."""
        is_new = stage != self._stage
        if is_new:
            self._stage, self._begin = stage, time.monotonic()
        if not (is_new and self._line.on_terminal) and (is_new or not self._line.is_due()):
            return
        seconds = time.monotonic() - self._begin
        text = stage + (f" {100 * min(share, 1):.0f} %" if share else " …")
        if share > 0 and seconds > LEAST_SECONDS:
            text += f", {time_left(seconds, share, 1.0)} left"
        self._line.show(text)

    def clear(self) -> None:
        """Removes the line."""
        self._line.clear()
