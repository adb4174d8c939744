"""The loss of connectionist temporal classification by TensorFlow's sparse kernel.

It computes loss and gradient together, in C++ and on the CPU only: with a GPU the logits go there and back.
`layers.ctc` computes the same without kernels, on every backend; a test compares the two.
"""

from __future__ import annotations

import tensorflow as tf

from seq2seq.types import Ids, Logits, Mask, Tensor


def loss(logits: Logits, frames: Tensor, labels: Ids, label_mask: Mask, blank: int) -> Tensor:
    """Returns the negative log-probability of each label, `(rows,)`, float32, in nats.

    Args:
        logits: `(rows, time, size)`, float32.
        frames: `(rows,)`, int32: real frames. Every label fits them.
        labels: `(rows, length)`, int32 in [0, size), never `blank`.
        label_mask: `(rows, length)`, bool: the real positions, which come first.
        blank: The id of the blank.
    """
    # The kernel has its blank behind all symbols.
    logits = tf.concat([logits[:, :, :blank], logits[:, :, blank + 1 :], logits[:, :, blank : blank + 1]], 2)
    places = tf.where(label_mask)  # (symbols, 2)
    symbols = tf.gather_nd(tf.cast(labels, tf.int32), places)
    symbols -= tf.cast(symbols > blank, tf.int32)
    sparse = tf.SparseTensor(places, symbols, tf.shape(labels, tf.int64))
    losses = tf.compat.v1.nn.ctc_loss(sparse, tf.transpose(logits, (1, 0, 2)), tf.maximum(frames, 1))
    return tf.where(frames > 0, losses, 0.0)  # the kernel wants a frame at least
