"""The optimizer: keeps a moving average apart from the weights, and refuses bad steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from seq2seq.training.guard import EXPLOSION

START = 10.0
"""The moving average gives the weights of step n, from 0, a share of START / (START + n), and never less than
1 - momentum: so the first step takes them over whole, and what chance began with is soon forgotten."""


class _Averaging(keras.optimizers.Optimizer):
    """The moving average and the guard of an optimizer, in front of one of Keras' own.

    The average is for validation and for the saved model; training never continues from it. Keras' own
    `fit` ends by writing the average into the weights. `fit` runs here once an epoch, so every epoch would begin far
    behind where the last one ended.

    A step whose gradient is 0, is not finite or is `EXPLOSION` times longer than usual changes nothing but `refused`.
    """

    exchange: Any = None
    """Sums the gradients over the processes that train together; None: there is only this one."""

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self.gradient_norm = self.add_variable((), name="gradient_norm")
        self.usual_norm = self.add_variable((), name="usual_norm")
        self.refused = self.add_variable((), name="refused")
        self._norm: Any = None
        self._is_judged = False

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Takes the step, or refuses it. With several batches a step each batch is judged by itself."""
        if self.exchange is not None:
            grads = self.exchange.sum(grads)
        kernel = _kernel()
        if not self.built:
            self.build(list(trainable_variables))
        if kernel is None:
            if self._is_judged or bool(self._judge(_norm_of(grads))):
                super().apply(grads, trainable_variables)
            return
        apply, grads = super().apply, [kernel.dense(g) for g in grads]
        self._norm = kernel.global_norm(grads)
        try:
            sound = self._judge(self._norm)
            keras.ops.cond(sound, lambda: apply(grads, trainable_variables), lambda: None)
        finally:
            self._norm = None  # a tensor of one graph must not be used in another

    def stateless_apply(self, optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
        """As `apply`, for JAX: chooses between the new and the old values."""
        with keras.StatelessScope(list(zip(self.variables, optimizer_variables, strict=True))) as scope:
            sound = self._judge(_norm_of(grads))
            judged = [scope.get_current_value(v) for v in self.variables]
        self._is_judged = True
        try:
            weights, state = super().stateless_apply(judged, grads, trainable_variables)
        finally:
            self._is_judged = False

        def choose(new: Any, old: Any) -> list[Any]:
            return [keras.ops.where(sound, one, other) for one, other in zip(new, old, strict=True)]

        return choose(weights, trainable_variables), choose(state, judged)

    def _judge(self, norm: Any) -> Any:
        """Returns whether a step with a gradient of this norm may be taken, and records the norm."""
        ops, usual = keras.ops, keras.ops.convert_to_tensor(self.usual_norm)
        limit = EXPLOSION * ops.maximum(usual, 1.0)
        sound = ops.logical_and(norm > 0, norm <= limit)  # NaN compares as False
        moved = ops.where(usual > 0, usual + 0.02 * (norm - usual), norm)
        self.gradient_norm.assign(norm)
        self.refused.assign_add(1.0 - ops.cast(sound, "float32"))
        self.usual_norm.assign(ops.where(sound, moved, usual))
        return sound

    def finalize_variable_values(self, var_list: Any) -> None:
        """Leaves the weights as training left them."""

    def _clip_gradients(self, grads: Any) -> Any:
        kernel = _kernel()
        if kernel is None or not self.global_clipnorm:
            return super()._clip_gradients(grads)
        grads = [kernel.dense(g) for g in grads]
        alone = self._norm is not None and not self.gradient_accumulation_steps
        norm = self._norm if alone else kernel.global_norm(grads)
        return kernel.clip_by_global_norm(grads, norm, self.global_clipnorm)

    def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
        kernel = _kernel()
        # Keras' own, with a momentum of 0.998, is half made of the first weights after 346 steps: an epoch or two of a
        # small corpus. Here it begins as a mean of the last tenth of all steps, until the momentum holds.
        share = keras.ops.maximum(1.0 - self.ema_momentum, START / (START + keras.ops.cast(self.iterations, "float32")))
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            if kernel is not None:
                kernel.move(average.value, variable.value, share)
            else:
                average.assign(average + keras.ops.cast(share, average.dtype) * (variable - average))


@keras.saving.register_keras_serializable("seq2seq")
class AveragingAdam(_Averaging, keras.optimizers.Adam):
    """Adam, as Keras has it, with the average and the guard of this module."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        kernel = _kernel()
        if kernel is None or self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        kept = self._momentums[index].value, self._velocities[index].value
        rates = learning_rate, self.beta_1, self.beta_2, self.epsilon
        kernel.apply(variable, *kept, kernel.dense(gradient), keras.ops.add(self.iterations, 1), *rates)


@keras.saving.register_keras_serializable("seq2seq")
class AveragingSGD(_Averaging, keras.optimizers.SGD):
    """Plain gradient descent, without momentum, with the average and the guard of this module."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        kernel = _kernel()
        if kernel is None or self.momentum:
            super().update_step(gradient, variable, learning_rate)
            return
        kernel.descend(variable, kernel.dense(gradient), learning_rate)


def _norm_of(grads: Any) -> Any:
    squares = [keras.ops.sum(keras.ops.square(keras.ops.cast(g, "float32"))) for g in grads if g is not None]
    return keras.ops.sqrt(sum(squares))


def _kernel() -> Any:
    """The module of the fused kernels; None where only Keras' generic path fits: on other backends, and where copies of
    a variable are kept in step on several devices."""
    if keras.backend.backend() != "tensorflow":
        return None
    from seq2seq.kernels import optimizers

    return optimizers if optimizers.is_alone() else None


@contextmanager
def averaged_weights(objective: keras.Model) -> Iterator[None]:
    """Inside, the model holds the moving average of its weights; afterwards the weights themselves again."""
    optimizer = getattr(objective.optimizer, "inner_optimizer", objective.optimizer)
    if not optimizer.use_ema:
        yield
        return
    variables = objective.trainable_variables
    # Copies, both ways: JAX gives the memory of a variable away in a step, and what shares it loses it too.
    kept = [np.array(keras.ops.convert_to_numpy(v)) for v in variables]
    # Keras' own SwapEMAWeights reads the same attribute; there is no public one.
    for variable, average in zip(variables, optimizer._model_variables_moving_average, strict=True):
        variable.assign(np.array(keras.ops.convert_to_numpy(average)))
    try:
        yield
    finally:
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
