"""A small decoder-only Transformer, from Keras' own layers, with a cache for one token at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from seq2seq.types import Ids, Logits, Tensor, Vectors

SPREAD = 4
"""Width of the inner layer of a block, in widths of the model."""


class Cache(NamedTuple):
    """Keys and values of the steps before in one block, allocated for all; time comes first."""

    keys: tf.Variable
    """`(length, rows, heads, size)`."""
    values: tf.Variable
    """The same."""


class CachedAttention(keras.layers.MultiHeadAttention):
    """Causal self-attention whose keys and values of the steps before may be given.

    `step` is `call` for one more step: the projections and the scale are those of the layer.
    """

    def step(self, inputs: Vectors, cache: Cache, position: Tensor) -> Vectors:
        """Attends from one step, `(rows, 1, width)`, to all up to it, whose keys and values are in the cache.

        Args:
            inputs: Of the step.
            cache: Gets those of the step; what is there from its position on is not read.
            position: Of the step, from 0, int32 scalar.
        """
        keys = _add(cache.keys, position, self.key_dense(inputs)[:, 0])  # (steps so far, rows, heads, size)
        values = _add(cache.values, position, self.value_dense(inputs)[:, 0])
        query = self.query_dense(inputs)[:, 0]  # (rows, heads, size)
        # Not products of matrices: oneDNN prepares each new shape of one, and here every step has another.
        scores = tf.reduce_sum(query * keys, axis=3) * self.key_dim**-0.5  # (steps so far, rows, heads)
        shares = tf.exp(scores - tf.reduce_max(scores, axis=0))
        shares = shares / tf.reduce_sum(shares, axis=0)
        context = tf.reduce_sum(shares[..., None] * values, axis=0)
        return self.output_dense(context[:, None])


def _add(cache: tf.Variable, position: Tensor, new: Tensor) -> Tensor:
    """Writes one step in its place, and reads all up to it: neither copies the rest, as other ways to do it would."""
    cache.scatter_update(tf.IndexedSlices(new[None], tf.reshape(position, (1,))))
    return cache.sparse_read(tf.range(position + 1))


class Block(keras.layers.Layer):
    """One layer: attention, then two dense layers, each behind layer normalisation (Xiong et al. 2020) and added.

    Args:
        width: Of the model.
        heads: Of the attention; divides the width.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.width = width
        self.first, self.second = (keras.layers.LayerNormalization(epsilon=1e-5) for _ in range(2))
        self.attention = CachedAttention(heads, width // heads)
        self.inner = keras.layers.Dense(SPREAD * width, "gelu")
        self.outer = keras.layers.Dense(width)

    def build(self, input_shape: Any) -> None:
        self.first.build(input_shape)
        self.second.build(input_shape)
        self.attention.build(input_shape, input_shape)
        self.inner.build(input_shape)
        self.outer.build((*input_shape[:-1], SPREAD * self.width))
        self.built = True

    def call(self, inputs: Vectors) -> Vectors:
        seen = self.first(inputs)
        return self._think(inputs + self.attention(seen, seen, use_causal_mask=True))

    def step(self, inputs: Vectors, cache: Cache, position: Tensor) -> Vectors:
        """As `CachedAttention.step`."""
        return self._think(inputs + self.attention.step(self.first(inputs), cache, position))

    def _think(self, inputs: Vectors) -> Vectors:
        return inputs + self.outer(self.inner(self.second(inputs)))


class CausalTransformer(keras.Model):
    """The distribution over the next id (Vaswani et al. 2017, the decoder alone), with sinusoidal positions.

    Args:
        size: Number of ids.
        width: Of the model; a multiple of the heads, even.
        blocks: Layers.
        heads: Of each.
        length: The most steps of a sequence.

    Call arguments:
        ids: `(rows, time)`, int32.

    Returns:
        logits `(rows, time, size)`.

    Raises:
        ValueError: the width is odd or no multiple of the heads.
    """

    def __init__(self, size: int, width: int, blocks: int, heads: int = 4, length: int = 4096):
        super().__init__()
        if width % heads or width % 2:
            raise ValueError(f"Expected an even width that {heads} heads divide. Received: {width}")
        self.size, self.width, self.heads, self.length = size, width, heads, length
        self.embedding = keras.layers.Embedding(size, width, keras.initializers.RandomNormal(stddev=width**-0.5))
        self.blocks = [Block(width, heads) for _ in range(blocks)]
        self.last = keras.layers.LayerNormalization(epsilon=1e-5)
        self.head = keras.layers.Dense(size)
        self.positions = sinusoids(length, width)

    def build(self, input_shape: Any = None) -> None:
        if not getattr(self, "built", False):
            self.embedding.build((None, None))
            for layer in (*self.blocks, self.last, self.head):
                layer.build((None, None, self.width))
            self.built = True

    def call(self, ids: Ids, training: bool | None = None) -> Logits:
        values = self._embed(ids) + ops.convert_to_tensor(self.positions)[: ops.shape(ids)[1]]
        for block in self.blocks:
            values = block(values)
        return self.head(self.last(values))

    def new_cache(self, rows: int, length: int | None = None) -> list[Cache]:
        """Returns the caches of the blocks, for so many steps; by default for the most."""
        shape = (length or self.length, rows, self.heads, self.width // self.heads)
        return [Cache(tf.Variable(tf.zeros(shape)), tf.Variable(tf.zeros(shape))) for _ in self.blocks]

    def step(self, ids: Ids, caches: Sequence[Cache], position: Tensor) -> Logits:
        """Goes one id further: `(rows,)` ids, the caches, which it changes, and its position -> logits `(rows, size)`.

        The positions before must have been given in their order; an earlier position may be given again, to go on from
        there.
        """
        vectors = (self._embed(ids) + ops.convert_to_tensor(self.positions)[position])[:, None]
        for block, cache in zip(self.blocks, caches, strict=True):
            vectors = block.step(vectors, cache, position)
        return self.head(self.last(vectors))[:, 0]

    def _embed(self, ids: Ids) -> Vectors:
        return self.embedding(ids) * self.width**0.5


def sinusoids(length: int, width: int) -> np.ndarray:
    """Returns the positions of Vaswani et al. 2017, 3.5, `(length, width)`, sines before cosines."""
    angles = np.arange(length)[:, None] / 10_000 ** (np.arange(width // 2) / (width // 2))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def new_transformer(size: int, width: int, blocks: int, heads: int, length: int, seed: int) -> CausalTransformer:
    """Returns a built model; its first weights depend on the seed alone."""
    keras.utils.set_random_seed(seed)
    model = CausalTransformer(size, width, blocks, heads, length)
    model.build()
    return model
