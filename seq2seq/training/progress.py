"""What a person sees while a model trains: one line, rewritten on a terminal, repeated now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import keras

from seq2seq.clock import clock
from seq2seq.messages import rewrite, say


class Progress(keras.callbacks.Callback):
    """Reports epoch, step, loss, tokens a second and the time left of the whole run, to stderr.

    Args:
        epochs: Of the run.
        steps: Of each epoch.
        tokens: Source and target tokens of a step of this epoch.
        before: Steps of this epoch that were done earlier.
        stream: Where to.
    """

    def __init__(
        self, epochs: int, steps: int, tokens: Callable[[int], int], before: int = 0, stream: TextIO | None = None
    ):
        super().__init__()
        self.epochs, self.steps, self.tokens, self.before = epochs, steps, tokens, before
        self.stream = stream or sys.stderr
        self.pause = 0.5 if self.stream.isatty() else 30.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch, self.count, self.done = epoch, 0, 0
        self.begin = self.shown = self.first = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.monotonic()
        if batch == 0:  # the first step compiles: it would spoil the rate
            self.first = now
            return
        self.count += self.tokens(self.before + batch)
        self.done = batch
        if now - self.shown >= self.pause:
            self.shown = now
            self._show(now, float((logs or {}).get("loss", float("nan"))))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.stream.isatty():
            rewrite(stream=self.stream)

    @property
    def tokens_per_second(self) -> float:
        """Of the epoch so far."""
        return self.count / max(1e-9, time.monotonic() - self.first)

    def _show(self, now: float, loss: float) -> None:
        pace = (now - self.first) / self.done
        step = self.before + self.done + 1
        left = pace * ((self.epochs - self.epoch) * self.steps - step)
        line = (
            f"epoch {self.epoch + 1}/{self.epochs}  step {step}/{self.steps}  loss {loss:.3f}  "
            f"{self.tokens_per_second:,.0f} tokens/s  time left {clock(left)}"
        )
        if self.stream.isatty():
            rewrite(line, self.stream)
        else:
            say(line, self.stream)
