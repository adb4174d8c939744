"""The small networks of the experiments: a layer of the toolkit's cells, what it reads, what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.layers.cells import make_cell, zero_state
from seq2seq.layers.names import CellName
from seq2seq.layers.recurrence import run_layer
from seq2seq.types import Tensor, Vectors

Batches = Iterator[tuple[np.ndarray, np.ndarray]]
"""Inputs `(rows, time, features)` and targets, one pair a step; it does not end."""


class SequenceModel(keras.Model):
    """Reads a sequence and answers after the last step, or after each.

    Args:
        cell: Of the toolkit.
        units: Width of the layer.
        outputs: Width of the answer.
        each_step: Answer after each step.

    Call arguments:
        inputs: `(rows, time, features)`, float.

    Returns:
        `(rows, outputs)`; with `each_step` `(rows, time, outputs)`.
    """

    def __init__(self, cell: CellName, units: int, outputs: int, each_step: bool = False):
        super().__init__()
        self.cell = make_cell(cell, units)
        self.dense = keras.layers.Dense(outputs)
        self.each_step = each_step

    def build(self, input_shape: Any) -> None:
        if not getattr(self, "built", False):
            self.cell.build((None, input_shape[-1]))
            self.dense.build((None, self.cell.units))
            self.built = True

    def call(self, inputs: Vectors, training: bool | None = None) -> Tensor:
        state = zero_state(self.cell, ops.shape(inputs)[0])
        outputs, _ = run_layer(self.cell, inputs, state, None, False, training)
        return self.dense(outputs if self.each_step else outputs[:, -1])


def new_model(
    cell: CellName, units: int, features: int, outputs: int, seed: int, each_step: bool = False
) -> SequenceModel:
    """Returns a built model; its first weights depend on the seed alone."""
    keras.utils.set_random_seed(seed)
    model = SequenceModel(cell, units, outputs, each_step)
    model.build((None, None, features))
    return model


def train(
    model: keras.Model,
    batches: Batches,
    loss: str | Callable[..., Any],
    steps: int,
    optimizer: keras.optimizers.Optimizer,
    after: Mapping[int, Callable[[], None]] | None = None,
    every: Callable[[int, float], bool] | None = None,
) -> list[float]:
    """Trains for so many steps, or until `every(step, loss)` is True; returns the loss of each.

    Args:
        model: Built.
        batches: What to learn from.
        loss: As Keras takes it.
        steps: The most batches.
        optimizer: With its rate and clipping.
        after: What to call after how many steps; 0 is before the first.
        every: Called after each step.
    """
    model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
    losses: list[float] = []
    calls = dict(after or {})
    if 0 in calls:
        calls[0]()
    for step in range(1, steps + 1):
        losses.append(float(model.train_on_batch(*next(batches))))
        if step in calls:
            calls[step]()
        if every is not None and every(step, losses[-1]):
            break
    return losses
