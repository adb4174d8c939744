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

    def _clip_gradients(self, grads: Any) -> Any:
        kernel = _kernel()
        if kernel is None or not self.global_clipnorm:
            return super()._clip_gradients(grads)
        return kernel.clip_by_global_norm([kernel.dense(g) for g in grads], self.global_clipnorm)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        kernel = _kernel()
        if kernel is None or self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        kept = self._momentums[index].value, self._velocities[index].value
        rates = learning_rate, self.beta_1, self.beta_2, self.epsilon
        kernel.apply(variable, *kept, kernel.dense(gradient), keras.ops.add(self.iterations, 1), *rates)

    def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
        kernel = _kernel()
        if kernel is None or not self.use_ema:
            super()._update_model_variables_moving_average(trainable_variables)
            return
        # As in Keras, the first step takes the weights over whole.
        share = keras.ops.where(keras.ops.equal(self.iterations, 0), 1.0, 1.0 - self.ema_momentum)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            kernel.move(average.value, variable.value, share)


def _kernel() -> Any:
    """The module of the fused kernels; None where only Keras' generic path fits: on other backends, and where copies of
    a variable are kept in step on several devices."""
    if keras.backend.backend() != "tensorflow":
        return None
    from seq2seq.kernels import adam

    return adam if adam.is_alone() else None


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
