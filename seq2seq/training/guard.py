"""Watches the numbers of a training: steps that must not be taken, and a loss that keeps rising."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
from keras import ops

from seq2seq.signals import RunFailed

EXPLOSION = 1000.0
"""A gradient this many times the usual norm is refused. The usual norm counts as at least 1."""
WINDOW = 50
"""Steps over which the loss is averaged before it is compared."""
RISE = 1.5, 0.5
"""Factor and offset: a window whose loss exceeds factor * best + offset has risen."""
PATIENCE = 2
"""Risen windows in a row that end the run."""


@keras.saving.register_keras_serializable("seq2seq")
class FiniteMean(keras.metrics.Mean):
    """The mean of the finite values; `left_out` counts the others."""

    def __init__(self, name: str = "mean", dtype: Any = None):
        super().__init__(name, dtype)
        self.left_out = self.add_variable((), keras.initializers.Zeros(), name="left_out")

    def update_state(self, values: Any, sample_weight: Any = 1.0) -> None:
        """Adds a scalar with its weight."""
        weight = ops.cast(sample_weight, self.dtype)
        finite = ops.isfinite(values * weight)
        self.left_out.assign_add(1.0 - ops.cast(finite, self.left_out.dtype))
        super().update_state(ops.where(finite, values, 0.0), sample_weight=ops.where(finite, weight, 0.0))

    def reset_state(self) -> None:
        super().reset_state()
        self.left_out.assign(0.0)


@dataclass
class Watch:
    """The guard's state from step to step; part of a checkpoint."""

    skipped: int = 0
    """Steps skipped so far."""
    best: float | None = None
    """Lowest mean of a window."""
    risen: int = 0
    """Windows in a row whose loss has risen."""
    steps: int = 0
    """Steps of the current window."""
    total: float = 0.0
    """The epoch's sum of losses where the window begins; below 0 if that is in the epoch before."""
    count: float = 0.0
    """The same for the weights of the losses."""


@dataclass
class Guard:
    """Checks an `Objective` after every step."""

    objective: Any
    skip: int
    """Bad steps that may be skipped in the whole run."""
    watch: Watch = field(default_factory=Watch)
    uniform: float = math.inf
    """Loss of a uniform distribution, in nats a token: a loss that rises above it has risen too."""
    _refused: float = 0.0
    _left_out: float = 0.0

    def begin(self) -> None:
        """Starts before the first step of an epoch, or of the rest of one."""
        self._refused, self._left_out = self._counts()

    def as_json(self) -> dict[str, Any]:
        return asdict(self.watch)

    def problem(self) -> str:
        """After a step: says what was wrong with it, or nothing. A bad step changes no weight."""
        refused, left_out = self._counts()
        bad = refused > self._refused, left_out > self._left_out
        self._refused, self._left_out = refused, left_out
        if not any(bad):
            return ""
        self.watch.skipped += 1
        if bad[1]:
            return "the loss is not a finite number"
        norm, usual = (float(v) for v in (self._optimizer.gradient_norm, self._optimizer.usual_norm))
        if math.isfinite(norm) and norm > 0:
            return f"the gradient has exploded: its norm is {norm:,.4g}, where {usual:,.3g} is usual"
        return "the gradient is 0: nothing in the batch counts" if norm == 0 else "the gradient is not finite"

    @property
    def spent(self) -> bool:
        """Whether more steps are skipped than may be."""
        return self.watch.skipped > self.skip

    def compare(self, steps: int, where: str, advice: str) -> None:
        """Compares windows after so many more steps; RunFailed where the loss has risen for several windows."""
        watch = self.watch
        watch.steps += steps
        if watch.steps < WINDOW:
            return
        total, count = self._sums()
        mean = (total - watch.total) / max(count - watch.count, 1e-9)
        watch.steps, watch.total, watch.count = 0, total, count
        if watch.best is None or mean < watch.best:
            watch.best = mean
        watch.risen = watch.risen + 1 if self._has_risen(mean) else 0
        if watch.risen >= PATIENCE:
            raise RunFailed(f"{where}: {self._diverges(f'the last {WINDOW} steps', mean)} {advice}")

    def end_epoch(self, where: str, advice: str) -> None:
        """Ends an epoch: the sums start again at 0. RunFailed where a uniform distribution has a far better loss."""
        total, count = self._sums()
        mean = total / max(count, 1e-9)
        if mean > RISE[0] * self.uniform + RISE[1]:
            raise RunFailed(f"{where}: {self._diverges('this epoch', mean)} {advice}")
        self.watch.total -= total
        self.watch.count -= count

    def _has_risen(self, mean: float) -> bool:
        return mean > RISE[0] * min(self.uniform, self.watch.best or math.inf) + RISE[1]

    def _diverges(self, steps: str, mean: float) -> str:
        best = self.watch.best if self.watch.best is not None else math.inf
        against = f"after {best:.3g} at its best"
        if self.uniform < best:
            against = f"where {self.uniform:.3g} is that of a model that knows nothing"
        return f"training diverges: the loss of {steps} is {mean:.3g} nats a token, {against}."

    @property
    def _optimizer(self) -> Any:
        return getattr(self.objective.optimizer, "inner_optimizer", self.objective.optimizer)

    def _sums(self) -> tuple[float, float]:
        return float(self.objective.nll.total), float(self.objective.nll.count)

    def _counts(self) -> tuple[float, float]:
        return float(self._optimizer.refused), float(self.objective.nll.left_out)
