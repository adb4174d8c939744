"""What a decoder carries from step to step, and what it returns."""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

from seq2seq.layers.cells import CellState
from seq2seq.types import Memory, Tensor


class DecoderState(NamedTuple):
    """Everything that a decoder carries from step to step. What a decoder does not use is an empty tuple."""

    layers: list[CellState]
    """For each layer the tensors of its cell, `(rows, units)` each."""
    feedback: tuple[Tensor, ...] = ()
    """With input feeding one tensor, `(rows, features_dim)`: the last readout."""
    coverage: tuple[Tensor, ...] = ()
    """Where coverage is tracked one tensor, `(rows, source)`: the sum of the attention weights so far."""


class DecoderOutput(NamedTuple):
    """What one call of the decoder returns."""

    features: Tensor
    """`(rows, target, features_dim)`: the input of the output layer."""
    queries: Tensor | None
    """`(rows, target, query_dim)`: the projected queries; None without attention."""
    weights: Tensor | None
    """`(rows, target, source)`: the attention weights; None where `align` has to make them from the queries."""
    state: DecoderState
    """The state after the last step."""


class StepInputs(NamedTuple):
    """What one step of the time loop gets, `(rows, …)` each; in front of the loop `(rows, target, …)`."""

    projected: Tensor
    """`(rows, projected_size)`: the input's share of the bottom layer's gates."""
    query: Tensor | None
    """`(rows, query_dim)`: the input's share of the query; None without `query_input`."""
    inputs: Tensor | None
    """`(rows, features)`: what the readout reads; None where the loop makes no readout."""
    dropout: list[Tensor]
    """For each layer above the bottom one `(rows, units)`: what its input is multiplied with; empty without dropout."""


class StackOutputs(NamedTuple):
    """What the layers made of some steps, `(rows, target, …)` each; within the time loop `(rows, …)`."""

    outputs: Tensor
    """`(rows, target, units)`, or with input feeding the readout, `(rows, target, features_dim)`."""
    context: Tensor | None = None
    queries: Tensor | None = None
    weights: Tensor | None = None
    """The last field, as `repeat_over_time` requires: only the source knows its width."""


def track_coverage(state: DecoderState, memory: Memory) -> DecoderState:
    """Makes a state track the sum of the attention weights from here on, if it does not yet."""
    if state.coverage:
        return state
    return state._replace(coverage=(ops.zeros(ops.shape(memory.mask), dtype=state.layers[0][0].dtype),))
