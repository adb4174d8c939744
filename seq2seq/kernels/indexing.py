"""Parts of tensors by one operation of TensorFlow each, where Keras' own functions put some twenty into a graph."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from seq2seq.types import Ids, Tensor


def gather(tensor: Tensor, index: Ids) -> Tensor:
    """As `indexing.gather`."""
    return tf.gather(tensor, index, batch_dims=len(index.shape) - 1)


def split(joined: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """As `indexing.split`, for a last axis whose width is known."""
    return list(tf.split(joined, list(widths), axis=-1))
