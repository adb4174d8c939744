"""A step of the time loops: GRU and LSTM, forward and backward, and what of it the loops share.

The gradients that reach each step are saved, and one product after the loop gives the gradient of each matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from seq2seq.types import Tensor


class _GRU:
    parts = 3
    """Parts of the projection, each as wide as the state: update gate, reset gate, candidate."""
    separate: tuple[int, ...] = (2,)
    """The parts whose product with the state is not simply added to the input; their bias is added in the loop."""
    saved = 4
    """How many tensors `forward` saves for `backward`."""

    @staticmethod
    def forward(x: list[Tensor], product: list[Tensor], state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the new state, and what `backward` needs of this step."""
        (h,) = state
        update, reset = tf.sigmoid(x[0] + product[0]), tf.sigmoid(x[1] + product[1])
        candidate = tf.tanh(x[2] + reset * product[2])
        return [candidate + update * (h - candidate)], [update, reset, candidate, product[2]]

    @staticmethod
    def backward(
        gradient: list[Tensor], state: list[Tensor], saved: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Returns the gradients by `x`, by `product`, and by the state before without its share through the product."""
        (dh,), (h,), (update, reset, candidate, from_candidate) = gradient, state, saved
        held = dh * update
        dcandidate = tf.raw_ops.TanhGrad(y=candidate, dy=dh - held)
        dupdate = tf.raw_ops.SigmoidGrad(y=update, dy=dh * (h - candidate))
        dreset = tf.raw_ops.SigmoidGrad(y=reset, dy=dcandidate * from_candidate)
        return [dupdate, dreset, dcandidate], [dupdate, dreset, dcandidate * reset], [held]


class _LSTM:
    parts = 4
    """Input gate, forget gate, candidate, output gate."""
    separate: tuple[int, ...] = ()
    saved = 5

    @staticmethod
    def forward(x: list[Tensor], product: list[Tensor], state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """As `_GRU.forward`."""
        _, c = state
        enter, forget, candidate, output = (one + other for one, other in zip(x, product, strict=True))
        enter, forget, candidate, output = tf.sigmoid(enter), tf.sigmoid(forget), tf.tanh(candidate), tf.sigmoid(output)
        c = forget * c + enter * candidate
        squashed = tf.tanh(c)
        return [output * squashed, c], [enter, forget, candidate, output, squashed]

    @staticmethod
    def backward(
        gradient: list[Tensor], state: list[Tensor], saved: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """As `_GRU.backward`."""
        (dh, dc), (_, c), (enter, forget, candidate, output, squashed) = gradient, state, saved
        dc = dc + tf.raw_ops.TanhGrad(y=squashed, dy=dh * output)
        denter = tf.raw_ops.SigmoidGrad(y=enter, dy=dc * candidate)
        dforget = tf.raw_ops.SigmoidGrad(y=forget, dy=dc * c)
        dcandidate = tf.raw_ops.TanhGrad(y=candidate, dy=dc * enter)
        doutput = tf.raw_ops.SigmoidGrad(y=output, dy=dh * squashed)
        dparts = [denter, dforget, dcandidate, doutput]
        return dparts, dparts, [None, dc * forget]


CELLS: dict[str, Any] = {"GRUCell": _GRU, "LSTMCell": _LSTM}
"""The elementwise parts, by the names of the cells in `layers.cells`."""


class Transition:
    """A cell and its recurrent weights, a tensor for each part: what a step of a loop multiplies and adds."""

    def __init__(self, cell: Any, kernel: Tensor, bias: Tensor):
        self.cell, self.size = cell, kernel.shape[0]
        self.kernels, self.biases = tf.split(kernel, cell.parts, 1), tf.split(bias, cell.parts, 0)

    def add_bias(self, inputs: list[Tensor]) -> list[Tensor]:
        """Adds the bias of the product to the parts of an input, where it can be added before the loop."""
        pairs = enumerate(zip(inputs, self.biases, strict=True))
        return [x if k in self.cell.separate else x + bias for k, (x, bias) in pairs]

    def start_forward(self, state: list[Tensor]) -> None:
        """Prepares the biases for the forward loop, from the state before it."""
        self.wide_biases = {k: tf.broadcast_to(self.biases[k], tf.shape(state[0])) for k in self.cell.separate}

    def forward(self, x: list[Tensor], state: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """As the `forward` of a cell, from the parts of an input with the bias."""
        product = [tf.matmul(state[0], kernel) for kernel in self.kernels]
        for k, bias in self.wide_biases.items():
            # Not `bias_add`: TensorFlow would fuse it with the product, which takes twice as long in bfloat16.
            product[k] = tf.add_n([product[k], bias])
        new, saved = self.cell.forward(x, product, state)
        return list(new), saved

    def start_backward(self) -> None:
        """Prepares the weights for the backward loop."""
        self.back = [tf.transpose(kernel) for kernel in self.kernels]

    def state_gradient(
        self,
        dproduct: list[Tensor],
        direct: list[Tensor | None],
        others: list[Tensor | None],
        queries: Sequence[tuple[Tensor, Tensor]] = (),
    ) -> list[Tensor]:
        """Returns the gradient by the state before.

        Args:
            dproduct: The gradients by all products, from the `backward` of the cell.
            direct: From it too: what reaches the state not through them.
            others: What else reaches each tensor of the state; None: nothing.
            queries: The gradients by further products with the first tensor, each with its kernel, transposed.
        """
        through: list[list[Tensor]] = [[] for _ in direct]
        pairs = [*zip(dproduct, self.back, strict=True), *queries]
        through[0] = [tf.matmul(d, by) for d, by in pairs]  # only h enters products
        shares = zip(through, direct, others, strict=True)
        return [tf.add_n([*products, *(d for d in more if d is not None)]) for products, *more in shares]

    def reached(self, dx: list[Tensor], dproduct: list[Tensor]) -> list[Tensor]:
        """Returns what `gradients` needs of a step: the gradients by the input's parts, then by separate products."""
        return [*dx, *(dproduct[k] for k in self.cell.separate)]

    @property
    def widths(self) -> list[int]:
        """Of what `reached` returns."""
        return [self.size] * (self.cell.parts + len(self.cell.separate))

    def gradients(self, states: Tensor, reached: list[Tensor]) -> list[Tensor]:
        """Returns the gradients by kernel and bias, from those of all steps, `(time, rows, units)` each.

        Args:
            states: The first tensor of the state before each step.
            reached: As the method of that name gives it.
        """
        dproducts = reached[: self.cell.parts]
        for place, k in enumerate(self.cell.separate, self.cell.parts):
            dproducts[k] = reached[place]
        return [tf.concat([outer(states, d) for d in dproducts], 1), summed(dproducts)]


def outer(left: Tensor, right: Tensor) -> Tensor:
    """`(time, rows, m)` and `(time, rows, n)` -> `(m, n)`, summed over time and rows."""
    left, right = (tf.reshape(x, (-1, x.shape[-1])) for x in (left, right))
    return tf.matmul(left, right, transpose_a=True)


def summed(parts: list[Tensor]) -> Tensor:
    """`(time, rows, units)` each -> `(parts * units,)`, summed over time and rows."""
    return tf.concat([tf.reduce_sum(part, (0, 1)) for part in parts], 0)
