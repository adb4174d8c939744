"""The time loop of two transitions of one state with additive attention between them, its gradient written by hand.

As `kernels.recurrence`, whose cells and attention it uses, for the conditional layer of a decoder: the first transition
reads the input, its output queries the memory, and the second transition reads the context alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.kernels.recurrence import AdditiveInputs, Attending, by_time, make_arrays, repeat, write
from seq2seq.kernels.transition import CELLS, Transition, summed
from seq2seq.types import Mask, Tensor


class TransitionWeights(NamedTuple):
    """What the two transitions multiply and add."""

    kernel: Tensor
    """Of the first, `(units, projected_size)`; its input comes projected."""
    bias: Tensor
    """`(projected_size,)`, added to the product with `kernel`."""
    second_kernel: Tensor
    """Of the second; the context is projected by the attention's `feedback_kernel`."""
    second_bias: Tensor
    """`(projected_size,)`, added to the product with `second_kernel`."""
    context_bias: Tensor
    """`(projected_size,)`, added to the projected context."""


def run(
    cell: str,
    projected: Tensor,
    state: Sequence[Tensor],
    weights: TransitionWeights,
    attention: AdditiveInputs,
    attention_mask: Mask,
    mask: Mask | None = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """Runs both transitions over time.

    Args:
        cell: Of both, a name of `CELLS`.
        projected: `(rows, time, projected_size)`.
        state: The state before the first step, `(rows, units)` each.
        weights: Of the transitions.
        attention: With what the first transition's output attends.
        attention_mask: `(rows, source)`, bool.
        mask: `(rows, time)`, bool, or None; where False the state does not change.

    Returns:
        `[outputs, contexts, queried]`, `(rows, time, …)` each, `queried` the first transition's output; and the last
        state.
    """
    count, dtype = len(state), projected.dtype
    keep = None if mask is None else by_time(tf.cast(mask, dtype)[:, :, None])
    low = tf.cast(tf.where(attention_mask, 0.0, -1e9), dtype)

    @tf.custom_gradient
    def differentiable(projected: Tensor, *rest: Tensor) -> Any:
        given = TransitionWeights(*rest[:5])
        start, attended = list(rest[5 : 5 + count]), AdditiveInputs(*rest[5 + count :])
        loop = _Loop(CELLS[cell], projected, given, keep, Attending(attended, low, CELLS[cell].parts))
        saved, final = loop.forward(start)
        sequences = [saved.outputs[0], saved.attention[0], saved.middles[0]]
        return [*(by_time(array.stack()) for array in sequences), *final], loop.gradient_of(saved, count)

    results = differentiable(projected, *weights, *state, *attention)
    return results[:-count], results[-count:]


class _Saved(NamedTuple):
    """What the forward loop saves: arrays with an element a step."""

    states: list[Any]
    """For each tensor of the state, `(rows, units)` before the step."""
    middles: list[Any]
    """The same between the two transitions."""
    outputs: list[Any]
    """One array, `(rows, units)`."""
    first: list[Any]
    """What the cell's `forward` saves in the first transition, `(rows, units)` each."""
    second: list[Any]
    """The same in the second."""
    attention: list[Any]
    """What `Attending.forward` returns."""


class _Reached(NamedTuple):
    """The gradients that reach each step: arrays in the backward loop, then `(time, rows, …)`."""

    first: list[Any]
    """By the parts of the first transition's input, then by its separate products."""
    second: list[Any]
    """The same of the second."""
    attention: list[Any]
    """By query and context."""


class _Loop:
    """The loops over time, forward and backward."""

    def __init__(
        self, cell: Any, projected: Tensor, weights: TransitionWeights, keep: Tensor | None, attending: Attending
    ):
        self.cell, self.keep, self.attending = cell, keep, attending
        self.size, self.dtype, self.steps = weights.kernel.shape[0], projected.dtype, tf.shape(projected)[1]
        self.first = Transition(cell, weights.kernel, weights.bias)
        self.second = Transition(cell, weights.second_kernel, weights.second_bias)
        self.inputs = self.first.add_bias(tf.split(by_time(projected), cell.parts, -1))
        self.context_biases = self.second.add_bias(tf.split(weights.context_bias, cell.parts, 0))

    def _arrays(self, *shapes: tuple[int | None, ...]) -> list[Any]:
        return make_arrays(self.dtype, self.steps, *shapes)

    def forward(self, start: list[Tensor]) -> tuple[_Saved, list[Tensor]]:
        """Runs all steps from the state `start`. Returns what it saved and the last state."""

        def body(t: Tensor, state: list[Tensor], saved: _Saved) -> Any:
            middle, of_first = self.first.forward([part[t] for part in self.inputs], state)
            attended = self.attending.forward(t, middle[0])
            new, of_second = self.second.forward(self.attending.feed(attended[0], self.context_biases), middle)
            if self.keep is not None:
                new = [old + self.keep[t] * (changed - old) for old, changed in zip(state, new, strict=True)]
            values = _Saved(state, middle, new[:1], of_first, of_second, attended)
            return new, _Saved(*(write(arrays, t, value) for arrays, value in zip(saved, values, strict=True)))

        self.first.start_forward(start)
        self.second.start_forward(start)
        counts = len(start), len(start), 1, self.cell.saved, self.cell.saved
        shapes = [*([(None, self.size)] * count for count in counts), self.attending.shapes]
        saved = _Saved(*(self._arrays(*of_each) for of_each in shapes))
        final, saved = repeat(self.steps, body, start, saved)
        return saved, final

    def gradient_of(self, saved: _Saved, count: int) -> Callable[..., list[Tensor]]:
        """Returns the function that `tf.custom_gradient` needs; `count` is the number of tensors of the state."""

        def gradient(*upstream: Tensor) -> list[Tensor]:
            dsequences, dfinal = [by_time(d) for d in upstream[:-count]], list(upstream[-count:])
            dstart, sums, arrays = self._backward(saved, dsequences, dfinal)
            reached = _Reached(*([array.stack() for array in part] for part in arrays))
            states, middles, parts = saved.states[0].stack(), saved.middles[0].stack(), self.cell.parts
            dqueries, dcontexts = reached.attention
            return [
                by_time(tf.concat(reached.first[:parts], -1)),
                *self.first.gradients(states, reached.first),
                *self.second.gradients(middles, reached.second),
                summed(reached.second[:parts]),
                *dstart,
                *self.attending.gradients(saved.attention, middles, reached.second[:parts], dqueries, dcontexts, sums),
            ]

        return gradient

    def _backward(
        self, saved: _Saved, dsequences: list[Tensor], dfinal: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor], _Reached]:
        """Runs all steps backward.

        Args:
            saved: From `forward`.
            dsequences: The gradients by outputs, contexts and queried, `(time, rows, …)`.
            dfinal: The gradient by the last state.

        Returns:
            The gradient by the first state; the sums of `Attending`; and arrays of what reached each step.
        """
        nothing: list[Tensor | None] = [None] * len(dfinal)
        sums = self.attending.start_backward()
        self.first.start_backward()
        self.second.start_backward()
        query_back = tf.transpose(self.attending.inputs.query_kernel)
        doutputs, dcontexts, dqueried = dsequences

        def body(i: Tensor, dstate: list[Tensor], sums: list[Tensor], reached: _Reached) -> Any:
            t = self.steps - 1 - i
            dstate, held = [dstate[0] + doutputs[t], *dstate[1:]], nothing
            if self.keep is not None:
                moved = [self.keep[t] * d for d in dstate]
                held, dstate = [d - m for d, m in zip(dstate, moved, strict=True)], moved
            state, middle, _, of_first, of_second, attended = ([array.read(t) for array in part] for part in saved)
            dx, dproduct, direct = self.cell.backward(dstate, middle, of_second)
            dquery, dcontext, sums = self.attending.backward(dx, dcontexts[t], attended, sums)
            others = [dqueried[t], *nothing[1:]]
            dmiddle = self.second.state_gradient(dproduct, direct, others, [(dquery, query_back)])
            first_dx, first_dproduct, direct = self.cell.backward(dmiddle, state, of_first)
            dstate = self.first.state_gradient(first_dproduct, direct, held)
            of_steps = self.first.reached(first_dx, first_dproduct), self.second.reached(dx, dproduct)
            values = _Reached(*of_steps, [dquery, dcontext])
            return dstate, sums, _Reached(*(write(part, t, value) for part, value in zip(reached, values, strict=True)))

        widths = self.first.widths, self.second.widths, [self.attending.units, self.attending.memory_dim]
        reached = _Reached(*(self._arrays(*((None, width) for width in part)) for part in widths))
        dstart, sums, reached = repeat(self.steps, body, dfinal, sums, reached)
        return dstart, sums, reached
