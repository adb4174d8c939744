"""Adam in one pass over the weights: TensorFlow's own kernel where Keras makes some twenty operations a variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def is_alone() -> bool:
    """Whether variables have no copies on other devices; the kernels would see only one of them."""
    return not tf.distribute.has_strategy()


def dense(gradient: Any) -> Any:
    """A gradient whose rows were given one by one, as those of an embedding are, made whole."""
    return None if gradient is None else tf.convert_to_tensor(gradient)


def global_norm(gradients: Sequence[Any]) -> Any:
    """Returns the norm of all gradients together, a float32 scalar; those that are None do not count."""
    present = [g for g in gradients if g is not None]
    return tf.sqrt(2.0 * tf.add_n([tf.cast(tf.nn.l2_loss(g), tf.float32) for g in present]))


def clip_by_global_norm(gradients: Sequence[Any], norm: Any, limit: float) -> list[Any]:
    """Scales all gradients together so that their `norm` becomes at most `limit`; None stays None.

    A norm that is not finite makes all of them NaN, as in Keras: nothing of such a step may look sound.
    """
    scale = limit / tf.maximum(norm, limit) + (norm - norm)
    return [None if g is None else g * tf.cast(scale, g.dtype) for g in gradients]


def apply(
    variable: Any,
    momentum: Any,
    velocity: Any,
    gradient: Any,
    step: Any,
    learning_rate: Any,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    """Takes one step of Adam (Kingma & Ba 2015, the faster form at the end of their section 2), all in place.

    Args:
        variable: TensorFlow variable, as `momentum` and `velocity` of the same shape and type.
        gradient: Dense.
        step: Number of this step, from 1 on.
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


def move(average: Any, variable: Any, share: Any) -> None:
    """Moves `average` by `share` of the way towards `variable`, in place."""
    # The kernel of gradient descent, average - share * (average - variable): one pass less than three operations take.
    tf.raw_ops.ResourceApplyGradientDescent(
        var=average.handle, alpha=tf.cast(share, average.dtype), delta=average - variable
    )
