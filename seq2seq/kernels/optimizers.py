"""Optimizers in one pass over the weights: TensorFlow's own kernels, where Keras runs twenty operations for Adam."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from seq2seq.types import Tensor


def is_alone() -> bool:
    """Whether variables have no copies on other devices; the kernels would update only one of them."""
    return not tf.distribute.has_strategy()


def dense(gradient: Tensor | None) -> Tensor | None:
    """Returns a gradient as one tensor, where it was given row by row, as that of an embedding is."""
    return None if gradient is None else tf.convert_to_tensor(gradient)


def global_norm(gradients: Sequence[Tensor | None]) -> Tensor:
    """Returns the global norm of the gradients, a float32 scalar; None is skipped."""
    present = [g for g in gradients if g is not None]
    return tf.sqrt(2.0 * tf.add_n([tf.cast(tf.nn.l2_loss(g), tf.float32) for g in present]))


def clip_by_global_norm(gradients: Sequence[Tensor | None], norm: Tensor, limit: float) -> list[Tensor | None]:
    """Scales all gradients together so that their `norm` becomes at most `limit`; None stays None.

    A norm that is not finite makes all of them NaN, as in Keras: no part of such a step may look valid.
    """
    scale = limit / tf.maximum(norm, limit) + (norm - norm)
    return [None if g is None else g * tf.cast(scale, g.dtype) for g in gradients]


def apply(
    variable: tf.Variable,
    momentum: tf.Variable,
    velocity: tf.Variable,
    gradient: Tensor,
    step: Tensor,
    learning_rate: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    """Takes one step of Adam in place (Kingma & Ba 2015, in the faster form at the end of section 2).

    Args:
        variable: What is trained; `momentum` and `velocity` have the same shape and dtype.
        gradient: Dense.
        step: Number of this step, from 1.
    """
    number = variable.dtype
    one, two = (tf.constant(beta, number) for beta in (beta_1, beta_2))
    step = tf.cast(step, number)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=momentum.handle,
        v=velocity.handle,
        beta1_power=tf.pow(one, step),
        beta2_power=tf.pow(two, step),
        lr=tf.cast(learning_rate, number),
        beta1=one,
        beta2=two,
        epsilon=tf.constant(epsilon, number),
        grad=tf.cast(gradient, number),
    )


def descend(variable: tf.Variable, gradient: Tensor, learning_rate: Tensor) -> None:
    """Takes one step of gradient descent in place."""
    number = variable.dtype
    tf.raw_ops.ResourceApplyGradientDescent(
        var=variable.handle, alpha=tf.cast(learning_rate, number), delta=tf.cast(gradient, number)
    )


def move(average: tf.Variable, variable: tf.Variable, share: Tensor) -> None:
    """Moves `average` by `share` of the way towards `variable`, in place."""
    # The kernel of gradient descent: average - share * (average - variable) in one operation instead of three.
    tf.raw_ops.ResourceApplyGradientDescent(
        var=average.handle, alpha=tf.cast(share, average.dtype), delta=average - variable
    )
