"""A recurrent layer by cuDNN, through Keras' own layers, where a GPU is there and can run it.

Not measured: no GPU with TensorFlow was at hand. What is tested is when it is taken, and that the layers stand for the
same cells; on a processor they fall back to Keras' loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

LAYERS: dict[str, Callable[..., Any]] = {
    "GRUCell": lambda units: keras.layers.GRU(units, return_sequences=True, return_state=True),
    "LSTMCell": lambda units: keras.layers.LSTM(units, return_sequences=True, return_state=True),
}
"""By the names of the cells in `layers.cells`; their tanh, sigmoid and reset after the product are those of cuDNN."""


def refusal(cell: Any) -> str:
    """Why cuDNN cannot run `cell`; empty where it can."""
    if type(cell).__name__ not in LAYERS:
        return "cuDNN has no such cell"
    if cell.compute_dtype == "bfloat16":
        return "cuDNN has no recurrent layers in bfloat16"
    return "" if tf.config.list_logical_devices("GPU") else "no GPU is visible"


def run(cell: Any, inputs: Any, state: list[Any], mask: Any, reverse: bool) -> tuple[Any, list[Any]]:
    """Runs `cell` over `inputs`, `(rows, time, features)`, as `layers.recurrence.run_cell` does over their projection.

    The mask must be True at the left, once in every row at least: cuDNN knows lengths and no masks.
    """
    # The layer is made for this call and holds no weights of its own. No model tracks it, so its "cannot be compiled by
    # XLA" does not reach the others.
    layer = LAYERS[type(cell).__name__](cell.units)
    layer.go_backwards, layer.cell = reverse, cell
    outputs, *final = layer.call(inputs, initial_state=state, mask=mask, training=False)
    return tf.reverse(outputs, [1]) if reverse else outputs, final
