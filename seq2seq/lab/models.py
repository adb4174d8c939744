"""The small networks of the experiments, a layer of the toolkit's cells and a dense one, and their losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from seq2seq.layers.cells import make_cell, zero_state
from seq2seq.layers.names import CellName
from seq2seq.layers.recurrence import run_layer
from seq2seq.types import Tensor, Vectors

CELL_NAMES: dict[CellName, str] = {
    "simple": "simple",
    "gru": "GRU",
    "lstm": "LSTM",
    "layer_norm_lstm": "layer-norm LSTM",
    "ssru": "SSRU",
    "min_gru": "minGRU",
}
"""The cells as the pages name them."""


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


def class_loss(model: Any, batch: Sequence[np.ndarray], training: bool) -> Tensor:
    """The mean cross-entropy of classes, in nats; a batch has inputs and classes, `(rows,)` or one for each step."""
    inputs, classes = batch
    logits = model(inputs, training=training)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(classes, logits))


def next_symbol_loss(model: Any, batch: Sequence[np.ndarray], training: bool) -> Tensor:
    """The same of the ids that follow, for a model that reads vectors of zeros with a one.

    A batch has ids and those that follow, `(rows, time)`; the model has as many outputs as there are ids.
    """
    ids, following = batch
    return class_loss(model, (tf.one_hot(ids, model.dense.units), following), training)
