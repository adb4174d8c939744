"""The time loop: the one place where a step is repeated over a sequence.

What a step does not need from the step before does not belong in here (law 5): the caller projects its inputs
for all steps at once and does the same with the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.layers.cells import LinearCell

Step = Callable[[list[Any], list[Any]], tuple[list[Any], list[Any]]]
"""`(inputs, state) -> (outputs, state)`, each a list of `(rows, features)`. Pure: what it binds (memory, weights) stays
constant over the loop."""


def repeat_over_time(
    step: Step, inputs: list[Any], state: list[Any], mask: Any | None = None, reverse: bool = False
) -> tuple[list[Any], list[Any]]:
    """Runs `step` along axis 1 of `inputs`.

    Args:
        step: One step.
        inputs: List of `(rows, time, features)`, float.
        state: List of `(rows, size)` tensors, the state before the first step.
        mask: `(rows, time)`, bool, or None. Where False, the state stays as it was and the outputs mean nothing.
        reverse: Run from the last step to the first. The outputs come back in the order of the inputs.

    Returns:
        The outputs, `(rows, time, features)` each, and the state after the last step.
    """
    dtype = keras.backend.standardize_dtype(inputs[0].dtype)
    if mask is not None:
        step = _masked(step)
        inputs = [*inputs, ops.expand_dims(ops.cast(mask, dtype), 2)]
    if inputs[0].shape[1] == 1:  # a search step: no loop to set up
        outputs, state = step([ops.squeeze(x, 1) for x in inputs], state)
        return [ops.expand_dims(x, 1) for x in outputs], state
    bound = _BoundStep(step, [x.shape[-1] for x in inputs], state, dtype)
    loop = keras.layers.RNN(bound, return_sequences=True, return_state=True, go_backwards=reverse, dtype=dtype)
    outputs, *state = loop.call(join(inputs), initial_state=state)
    outputs = ops.flip(outputs, axis=1) if reverse else outputs
    return split(outputs, bound.widths), state


def run_layer(
    cell: Any, inputs: Any, state: list[Any], mask: Any | None, reverse: bool, training: bool | None
) -> tuple[Any, list[Any]]:
    """Repeats a cell over inputs that are all known before, `(rows, time, features)`; the rest as `run_cell`.

    The mask is True at the left, once in every row at least.
    """
    if training and choose_implementation(cell, inputs_known=True).name == "cudnn":
        from seq2seq.kernels import cudnn

        return cudnn.run(cell, inputs, state, mask, reverse)
    return run_cell(cell, cell.project(inputs), state, mask, reverse, training)


def run_cell(
    cell: Any,
    projected: Any,
    state: list[Any],
    mask: Any | None = None,
    reverse: bool = False,
    training: bool | None = None,
) -> tuple[Any, list[Any]]:
    """Repeats a cell alone over `projected`, `(rows, time, projected_size)`; the rest as `repeat_over_time`."""
    if training and choose_implementation(cell).name == "kernel":
        from seq2seq.kernels import recurrence

        (outputs,), final = recurrence.run(
            type(cell).__name__, projected, state, *recurrent_weights(cell), mask=mask, reverse=reverse
        )
        return outputs, final
    if isinstance(cell, LinearCell) and projected.shape[1] != 1:
        # Nothing but `keep * c + add` is left for the loop; the mask says that a step keeps all and adds nothing.
        keep, add = cell.gate(projected)
        if mask is not None:
            real = ops.expand_dims(mask, 2)
            keep, add = ops.where(real, keep, 1), ops.where(real, add, 0)
        (states,), final = repeat_over_time(_linear_step, [keep, add], state, None, reverse)
        return cell.read([states]), final

    def step(inputs: list[Any], state: list[Any]) -> tuple[list[Any], list[Any]]:
        output, state = cell.recur(inputs[0], state)
        return [output], state

    (outputs,), final = repeat_over_time(step, [projected], state, mask, reverse)
    return outputs, final


class Implementation(NamedTuple):
    """How a recurrent layer goes through time in training."""

    name: str
    """cudnn: Keras' own layer on a GPU; kernel: a loop with its gradient written by hand; loop: the generic one."""
    reason: str
    """Why not the one named before it; empty for the first."""


def choose_implementation(cell: Any, inputs_known: bool = False) -> Implementation:
    """Returns the quickest way that there is for `cell`.

    Args:
        cell: Any of `CELLS`.
        inputs_known: Whether all inputs are known before the first step, so that their product may be made at once.
    """
    if keras.backend.backend() != "tensorflow":
        return Implementation("loop", "cuDNN and kernels are reached through TensorFlow")
    from seq2seq.kernels import cudnn, recurrence

    refusal = cudnn.refusal(cell) if inputs_known else "cuDNN cannot stop at every step"
    if not refusal:
        return Implementation("cudnn", "")
    if type(cell).__name__ in recurrence.CELLS:
        return Implementation("kernel", refusal)
    return Implementation("loop", f"{refusal}, and there is no kernel for it")


def recurrent_weights(cell: Any) -> tuple[Any, Any]:
    """Kernel and bias of the product with the state, in the type of the computation."""
    kernel = ops.cast(cell.recurrent_kernel, cell.compute_dtype)
    bias = ops.cast(cell.bias, cell.compute_dtype)
    return kernel, bias[1] if len(bias.shape) == 2 else ops.zeros_like(bias)


def _linear_step(inputs: list[Any], state: list[Any]) -> tuple[list[Any], list[Any]]:
    keep, add = inputs
    new = keep * state[0] + add
    return [new], [new]


class _BoundStep:
    """Gives a step the face of a Keras cell. It holds no variables, so the loop around it can be thrown away."""

    def __init__(self, step: Step, input_widths: list[int], state: list[Any], dtype: str):
        self.step = step
        self.input_widths = input_widths
        self.widths: list[int] = []  # of the outputs, once it was called
        self.state_size = [tensor.shape[-1] for tensor in state]
        self.compute_dtype = dtype

    def __call__(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        outputs, states = self.step(split(inputs, self.input_widths), list(states))
        self.widths = [x.shape[-1] for x in outputs]
        return join(outputs), states

    call = __call__


def _masked(step: Step) -> Step:
    """Makes a step whose last input is the mask, and which moves the state only where it is 1.

    Keras' own mask would also hold back the outputs, which nobody reads at padding, and costs four times as much.
    """

    def masked(inputs: list[Any], state: list[Any]) -> tuple[list[Any], list[Any]]:
        *inputs, keep = inputs
        outputs, new = step(inputs, state)
        return outputs, [old + keep * (changed - old) for old, changed in zip(state, new, strict=True)]

    return masked


def join(parts: list[Any]) -> Any:
    """Puts tensors side by side, along their last axis."""
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def split(joined: Any, widths: Sequence[int]) -> list[Any]:
    """Takes apart what `join` made of tensors of these widths, of which the last need not be known."""
    if len(widths) == 1:
        return [joined]
    ends = list(accumulate(widths[:-1]))
    if joined.shape[-1] is None:  # Keras' split would ask for it
        return [joined[..., first:end] for first, end in zip([0, *ends], [*ends, None], strict=True)]
    return list(ops.split(joined, ends, axis=-1))
