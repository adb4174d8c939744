"""The time loop of GRU and LSTM, with or without additive attention, with its gradient written by hand.

Automatic differentiation multiplies out the gradient of every weight matrix at every step, adds all of these up, and
casts and transposes the weights at every step. Here the loop back holds only what recurs, as cuDNN's does (Appleyard et
al. 2016, section 3): what reached each step is kept, and one product after the loop gives the gradient of a matrix.
`layers.recurrence` is the way without kernels, for every cell and backend; a test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf


class AdditiveLook(NamedTuple):
    """What a step needs to ask a memory and to feed what it found to the cell."""

    keys: Any
    """`(rows, source, units)`."""
    values: Any
    """`(rows, source, memory_dim)`."""
    query_kernel: Any
    """`(cell units, units)`."""
    weight: Any
    """`(units, 1)`."""
    fed_kernel: Any
    """`(memory_dim, projected_size)`."""
    known: Any
    """`(rows, time, units)`: what the inputs add to the queries."""


class _GRU:
    kept = (2, 1, 1)
    """Widths of what `forward` keeps, in units."""

    @staticmethod
    def forward(x: Any, product: Any, state: list[Any]) -> tuple[list[Any], list[Any]]:
        """Returns the new state, and what `backward` wants to have kept."""
        (h,) = state
        size = h.shape[-1]
        to_gates, to_candidate = tf.split(x, [2 * size, size], -1)
        from_gates, from_candidate = tf.split(product, [2 * size, size], -1)
        gates = tf.sigmoid(to_gates + from_gates)
        update, reset = tf.split(gates, 2, -1)
        candidate = tf.tanh(to_candidate + reset * from_candidate)
        return [candidate + update * (h - candidate)], [gates, candidate, from_candidate]

    @staticmethod
    def backward(gradient: list[Any], state: list[Any], kept: list[Any]) -> tuple[Any, Any, list[Any]]:
        """Returns the gradients by `x`, by `product` and by the state before, the product's share left out."""
        (dh,), (h,), (gates, candidate, from_candidate) = gradient, state, kept
        update, reset = tf.split(gates, 2, -1)
        held = dh * update
        dcandidate = tf.raw_ops.TanhGrad(y=candidate, dy=dh - held)
        dgates = tf.concat([dh * (h - candidate), dcandidate * from_candidate], -1)
        dgates = tf.raw_ops.SigmoidGrad(y=gates, dy=dgates)
        return tf.concat([dgates, dcandidate], -1), tf.concat([dgates, dcandidate * reset], -1), [held]


class _LSTM:
    kept = (2, 1, 1, 1)

    @staticmethod
    def forward(x: Any, product: Any, state: list[Any]) -> tuple[list[Any], list[Any]]:
        """As `_GRU.forward`."""
        _, c = state
        size = c.shape[-1]
        two, candidate, output = tf.split(x + product, [2 * size, size, size], -1)
        two, candidate, output = tf.sigmoid(two), tf.tanh(candidate), tf.sigmoid(output)
        enter, forget = tf.split(two, 2, -1)
        c = forget * c + enter * candidate
        shown = tf.tanh(c)
        return [output * shown, c], [two, candidate, output, shown]

    @staticmethod
    def backward(gradient: list[Any], state: list[Any], kept: list[Any]) -> tuple[Any, Any, list[Any]]:
        """As `_GRU.backward`."""
        (dh, dc), (_, c), (two, candidate, output, shown) = gradient, state, kept
        enter, forget = tf.split(two, 2, -1)
        dc = dc + tf.raw_ops.TanhGrad(y=shown, dy=dh * output)
        dtwo = tf.raw_ops.SigmoidGrad(y=two, dy=tf.concat([dc * candidate, dc * c], -1))
        dcandidate = tf.raw_ops.TanhGrad(y=candidate, dy=dc * enter)
        doutput = tf.raw_ops.SigmoidGrad(y=output, dy=dh * shown)
        dgates = tf.concat([dtwo, dcandidate, doutput], -1)
        return dgates, dgates, [None, dc * forget]


CELLS: dict[str, Any] = {"GRUCell": _GRU, "LSTMCell": _LSTM}
"""The elementwise parts, by the names of the cells in `layers.cells`."""


def run(
    cell: str,
    projected: Any,
    state: Sequence[Any],
    kernel: Any,
    bias: Any,
    mask: Any = None,
    reverse: bool = False,
    look: AdditiveLook | None = None,
    look_mask: Any = None,
) -> tuple[list[Any], list[Any]]:
    """Runs a cell over time.

    Args:
        cell: A name of `CELLS`.
        projected: `(rows, time, projected_size)`.
        state: The state before the first step, `(rows, units)` each.
        kernel: `(units, projected_size)`.
        bias: `(projected_size,)`, added to the product with `kernel`.
        mask: `(rows, time)`, bool, or None; where False the state stays as it was.
        reverse: From the last step to the first.
        look: What the bottom layer of a decoder asks before each step; None: nothing.
        look_mask: `(rows, source)`, bool.

    Returns:
        `[outputs]` or, with `look`, `[outputs, contexts]`, `(rows, time, …)` each; and the state after the last step.
    """
    math, count, dtype = CELLS[cell], len(state), projected.dtype
    keep = None if mask is None else tf.cast(mask, dtype)[:, :, None]
    low = None if look is None else tf.cast(tf.where(look_mask, 0.0, -1e9), dtype)

    @tf.custom_gradient
    def loop(projected: Any, kernel: Any, bias: Any, *rest: Any) -> Any:
        start = list(rest[:count])
        memory = AdditiveLook(*rest[count:]) if look is not None else None
        size, width = kernel.shape
        steps = tf.shape(projected)[1]
        if memory is not None:  # query and cell multiply the same state: one product
            asks = memory.query_kernel.shape[-1]
            kernel = tf.concat([kernel, memory.query_kernel], 1)
            bias = tf.concat([bias, tf.zeros((asks,), dtype)], 0)

        def arrays(*shapes: tuple[Any, ...]) -> list[Any]:
            """One for each shape of an element."""
            return [tf.TensorArray(dtype, steps, element_shape=s, clear_after_read=False) for s in shapes]

        def forward(i: Any, state: list[Any], before: Any, after: Any, kept: Any, looked: Any) -> Any:
            t = steps - 1 - i if reverse else i
            x, product, new_looked = projected[:, t], tf.nn.bias_add(tf.matmul(state[0], kernel), bias), []
            if memory is not None:
                product, query = tf.split(product, [width, asks], -1)
                hidden = tf.tanh((query + memory.known[:, t])[:, None] + memory.keys)
                scores = tf.reshape(tf.matmul(tf.reshape(hidden, (-1, asks)), memory.weight), tf.shape(low))
                weights = tf.nn.softmax(scores + low)
                context = tf.squeeze(tf.matmul(weights[:, None], memory.values), 1)
                x = x + tf.matmul(context, memory.fed_kernel)
                new_looked = [context, weights, hidden]
            new, new_kept = math.forward(x, product, state)
            if keep is not None:
                new = [old + keep[:, t] * (changed - old) for old, changed in zip(state, new, strict=True)]
            writes = ((before, state), (after, new[:1]), (kept, new_kept), (looked, new_looked))
            return i + 1, new, *([a.write(t, v) for a, v in zip(*pair, strict=True)] for pair in writes)

        empty = (
            arrays(*[(None, size)] * count),
            arrays((None, size)),
            arrays(*((None, units * size) for units in math.kept)),
            [] if memory is None else arrays((None, memory.values.shape[-1]), (None, None), (None, None, asks)),
        )
        _, final, before, after, kept, looked = tf.while_loop(
            lambda i, *_: i < steps, forward, (0, start, *empty), maximum_iterations=steps
        )

        def by_rows(stacked: Any) -> Any:
            return tf.transpose(stacked, (1, 0, 2))

        outputs = by_rows(after[0].stack())
        contexts = [] if memory is None else [by_rows(looked[0].stack())]

        def gradient(*upstream: Any) -> list[Any]:
            doutputs, dfinal = upstream[0], list(upstream[len(upstream) - count :])
            transposed = tf.transpose(kernel)
            if memory is not None:
                fed_transposed, line = tf.transpose(memory.fed_kernel), tf.reshape(memory.weight, (1, -1))

            def backward(i: Any, dstate: list[Any], sums: list[Any], reached: list[Any]) -> Any:
                t = i if reverse else steps - 1 - i
                dstate = [dstate[0] + doutputs[:, t], *dstate[1:]]
                held = [None] * count
                if keep is not None:
                    moved = [keep[:, t] * d for d in dstate]
                    held, dstate = [d - m for d, m in zip(dstate, moved, strict=True)], moved
                state = [a.read(t) for a in before]
                dx, dproduct, direct = math.backward(dstate, state, [a.read(t) for a in kept])
                values = [dx]
                if memory is not None:
                    _, weights, hidden = (a.read(t) for a in looked)
                    dcontext = tf.matmul(dx, fed_transposed) + upstream[1][:, t]
                    dweights = tf.squeeze(tf.matmul(memory.values, dcontext[:, :, None]), 2)
                    dscores = weights * (dweights - tf.reduce_sum(weights * dweights, -1, keepdims=True))
                    slope = 1 - hidden * hidden
                    dquery = line * tf.squeeze(tf.matmul(dscores[:, None], slope), 1)
                    dweight = tf.matmul(tf.reshape(dscores, (1, -1)), tf.reshape(hidden, (-1, asks)))
                    sums = [sums[0] + dscores[:, :, None] * slope, sums[1] + tf.cast(dweight, tf.float32)]
                    dproduct = tf.concat([dproduct, dquery], -1)
                    values.append(dcontext)
                through = [tf.matmul(dproduct, transposed)] + [None] * (count - 1)
                dstate = [
                    tf.add_n([part for part in parts if part is not None])
                    for parts in zip(through, direct, held, strict=True)
                ]
                reached = [a.write(t, v) for a, v in zip(reached, [dproduct, *values], strict=True)]
                return i + 1, dstate, sums, reached

            widths = [kernel.shape[-1], width, *([] if memory is None else [memory.values.shape[-1]])]
            sums = [] if memory is None else [tf.zeros_like(memory.keys), tf.zeros((1, asks), tf.float32)]
            _, dstart, sums, reached = tf.while_loop(
                lambda i, *_: i < steps,
                backward,
                (0, dfinal, sums, arrays(*((None, w) for w in widths))),
                maximum_iterations=steps,
            )
            dproducts, dx = reached[0].stack(), reached[1].stack()
            dkernel = _outer(before[0].stack(), dproducts)
            dbias = tf.reduce_sum(dproducts, (0, 1))
            if memory is None:
                return [by_rows(dx), dkernel, dbias, *dstart]
            dkernel, dquery_kernel = tf.split(dkernel, [width, asks], 1)
            dcontexts = reached[2].stack()
            mixed = tf.transpose(looked[1].stack(), (1, 2, 0))
            return [
                *(by_rows(dx), dkernel, dbias[:width], *dstart),
                *(sums[0] * line, tf.matmul(mixed, by_rows(dcontexts)), dquery_kernel),
                tf.cast(tf.transpose(sums[1]), dtype),
                _outer(looked[0].stack(), dx),
                by_rows(dproducts[:, :, width:]),
            ]

        return [outputs, *contexts, *final], gradient

    results = loop(projected, kernel, bias, *state, *(look or ()))
    return results[:-count], results[-count:]


def _outer(left: Any, right: Any) -> Any:
    """`(time, rows, m)` and `(time, rows, n)` -> `(m, n)`, added up over time and rows."""
    left, right = (tf.reshape(x, (-1, x.shape[-1])) for x in (left, right))
    return tf.matmul(left, right, transpose_a=True)
