"""The values that modules hand to each other. Imports no framework."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Tensor = Any
"""A tensor of the backend, or what Keras takes for one. The docstring at each use gives its shape and dtype."""

Ids = Tensor
"""Token ids, `(batch, time)` unless said otherwise, int32."""

Mask = Tensor
"""`(batch, time)`, bool: True at real positions, False at padding."""

Vectors = Tensor
"""`(batch, time, features)`, float."""

Logits = Tensor
"""`(batch, time, size)`, float: unnormalised log-probabilities, or log-probabilities."""

Shape = Sequence[int | None]
"""Sizes of the axes of a tensor; None: any."""

State = Any
"""A recurrent state: a nest of tensors, each `(rows, …)`. Search reorders its rows and never looks inside."""


class Padded(NamedTuple):
    """Sequences of different lengths in one tensor, and where they are."""

    values: Tensor
    """`(batch, time, …)`: ids, vectors, readings."""
    mask: Mask
    """`(batch, time)`, bool: True at the real positions, which come first, False at padding."""


class Memory(NamedTuple):
    """What a decoder attends to: the encoded source, made once and shared by all its steps."""

    values: Tensor
    """`(batch, source, memory_dim)`, float: what attention returns a mixture of."""
    keys: Tensor
    """`(batch, source, units)`, float: the values projected once for scoring; None without attention."""
    mask: Mask
    """`(batch, source)`, bool: False at padding; or `(batch, target, source)`: False too at what a step of the target
    may not attend to."""


class Encoded(NamedTuple):
    """What a model makes of a source, once: all that decoding needs beside ids and state."""

    memory: Memory | None
    """What the decoder attends to; None without a source."""
    state: State
    """The decoder's first state."""
    source: Padded | None = None
    """`(batch, source)`, int32: the ids that a pointer may copy; None without one."""
    keep: Tensor | None = None
    """`(batch, source)`, float32: the log-odds that a token belongs to the output; None without a selector."""

    @property
    def source_memory(self) -> Memory:
        """The memory of a model that has a source; ValueError for one without."""
        if self.memory is None:
            raise ValueError("Expected a memory, which a model has of its source. Received: a model without a source")
        return self.memory


class Marks(NamedTuple):
    """Properties of each id of a vocabulary from which words follow."""

    begins: Any
    """`(size,)`, bool: it begins with a space."""
    punctuation: Any
    """`(size,)`, bool: it has neither a letter nor a digit."""
    blank: int | None
    """The id of a single space; None where there is none."""


class Batch(NamedTuple):
    """The tensors of one training step. Masks and weights follow from lengths."""

    source: Padded | None
    """`(batch, source, …)`; every row has at least one real position. None: a model without a source."""
    target_input: Tensor
    """`(batch, target, …)`: what the decoder reads at each step; of text BOS and the target without its EOS, int32."""
    target_output: Tensor
    """`(batch, target, …)`: what it should predict; of text the target and its EOS, int32."""
    weights: Tensor
    """`(batch, target)`, float32: 1 at a step that counts, 0 at padding and in filler rows."""
    extras: Mapping[str, Tensor] = {}
    """What further terms of the loss need, by name.

    "alignment": `(batch, target, source)`, float32, where the attention of a step should go; its rows sum to 1, or to 0
    where there is no alignment.
    "visible": `(batch, target)`, int32, how many positions of the source a step may attend to, the first ones; at least
    1. Without it all.
    """

    def inputs(self) -> dict[str, Tensor]:
        """The tensors that a model is called with, by name: source and source_mask, target_input, extras."""
        source = {} if self.source is None else {"source": self.source.values, "source_mask": self.source.mask}
        return {**source, "target_input": self.target_input, **self.extras}

    @classmethod
    def of(cls, inputs: Mapping[str, Tensor], target_output: Tensor, weights: Tensor) -> Batch:
        """Returns the batch that has these inputs."""
        extras = {name: part for name, part in inputs.items() if name not in ("source", "source_mask", "target_input")}
        return cls(source_of(inputs), inputs["target_input"], target_output, weights, extras)


def source_of(inputs: Mapping[str, Tensor]) -> Padded | None:
    """Returns the source among the named inputs of a model; None where there is none.

    Raises:
        ValueError: a source without its mask: what is padding does not follow from the values.
    """
    if "source" not in inputs:
        return None
    if "source_mask" not in inputs:
        raise ValueError(
            "Expected with the input source an input source_mask, (batch, source), True at the real positions. "
            f"Received: {', '.join(inputs)}"
        )
    return Padded(inputs["source"], inputs["source_mask"])


class SearchResult(NamedTuple):
    """What a search returns, best hypothesis first."""

    ids: Any
    """`(batch, n, length)`, int32: tokens without BOS and EOS, then PAD."""
    lengths: Any
    """`(batch, n)`, int32: tokens of each hypothesis, its EOS not counted."""
    log_probabilities: Any
    """`(batch, n)`, float32: sum over the tokens and the EOS, in nats; of an extract over its tokens."""
    scores: Any
    """`(batch, n)`, float32: what the hypotheses are ranked by: the sum after length normalisation; with mbr the
    expected agreement, of an extract the expected F1, both in [0, 1]."""


@dataclass(frozen=True)
class Hypothesis:
    """One translation of one line."""

    text: str
    pieces: tuple[str, ...]
    """Surface forms of the tokens, without control symbols."""
    score: float
    """What it was ranked by."""
    log_probability: float
    """In nats, EOS included."""
    reached_limit: bool = False
    """Whether it has as many tokens as the search allows for its input: it may be cut short."""

    @property
    def confidence(self) -> float:
        """The geometric mean of the probabilities of the tokens and the EOS, from 0 to 1."""
        return math.exp(self.log_probability / (len(self.pieces) + 1))


EMPTY = Hypothesis("", (), 0.0, 0.0)
"""What an empty line becomes."""
