"""Graphs for inputs of every shape, made at the first call."""

from __future__ import annotations

from typing import Any

import keras


def predict(model: keras.Model, inputs: Any, axes: int = 2) -> Any:
    """Returns `model.predict_on_batch(inputs)`, by a graph that takes other numbers of rows and steps too.

    Keras makes one graph for the shapes of the first batch and a second one when another shape comes, each in the time
    of some hundred batches.

    Args:
        model: What to call; always with as many `axes`.
        inputs: A nest of arrays, `(rows, …)`: numbers `(rows, features)` or `(rows, steps, features)`, ids or masks
            `(rows, steps, …)`. A graph for one step is another one, as it has no loop.
        axes: How many axes of the inputs may have another length in the next call: 1, the rows, or 2.
    """
    if keras.backend.backend() == "tensorflow" and model.predict_function is None:
        import tensorflow as tf

        def any_shape(array: Any) -> tf.TensorSpec:
            shape, is_number = list(array.shape), "float" in keras.backend.standardize_dtype(array.dtype)
            steps = axes > 1 and len(shape) > 1 + is_number and shape[1] != 1
            shape[: 1 + steps] = [None] * (1 + steps)
            return tf.TensorSpec(shape, array.dtype)

        model.make_predict_function()
        function: Any = model.predict_function
        function.get_concrete_function([(keras.tree.map_structure(any_shape, inputs),)])
    return model.predict_on_batch(inputs)
