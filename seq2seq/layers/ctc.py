"""Connectionist temporal classification (Graves et al. 2006): labels for frames, where no alignment is known.

At every frame the network emits a symbol or a blank. Such a path reads as the label that is left when neighbouring
repeats are merged and the blanks are then removed; the probability of a label is the sum over all paths that read so.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import keras
from keras import ops

from seq2seq.layers.heads import HeadLoss
from seq2seq.layers.recurrence import Implementation, repeat_over_time
from seq2seq.types import Ids, Logits, Mask, Padded, Shape, Tensor, Vectors

BLANK = 0
"""The id of the blank. It is that of PAD, which no label contains: a head is as large as the vocabulary of its labels,
and their ids need no shift."""
IMPOSSIBLE = -1e9
"""The log-probability that `CTCHead.log_prob` gives to a label that does not fit its frames."""

_LOW = -1e30
"""A log-probability of nothing: far below all others, and unlike an infinity it has differences and gradients."""


def ctc_loss(logits: Logits, mask: Mask, labels: Ids, label_mask: Mask) -> Tensor:
    """Returns the negative log-probability of each label, summed over its alignments (Graves et al. 2006, section 4).

    A label does not fit where `frames_needed` exceeds its frames. There the loss and all its gradients are 0: a task
    refuses such rows before training, and what augmentation shortens too much does not spoil a step.

    Args:
        logits: `(rows, time, size)`, float, before any softmax.
        mask: `(rows, time)`, bool: the real frames, which come first.
        labels: `(rows, length)`, int32 in [1, size) at the real positions; never `BLANK`.
        label_mask: `(rows, length)`, bool: the real positions, which come first. A label may be empty.

    Returns:
        `(rows,)`, float32, in nats; finite wherever the logits are.
    """
    frames = _count(mask)
    fits = frames_needed(labels, label_mask) <= frames
    # What does not fit is computed as an empty label, so that no infinity gets into a gradient, and then discarded.
    kept = ops.logical_and(label_mask, ops.expand_dims(fits, 1))
    logits = ops.cast(logits, "float32")
    if choose_implementation().name == "kernel":
        from seq2seq.kernels import ctc

        loss = ctc.loss(logits, frames, labels, kept, BLANK)
    else:
        loss = _forward_loss(logits, mask, labels, kept)
    return ops.where(fits, loss, 0.0)


def frames_needed(labels: Ids, mask: Mask) -> Tensor:
    """Returns the fewest frames that each label fits: its length, and a blank between any two equal neighbours.

    Args:
        labels: `(rows, length)`, int32.
        mask: `(rows, length)`, bool: the real positions, which come first.

    Returns:
        `(rows,)`, int32. `search.ctc.frames_needed` counts the same without a framework.
    """
    repeats = ops.logical_and(ops.equal(labels[:, 1:], labels[:, :-1]), mask[:, 1:])
    return _count(mask) + _count(repeats)


def choose_implementation() -> Implementation:
    """Returns the fastest implementation of the loss: TensorFlow's kernel, or the recursion that every backend has."""
    if keras.backend.backend() == "tensorflow":
        return Implementation("kernel", "")
    return Implementation("loop", "the kernel needs the TensorFlow backend")


@keras.saving.register_keras_serializable("seq2seq")
class CTCHead(keras.layers.Layer):
    """Scores every symbol and the blank at each frame. A head as in `layers.heads`, over frames instead of steps.

    Args:
        size: Number of ids, the blank (`BLANK`) among them.

    Call arguments:
        features: `Padded`: `(rows, time, features_dim)`, float, and the mask of the real frames.

    Returns:
        `(rows, time, size)` logits, before any softmax.
    """

    needs_attention = False

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size

    def build(self, features_shape: Shape) -> None:
        self.kernel = self.add_weight((features_shape[-1], self.size), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((self.size,), "zeros", name="bias")
        self.built = True

    def call(self, features: Padded) -> Logits:
        return self._logits(features.values)

    def logits(self, features: Padded) -> Logits:
        """As a call."""
        return self(features)

    def _logits(self, values: Vectors) -> Logits:
        return ops.matmul(values, ops.cast(self.kernel, values.dtype)) + ops.cast(self.bias, values.dtype)

    def log_prob(self, features: Padded, target: Ids, mask: Mask) -> Tensor:
        """Returns the log-probabilities of whole labels, `(rows,)`, float32; `IMPOSSIBLE` where one does not fit.

        Args:
            features: As of a call.
            target: `(rows, length)`, int32.
            mask: `(rows, length)`, bool: the real positions of `target`, which come first.
        """
        fits = frames_needed(target, mask) <= _count(features.mask)
        return ops.where(fits, -ctc_loss(self(features), features.mask, target, mask), IMPOSSIBLE)

    def loss(
        self, features: Padded, target: Ids, weights: Tensor, training: bool = True, has_end: bool = False
    ) -> HeadLoss:
        """Sums `ctc_loss` over the rows, each times the largest of its weights.

        A row whose weights are all 0 does not count, nor does one whose label does not fit its frames.

        Args:
            features: As of a call.
            target: `(rows, length)`, int32.
            weights: `(rows, length)`, float32: above 0 at the real positions, which come first.
            training: Not read: the kernel makes the gradients in any case.
            has_end: Whether each target ends with a symbol that no frame emits, as text ends with EOS. It is then no
                part of the label, and a target of it alone is an empty label that counts.
        """
        mask = weights > 0
        if has_end:  # a position is in the label if there is a real one behind it
            mask = ops.pad(mask[:, 1:], [[0, 0], [0, 1]])
        fits = frames_needed(target, mask) <= _count(features.mask)
        weights = ops.where(ops.expand_dims(fits, 1), weights, 0.0)
        losses = ctc_loss(self(features), features.mask, target, mask)
        loss = ops.sum(losses * ops.max(weights, axis=1))
        return HeadLoss(loss, ops.stop_gradient(loss), ops.sum(weights))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


def _count(mask: Mask) -> Tensor:
    return ops.sum(ops.cast(mask, "int32"), axis=1)


def _forward_loss(logits: Logits, mask: Mask, labels: Ids, label_mask: Mask) -> Tensor:
    """As `ctc_loss`, of labels that fit: the forward variables of equations 6 and 7 in log space, for any backend.

    The states of a label a, b are: blank, a, blank, b, blank, x. A path stays in its state, goes to the next, or skips
    a blank between two symbols that differ. Nothing leads back from the padding x.
    """
    log_probs = ops.log_softmax(logits)
    labels = ops.pad(ops.where(label_mask, labels, BLANK), [[0, 0], [0, 1]], constant_values=BLANK)
    rows, width = ops.shape(labels)
    states = ops.reshape(ops.stack([ops.full_like(labels, BLANK), labels], axis=2), (rows, 2 * width))
    skips = ops.not_equal(states[:, 2:], states[:, :-2])
    emitted = ops.take_along_axis(log_probs, ops.expand_dims(states, 1), axis=2)  # (rows, time, states)
    keep = ops.expand_dims(ops.cast(mask, "float32"), 2)

    def step(inputs: tuple[Tensor, Tensor], state: tuple[Tensor]) -> tuple[Tensor, tuple[Tensor]]:
        (is_real, emission), (before,) = inputs, state
        following = _behind(before[:, :-1], 1)
        skipping = _behind(ops.where(skips, before[:, :-2], _LOW), 2)
        reached = _log_sum(before, following, skipping) + emission
        return is_real, (ops.where(is_real > 0, reached, before),)

    # Before the first frame a path is in the first blank, where it may stay.
    start = _behind(ops.full((rows, 2 * width - 1), _LOW, "float32"), 1, 0.0)
    _, (final,) = repeat_over_time(step, (keep, emitted), (start,))
    last = ops.expand_dims(2 * _count(label_mask), 1)  # the last blank; the last symbol is before it
    in_blank = ops.take_along_axis(final, last, axis=1)
    in_symbol = ops.where(last > 0, ops.take_along_axis(final, ops.maximum(last - 1, 0), axis=1), _LOW)
    return -ops.squeeze(_log_sum(in_blank, in_symbol), 1)


def _behind(states: Tensor, count: int, value: float = _LOW) -> Tensor:
    """Puts `count` columns of `value` before the others."""
    return ops.pad(states, [[0, 0], [count, 0]], constant_values=value)


def _log_sum(*terms: Tensor) -> Tensor:
    """The logarithm of the sum of exponentials. Equal terms share the gradient, which `logaddexp` gives to one."""
    top = ops.stop_gradient(reduce(ops.maximum, terms))
    return top + ops.log(sum(ops.exp(term - top) for term in terms))
