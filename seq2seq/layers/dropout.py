"""Dropout over sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seq2seq.layers.cells import LinearCell
from seq2seq.layers.options import DropoutOptions
from seq2seq.types import Tensor


def make_dropouts(options: DropoutOptions, num_layers: int) -> list[keras.layers.Dropout]:
    """Returns the dropout of `(batch, time, features)` on the input of each layer and, last, on what comes out."""
    shape = (None, 1, None) if options.variational else None
    rates = options.rates(num_layers)
    return [keras.layers.Dropout(rate, noise_shape=shape, name=f"dropout_{i}") for i, rate in enumerate(rates)]


def make_step_dropout(options: DropoutOptions) -> keras.layers.Dropout:
    """Returns the dropout of whole steps of `(batch, time, features)`."""
    return keras.layers.Dropout(options.steps, noise_shape=(None, None, 1), name="step_dropout")


def make_weight_dropouts(options: DropoutOptions, cells: Sequence[Any]) -> list[keras.layers.Dropout]:
    """Returns the dropout of the recurrent weights of each cell; ValueError if there is some and a cell has none."""
    if options.weights and any(isinstance(cell, LinearCell) for cell in cells):
        raise ValueError("Dropout of weights needs a cell with recurrent weights. Received: ssru or min_gru")
    return [keras.layers.Dropout(options.weights, name=f"weight_dropout_{i}") for i, _ in enumerate(cells)]


def drop_weights(dropout: keras.layers.Dropout, cell: Any, training: bool | None) -> Tensor | None:
    """Returns a cell's recurrent kernel, `(units, projected_size)`, with weights dropped, the same at all steps.

    DropConnect on the recurrent weights (Merity et al. 2018, section 2). None where nothing is dropped.
    """
    if not training or not dropout.rate:
        return None
    return dropout(ops.cast(cell.recurrent_kernel, cell.compute_dtype), training=True)
