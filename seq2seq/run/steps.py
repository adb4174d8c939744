"""Between the steps of an epoch: check the numbers, keep checkpoints, stop where a signal came."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import keras

from seq2seq.pipeline.plan import Batches
from seq2seq.signals import RunFailed, Terminated, raise_pending
from seq2seq.training.guard import WINDOW, Guard

_log = logging.getLogger(__name__)


class Steps(keras.callbacks.Callback):
    """Checks, saves and stops after every step.

    Args:
        plan: The batches of the epoch.
        first: Steps of the epoch that were done before.
        guard: Checks the numbers.
        minutes: Between checkpoints; 0: only after the last step.
        save: Writes a checkpoint, given the number of steps done.
        stop: Whether a signal has asked all processes to stop.
        show: Writes the batch of a step to a file, given its number from 0, and returns how to find it.
        advice: What to do where training fails.
    """

    def __init__(
        self,
        plan: Batches,
        first: int,
        guard: Guard,
        minutes: float,
        save: Callable[[int], None],
        stop: Callable[[], bool],
        show: Callable[[int], str],
        advice: str,
    ):
        super().__init__()
        self.plan, self.first, self.guard, self.minutes = plan, first, guard, minutes
        self.save, self.stop, self.show, self.advice = save, stop, show, advice
        self.saved = time.monotonic()
        # Reading a variable waits for the step; where steps run ahead of Python it is done every few steps.
        self.every = 1 if keras.backend.backend() == "tensorflow" else WINDOW

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        # `fit` resets the metrics when an epoch begins; in an epoch that goes on they hold its first steps.
        self.kept = [keras.ops.convert_to_numpy(v).copy() for v in self.model.metrics_variables] if self.first else []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.kept:
            for variable, value in zip(self.model.metrics_variables, self.kept, strict=True):
                variable.assign(value)
        self.epoch = epoch
        self.guard.begin()
        self.looked = self.first

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        done = self.first + batch + 1
        last, stop = done == len(self.plan), self.stop()
        where = f"Epoch {self.epoch + 1}, step {done}"
        if done % self.every == 0 or last or stop:
            getattr(self.model, "jax_state_sync", lambda: None)()
            if problem := self.guard.problem():
                self._report(f"{where}: {problem}.", done - 1)
            self.guard.compare(done - self.looked, where, self.advice)
            self.looked = done
        if last:
            self.guard.end_epoch(where, self.advice)
        if last or stop or (self.minutes and time.monotonic() - self.saved >= 60 * self.minutes):
            self.save(done)
            self.saved = time.monotonic()
        if stop:
            raise_pending()
            raise Terminated  # the signal came to another process of the run

    def _report(self, problem: str, step: int) -> None:
        batch = self.show(step) if self.every == 1 else f"It is one of the last {self.every} batches."
        if not self.guard.spent:
            _log.warning("%s The step was skipped. %s", problem, batch)
            return
        raise RunFailed(
            f"{problem} The step was not taken. {batch}\n{self.advice} To skip such steps and go on: the same "
            f"command with --training.skip_bad_steps {max(10, 2 * self.guard.watch.skipped)}."
        )
