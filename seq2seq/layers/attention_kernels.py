"""The bottom layer of a decoder together with additive attention, by the loops whose gradients are written by hand."""

from __future__ import annotations

from typing import Any

from keras import ops

from seq2seq.layers.cells import CellState
from seq2seq.layers.decoder_state import StackOutputs
from seq2seq.layers.recurrence import input_bias, recurrent_weights
from seq2seq.types import Mask, Memory, Tensor


def run_before(
    cell: Any,
    attention: Any,
    feedback_kernel: Tensor,
    projected: Tensor,
    query: Tensor | None,
    memory: Memory,
    state: CellState,
    mask: Mask | None,
) -> tuple[StackOutputs, list[CellState]]:
    """Runs a cell whose output queries the memory, and whose next input includes the context.

    Args:
        cell: A cell that has a kernel.
        attention: An `AdditiveAttention`.
        feedback_kernel: `(memory_dim, projected_size)`: how the context is projected.
        projected: `(rows, target, projected_size)`.
        query: The inputs' share of the queries, `(rows, target, query_dim)`, or None.
        memory: From `build_memory`, a row for each of `rows`.
        state: The state before the first step.
        mask: As in a call of the decoder.

    Returns:
        Outputs and context; and the last state in a list.
    """
    from seq2seq.kernels import recurrence

    (outputs, context), final = recurrence.run(
        type(cell).__name__,
        projected,
        state,
        *recurrent_weights(cell),
        mask=mask,
        attention=recurrence.AdditiveInputs(*_attended(attention, memory, feedback_kernel, projected, query)),
        attention_mask=memory.mask,
    )
    return StackOutputs(outputs, context), [final]


def run_conditional(
    cell: Any,
    context_cell: Any,
    attention: Any,
    projected: Tensor,
    memory: Memory,
    state: CellState,
    mask: Mask | None,
) -> tuple[StackOutputs, list[CellState]]:
    """Runs `cell`, whose output queries the memory, and `context_cell`, which reads the context, on one state.

    Args and returns as `run_before`; the queries are returned too.
    """
    from seq2seq.kernels import conditional, recurrence

    weights = conditional.TransitionWeights(
        *recurrent_weights(cell), *recurrent_weights(context_cell), input_bias(context_cell)
    )
    attended = _attended(attention, memory, context_cell.kernel, projected, None)
    (outputs, context, queried), final = conditional.run(
        type(cell).__name__,
        projected,
        state,
        weights,
        recurrence.AdditiveInputs(*attended),
        memory.mask,
        mask,
    )
    return StackOutputs(outputs, context, attention.project_query(queried)), [final]


def _attended(
    attention: Any, memory: Memory, feedback_kernel: Tensor, projected: Tensor, query: Tensor | None
) -> list[Tensor]:
    """Returns the fields of `AdditiveInputs`, in the dtype of `projected`."""
    query_kernel, score_kernel, feedback_kernel = (
        ops.cast(weight, projected.dtype)
        for weight in (attention.query_projection.kernel, attention.weight, feedback_kernel)
    )
    if query is None:
        query = ops.zeros((*ops.shape(projected)[:2], query_kernel.shape[1]), projected.dtype)
    return [memory.keys, memory.values, query_kernel, score_kernel, feedback_kernel, query]
