"""The time loop: the one place where a step is repeated over a sequence.

What a step does not need from the step before does not belong in here (law 5): the caller projects its inputs
for all steps at once and does the same with the outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

Step = Callable[[Any, list[Any]], tuple[Any, list[Any]]]
"""`(inputs (rows, features), state) -> (output (rows, output_dim), state)`."""


class _BoundStep:
    """Gives a step the face of a Keras cell. It holds no variables, so the loop around it can be thrown away."""

    def __init__(self, step: Step, state: list[Any], dtype: str):
        self.step = step
        self.state_size = [tensor.shape[-1] for tensor in state]
        self.compute_dtype = dtype

    def __call__(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        return self.step(inputs, list(states))

    call = __call__


def repeat_over_time(
    step: Step, inputs: Any, state: list[Any], mask: Any | None = None, reverse: bool = False
) -> tuple[Any, list[Any]]:
    """Runs `step` along axis 1 of `inputs`.

    Args:
        step: Pure function of one step; what it binds (memory, weights) stays constant over the loop.
        inputs: `(rows, time, features)`, float.
        state: List of `(rows, size)` tensors, the state before the first step.
        mask: `(rows, time)`, bool, or None. Where False, the state stays as it was and the output means nothing.
        reverse: Run from the last step to the first. The outputs come back in the order of the inputs.

    Returns:
        outputs `(rows, time, output_dim)` and the state after the last step.
    """
    if inputs.shape[1] == 1 and mask is None:  # a search step: no loop to set up
        output, state = step(inputs[:, 0], list(state))
        return ops.expand_dims(output, 1), state
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    if mask is not None:
        step = _masked(step, inputs.shape[-1])
        inputs = ops.concatenate([inputs, ops.expand_dims(ops.cast(mask, dtype), 2)], axis=-1)
    loop = keras.layers.RNN(
        _BoundStep(step, state, dtype), return_sequences=True, return_state=True, go_backwards=reverse, dtype=dtype
    )
    outputs, *state = loop.call(inputs, initial_state=list(state))
    return (ops.flip(outputs, axis=1) if reverse else outputs), state


def _masked(step: Step, width: int) -> Step:
    """Makes a step whose inputs carry the mask as one more column, and which moves the state only where it is 1.

    Keras' own mask would also hold back the outputs, which nobody reads at padding, and costs four times as much.
    """

    def masked(inputs: Any, state: list[Any]) -> tuple[Any, list[Any]]:
        inputs, keep = ops.split(inputs, [width], axis=-1)
        output, new = step(inputs, state)
        return output, [old + keep * (changed - old) for old, changed in zip(state, new, strict=True)]

    return masked
