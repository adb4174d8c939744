"""Dropout over sequences."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.types import Tensor


def sequence_dropout(rate: float, variational: bool, name: str) -> keras.layers.Dropout:
    """Dropout for `(batch, time, features)`.

    Args:
        rate: Share of the values that become 0, in [0, 1).
        variational: Drop the same features at every step of a sequence (Gal & Ghahramani 2016) instead of
            drawing at each step.
    """
    return keras.layers.Dropout(rate, noise_shape=(None, 1, None) if variational else None, name=name)


def drop_weights(dropout: keras.layers.Dropout, cell: Any, training: bool | None) -> Tensor | None:
    """Returns a cell's recurrent kernel, `(units, projected_size)`, with weights dropped, the same at all steps.

    DropConnect on the recurrent weights (Merity et al. 2018, section 2). None where nothing is dropped.
    """
    if not training or not dropout.rate:
        return None
    return dropout(ops.cast(cell.recurrent_kernel, cell.compute_dtype), training=True)
