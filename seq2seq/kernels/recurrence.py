"""The time loop of GRU and LSTM, with or without additive attention, with its gradient written by hand.

Automatic differentiation multiplies out the gradient of every weight matrix at every step, adds all of these up, and
casts and transposes the weights at every step. Here the loop back holds only what recurs, as cuDNN's does (Appleyard et
al. 2016, section 3): what reached each step is kept, and a product after the loop gives the gradient of each matrix.
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
    parts = 3
    """Parts of the projection, each as wide as the state: update, reset, candidate."""
    apart: tuple[int, ...] = (2,)
    """Those whose product with the state does not just add to the input, and has its bias inside the loop."""
    kept = 4
    """How many tensors `forward` keeps."""

    @staticmethod
    def forward(x: list[Any], product: list[Any], state: list[Any]) -> tuple[list[Any], list[Any]]:
        """Returns the new state, and what `backward` wants to have kept."""
        (h,) = state
        update, reset = tf.sigmoid(x[0] + product[0]), tf.sigmoid(x[1] + product[1])
        candidate = tf.tanh(x[2] + reset * product[2])
        return [candidate + update * (h - candidate)], [update, reset, candidate, product[2]]

    @staticmethod
    def backward(gradient: list[Any], state: list[Any], kept: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Returns the gradients by `x`, by `product` and by the state before, the product's share left out."""
        (dh,), (h,), (update, reset, candidate, from_candidate) = gradient, state, kept
        held = dh * update
        dcandidate = tf.raw_ops.TanhGrad(y=candidate, dy=dh - held)
        dupdate = tf.raw_ops.SigmoidGrad(y=update, dy=dh * (h - candidate))
        dreset = tf.raw_ops.SigmoidGrad(y=reset, dy=dcandidate * from_candidate)
        return [dupdate, dreset, dcandidate], [dupdate, dreset, dcandidate * reset], [held]


class _LSTM:
    parts = 4
    """Input gate, forget gate, candidate, output gate."""
    apart: tuple[int, ...] = ()
    kept = 5

    @staticmethod
    def forward(x: list[Any], product: list[Any], state: list[Any]) -> tuple[list[Any], list[Any]]:
        """As `_GRU.forward`."""
        _, c = state
        enter, forget, candidate, output = (one + other for one, other in zip(x, product, strict=True))
        enter, forget, candidate, output = tf.sigmoid(enter), tf.sigmoid(forget), tf.tanh(candidate), tf.sigmoid(output)
        c = forget * c + enter * candidate
        shown = tf.tanh(c)
        return [output * shown, c], [enter, forget, candidate, output, shown]

    @staticmethod
    def backward(gradient: list[Any], state: list[Any], kept: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """As `_GRU.backward`."""
        (dh, dc), (_, c), (enter, forget, candidate, output, shown) = gradient, state, kept
        dc = dc + tf.raw_ops.TanhGrad(y=shown, dy=dh * output)
        denter = tf.raw_ops.SigmoidGrad(y=enter, dy=dc * candidate)
        dforget = tf.raw_ops.SigmoidGrad(y=forget, dy=dc * c)
        dcandidate = tf.raw_ops.TanhGrad(y=candidate, dy=dc * enter)
        doutput = tf.raw_ops.SigmoidGrad(y=output, dy=dh * shown)
        dparts = [denter, dforget, dcandidate, doutput]
        return dparts, dparts, [None, dc * forget]


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
        size, parts = kernel.shape[0], math.parts
        steps = tf.shape(projected)[1]
        # Each part is a tensor of its own from here on: within the loop nothing is cut and nothing put together.
        kernels, biases = tf.split(kernel, parts, 1), tf.split(bias, parts, 0)
        xs = [
            x if k in math.apart else x + b
            for k, (x, b) in enumerate(zip(tf.split(_by_time(projected), parts, -1), biases, strict=True))
        ]
        fed = [] if memory is None else tf.split(memory.fed_kernel, parts, 1)
        known: Any = None if memory is None else _by_time(memory.known)
        keeps = None if keep is None else _by_time(keep)

        def arrays(*shapes: tuple[Any, ...]) -> list[Any]:
            """One for each shape of an element."""
            return [tf.TensorArray(dtype, steps, element_shape=s, clear_after_read=False) for s in shapes]

        def forward(i: Any, state: list[Any], before: Any, after: Any, kept: Any, looked: Any) -> Any:
            t = steps - 1 - i if reverse else i
            x = [part[t] for part in xs]
            product = [tf.matmul(state[0], part) for part in kernels]
            for k in math.apart:
                product[k] = tf.nn.bias_add(product[k], biases[k])
            new_looked = []
            if memory is not None:
                query = tf.matmul(state[0], memory.query_kernel) + known[t]
                hidden = tf.tanh(query[:, None] + memory.keys)
                scores = tf.reshape(tf.matmul(tf.reshape(hidden, (-1, hidden.shape[-1])), memory.weight), tf.shape(low))
                weights = tf.nn.softmax(scores + low)
                context = tf.squeeze(tf.matmul(weights[:, None], memory.values), 1)
                x = [part + tf.matmul(context, by) for part, by in zip(x, fed, strict=True)]
                new_looked = [context, weights, hidden]
            new, new_kept = math.forward(x, product, state)
            if keeps is not None:
                new = [old + keeps[t] * (changed - old) for old, changed in zip(state, new, strict=True)]
            writes = ((before, state), (after, new[:1]), (kept, new_kept), (looked, new_looked))
            return i + 1, new, *([a.write(t, v) for a, v in zip(*pair, strict=True)] for pair in writes)

        empty = (
            arrays(*[(None, size)] * count),
            arrays((None, size)),
            arrays(*[(None, size)] * math.kept),
            []
            if memory is None
            else arrays((None, memory.values.shape[-1]), (None, None), (None, None, memory.keys.shape[-1])),
        )
        _, final, before, after, kept, looked = tf.while_loop(
            lambda i, *_: i < steps, forward, (0, start, *empty), maximum_iterations=steps
        )
        outputs = _by_time(after[0].stack())
        contexts = [] if memory is None else [_by_time(looked[0].stack())]

        def gradient(*upstream: Any) -> list[Any]:
            doutputs, dfinal = _by_time(upstream[0]), list(upstream[len(upstream) - count :])
            back = [tf.transpose(part) for part in kernels]
            if memory is not None:
                back.append(tf.transpose(memory.query_kernel))
                fed_back, line = [tf.transpose(part) for part in fed], tf.reshape(memory.weight, (1, -1))
                dcontexts_above = _by_time(upstream[1])

            def backward(i: Any, dstate: list[Any], sums: list[Any], reached: list[Any]) -> Any:
                t = i if reverse else steps - 1 - i
                dstate = [dstate[0] + doutputs[t], *dstate[1:]]
                held = [None] * count
                if keeps is not None:
                    moved = [keeps[t] * d for d in dstate]
                    held, dstate = [d - m for d, m in zip(dstate, moved, strict=True)], moved
                state = [a.read(t) for a in before]
                dx, dproduct, direct = math.backward(dstate, state, [a.read(t) for a in kept])
                values = [*dx, *(dproduct[k] for k in math.apart)]
                if memory is not None:
                    _, weights, hidden = (a.read(t) for a in looked)
                    dcontext = tf.add_n(
                        [*(tf.matmul(d, by) for d, by in zip(dx, fed_back, strict=True)), dcontexts_above[t]]
                    )
                    dweights = tf.squeeze(tf.matmul(memory.values, dcontext[:, :, None]), 2)
                    dscores = weights * (dweights - tf.reduce_sum(weights * dweights, -1, keepdims=True))
                    slope = 1 - hidden * hidden
                    dquery = line * tf.squeeze(tf.matmul(dscores[:, None], slope), 1)
                    dweight = tf.matmul(tf.reshape(dscores, (1, -1)), tf.reshape(hidden, (-1, hidden.shape[-1])))
                    sums = [sums[0] + dscores[:, :, None] * slope, sums[1] + tf.cast(dweight, tf.float32)]
                    dproduct = [*dproduct, dquery]
                    values += [dquery, dcontext]
                through = [tf.matmul(d, by) for d, by in zip(dproduct, back, strict=True)]
                reasons = zip([through, *[[]] * (count - 1)], direct, held, strict=True)  # only h was multiplied
                dstate = [tf.add_n([*products, *(d for d in rest if d is not None)]) for products, *rest in reasons]
                reached = [a.write(t, v) for a, v in zip(reached, values, strict=True)]
                return i + 1, dstate, sums, reached

            widths = [size] * (parts + len(math.apart))
            widths += [] if memory is None else [memory.keys.shape[-1], memory.values.shape[-1]]
            asks = None if memory is None else memory.keys.shape[-1]
            sums = [] if memory is None else [tf.zeros_like(memory.keys), tf.zeros((1, asks), tf.float32)]
            _, dstart, sums, reached = tf.while_loop(
                lambda i, *_: i < steps,
                backward,
                (0, dfinal, sums, arrays(*((None, w) for w in widths))),
                maximum_iterations=steps,
            )
            stacked = [a.stack() for a in reached]
            dxs, dproducts = stacked[:parts], stacked[:parts]
            for place, k in enumerate(math.apart, parts):
                dproducts[k] = stacked[place]
            states = before[0].stack()
            dkernel = tf.concat([_outer(states, d) for d in dproducts], 1)
            dbias = tf.concat([tf.reduce_sum(d, (0, 1)) for d in dproducts], 0)
            dprojected = _by_time(tf.concat(dxs, -1))
            if memory is None:
                return [dprojected, dkernel, dbias, *dstart]
            dqueries, dcontexts = stacked[-2:]
            found = looked[0].stack()
            mixed = tf.transpose(looked[1].stack(), (1, 2, 0))
            return [
                *(dprojected, dkernel, dbias, *dstart),
                *(sums[0] * line, tf.matmul(mixed, _by_time(dcontexts)), _outer(states, dqueries)),
                tf.cast(tf.transpose(sums[1]), dtype),
                tf.concat([_outer(found, d) for d in dxs], 1),
                _by_time(dqueries),
            ]

        return [outputs, *contexts, *final], gradient

    results = loop(projected, kernel, bias, *state, *(look or ()))
    return results[:-count], results[-count:]


def _by_time(tensor: Any) -> Any:
    """`(rows, time, …)` -> `(time, rows, …)`, and back."""
    return tf.transpose(tensor, (1, 0, 2))


def _outer(left: Any, right: Any) -> Any:
    """`(time, rows, m)` and `(time, rows, n)` -> `(m, n)`, added up over time and rows."""
    left, right = (tf.reshape(x, (-1, x.shape[-1])) for x in (left, right))
    return tf.matmul(left, right, transpose_a=True)
