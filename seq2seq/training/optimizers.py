"""The optimizer, with the moving average of the weights kept apart from the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable("seq2seq")
class AveragingAdam(keras.optimizers.Adam):
    """Adam whose moving average is for validation and for the artefact; training itself never takes it over.

    Keras' own `fit` ends by writing the average into the weights. `fit` runs here once an epoch, so every epoch would
    begin far behind where the last one ended.
    """

    def finalize_variable_values(self, var_list: Any) -> None:
        """Leaves the weights as training left them."""


@contextmanager
def averaged_weights(trainee: keras.Model) -> Iterator[None]:
    """Inside, the model holds the moving average of its weights; afterwards the weights themselves again."""
    optimizer = getattr(trainee.optimizer, "inner_optimizer", trainee.optimizer)
    if not optimizer.use_ema:
        yield
        return
    variables = trainee.trainable_variables
    # Copies, both ways: JAX gives the memory of a variable away in a step, and whoever shares it loses it too.
    kept = [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
    # Keras' own SwapEMAWeights reads the same attribute; there is no public one.
    for variable, average in zip(variables, optimizer._model_variables_moving_average, strict=True):
        variable.assign(np.array(keras.ops.convert_to_numpy(average)))
    try:
        yield
    finally:
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
