"""The time loop: the only place where a step is repeated over a sequence.

What a step does not need from the step before stays outside (law 5): the caller projects its inputs for all steps at
once, and does the same with the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.indexing import join, split
from seq2seq.layers.cells import CellState, LinearCell
from seq2seq.types import Mask, Tensor

Nest = Any
"""A tensor, or tuples, NamedTuples and lists of tensors. None stands for a tensor that is not there."""

Step = Callable[[Nest, Nest], tuple[Nest, Nest]]
"""`(inputs, state) -> (outputs, state)`, nests of `(rows, features)`. Pure: what it closes over (memory, weights) is
constant over the loop."""


def repeat_over_time(
    step: Step, inputs: Nest, state: Nest, mask: Mask | None = None, reverse: bool = False
) -> tuple[Nest, Nest]:
    """Runs `step` along axis 1 of `inputs`.

    Args:
        step: One step.
        inputs: Nest of `(rows, time, features)`, float.
        state: Nest of `(rows, size)`, the state before the first step.
        mask: `(rows, time)`, bool, or None. Where False, the state does not change and the outputs have no meaning.
        reverse: Run from the last step to the first. The outputs come back in the order of the inputs.

    Returns:
        The outputs, a nest of `(rows, time, features)`, of which only the last may have a width that is not known
        before; and the state after the last step.
    """
    first = keras.tree.flatten(inputs)[0]
    dtype = keras.backend.standardize_dtype(first.dtype)
    if mask is not None:
        step = _masked(step)
        inputs = inputs, ops.expand_dims(ops.cast(mask, dtype), 2)
    if first.shape[1] == 1:  # a search step: no loop to set up
        outputs, state = step(_map(lambda x: ops.squeeze(x, 1), inputs), state)
        return _map(lambda x: ops.expand_dims(x, 1), outputs), state
    bound = _BoundStep(step, inputs, state, dtype)
    loop = keras.layers.RNN(bound, return_sequences=True, return_state=True, go_backwards=reverse, dtype=dtype)
    joined, *tensors = loop.call(join(_tensors(inputs)), initial_state=_tensors(state))
    joined = ops.flip(joined, axis=1) if reverse else joined
    return bound.split_outputs(joined), _pack(state, tensors)


def run_layer(
    cell: Any,
    inputs: Tensor,
    state: CellState,
    mask: Mask | None,
    reverse: bool,
    training: bool | None,
    kernel: Tensor | None = None,
) -> tuple[Tensor, CellState]:
    """Repeats a cell over inputs that are all known before, `(rows, time, features)`; otherwise as `run_cell`.

    In training the mask must be True at the left, and at least once in every row.
    """
    if training and kernel is None and choose_implementation(cell, inputs_known=True).name == "cudnn":
        from seq2seq.kernels import cudnn

        return cudnn.run(cell, inputs, state, mask, reverse)
    return run_cell(cell, cell.project(inputs), state, mask, reverse, training, kernel)


def run_cell(
    cell: Any,
    projected: Tensor,
    state: CellState,
    mask: Mask | None = None,
    reverse: bool = False,
    training: bool | None = None,
    kernel: Tensor | None = None,
) -> tuple[Tensor, CellState]:
    """Repeats a cell alone over `projected`, `(rows, time, projected_size)`; otherwise as `repeat_over_time`.

    `kernel`, in the compute dtype, stands in for the cell's recurrent kernel.
    """
    if training and choose_implementation(cell).name == "kernel":
        from seq2seq.kernels import recurrence

        (outputs,), final = recurrence.run(
            type(cell).__name__, projected, state, *recurrent_weights(cell, kernel), mask=mask, reverse=reverse
        )
        return outputs, final
    if isinstance(cell, LinearCell) and projected.shape[1] != 1:
        # Only `keep * c + add` is left for the loop. At padding a step keeps all and adds nothing.
        keep, add = cell.gate(projected)
        if mask is not None:
            real = ops.expand_dims(mask, 2)
            keep, add = ops.where(real, keep, 1), ops.where(real, add, 0)
        states, final = repeat_over_time(_linear_step, (keep, add), state, None, reverse)
        return cell.state_output([states]), final
    step = cell.recur if kernel is None else partial(cell.recur, kernel=kernel)
    return repeat_over_time(step, projected, state, mask, reverse)


class Implementation(NamedTuple):
    """How a recurrent layer runs over time in training."""

    name: str
    """cudnn: Keras' own layer on a GPU; kernel: a loop with a hand-written gradient; loop: the generic one."""
    reason: str
    """Why the faster ones cannot be used; empty for cudnn."""


def choose_implementation(cell: Any, inputs_known: bool = False) -> Implementation:
    """Returns the fastest implementation that can run `cell`.

    Args:
        cell: Any of `CELLS`.
        inputs_known: Whether all inputs are known before the first step, so that they can be projected at once.
    """
    if keras.backend.backend() != "tensorflow":
        return Implementation("loop", "cuDNN and kernels need the TensorFlow backend")
    from seq2seq.kernels import cudnn, transition

    refusal = cudnn.refusal(cell) if inputs_known else "cuDNN cannot stop at every step"
    if not refusal:
        return Implementation("cudnn", "")
    if type(cell).__name__ in transition.CELLS:
        return Implementation("kernel", refusal)
    return Implementation("loop", f"{refusal}, and there is no kernel for it")


def recurrent_weights(cell: Any, kernel: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Returns kernel and bias of the product with the state, in the compute dtype; a given kernel for the cell's."""
    kernel = ops.cast(cell.recurrent_kernel, cell.compute_dtype) if kernel is None else kernel
    bias = ops.cast(cell.bias, cell.compute_dtype)
    return kernel, bias[1] if len(bias.shape) == 2 else ops.zeros_like(bias)


def input_bias(cell: Any) -> Tensor:
    """Returns the bias of the product with the input, in the compute dtype, of a cell that has a kernel."""
    bias = ops.cast(cell.bias, cell.compute_dtype)
    return bias[0] if len(bias.shape) == 2 else bias


def _linear_step(inputs: tuple[Tensor, Tensor], state: CellState) -> tuple[Tensor, CellState]:
    keep, add = inputs
    new = keep * state[0] + add
    return new, [new]


class _BoundStep:
    """Makes a step look like a Keras cell. It has no variables, so the loop around it can be thrown away."""

    def __init__(self, step: Step, inputs: Nest, state: Nest, dtype: str):
        self.step = step
        self.inputs, self.state, self.outputs = inputs, state, None  # for their structure and widths
        self.state_size = [tensor.shape[-1] for tensor in _tensors(state)]
        self.compute_dtype = dtype

    def __call__(self, joined: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        self.outputs, state = self.step(_split_as(self.inputs, joined), _pack(self.state, states))
        return join(_tensors(self.outputs)), _tensors(state)

    call = __call__

    def split_outputs(self, joined: Tensor) -> Nest:
        """Splits the outputs of the whole loop as those of a step."""
        return _split_as(self.outputs, joined)


def _masked(step: Step) -> Step:
    """Returns a step that takes `(inputs, keep)` and changes the state only where `keep`, `(rows, 1)`, is 1.

    Keras' own mask would also repeat the outputs, which nobody reads at padding, and costs four times as much.
    """

    def masked(inputs: tuple[Nest, Tensor], state: Nest) -> tuple[Nest, Nest]:
        inputs, keep = inputs
        outputs, new = step(inputs, state)
        pairs = zip(_tensors(state), _tensors(new), strict=True)
        return outputs, _pack(new, [old + keep * (changed - old) for old, changed in pairs])

    return masked


def _tensors(nest: Nest) -> list[Tensor]:
    return [tensor for tensor in keras.tree.flatten(nest) if tensor is not None]


def _map(function: Callable[[Tensor], Tensor], nest: Nest) -> Nest:
    return keras.tree.map_structure(lambda tensor: None if tensor is None else function(tensor), nest)


def _pack(structure: Nest, tensors: Sequence[Tensor]) -> Nest:
    """Puts `tensors` in the place of those of `structure`."""
    rest = iter(tensors)
    return _map(lambda _: next(rest), structure)


def _split_as(structure: Nest, joined: Tensor) -> Nest:
    """Splits a tensor into parts as wide as the tensors of `structure`."""
    return _pack(structure, split(joined, [tensor.shape[-1] for tensor in _tensors(structure)]))
