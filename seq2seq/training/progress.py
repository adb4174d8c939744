"""What a person sees while a model trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TextIO

import keras

from seq2seq.progress import ProgressLine, time_left


class TrainingProgress(keras.callbacks.Callback):
    """Reports epoch, step, loss, tokens per second and the time left of the whole run.

    Args:
        epochs: Epochs of the run.
        steps: Steps of each epoch.
        tokens: Maps a step of this epoch to its number of source and target tokens.
        before: Steps of this epoch that an earlier process did.
        entry: What is counted, in the singular.
        stream: Where to write; None is stderr.
    """

    def __init__(
        self,
        epochs: int,
        steps: int,
        tokens: Callable[[int], int],
        before: int = 0,
        stream: TextIO | None = None,
        entry: str = "token",
    ):
        super().__init__()
        self.epochs, self.steps, self.tokens, self.before = epochs, steps, tokens, before
        self.entry = entry
        self._line = ProgressLine(terminal_pause=0.5, log_pause=30.0, stream=stream)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch, self.count, self.done = epoch, 0, 0
        self.first = time.monotonic()
        self._line.restart()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch == 0:  # the first step compiles: it would spoil the rate
            self.first = time.monotonic()
            return
        self.count += self.tokens(self.before + batch)
        self.done = batch
        if self._line.is_due():
            self._line.show(self._text(float((logs or {}).get("loss", float("nan")))))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._line.clear()

    @property
    def tokens_per_second(self) -> float:
        """Of the epoch so far."""
        return self.count / max(1e-9, time.monotonic() - self.first)

    def _text(self, loss: float) -> str:
        step = self.before + self.done + 1
        steps_left = (self.epochs - self.epoch) * self.steps - step
        left = time_left(time.monotonic() - self.first, self.done, self.done + steps_left)
        return (
            f"epoch {self.epoch + 1}/{self.epochs}  step {step}/{self.steps}  loss {loss:.3f}  "
            f"{self.tokens_per_second:,.0f} {self.entry}s/s  time left {left}"
        )
