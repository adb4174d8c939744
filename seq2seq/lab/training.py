"""How all experiments train: one step, one loop, and a race of several models on the same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq.types import Tensor

Arrays = Sequence[np.ndarray]
"""A batch: what a loss takes, `(rows, steps, …)` each."""
Loss = Callable[[Any, Arrays, bool], Tensor]
"""From a model, a batch and whether it is for training to the mean loss: a scalar, or `(networks,)` of a stack."""
BITS = 1 / log(2)
"""Of a nat."""
COLD = 3
"""First steps of a run, which make graphs or fill caches; they are trained on and not timed."""


class Trainer:
    """A model, its loss and Adam; the graph of a step is made once for all seeds.

    A loss of `(networks,)` is that of a stack: each weight has the networks along its first axis, and each network has
    a gradient, and a norm of it, of its own.

    Args:
        make: Returns a built model whose first weights depend on the seed alone.
        loss: What is made small.
        rate: Of Adam, or its schedule over the steps.
        clip: Norm that gradients are clipped to; None: they are not.
        compiled: Compile each shape of a batch by XLA: faster steps after a slower first one.

    Attributes:
        largest: The largest norm of a gradient since the start, before it is clipped.
        times: Seconds of each step since the start.
    """

    def __init__(
        self,
        make: Callable[[int], keras.Model],
        loss: Loss,
        rate: float | keras.optimizers.schedules.LearningRateSchedule,
        clip: float | None = 1.0,
        compiled: bool = False,
    ):
        self.make, self.loss, self.clip, self.compiled = make, loss, clip, compiled
        self.model = make(0)
        self.optimizer = keras.optimizers.Adam(rate)
        self.optimizer.build(self.model.trainable_variables)
        self._fresh = [np.array(variable) for variable in self.optimizer.variables]
        self._graphs: dict[Any, Any] = {}
        self.largest = 0.0
        self.times: list[float] = []

    @property
    def count(self) -> int:
        """Number of weights."""
        return int(self.model.count_params())

    def restart(self, seed: int) -> None:
        """Begins anew with the weights of another seed."""
        self.model.set_weights(self.make(seed).get_weights())
        for variable, value in zip(self.optimizer.variables, self._fresh, strict=True):
            variable.assign(value)
        self.largest, self.times = 0.0, []

    def step(self, batch: Arrays) -> np.ndarray:
        """Trains on a batch and notes how long it took; returns the loss before, `()` or `(networks,)`."""
        started = time.perf_counter()
        loss, norm = map(np.asarray, self._call(batch, True))
        self.times.append(time.perf_counter() - started)
        self.largest = float(np.maximum(self.largest, norm.max()))
        return loss

    def train(self, batches: Iterator[Arrays], steps: int) -> Iterator[float]:
        """Trains on so many batches, one each time that it is asked; yields their losses."""
        for batch in islice(batches, steps):
            yield float(self.step(batch))

    def score(self, batches: Sequence[Arrays]) -> float:
        """Returns the mean loss of batches of equal size."""
        return float(np.mean([float(self._call(batch, False)) for batch in batches]))

    @property
    def seconds(self) -> float:
        """Median of the times of a step since the start."""
        return median(self.times[COLD:] or self.times)

    def _call(self, batch: Arrays, training: bool) -> Any:
        """Runs the graph for training or scoring, made once for all sizes; a compiled one once for each."""
        key = (training, tuple(part.shape for part in batch) if self.compiled else ())
        if key not in self._graphs:
            shapes = [part.shape if self.compiled else [None] * part.ndim for part in batch]
            if batch[0].ndim > 2:  # the features of the inputs stay
                shapes[0] = (*shapes[0][:-1], batch[0].shape[-1])
            specs = [tf.TensorSpec(shape, part.dtype) for shape, part in zip(shapes, batch, strict=True)]
            function = self._train if training else lambda *batch: self.loss(self.model, batch, False)
            self._graphs[key] = tf.function(function, jit_compile=self.compiled).get_concrete_function(*specs)
        return self._graphs[key](*map(tf.constant, batch))

    def _train(self, *batch: Tensor) -> tuple[Tensor, Tensor]:
        """One step; returns the loss and the norm of the gradient."""
        with tf.GradientTape() as tape:
            loss = self.loss(self.model, batch, True)
            total = tf.reduce_sum(loss)
        weights = self.model.trainable_variables
        gradients = tape.gradient(total, [weight.value for weight in weights])
        clipped, norm = clip_to_norm(gradients, self.clip, stacked=len(loss.shape) > 0)
        self.optimizer.apply(clipped, weights)
        return loss, norm


def clip_to_norm(gradients: Sequence[Tensor], limit: float | None, stacked: bool) -> tuple[list[Tensor], Tensor]:
    """Returns gradients scaled so that their common norm is at most the limit, and the norm before.

    `stacked` gradients have networks along their first axis, and each network has a norm of its own, `(networks,)`.
    """
    gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    axes = [list(range(stacked, len(gradient.shape))) for gradient in gradients]
    squares = [tf.reduce_sum(tf.square(part), axis) for part, axis in zip(gradients, axes, strict=True)]
    norm = tf.sqrt(tf.add_n(squares))
    if limit is None:
        return gradients, norm
    scale = limit / tf.maximum(norm, limit)
    shapes = [[-1] * stacked + [1] * len(axis) for axis in axes]
    return [part * tf.reshape(scale, shape) for part, shape in zip(gradients, shapes, strict=True)], norm


@dataclass(frozen=True)
class Run:
    """A model with one seed.

    Attributes:
        steps: At which it was scored.
        scores: There.
        seconds: Of a step, median.
    """

    steps: Sequence[int]
    scores: Sequence[float]
    seconds: float


def race(
    trainers: Mapping[str, Trainer],
    seeds: Sequence[int],
    batches: Callable[[int], Iterator[Arrays]],
    held: Sequence[Arrays],
    marks: Sequence[int],
    progress: Callable[[float], None],
) -> dict[str, list[Run]]:
    """Trains all models with each seed, step by step in turn; returns the runs of each, one for each seed.

    Args:
        trainers: By name.
        seeds: Of the weights, and of the batches.
        batches: From a seed to what is trained on; all models get the same.
        held: What is scored.
        marks: After how many steps, ascending; training ends at the last.
        progress: Takes the share that is done.
    """
    found: dict[str, list[Run]] = {name: [] for name in trainers}
    for number, seed in enumerate(seeds):
        stream = batches(seed)
        scores: dict[str, list[float]] = {name: [] for name in trainers}
        for trainer in trainers.values():
            trainer.restart(seed)
        for step in range(1, marks[-1] + 1):
            batch = next(stream)
            for name, trainer in trainers.items():
                trainer.step(batch)
                if step in marks:
                    scores[name].append(trainer.score(held))
            progress((number + step / marks[-1]) / len(seeds))
        for name, trainer in trainers.items():
            found[name].append(Run(list(marks), scores[name], trainer.seconds))
    return found
