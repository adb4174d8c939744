"""The time loop of GRU and LSTM, with or without additive attention, with its gradient written by hand.

Automatic differentiation computes the gradient of every weight matrix at every step and adds them up, and casts and
transposes the weights at every step. Here the backward loop holds only what recurs, as cuDNN's does (Appleyard et al.
2016, section 3): the gradients that reach each step are saved, and one product after the loop gives the gradient of
each matrix. `layers.recurrence` does the same without kernels, for every cell and backend; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.kernels.transition import CELLS, Transition, outer
from seq2seq.types import Mask, Tensor


class AdditiveInputs(NamedTuple):
    """What a step needs to attend to a memory and to add the context to the cell's input."""

    keys: Tensor
    """`(rows, source, units)`."""
    values: Tensor
    """`(rows, source, memory_dim)`."""
    query_kernel: Tensor
    """`(cell units, units)`."""
    weight: Tensor
    """`(units, 1)`."""
    feedback_kernel: Tensor
    """`(memory_dim, projected_size)`."""
    query_inputs: Tensor
    """`(rows, time, units)`: the inputs' share of the queries."""


def run(
    cell: str,
    projected: Tensor,
    state: Sequence[Tensor],
    kernel: Tensor,
    bias: Tensor,
    mask: Mask | None = None,
    reverse: bool = False,
    attention: AdditiveInputs | None = None,
    attention_mask: Mask | None = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """Runs a cell over time.

    Args:
        cell: A name of `CELLS`.
        projected: `(rows, time, projected_size)`.
        state: The state before the first step, `(rows, units)` each.
        kernel: `(units, projected_size)`.
        bias: `(projected_size,)`, added to the product with `kernel`.
        mask: `(rows, time)`, bool, or None; where False the state does not change.
        reverse: From the last step to the first.
        attention: With what the bottom layer of a decoder attends before each step; None: it does not.
        attention_mask: `(rows, source)`, bool.

    Returns:
        `[outputs]` or, with attention, `[outputs, contexts]`, `(rows, time, …)` each; and the last state.
    """
    count, dtype = len(state), projected.dtype
    keep = None if mask is None else by_time(tf.cast(mask, dtype)[:, :, None])
    low = None if attention is None else tf.cast(tf.where(attention_mask, 0.0, -1e9), dtype)

    @tf.custom_gradient
    def differentiable(projected: Tensor, kernel: Tensor, bias: Tensor, *rest: Tensor) -> Any:
        attending = None if attention is None else Attending(AdditiveInputs(*rest[count:]), low, CELLS[cell].parts)
        loop = _Loop(CELLS[cell], projected, kernel, bias, keep, reverse, attending)
        saved, final = loop.forward(list(rest[:count]))
        sequences = [*saved.outputs, *saved.attention[:1]]
        return [*(by_time(array.stack()) for array in sequences), *final], loop.gradient_of(saved, count)

    results = differentiable(projected, kernel, bias, *state, *(attention or ()))
    return results[:-count], results[-count:]


class _Saved(NamedTuple):
    """What the forward loop saves: arrays with an element a step."""

    states: list[Any]
    """For each tensor of the state, `(rows, units)` before the step."""
    outputs: list[Any]
    """One array, `(rows, units)`."""
    cell: list[Any]
    """What the cell's `forward` saves, `(rows, units)` each."""
    attention: list[Any]
    """With attention: context `(rows, memory_dim)`, weights `(rows, source)`, hidden `(rows, source, units)`."""


class Attending:
    """Additive attention at one step, forward and backward."""

    def __init__(self, inputs: AdditiveInputs, low: Tensor, parts: int):
        self.inputs = inputs
        self.low = low  # (rows, source): far below every score at padding, otherwise 0
        self.query_inputs = by_time(inputs.query_inputs)
        self.units, self.memory_dim = inputs.keys.shape[-1], inputs.values.shape[-1]
        self.feedback_kernels = tf.split(inputs.feedback_kernel, parts, 1)
        self.shapes = (None, self.memory_dim), (None, None), (None, None, self.units)
        """Of what `forward` returns."""

    def forward(self, t: Tensor, h: Tensor) -> list[Tensor]:
        """Returns context, weights and hidden of step `t`, from what queries it, `(rows, cell units)`."""
        query = tf.matmul(h, self.inputs.query_kernel) + self.query_inputs[t]
        hidden = tf.tanh(query[:, None] + self.inputs.keys)
        scores = tf.matmul(tf.reshape(hidden, (-1, hidden.shape[-1])), self.inputs.weight)
        weights = tf.nn.softmax(tf.reshape(scores, tf.shape(self.low)) + self.low)
        return [tf.squeeze(tf.matmul(weights[:, None], self.inputs.values), 1), weights, hidden]

    def feed(self, context: Tensor, x: list[Tensor]) -> list[Tensor]:
        """Adds the context's share to the parts of a step's input."""
        return [part + tf.matmul(context, kernel) for part, kernel in zip(x, self.feedback_kernels, strict=True)]

    def start_backward(self) -> list[Tensor]:
        """Prepares the weights for the backward loop. Returns the sums of gradients that it carries, zeros."""
        self.feedback_back = [tf.transpose(kernel) for kernel in self.feedback_kernels]
        self.weight_row = tf.reshape(self.inputs.weight, (1, -1))
        return [tf.zeros_like(self.inputs.keys), tf.zeros((1, self.units), tf.float32)]

    def backward(
        self, dx: list[Tensor], dcontext: Tensor, saved: list[Tensor], sums: list[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Returns the gradients by the query and by the context of a step, and the new sums.

        Args:
            dx: The gradient by the parts of the step's input.
            dcontext: The gradient that reaches the context from above.
            saved: What `forward` returned.
            sums: Gradients of the keys, without the factor `weight`, and of `weight`, over the steps so far.
        """
        _, weights, hidden = saved
        dcontext = tf.add_n([*(tf.matmul(d, by) for d, by in zip(dx, self.feedback_back, strict=True)), dcontext])
        dweights = tf.squeeze(tf.matmul(self.inputs.values, dcontext[:, :, None]), 2)
        dscores = weights * (dweights - tf.reduce_sum(weights * dweights, -1, keepdims=True))
        slope = 1 - hidden * hidden
        dquery = self.weight_row * tf.squeeze(tf.matmul(dscores[:, None], slope), 1)
        dweight = tf.matmul(tf.reshape(dscores, (1, -1)), tf.reshape(hidden, (-1, hidden.shape[-1])))
        sums = [sums[0] + dscores[:, :, None] * slope, sums[1] + tf.cast(dweight, tf.float32)]
        return dquery, dcontext, sums

    def gradients(
        self,
        attended: list[Any],
        states: Tensor,
        dxs: list[Tensor],
        dqueries: Tensor,
        dcontexts: Tensor,
        sums: list[Tensor],
    ) -> list[Tensor]:
        """Returns the gradients of the `AdditiveInputs`, from those of all steps, `(time, rows, …)` each.

        Args:
            attended: The arrays of what `forward` returned.
            states: What `forward` was given.
            dxs: As `dx` of `backward`, and so on.
        """
        contexts, weights = attended[0].stack(), attended[1].stack()
        return [
            sums[0] * self.weight_row,
            tf.matmul(tf.transpose(weights, (1, 2, 0)), by_time(dcontexts)),
            outer(states, dqueries),
            tf.cast(tf.transpose(sums[1]), dqueries.dtype),
            tf.concat([outer(contexts, d) for d in dxs], 1),
            by_time(dqueries),
        ]


class _Loop:
    """The loops over time, forward and backward.

    Each part of the projection is a tensor of its own: within the loops nothing is split or concatenated.
    """

    def __init__(
        self,
        cell: Any,
        projected: Tensor,
        kernel: Tensor,
        bias: Tensor,
        keep: Tensor | None,
        reverse: bool,
        attending: Attending | None,
    ):
        self.cell, self.keep, self.reverse, self.attending = cell, keep, reverse, attending
        self.transition = Transition(cell, kernel, bias)
        self.dtype, self.steps = projected.dtype, tf.shape(projected)[1]
        self.inputs = self.transition.add_bias(tf.split(by_time(projected), cell.parts, -1))

    def _arrays(self, *shapes: tuple[int | None, ...]) -> list[Any]:
        return make_arrays(self.dtype, self.steps, *shapes)

    def forward(self, start: list[Tensor]) -> tuple[_Saved, list[Tensor]]:
        """Runs all steps from the state `start`. Returns what it saved and the last state."""
        attending, shape = self.attending, (None, self.transition.size)
        self.transition.start_forward(start)

        def body(i: Tensor, state: list[Tensor], saved: _Saved) -> Any:
            t = self.steps - 1 - i if self.reverse else i
            x = [part[t] for part in self.inputs]
            attended = []
            if attending is not None:
                attended = attending.forward(t, state[0])
                x = attending.feed(attended[0], x)
            new, of_cell = self.transition.forward(x, state)
            if self.keep is not None:
                new = [old + self.keep[t] * (changed - old) for old, changed in zip(state, new, strict=True)]
            values = _Saved(state, new[:1], of_cell, attended)
            return new, _Saved(*(write(arrays, t, value) for arrays, value in zip(saved, values, strict=True)))

        saved = _Saved(
            self._arrays(*[shape] * len(start)),
            self._arrays(shape),
            self._arrays(*[shape] * self.cell.saved),
            self._arrays(*(() if attending is None else attending.shapes)),
        )
        final, saved = repeat(self.steps, body, start, saved)
        return saved, final

    def gradient_of(self, saved: _Saved, count: int) -> Callable[..., list[Tensor]]:
        """Returns the function that `tf.custom_gradient` needs; `count` is the number of tensors of the state."""

        def gradient(*upstream: Tensor) -> list[Tensor]:
            sequences, dfinal = [by_time(d) for d in upstream[:-count]], list(upstream[-count:])
            sums = [] if self.attending is None else self.attending.start_backward()
            dstart, sums, reached = self._backward(saved, sequences, dfinal, sums)
            stacked, states = [array.stack() for array in reached], saved.states[0].stack()
            dxs = stacked[: self.cell.parts]
            result = [by_time(tf.concat(dxs, -1)), *self.transition.gradients(states, stacked), *dstart]
            if self.attending is None:
                return result
            return [*result, *self.attending.gradients(saved.attention, states, dxs, stacked[-2], stacked[-1], sums)]

        return gradient

    def _backward(
        self, saved: _Saved, dsequences: list[Tensor], dfinal: list[Tensor], sums: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor], list[Any]]:
        """Runs all steps backward.

        Args:
            saved: From `forward`.
            dsequences: The gradients by the outputs and, with attention, by the contexts, `(time, rows, …)`.
            dfinal: The gradient by the last state.
            sums: With attention, from `start_backward`.

        Returns:
            The gradient by the first state; the sums; and arrays of the gradients by the parts of `x`, by the separate
            products and, with attention, by query and context.
        """
        attending, transition, count = self.attending, self.transition, len(dfinal)
        transition.start_backward()
        widths = transition.widths
        if attending is not None:
            query_back = tf.transpose(attending.inputs.query_kernel)
            widths += [attending.units, attending.memory_dim]

        def body(i: Tensor, dstate: list[Tensor], sums: list[Tensor], reached: list[Any]) -> Any:
            t = i if self.reverse else self.steps - 1 - i
            dstate = [dstate[0] + dsequences[0][t], *dstate[1:]]
            held: list[Tensor | None] = [None] * count
            if self.keep is not None:
                moved = [self.keep[t] * d for d in dstate]
                held, dstate = [d - m for d, m in zip(dstate, moved, strict=True)], moved
            state, of_cell, attended = (
                [array.read(t) for array in arrays] for arrays in (saved.states, saved.cell, saved.attention)
            )
            dx, dproduct, direct = self.cell.backward(dstate, state, of_cell)
            values, queries = transition.reached(dx, dproduct), []
            if attending is not None:
                dquery, dcontext, sums = attending.backward(dx, dsequences[1][t], attended, sums)
                queries = [(dquery, query_back)]
                values += [dquery, dcontext]
            dstate = transition.state_gradient(dproduct, direct, held, queries)
            return dstate, sums, write(reached, t, values)

        dstart, sums, reached = repeat(self.steps, body, dfinal, sums, self._arrays(*((None, w) for w in widths)))
        return dstart, sums, reached


def make_arrays(dtype: Any, steps: Tensor, *shapes: tuple[int | None, ...]) -> list[Any]:
    """Returns an empty array over the steps for each shape of an element."""
    return [tf.TensorArray(dtype, steps, element_shape=shape, clear_after_read=False) for shape in shapes]


def repeat(steps: Tensor, body: Callable[..., Any], *start: Any) -> Any:
    """Calls `body(i, *values)` for every step `i` from 0; returns the last values."""
    _, *values = tf.while_loop(
        lambda i, *_: i < steps,
        lambda i, *values: (i + 1, *body(i, *values)),
        (0, *start),
        maximum_iterations=steps,
    )
    return values


def write(arrays: list[Any], t: Tensor, values: list[Tensor]) -> list[Any]:
    """Writes a value into each array at step `t`."""
    return [array.write(t, value) for array, value in zip(arrays, values, strict=True)]


def by_time(tensor: Tensor) -> Tensor:
    """`(rows, time, …)` -> `(time, rows, …)`, and back."""
    return tf.transpose(tensor, (1, 0, 2))
