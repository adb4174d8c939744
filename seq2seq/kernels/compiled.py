"""A function compiled for one shape: what a stream calls again and again, without the cost of finding its graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def compiled(function: Callable[..., Any], *examples: Any) -> Callable[..., Any] | None:
    """Returns `function` for arguments of the shapes and dtypes of examples alone.

    Args:
        function: Takes and returns nests of tensors; pure.
        examples: Nests of arrays.

    Returns:
        Takes and returns nests of arrays; None where the backend is not TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    specs = keras.tree.map_structure(lambda array: tf.TensorSpec(array.shape, array.dtype), examples)
    graph = tf.function(function).get_concrete_function(*specs)

    def call(*arguments: Any) -> Any:
        return keras.tree.map_structure(np.asarray, graph(*keras.tree.map_structure(tf.constant, arguments)))

    return call
