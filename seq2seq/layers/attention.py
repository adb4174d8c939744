"""Attention: reads a memory with a query. Keys are projected once a source, never inside the time loop.

Every kind takes queries of `(batch, queries, query_dim)`, made by its `project_query`, and a memory of `batch` rows.
`queries` is whatever shares a source: the steps of a target, the beams of a sentence, or both.

With coverage (Tu et al. 2016, in the form of See et al. 2017, 3.3) the score of a position also depends, by learned
weights, on the attention that it and its two neighbours had at earlier steps. The neighbours are our addition: a
position that had none while the one before it had some is where a copy continues.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.layers.names import AttentionName
from seq2seq.layers.options import AttentionOptions
from seq2seq.types import Mask, Memory, Shape, Tensor

_register = keras.saving.register_keras_serializable("seq2seq")


class Attention(keras.layers.Layer):
    """The base of all kinds: keys projected from the values, the mask, the softmax and the weighted sum.

    Args:
        units: Width of the keys, at least 1.
        coverage: Whether calls are given coverage.

    Call arguments:
        query: `(batch, queries, query_dim)`, float, from `project_query`.
        memory: `Memory` whose keys come from `project_memory`; its mask may be one for each query.
        coverage: `(batch, queries, source)`, float: the sum of the weights of the steps before; None without coverage.

    Returns:
        context `(batch, queries, context_dim)` and weights `(batch, queries, source)`; the rows of the weights sum
        to 1, padding gets 0.

    Raises:
        ValueError: `units` is below 1.
    """

    def __init__(self, units: int, coverage: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"Attention needs at least one unit. Received: units={units}")
        self.units = units
        self.coverage = coverage

    def build_coverage(self, *shape: int) -> None:
        """Makes the weights of the coverage of a position and its two neighbours; zeros at first."""
        if self.coverage:
            self.coverage_weight = self.add_weight((3, *shape), "zeros", name="coverage")

    def project_memory(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the keys and values of a `Memory` from `(batch, source, memory_dim)`."""
        return self.key_projection(values), values

    def project_query(self, outputs: Tensor) -> Tensor:
        """`(…, units of the decoder)` -> `(…, query_dim)`. Linear: projected parts of a query may be added."""
        return outputs

    def score(self, query: Tensor, keys: Tensor, coverage: Tensor | None = None) -> Tensor:
        """Returns `(batch, queries, source)`: how well each position fits each query, before mask and softmax."""
        raise NotImplementedError

    def call(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        weights = masked_softmax(self.score(query, memory.keys, coverage), memory.mask)
        return ops.matmul(weights, memory.values), weights

    def attend(self, queries: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As a call, for any number of rows that share a source, next to each other.

        Args:
            queries: `(rows, steps, query_dim)`, projected.
            memory: Of `batch` sources; `rows` is a multiple of them, and equal to them if each step has its own mask.
            coverage: `(rows, source)`, or None.

        Returns:
            context `(rows, steps, context_dim)` and weights `(rows, steps, source)`.
        """
        # Rows that share a source become queries of one memory row, so that the memory is never repeated.
        (rows, steps, _), (batch, source, _) = ops.shape(queries), ops.shape(memory.values)
        if coverage is not None:
            coverage = ops.reshape(coverage, (batch, -1, source))
        context, weights = self(ops.reshape(queries, (batch, -1, queries.shape[-1])), memory, coverage)
        return ops.reshape(context, (rows, steps, context.shape[-1])), ops.reshape(weights, (rows, steps, source))

    def attend_once(
        self, query: Tensor, memory: Memory, coverage: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor | None, tuple[Tensor, ...]]:
        """As `attend`, for one step of `(rows, query_dim)`; `coverage` as in a `DecoderState`.

        Returns the context `(rows, context_dim)` and, with coverage, the weights `(rows, source)` and the new coverage.
        """
        context, weights = self.attend(ops.expand_dims(query, 1), memory, *coverage)
        context, weights = ops.squeeze(context, 1), ops.squeeze(weights, 1)
        return context, weights if coverage else None, tuple(before + weights for before in coverage)

    def _add_coverage(self, scores: Tensor, coverage: Tensor | None) -> Tensor:
        """Adds the weighted coverage to scores that are products."""
        if coverage is None:
            return scores
        weights = ops.cast(self.coverage_weight, coverage.dtype)
        return scores + sum(part * weights[i] for i, part in enumerate(_with_neighbours(coverage)))

    def query_dim(self, units: int) -> int:
        """Width of a projected query, for a decoder of `units`."""
        return units

    def context_dim(self, memory_dim: int) -> int:
        """Width of the context for values of `memory_dim`."""
        return memory_dim

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "coverage": self.coverage}


def _with_neighbours(coverage: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns `(…, source)` as it is, shifted from the position before, and from the one after; 0 outside."""
    padded = ops.pad(coverage, [*[[0, 0]] * (len(coverage.shape) - 1), [1, 1]])
    return coverage, padded[..., :-2], padded[..., 2:]


def masked_softmax(scores: Tensor, mask: Mask) -> Tensor:
    """Softmax over the last axis of `(batch, …, queries, source)`; exactly 0 where `mask` is False.

    The mask is `(batch, source)`, or `(batch, queries, source)`: one for each query.
    """
    low = -1e9 if keras.backend.standardize_dtype(scores.dtype) != "float16" else -6e4
    while len(mask.shape) < len(scores.shape):
        mask = ops.expand_dims(mask, 1)
    return ops.softmax(ops.where(mask, scores, ops.cast(low, scores.dtype)), axis=-1)


@_register
class AdditiveAttention(Attention):
    """score(q, m) = v · tanh(W q + U m) (Bahdanau et al. 2015, A.1.2)."""

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        self.key_projection = keras.layers.Dense(self.units, name="keys")
        self.key_projection.build(memory_shape)
        self.query_projection = keras.layers.Dense(self.units, use_bias=False, name="query")
        self.query_projection.build(query_shape)
        self.weight = self.add_weight((self.units, 1), "glorot_uniform", name="weight")
        self.build_coverage(self.units)

    def project_query(self, outputs: Tensor) -> Tensor:
        return self.query_projection(outputs)

    def query_dim(self, units: int) -> int:
        return self.units

    def score(self, query: Tensor, keys: Tensor, coverage: Tensor | None = None) -> Tensor:
        hidden = ops.expand_dims(query, 2) + ops.expand_dims(keys, 1)  # (batch, queries, source, units)
        if coverage is not None:
            near = ops.stack(_with_neighbours(coverage), axis=3)  # (batch, queries, source, 3)
            hidden = hidden + ops.matmul(near, ops.cast(self.coverage_weight, coverage.dtype))
        hidden = ops.tanh(hidden)
        # A product over four axes would read shapes at run time; LiteRT's fast kernels need static ones.
        flat = ops.matmul(ops.reshape(hidden, (-1, self.units)), self.weight)
        return ops.reshape(flat, (*ops.shape(query)[:2], -1))


@_register
class GeneralAttention(Attention):
    """score(q, m) = q · W m (Luong et al. 2015, "general"). `units` is the width of the query."""

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        _check_width(query_shape[-1], self.units, "general")
        self.key_projection = keras.layers.Dense(self.units, use_bias=False, name="keys")
        self.key_projection.build(memory_shape)
        self.build_coverage()

    def score(self, query: Tensor, keys: Tensor, coverage: Tensor | None = None) -> Tensor:
        return self._add_coverage(ops.matmul(query, ops.transpose(keys, (0, 2, 1))), coverage)


@_register
class DotAttention(Attention):
    """score(q, m) = q · m (Luong et al. 2015, "dot"): without weights, so query and memory must be equally wide."""

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        _check_width(query_shape[-1], memory_shape[-1], "dot")
        self.build_coverage()

    def project_memory(self, values: Tensor) -> tuple[Tensor, Tensor]:
        return values, values

    def score(self, query: Tensor, keys: Tensor, coverage: Tensor | None = None) -> Tensor:
        return self._add_coverage(ops.matmul(query, ops.transpose(keys, (0, 2, 1))), coverage)


@_register
class MultiHeadAttention(Attention):
    """Scaled dot products in `heads` subspaces (Vaswani et al. 2017, 3.2.2), queried by a recurrent state.

    Args:
        units: Width of keys and values over all heads; divisible by `heads`.
        heads: Number of subspaces, at least 1.

    Returns:
        As `Attention`; the weights are the mean over the heads.
    """

    def __init__(self, units: int, heads: int = 4, coverage: bool = False, **kwargs: Any):
        super().__init__(units, coverage, **kwargs)
        if heads < 1 or units % heads:
            raise ValueError(f"units must be divisible by heads. Received: units={units}, heads={heads}")
        self.heads = heads

    def build(self, query_shape: Shape, memory_shape: Shape) -> None:
        for name, shape in (("query", query_shape), ("key", memory_shape), ("value", memory_shape)):
            dense = keras.layers.Dense(self.units, use_bias=False, name=name)
            dense.build(shape)
            setattr(self, f"{name}_projection", dense)
        self.output_projection = keras.layers.Dense(self.units, name="output")
        self.output_projection.build((None, None, self.units))
        self.build_coverage(self.heads, 1, 1)

    def project_memory(self, values: Tensor) -> tuple[Tensor, Tensor]:
        return self.key_projection(values), self.value_projection(values)

    def project_query(self, outputs: Tensor) -> Tensor:
        return self.query_projection(outputs) * (self.units // self.heads) ** -0.5

    def query_dim(self, units: int) -> int:
        return self.units

    def call(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        batch, size = ops.shape(memory.keys)[0], self.units // self.heads
        queries = ops.reshape(query, (batch, -1, self.heads, size))
        keys = ops.reshape(memory.keys, (batch, -1, self.heads, size))
        values = ops.reshape(memory.values, (batch, -1, self.heads, size))
        scores = ops.matmul(ops.transpose(queries, (0, 2, 1, 3)), ops.transpose(keys, (0, 2, 3, 1)))
        scores = self._add_coverage(scores, None if coverage is None else ops.expand_dims(coverage, 1))
        weights = masked_softmax(scores, memory.mask)  # (batch, heads, queries, source)
        mixed = ops.transpose(ops.matmul(weights, ops.transpose(values, (0, 2, 1, 3))), (0, 2, 1, 3))
        context = self.output_projection(ops.reshape(mixed, (batch, -1, self.units)))
        return context, ops.mean(weights, axis=1)

    def context_dim(self, memory_dim: int) -> int:
        return self.units

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


def _check_width(query_dim: int | None, expected: int | None, kind: AttentionName) -> None:
    if query_dim != expected:
        raise ValueError(
            f"{kind} attention multiplies query and key, so they must be equally wide. "
            f"Received: query {query_dim}, key {expected}. Make the decoder as wide as the memory, or use additive."
        )


ATTENTIONS: dict[AttentionName, type[Attention]] = {
    "additive": AdditiveAttention,
    "general": GeneralAttention,
    "dot": DotAttention,
    "multi_head": MultiHeadAttention,
}
"""The kinds by their names; "none" is no attention and has no class."""


def make_attention(options: AttentionOptions, units: int) -> Attention:
    """Returns a new attention layer for a decoder of `units`."""
    width = options.units or units
    if options.kind == "multi_head":
        return MultiHeadAttention(width, options.heads, coverage=options.coverage, name="attention")
    return ATTENTIONS[options.kind](width, coverage=options.coverage, name="attention")
