"""Models that are trained on the same batches, in turn, so that their times can be compared on a busy machine too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq.types import Tensor

Arrays = Sequence[np.ndarray]
"""A batch: what a loss takes, `(rows, steps, …)` each."""
Loss = Callable[[Any, Arrays, bool], Tensor]
"""From a model, a batch and whether it is for training to the mean loss, a scalar."""
COLD = 3
"""First steps of a run, which make graphs or fill caches; they are trained on and not timed."""


class Trainer:
    """A model, its loss and Adam; the graph of a step is made once for all seeds.

    Args:
        make: Returns a built model whose first weights depend on the seed alone.
        loss: What is made small.
        rate: Of Adam.
        clip: Norm that gradients are clipped to.
    """

    def __init__(self, make: Callable[[int], keras.Model], loss: Loss, rate: float, clip: float = 1.0):
        self.make, self.loss = make, loss
        self.model = make(0)
        self.optimizer = keras.optimizers.Adam(rate, global_clipnorm=clip)
        self.optimizer.build(self.model.trainable_variables)
        self._fresh = [np.array(variable) for variable in self.optimizer.variables]
        self._graphs: dict[bool, Any] = {}
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
        self.times = []

    def step(self, batch: Arrays) -> float:
        """Trains on a batch and notes how long it took; returns the loss before."""
        started = time.perf_counter()
        loss = float(self._call(batch, True))
        self.times.append(time.perf_counter() - started)
        return loss

    def score(self, batches: Sequence[Arrays]) -> float:
        """Returns the mean loss of batches of equal size."""
        return float(np.mean([float(self._call(batch, False)) for batch in batches]))

    @property
    def seconds(self) -> float:
        """Median of the times of a step since the start."""
        return median(self.times[COLD:] or self.times)

    def _call(self, batch: Arrays, training: bool) -> Tensor:
        """Runs the graph for training or scoring, made once for any number of rows and steps."""
        if training not in self._graphs:
            specs = [tf.TensorSpec((None, None, *part.shape[2:]), part.dtype) for part in batch]
            function = self._train if training else lambda *batch: self.loss(self.model, batch, False)
            self._graphs[training] = tf.function(function).get_concrete_function(*specs)
        return self._graphs[training](*map(tf.constant, batch))

    def _train(self, *batch: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            loss = self.loss(self.model, batch, True)
        weights = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, [weight.value for weight in weights]), weights)
        return loss


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
    tell: Callable[[float], None],
) -> dict[str, list[Run]]:
    """Trains all models with each seed, step by step in turn; returns the runs of each, one for each seed.

    Args:
        trainers: By name.
        seeds: Of the weights, and of the batches.
        batches: From a seed to what is trained on; all models get the same.
        held: What is scored.
        marks: After how many steps, ascending; training ends at the last.
        tell: Takes the share that is done.
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
            tell((number + step / marks[-1]) / len(seeds))
        for name, trainer in trainers.items():
            found[name].append(Run(list(marks), scores[name], trainer.seconds))
    return found
