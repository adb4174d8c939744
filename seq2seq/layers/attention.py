"""Attention: looks up a memory with a query. Keys are projected once a source, never inside the time loop.

Every kind takes queries of `(batch, queries, asked_dim)`, made by its `ask`, against a memory of `batch` rows.
`queries` is whatever shares a source: the steps of a target, the beams of a sentence, or both.

With coverage (Tu et al. 2016, in the form of See et al. 2017, 3.3) each position also tells how much attention it and
its two neighbours had before, and the kind learns what to make of that. The neighbours are ours: where the position
before was read and this one was not, the place is found at which a copy goes on.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.layers.names import AttentionName
from seq2seq.types import Memory

_register = keras.saving.register_keras_serializable("seq2seq")


class Attention(keras.layers.Layer):
    """What the kinds share: a projection of the values into keys, the mask, the softmax and the mixture.

    Args:
        units: Width of the keys, at least 1.
        coverage: Whether calls get `seen`.

    Call arguments:
        asked: `(batch, queries, asked_dim)`, float, from `ask`.
        memory: `Memory` whose keys come from `project`.
        seen: `(batch, queries, source)`, float: the sum of the weights of the steps before; with coverage alone.

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
        """Makes the weights of `seen` here, before and after; at first they change nothing."""
        if self.coverage:
            self.coverage_weight = self.add_weight((3, *shape), "zeros", name="coverage")

    def project(self, values: Any) -> tuple[Any, Any]:
        """Returns `(keys, values)` as `call` wants them, from `(batch, source, memory_dim)`."""
        return self.key_projection(values), values

    def ask(self, query: Any) -> Any:
        """Returns `(…, asked_dim)` as `call` wants it, from `(…, query_dim)`. Linear: parts of a query may be added."""
        return query

    def score(self, asked: Any, keys: Any, seen: Any | None = None) -> Any:
        """Returns `(batch, queries, source)`: how well each position fits each query, before mask and softmax."""
        raise NotImplementedError

    def call(self, asked: Any, memory: Memory, seen: Any | None = None) -> tuple[Any, Any]:
        weights = masked_softmax(self.score(asked, memory.keys, seen), memory.mask)
        return ops.matmul(weights, memory.values), weights

    def _cover(self, scores: Any, seen: Any | None) -> Any:
        """For scores that are products: what was attended before is worth more or less, as far as it was."""
        if seen is None:
            return scores
        weights = ops.cast(self.coverage_weight, seen.dtype)
        return scores + sum(part * weights[i] for i, part in enumerate(_with_neighbours(seen)))

    def asked_dim(self, query_dim: int) -> int:
        """Width of what `ask` makes of queries of `query_dim`."""
        return query_dim

    def context_dim(self, memory_dim: int) -> int:
        """Width of the context for values of `memory_dim`."""
        return memory_dim

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "coverage": self.coverage}


def _with_neighbours(seen: Any) -> tuple[Any, Any, Any]:
    """`(…, source)`: the same, that of the position before, and that of the one after; 0 outside."""
    around = ops.pad(seen, [*[[0, 0]] * (len(seen.shape) - 1), [1, 1]])
    return seen, around[..., :-2], around[..., 2:]


def masked_softmax(scores: Any, mask: Any) -> Any:
    """Softmax over the last axis of `(batch, queries, source)`; exactly 0 where `(batch, source)` is False."""
    low = -1e9 if keras.backend.standardize_dtype(scores.dtype) != "float16" else -6e4
    return ops.softmax(ops.where(ops.expand_dims(mask, 1), scores, ops.cast(low, scores.dtype)), axis=-1)


@_register
class AdditiveAttention(Attention):
    """score(q, m) = v · tanh(W q + U m) (Bahdanau et al. 2015, A.1.2)."""

    def build(self, query_shape: Any, memory_shape: Any) -> None:
        self.key_projection = keras.layers.Dense(self.units, name="keys")
        self.key_projection.build(memory_shape)
        self.query_projection = keras.layers.Dense(self.units, use_bias=False, name="query")
        self.query_projection.build(query_shape)
        self.weight = self.add_weight((self.units, 1), "glorot_uniform", name="weight")
        self.build_coverage(self.units)

    def ask(self, query: Any) -> Any:
        return self.query_projection(query)

    def asked_dim(self, query_dim: int) -> int:
        return self.units

    def score(self, asked: Any, keys: Any, seen: Any | None = None) -> Any:
        hidden = ops.expand_dims(asked, 2) + ops.expand_dims(keys, 1)  # (batch, queries, source, units)
        if seen is not None:
            near = ops.stack(_with_neighbours(seen), axis=3)  # (batch, queries, source, 3)
            hidden = hidden + ops.matmul(near, ops.cast(self.coverage_weight, seen.dtype))
        hidden = ops.tanh(hidden)
        # Shapes that are known stay so: a product over four axes would ask for them at run time, and LiteRT has its
        # fast kernels only for what is known before.
        flat = ops.matmul(ops.reshape(hidden, (-1, self.units)), self.weight)
        return ops.reshape(flat, (*ops.shape(asked)[:2], -1))


@_register
class GeneralAttention(Attention):
    """score(q, m) = q · W m (Luong et al. 2015, "general"). `units` is the width of the query."""

    def build(self, query_shape: Any, memory_shape: Any) -> None:
        _check_width(query_shape[-1], self.units, "general")
        self.key_projection = keras.layers.Dense(self.units, use_bias=False, name="keys")
        self.key_projection.build(memory_shape)
        self.build_coverage()

    def score(self, asked: Any, keys: Any, seen: Any | None = None) -> Any:
        return self._cover(ops.matmul(asked, ops.transpose(keys, (0, 2, 1))), seen)


@_register
class DotAttention(Attention):
    """score(q, m) = q · m (Luong et al. 2015, "dot"): nothing to learn, so query and memory must be equally wide."""

    def build(self, query_shape: Any, memory_shape: Any) -> None:
        _check_width(query_shape[-1], memory_shape[-1], "dot")
        self.build_coverage()

    def project(self, values: Any) -> tuple[Any, Any]:
        return values, values

    def score(self, asked: Any, keys: Any, seen: Any | None = None) -> Any:
        return self._cover(ops.matmul(asked, ops.transpose(keys, (0, 2, 1))), seen)


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

    def build(self, query_shape: Any, memory_shape: Any) -> None:
        for name, shape in (("query", query_shape), ("key", memory_shape), ("value", memory_shape)):
            dense = keras.layers.Dense(self.units, use_bias=False, name=name)
            dense.build(shape)
            setattr(self, f"{name}_projection", dense)
        self.output_projection = keras.layers.Dense(self.units, name="output")
        self.output_projection.build((None, None, self.units))
        self.build_coverage(self.heads, 1, 1)

    def project(self, values: Any) -> tuple[Any, Any]:
        return self.key_projection(values), self.value_projection(values)

    def ask(self, query: Any) -> Any:
        return self.query_projection(query) * (self.units // self.heads) ** -0.5

    def asked_dim(self, query_dim: int) -> int:
        return self.units

    def call(self, asked: Any, memory: Memory, seen: Any | None = None) -> tuple[Any, Any]:
        batch, size = ops.shape(memory.keys)[0], self.units // self.heads
        queries = ops.reshape(asked, (batch, -1, self.heads, size))
        keys = ops.reshape(memory.keys, (batch, -1, self.heads, size))
        values = ops.reshape(memory.values, (batch, -1, self.heads, size))
        scores = ops.matmul(ops.transpose(queries, (0, 2, 1, 3)), ops.transpose(keys, (0, 2, 3, 1)))
        scores = self._cover(scores, None if seen is None else ops.expand_dims(seen, 1))
        weights = masked_softmax(scores, ops.expand_dims(memory.mask, 1))  # (batch, heads, queries, source)
        mixed = ops.transpose(ops.matmul(weights, ops.transpose(values, (0, 2, 1, 3))), (0, 2, 1, 3))
        context = self.output_projection(ops.reshape(mixed, (batch, -1, self.units)))
        return context, ops.mean(weights, axis=1)

    def context_dim(self, memory_dim: int) -> int:
        return self.units

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


def _check_width(query_dim: int, expected: int, kind: str) -> None:
    if query_dim != expected:
        raise ValueError(
            f"{kind} attention multiplies the query with the key directly, so they must be equally wide. "
            f"Received: query {query_dim}, key {expected}. Make the decoder as wide as the memory, or use additive."
        )


ATTENTIONS: dict[AttentionName, type[Attention]] = {
    "additive": AdditiveAttention,
    "general": GeneralAttention,
    "dot": DotAttention,
    "multi_head": MultiHeadAttention,
}
"""The kinds by the names that recipes use; "none" stands for no attention."""
