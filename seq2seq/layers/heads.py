"""The output layer over a vocabulary, the pointer that mixes it with the pieces of the source, and the selector."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.types import Padded


@keras.saving.register_keras_serializable("seq2seq")
class VocabularyHead(keras.layers.Layer):
    """logits = features · kernelᵀ + bias. The kernel stands as an embedding does, `(size, features)`, to be shared.

    Args:
        size: Number of ids.
        tied: Use the kernel given at each call (Press & Wolf 2017) instead of one of its own.

    Call arguments:
        features: `(…, features_dim)`, float.
        shared: `(size, features_dim)`: the embedding, where tied.

    Returns:
        `(…, size)` logits, before any softmax.
    """

    def __init__(self, size: int, tied: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size
        self.tied = tied

    def build(self, features_shape: Any) -> None:
        self.bias = self.add_weight((self.size,), "zeros", name="bias")
        if not self.tied:
            self.kernel = self.add_weight((self.size, features_shape[-1]), "glorot_uniform", name="kernel")
        self.built = True

    def weights_for(self, shared: Any | None) -> tuple[Any, Any]:
        """Returns `(kernel (size, features_dim), bias (size,))`."""
        return (ops.convert_to_tensor(shared if self.tied else self.kernel), ops.convert_to_tensor(self.bias))

    def call(self, features: Any, shared: Any | None = None) -> Any:
        kernel, bias = self.weights_for(shared)
        return ops.matmul(features, ops.transpose(ops.cast(kernel, features.dtype))) + ops.cast(bias, features.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "tied": self.tied}


@keras.saving.register_keras_serializable("seq2seq")
class CopyGate(keras.layers.Layer):
    """The pointer of See et al. 2017, 2.2: P(piece) = g P_vocabulary(piece) + (1 - g) sum of its attention weights.

    The gate g is a logistic function of the features, which know the state, the context and the last piece. The
    vocabulary is joint, so a piece of the source is one of the target. All is kept in float32 and in log space.

    Call arguments:
        features: `(rows, target, features_dim)`, float.

    Returns:
        log g and log(1 - g), `(rows, target)` each, float32.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.dense = keras.layers.Dense(1, dtype="float32", name="gate")

    def build(self, features_shape: Any) -> None:
        self.dense.build(features_shape)
        self.built = True

    def call(self, features: Any) -> tuple[Any, Any]:
        logit = ops.squeeze(self.dense(features), -1)
        return ops.log_sigmoid(logit), ops.log_sigmoid(-logit)

    def copied(self, weights: Any, source: Any, labels: Any) -> Any:
        """Returns how likely `labels`, `(rows, target)` ids, are by the pointer alone; `(rows, target)`, float32.

        Args:
            weights: `(rows, target, source)`, the attention.
            source: `(rows, source)`, the ids that it points to.
        """
        same = ops.equal(ops.expand_dims(labels, 2), ops.expand_dims(source, 1))
        return ops.sum(ops.where(same, _normalized(weights), 0.0), axis=2)

    def mix(self, logits: Any, gates: tuple[Any, Any], weights: Any, source: Padded) -> Any:
        """Returns the log-probabilities of all pieces, `(rows, target, size)`, float32.

        Args:
            logits: `(rows, target, size)`, of the vocabulary.
            gates: What a call returned.
            weights: `(rows, target, source)`, the attention.
            source: `(batch, source)` ids; rows that share a source stand next to each other.
        """
        generate, copy = gates
        ids = source.values
        (batch, width), size = ops.shape(ids), logits.shape[-1]
        shape = ops.shape(logits)
        generated = ops.log_softmax(ops.cast(logits, "float32")) + ops.expand_dims(generate, 2)
        generated = ops.reshape(generated, (-1, size))  # (cells, size): a cell is a row at a step
        # A token at several positions gets the weights of them all, added at the first of them. The others and padding
        # add 0 to id 0, so that no engine has to define what writing the same place twice means.
        same = ops.cast(ops.equal(ops.expand_dims(ids, 2), ops.expand_dims(ids, 1)), "float32")
        places = ops.arange(width, dtype="int32")
        before = ops.cast(ops.expand_dims(places, 1) > places, "float32")  # (source, source)
        first = ops.logical_and(ops.equal(ops.sum(same * before, axis=2), 0), source.mask)  # (batch, source)
        ids = ops.where(first, ids, 0)
        pointed = ops.reshape(_normalized(weights), (batch, -1, width))
        pointed = ops.reshape(ops.matmul(pointed, same), (-1, width))
        pointed = log_of(pointed) + ops.reshape(copy, (-1, 1))
        cells = ops.shape(generated)[0]
        per_source = ops.zeros((batch, cells // batch, 1), "int32")
        first = ops.reshape(ops.logical_and(per_source == 0, ops.expand_dims(first, 1)), (-1, width))
        ids = ops.reshape(per_source + ops.expand_dims(ids, 1), (-1, width))  # (cells, source)
        written = ops.take_along_axis(generated, ids, axis=1)
        top = ops.maximum(written, pointed)  # by operations that every export has: theirs is no logaddexp
        mixed = top + ops.log(ops.exp(written - top) + ops.exp(pointed - top))
        gain = ops.where(first, mixed - written, 0.0)
        cell = ops.expand_dims(ops.arange(cells, dtype="int32"), 1) + ops.zeros_like(ids)
        places = ops.reshape(ops.stack([cell, ids], axis=2), (-1, 2))
        return ops.reshape(generated + ops.scatter(places, ops.reshape(gain, (-1,)), (cells, size)), shape)


@keras.saving.register_keras_serializable("seq2seq")
class Selector(keras.layers.Layer):
    """Tells of each piece of the source whether it belongs to what is written (Gehrmann et al. 2018, 3.1).

    Call arguments:
        values: `(batch, source, memory_dim)`, float: the memory.

    Returns:
        `(batch, source)`, float32: the log-odds.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.dense = keras.layers.Dense(1, dtype="float32", name="odds")

    def build(self, values_shape: Any) -> None:
        self.dense.build(values_shape)
        self.built = True

    def call(self, values: Any) -> Any:
        return ops.squeeze(self.dense(values), -1)


def log_of(probabilities: Any) -> Any:
    """Their logarithms, float32, and far below all that counts where they are 0."""
    return ops.log(probabilities + 1e-30)


def _normalized(weights: Any) -> Any:
    """Rounded to 8 bits, weights sum to 1 but nearly."""
    weights = ops.cast(weights, "float32")
    return weights / ops.sum(weights, axis=-1, keepdims=True)
