"""Recurrent cells, each in two parts: what can be computed for all steps at once, and what recurs.

    project(inputs)            (…, features) -> (…, projected_size), outside the loop
    recur(projected, state)    (rows, projected_size), state -> output (rows, units), state; `kernel`, where a cell has
                               one, stands in for its recurrent kernel, as for weight dropout
    state_output(state)        state -> the output of the step that made it, (rows, units)

Simple, GRU and LSTM are Keras' own cells with Keras' own weights: `recur(project(x), state)` equals their `call`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.indexing import split
from seq2seq.layers.names import CellName
from seq2seq.types import Shape, Tensor

_register = keras.saving.register_keras_serializable("seq2seq")

CellState = list[Tensor]
"""The tensors of the state of one cell, `(rows, size)` each; the first has the width of the output."""


@_register
class SimpleCell(keras.layers.SimpleRNNCell):
    """h' = tanh(W x + U h + b) (Elman 1990)."""

    @property
    def projected_size(self) -> int:
        return self.units

    def project(self, inputs: Tensor) -> Tensor:
        return ops.matmul(inputs, self.kernel) + self.bias

    def recur(self, projected: Tensor, state: CellState, kernel: Tensor | None = None) -> tuple[Tensor, CellState]:
        output = ops.tanh(projected + ops.matmul(state[0], _given(kernel, self.recurrent_kernel)))
        return output, [output]

    def state_output(self, state: CellState) -> Tensor:
        return state[0]


@_register
class GRUCell(keras.layers.GRUCell):
    """Gated recurrent unit, reset after the product (Cho et al. 2014; the variant that cuDNN runs)."""

    @property
    def projected_size(self) -> int:
        return 3 * self.units

    def project(self, inputs: Tensor) -> Tensor:
        return ops.matmul(inputs, self.kernel) + ops.unstack(self.bias)[0]

    def recur(self, projected: Tensor, state: CellState, kernel: Tensor | None = None) -> tuple[Tensor, CellState]:
        (h,) = state
        recurrent = ops.matmul(h, _given(kernel, self.recurrent_kernel)) + ops.unstack(self.bias)[1]
        widths = [2 * self.units, self.units]
        # Not slices: the gradient of a slice fills a whole tensor with zeros, that of a split concatenates.
        to_gates, to_candidate = split(projected, widths)
        from_gates, from_candidate = split(recurrent, widths)
        update, reset = ops.split(ops.sigmoid(to_gates + from_gates), 2, axis=-1)
        candidate = ops.tanh(to_candidate + reset * from_candidate)
        output = candidate + update * (h - candidate)
        return output, [output]

    def state_output(self, state: CellState) -> Tensor:
        return state[0]


@_register
class LSTMCell(keras.layers.LSTMCell):
    """Long short-term memory with forget bias 1 (Hochreiter & Schmidhuber 1997; Gers et al. 2000)."""

    @property
    def projected_size(self) -> int:
        return 4 * self.units

    def project(self, inputs: Tensor) -> Tensor:
        return ops.matmul(inputs, self.kernel) + self.bias

    def recur(self, projected: Tensor, state: CellState, kernel: Tensor | None = None) -> tuple[Tensor, CellState]:
        h, c = state
        gates = projected + ops.matmul(h, _given(kernel, self.recurrent_kernel))
        input_gate, forget_gate, candidate, output_gate = ops.split(gates, 4, axis=-1)
        c = ops.sigmoid(forget_gate) * c + ops.sigmoid(input_gate) * ops.tanh(candidate)
        h = ops.sigmoid(output_gate) * ops.tanh(c)
        return h, [h, c]

    def state_output(self, state: CellState) -> Tensor:
        return state[0]


class _OwnCell(keras.layers.Layer):
    """The base of our own cells: `units`, the width of the projection, and Keras' `call`."""

    gates = 1

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"A cell needs at least one unit. Received: units={units}")
        self.units = units

    @property
    def projected_size(self) -> int:
        return self.gates * self.units

    def call(self, inputs: Tensor, states: CellState) -> tuple[Tensor, CellState]:
        return self.recur(self.project(inputs), list(states))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@_register
class LayerNormLSTMCell(_OwnCell):
    """LSTM whose two products and whose cell are layer-normalised (Ba et al. 2016, section 4).

    Args:
        units: Width of the state, at least 1.
    """

    gates = 4

    @property
    def state_size(self) -> list[int]:
        return [self.units, self.units]

    def build(self, input_shape: Shape) -> None:
        width = self.projected_size
        self.kernel = self.add_weight((input_shape[-1], width), "glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight((self.units, width), "orthogonal", name="recurrent_kernel")
        self.bias = self.add_weight((width,), "zeros", name="bias")
        self.forget_bias = 1.0
        for name in ("input", "recurrent", "cell"):
            size = self.units if name == "cell" else width
            setattr(self, f"{name}_gain", self.add_weight((size,), "ones", name=f"{name}_gain"))
            setattr(self, f"{name}_shift", self.add_weight((size,), "zeros", name=f"{name}_shift"))

    def project(self, inputs: Tensor) -> Tensor:
        return ops.matmul(inputs, self.kernel)

    def recur(self, projected: Tensor, state: CellState, kernel: Tensor | None = None) -> tuple[Tensor, CellState]:
        h, c = state
        gates = self._normalise(projected, "input") + self.bias
        gates = gates + self._normalise(ops.matmul(h, _given(kernel, self.recurrent_kernel)), "recurrent")
        input_gate, forget_gate, candidate, output_gate = ops.split(gates, 4, axis=-1)
        c = ops.sigmoid(forget_gate + self.forget_bias) * c + ops.sigmoid(input_gate) * ops.tanh(candidate)
        h = ops.sigmoid(output_gate) * ops.tanh(self._normalise(c, "cell"))
        return h, [h, c]

    def state_output(self, state: CellState) -> Tensor:
        return state[0]

    def _normalise(self, x: Tensor, name: str) -> Tensor:
        mean = ops.mean(x, axis=-1, keepdims=True)
        centred = x - mean
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
        # A projection of zeros has no variance at all, so epsilon is far above rounding errors.
        return centred * ops.rsqrt(variance + 1e-5) * getattr(self, f"{name}_gain") + getattr(self, f"{name}_shift")


class LinearCell(_OwnCell):
    """A cell whose state is linear in the state before, elementwise: `c' = keep * c + add`.

    `keep` and `add` depend on the inputs alone, so every matrix product is outside the time loop, which is left with a
    few small operations a step.
    """

    gates = 2

    @property
    def state_size(self) -> list[int]:
        return [self.units]

    def gate(self, projected: Tensor) -> tuple[Tensor, Tensor]:
        """Returns `keep` and `add`, `(…, units)` each, from `(…, projected_size)`."""
        forget, candidate = ops.split(projected, 2, axis=-1)
        keep = ops.sigmoid(forget)
        return keep, candidate - keep * candidate

    def recur(self, projected: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        keep, add = self.gate(projected)
        state = [keep * state[0] + add]
        return self.state_output(state), state


@_register
class SSRUCell(LinearCell):
    """Simpler simple recurrent unit: no matrix product recurs (Kim et al. 2019, "From Research to Production").

    f = sigmoid(W_f x + b_f);  c' = f c + (1 - f) W x;  output = relu(c')

    Args:
        units: Width of the state, at least 1.
    """

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight((input_shape[-1], self.projected_size), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((self.units,), "zeros", name="bias")

    def project(self, inputs: Tensor) -> Tensor:
        # Only the forget gate has a bias.
        return ops.matmul(inputs, self.kernel) + ops.pad(self.bias, [[0, self.units]])

    def state_output(self, state: CellState) -> Tensor:
        return ops.relu(state[0])


@_register
class MinGRUCell(LinearCell):
    """Minimal gated recurrent unit (Feng et al. 2024, "Were RNNs All We Needed?", 3.1); its gate is inverted here.

    f = sigmoid(W_f x + b_f);  h' = f h + (1 - f) (W x + b);  output = h'

    Args:
        units: Width of the state, at least 1.
    """

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight((input_shape[-1], self.projected_size), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((self.projected_size,), "zeros", name="bias")

    def project(self, inputs: Tensor) -> Tensor:
        return ops.matmul(inputs, self.kernel) + self.bias

    def state_output(self, state: CellState) -> Tensor:
        return state[0]


def _given(kernel: Tensor | None, own: Tensor) -> Tensor:
    return own if kernel is None else kernel


CELLS: dict[CellName, type[Any]] = {
    "simple": SimpleCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
    "layer_norm_lstm": LayerNormLSTMCell,
    "ssru": SSRUCell,
    "min_gru": MinGRUCell,
}
"""The cells by their names."""


def make_cell(name: CellName, units: int, layer: str | None = None) -> Any:
    """Returns a new cell; ValueError for an unknown name or no units.

    Args:
        name: One of CELLS.
        units: Its width.
        layer: What its weights are called by, within the layer that holds it; None: by the kind of cell and a number.
    """
    if name not in CELLS:
        raise ValueError(f"Unknown cell. Expected one of {', '.join(CELLS)}. Received: {name!r}")
    if units < 1:
        raise ValueError(f"A cell needs at least one unit. Received: units={units}")
    return CELLS[name](units, name=layer)


def state_sizes(cell: Any) -> list[int]:
    """The widths of the tensors of a cell's state; Keras gives a bare int where there is one."""
    size = cell.state_size
    return [size] if isinstance(size, int) else list(size)


def zero_state(cell: Any, rows: int | Tensor) -> CellState:
    """The state before the first step: zeros, `(rows, size)` each."""
    return [ops.zeros((rows, size), dtype=cell.compute_dtype) for size in state_sizes(cell)]
