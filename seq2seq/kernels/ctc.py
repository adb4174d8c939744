"""The loss of connectionist temporal classification by TensorFlow's sparse kernel.

It computes loss and gradient together, in C++ and on the CPU only: with a GPU the logits go there and back.
`layers.ctc` computes the same without kernels, on every backend; a test compares the two.
"""

from __future__ import annotations

import tensorflow as tf

from seq2seq.types import Ids, Logits, Mask, Tensor

FLOOR = -80.0
"""The kernel takes the logarithm of a float32 probability, which must not be 0: a symbol that is farther below the
likeliest of its frame, in nats, counts as that far below. Its gradient is the one that it has there."""


def loss(logits: Logits, frames: Tensor, labels: Ids, label_mask: Mask, blank: int) -> Tensor:
    """Returns the negative log-probability of each label, `(rows,)`, float32, in nats.

    Args:
        logits: `(rows, time, size)`, float32.
        frames: `(rows,)`, int32: real frames. Every label fits them; 0 where it is empty is enough.
        labels: `(rows, length)`, int32 in [0, size), never `blank`; the vocabulary has another id.
        label_mask: `(rows, length)`, bool: the real positions, which come first.
        blank: The id of the blank.
    """
    is_empty = tf.logical_not(tf.reduce_any(label_mask, axis=1, keepdims=True))
    # The kernel has its blank behind all symbols, and needs at least one frame and one symbol in every row.
    floor = tf.reduce_max(logits, axis=2, keepdims=True) + FLOOR
    raised = logits + tf.stop_gradient(tf.maximum(logits, floor) - logits)
    order = [raised[:, :, :blank], raised[:, :, blank + 1 :], raised[:, :, blank : blank + 1]]
    symbols = tf.where(label_mask, labels - tf.cast(labels > blank, labels.dtype), 0)
    symbols = tf.concat([symbols, tf.zeros_like(is_empty, labels.dtype)], 1)
    is_given = tf.concat([label_mask, tf.zeros_like(is_empty)], 1)
    is_given = tf.concat([is_given[:, :1] | is_empty, is_given[:, 1:]], 1)
    places = tf.where(is_given)  # (symbols, 2)
    sparse = tf.SparseTensor(places, tf.gather_nd(symbols, places), tf.shape(symbols, tf.int64))
    inputs = tf.transpose(tf.concat(order, 2), (1, 0, 2))
    losses = tf.compat.v1.nn.ctc_loss(sparse, inputs, tf.maximum(frames, 1))
    # An empty label has one alignment: every frame is a blank.
    rows = tf.where(is_empty[:, 0])  # (rows without a label, 1), mostly none
    blanks = tf.nn.log_softmax(tf.gather_nd(logits, rows))[:, :, blank]
    is_real = tf.sequence_mask(tf.gather_nd(frames, rows), tf.shape(logits)[1], logits.dtype)
    return tf.tensor_scatter_nd_update(losses, rows, -tf.reduce_sum(blanks * is_real, 1))
