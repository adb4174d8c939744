"""Heads, which turn features into distributions and losses; and the selector of source tokens.

A head is a layer with these attributes; the model asks for no others.

    loss(features, target, weights, training=…, …)    `HeadLoss`; each head has options of its own
    logits(features)                                  what a search reads: `(…, size)`, maybe normalised already
    log_prob(features, target)                        `(rows, target)`, float32, in nats
    size                                              number of ids
    needs_attention                                   whether it takes `PointerFeatures` in place of features
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.indexing import gather
from seq2seq.layers.chunks import BUDGET
from seq2seq.layers.cross_entropy import fused_cross_entropy
from seq2seq.layers.divergence import fused_divergence
from seq2seq.layers.frontends import ColumnEmbedding, TokenEmbedding
from seq2seq.types import Ids, Logits, Padded, Shape, Tensor, Vectors

Matrix = TokenEmbedding | ColumnEmbedding
"""A layer whose matrix of tokens a head may share."""


class HeadLoss(NamedTuple):
    """The loss of a batch, float32 scalars."""

    loss: Tensor
    """Sum over the steps, in nats; carries the gradients."""
    nll: Tensor
    """Sum of the negative log-likelihood, without any smoothing; carries no gradients."""
    count: Tensor
    """Sum of the weights."""


class PointerFeatures(NamedTuple):
    """What a head reads that copies from the source."""

    features: Vectors
    """`(rows, target, features_dim)`."""
    attention: Tensor
    """`(rows, target, source)`, float."""
    source: Padded
    """`(batch, source)`, int32: ids of the same vocabulary; rows that share a source are next to each other."""


@keras.saving.register_keras_serializable("seq2seq")
class VocabularyHead(keras.layers.Layer):
    """logits = features · kernelᵀ + bias. The kernel has the shape of an embedding, `(size, features)`, to be shared.

    Args:
        size: Number of ids.
        embedding: Use the matrix of this layer (Press & Wolf 2017) instead of a kernel of its own.

    Call arguments:
        features: `(…, features_dim)`, float.

    Returns:
        `(…, size)` logits, before any softmax.

    Raises:
        ValueError: when built, an embedding of another size or width, or none where the config has one.
    """

    needs_attention = False

    def __init__(self, size: int, embedding: Matrix | None = None, tied: bool | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size
        self.tied = embedding is not None if tied is None else tied
        self.embedding: Any = None
        if embedding is not None:
            self.tie(embedding)

    def tie(self, embedding: Matrix) -> None:
        """Shares the matrix of `embedding`: the last step of restoring a tied head, before it is built."""
        self.embedding = embedding

    def build(self, features_shape: Shape) -> None:
        dim = features_shape[-1]
        self.bias = self.add_weight((self.size,), "zeros", name="bias")
        if not self.tied:
            self.kernel = self.add_weight((self.size, dim), "glorot_uniform", name="kernel")
        elif self.embedding is None:
            raise ValueError("This head shares the matrix of an embedding. Give it the layer, by `tie`.")
        elif self.embedding.size != self.size or self.embedding.output_dim != dim:
            raise ValueError(
                "A tied output layer needs an embedding of its own size, and features as wide as the embedding: set "
                f"the decoder's readout_units to the embedding's width. Received: size {self.size}, features {dim}, "
                f"an embedding of {self.embedding.size} x {self.embedding.output_dim}"
            )
        else:
            self.embedding.build()
        self.built = True

    def kernel_and_bias(self) -> tuple[Tensor, Tensor]:
        """Returns `(kernel (size, features_dim), bias (size,))`."""
        kernel = self.embedding.embeddings if self.tied else self.kernel
        return ops.convert_to_tensor(kernel), ops.convert_to_tensor(self.bias)

    def call(self, features: Vectors) -> Logits:
        kernel, bias = self.kernel_and_bias()
        return ops.matmul(features, ops.transpose(ops.cast(kernel, features.dtype))) + ops.cast(bias, features.dtype)

    def logits(self, features: Vectors) -> Logits:
        """As a call."""
        return self(features)

    def log_prob(self, features: Vectors, target: Ids) -> Tensor:
        """Returns the log-probabilities of `target`, `(rows, target)` ids: `(rows, target)`, float32."""
        return _take_ids(ops.log_softmax(ops.cast(self(features), "float32")), target)

    def loss(
        self,
        features: Vectors,
        target: Ids,
        weights: Tensor,
        label_smoothing: float = 0.0,
        budget: int = BUDGET,
        training: bool = True,
        mixture: tuple[Tensor, Tensor] | None = None,
    ) -> HeadLoss:
        """Sums the cross-entropy over the steps, without making all logits at once; see `fused_cross_entropy`.

        Args:
            features: `(rows, target, features_dim)`.
            target: `(rows, target)`.
            weights: `(rows, target)`, float32.
            label_smoothing: In [0, 1).
            budget: Bytes that the logits of one chunk may take.
            training: Whether gradients are asked for.
            mixture: Of a pointer, `(rows, target)` each; see `fused_cross_entropy`.
        """
        kernel, bias = self.kernel_and_bias()
        labels, flat = ops.reshape(target, (-1,)), ops.reshape(weights, (-1,))
        parts = None if mixture is None else (ops.reshape(mixture[0], (-1,)), ops.reshape(mixture[1], (-1,)))
        features = ops.reshape(features, (-1, features.shape[-1]))
        loss, nll = fused_cross_entropy(features, kernel, bias, labels, flat, label_smoothing, budget, training, parts)
        return HeadLoss(loss, nll, ops.sum(flat))

    def divergence(self, first: Tensor, second: Tensor, weights: Tensor, budget: int = BUDGET) -> Tensor:
        """Sums how far the distributions of two passes differ; see `fused_divergence`.

        Args:
            first: Features of the one, `(rows, features_dim)`.
            second: Of the other.
            weights: `(rows,)`, float32.
            budget: Bytes that the logits of one chunk may take.
        """
        return fused_divergence(first, second, *self.kernel_and_bias(), weights, budget)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "tied": self.tied}


@keras.saving.register_keras_serializable("seq2seq")
class BernoulliHead(keras.layers.Layer):
    """Things that are there or not, independent of each other given the features: many at each step.

    Args:
        size: Number of things.

    Call arguments:
        features: `(…, features_dim)`, float.

    Returns:
        `(…, size)`: the log-odds of each. In place of ids the targets are `(…, size)`, 1 or 0.
    """

    needs_attention = False
    tied = False

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size
        self.dense = keras.layers.Dense(size, name="odds")

    def build(self, features_shape: Shape) -> None:
        self.dense.build(features_shape)
        self.built = True

    def call(self, features: Vectors) -> Logits:
        return self.dense(features)

    def logits(self, features: Vectors) -> Logits:
        """As a call."""
        return self(features)

    def log_prob(self, features: Vectors, target: Tensor) -> Tensor:
        """Returns the log-probabilities of what is there, `(rows, target, size)`: `(rows, target)`, float32."""
        odds, there = ops.cast(self(features), "float32"), ops.cast(target, "float32")
        return ops.sum(ops.where(there > 0.5, ops.log_sigmoid(odds), ops.log_sigmoid(-odds)), axis=-1)

    def loss(self, features: Vectors, target: Tensor, weights: Tensor, training: bool = True) -> HeadLoss:
        """Sums the negative log-likelihood over the steps, with weights `(rows, target)`."""
        nll = -ops.sum(self.log_prob(features, target) * ops.cast(weights, "float32"))
        return HeadLoss(nll, ops.stop_gradient(nll), ops.sum(ops.cast(weights, "float32")))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("seq2seq")
class PointerHead(keras.layers.Layer):
    """Mixes a vocabulary with the tokens of the source; see `CopyGate`.

    Args:
        vocabulary: Of both sides.

    Call arguments:
        inputs: `PointerFeatures`.

    Returns:
        `(rows, target, size)` log-probabilities, float32.
    """

    needs_attention = True

    def __init__(self, vocabulary: VocabularyHead, **kwargs: Any):
        super().__init__(**kwargs)
        self.vocabulary = vocabulary
        self.gate = CopyGate(name="copy")

    @property
    def size(self) -> int:
        """Number of ids."""
        return self.vocabulary.size

    @property
    def tied(self) -> bool:
        """Whether the vocabulary shares the matrix of an embedding."""
        return self.vocabulary.tied

    @property
    def embedding(self) -> Any:
        """The layer whose matrix the vocabulary shares, or None."""
        return self.vocabulary.embedding

    def tie(self, embedding: Matrix) -> None:
        """As `VocabularyHead.tie`."""
        self.vocabulary.tie(embedding)

    def build(self, features_shape: Shape) -> None:
        self.vocabulary.build(features_shape)
        self.gate.build(features_shape)
        self.built = True

    def call(self, inputs: PointerFeatures) -> Logits:
        features, attention, source = inputs
        return self.gate.mix(self.vocabulary(features), self.gate(features), attention, source)

    def logits(self, inputs: PointerFeatures) -> Logits:
        """As a call."""
        return self(inputs)

    def log_prob(self, inputs: PointerFeatures, target: Ids) -> Tensor:
        """Returns the log-probabilities of `target`, `(rows, target)` ids: `(rows, target)`, float32."""
        return _take_ids(self(inputs), target)

    def loss(
        self,
        inputs: PointerFeatures,
        target: Ids,
        weights: Tensor,
        label_smoothing: float = 0.0,
        budget: int = BUDGET,
        training: bool = True,
    ) -> HeadLoss:
        """As `VocabularyHead.loss`, of the mixture."""
        features, attention, source = inputs
        generate, copy = self.gate(features)
        copied = log_of(self.gate.copied(attention, source.values, target)) + copy
        return self.vocabulary.loss(
            features, target, weights, label_smoothing, budget, training, mixture=(generate, copied)
        )

    def get_config(self) -> dict[str, Any]:
        vocabulary = keras.saving.serialize_keras_object(self.vocabulary)
        vocabulary.pop("build_config", None)  # this layer builds it
        return {**super().get_config(), "vocabulary": vocabulary}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> PointerHead:
        vocabulary = keras.saving.deserialize_keras_object(config["vocabulary"], custom_objects=custom_objects)
        return cls(**{**config, "vocabulary": vocabulary})


@keras.saving.register_keras_serializable("seq2seq")
class CopyGate(keras.layers.Layer):
    """The pointer of See et al. 2017, 2.2: P(token) = g P_vocabulary(token) + (1 - g) sum of its attention weights.

    The gate g is a logistic function of the features, which depend on the state, the context and the last token. The
    vocabulary is joint, so a token of the source is one of the target. All is computed in float32 and in log space.

    Call arguments:
        features: `(rows, target, features_dim)`, float.

    Returns:
        log g and log(1 - g), `(rows, target)` each, float32.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.dense = keras.layers.Dense(1, dtype="float32", name="gate")

    def build(self, features_shape: Shape) -> None:
        self.dense.build(features_shape)
        self.built = True

    def call(self, features: Vectors) -> tuple[Tensor, Tensor]:
        logit = ops.squeeze(self.dense(features), -1)
        return ops.log_sigmoid(logit), ops.log_sigmoid(-logit)

    def copied(self, weights: Tensor, source: Ids, labels: Ids) -> Tensor:
        """Returns the probability of `labels`, `(rows, target)` ids, by the pointer alone; `(rows, target)`, float32.

        Args:
            weights: `(rows, target, source)`, the attention.
            source: `(rows, source)`, the ids that it points to.
        """
        same = ops.equal(ops.expand_dims(labels, 2), ops.expand_dims(source, 1))
        return ops.sum(ops.where(same, _normalized(weights), 0.0), axis=2)

    def mix(self, logits: Logits, gates: tuple[Tensor, Tensor], weights: Tensor, source: Padded) -> Tensor:
        """Returns the log-probabilities of all tokens, `(rows, target, size)`, float32.

        Args:
            logits: `(rows, target, size)`, of the vocabulary.
            gates: What a call returned.
            weights: `(rows, target, source)`, the attention.
            source: `(batch, source)` ids; rows that share a source are next to each other.
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
        written = gather(generated, ids)
        top = ops.maximum(written, pointed)  # exports have these operations, but no logaddexp
        mixed = top + ops.log(ops.exp(written - top) + ops.exp(pointed - top))
        gain = ops.where(first, mixed - written, 0.0)
        cell = ops.expand_dims(ops.arange(cells, dtype="int32"), 1) + ops.zeros_like(ids)
        places = ops.reshape(ops.stack([cell, ids], axis=2), (-1, 2))
        return ops.reshape(generated + ops.scatter(places, ops.reshape(gain, (-1,)), (cells, size)), shape)


@keras.saving.register_keras_serializable("seq2seq")
class Selector(keras.layers.Layer):
    """Scores for each source token whether it belongs to the output (Gehrmann et al. 2018, 3.1).

    Call arguments:
        values: `(batch, source, memory_dim)`, float: the memory.

    Returns:
        `(batch, source)`, float32: the log-odds.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.dense = keras.layers.Dense(1, dtype="float32", name="odds")

    def build(self, values_shape: Shape) -> None:
        self.dense.build(values_shape)
        self.built = True

    def call(self, values: Vectors) -> Tensor:
        return ops.squeeze(self.dense(values), -1)


def log_of(probabilities: Tensor) -> Tensor:
    """Returns logarithms, float32; of 0 a number far below all that counts."""
    return ops.log(probabilities + 1e-30)


def _take_ids(log_probabilities: Tensor, ids: Ids) -> Tensor:
    """`(rows, target, size)` -> `(rows, target)`, those of `ids`."""
    return ops.squeeze(gather(log_probabilities, ops.expand_dims(ids, 2)), 2)


def _normalized(weights: Tensor) -> Tensor:
    """Makes rows sum to 1: weights that were rounded to 8 bits nearly do."""
    weights = ops.cast(weights, "float32")
    return weights / ops.sum(weights, axis=-1, keepdims=True)
