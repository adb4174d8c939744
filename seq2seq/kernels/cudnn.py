"""A recurrent layer by cuDNN, through Keras' own layers, where there is a GPU that can run it.

Its speed has not been measured. The tests check when it is chosen, and that Keras' layers compute what our cells do; on
a CPU they fall back to Keras' loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from seq2seq.types import Mask, Tensor

LAYERS: dict[str, Callable[..., Any]] = {
    "GRUCell": lambda units: keras.layers.GRU(units, return_sequences=True, return_state=True),
    "LSTMCell": lambda units: keras.layers.LSTM(units, return_sequences=True, return_state=True),
}
"""By the names of the cells in `layers.cells` that cuDNN computes too: tanh, sigmoid, reset after the product."""


def refusal(cell: Any) -> str:
    """Returns why cuDNN cannot run `cell`; empty where it can."""
    if type(cell).__name__ not in LAYERS:
        return "cuDNN has no such cell"
    if cell.compute_dtype == "bfloat16":
        return "cuDNN has no recurrent layers in bfloat16"
    return "" if tf.config.list_logical_devices("GPU") else "no GPU is visible"


def run(
    cell: Any, inputs: Tensor, state: list[Tensor], mask: Mask | None, reverse: bool
) -> tuple[Tensor, list[Tensor]]:
    """Runs `cell` over `inputs`, `(rows, time, features)`, as `layers.recurrence.run_cell` does over their projection.

    The mask must be True at the left, once in every row at least: cuDNN takes lengths instead of masks.
    """
    # The layer is made for this call and has no weights of its own. No model tracks it, so its "cannot be compiled by
    # XLA" does not affect the others.
    layer = LAYERS[type(cell).__name__](cell.units)
    layer.go_backwards, layer.cell = reverse, cell
    outputs, *final = layer.call(inputs, initial_state=state, mask=mask, training=False)
    return tf.reverse(outputs, [1]) if reverse else outputs, final
