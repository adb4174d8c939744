"""The smallest network that the driver of a run can train."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import keras
from keras import ops

from seq2seq.layers.heads import HeadLoss
from seq2seq.types import Encoded, Memory, Padded


class SmallModel(keras.Model):
    """Predicts each target token from the token before it, and does not read the source.

    Args:
        size: Of the target's vocabulary.
        dropout: Rate of the dropout.
    """

    def __init__(self, size: int, dropout: float = 0.0):
        super().__init__()
        self.embedding = keras.layers.Embedding(size, 8)
        self.dropout = keras.layers.Dropout(dropout)
        self.dense = keras.layers.Dense(size, dtype="float32")
        self.head = SimpleNamespace(loss=self.loss_of_tokens, needs_attention=False)
        self.decoder = SimpleNamespace(coverage=False, align=self.align)
        self.recurrent_parts: dict[str, Any] = {}
        self.build()

    def build(self, input_shape: Any = None) -> None:
        if not self.built:
            self.embedding.build((None, None))
            self.dense.build((None, None, 8))
            self.built = True

    def encode(self, source: Padded, training: bool | None = None) -> Encoded:
        return Encoded(Memory(None, None, source.mask), ())

    def decode_features(self, ids: Any, encoded: Encoded, state: Any, training: bool | None = None) -> Any:
        return self.dropout(self.embedding(ids), training=training)

    def head_features(self, output: Any, encoded: Encoded) -> Any:
        return output

    def align(self, output: Any, memory: Memory) -> Any:
        """The attention is the same to all source tokens."""
        mask = ops.cast(memory.mask, "float32")[:, None, :]
        return ops.ones_like(output[:, :, :1]) * mask / ops.sum(mask, axis=2, keepdims=True)

    def loss_of_tokens(
        self, features: Any, target: Any, weights: Any, training: bool, label_smoothing: float, budget: int
    ) -> HeadLoss:
        log_probs = ops.log_softmax(self.dense(features))
        nll = -ops.sum(ops.take_along_axis(log_probs, ops.expand_dims(target, 2), 2)[..., 0] * weights)
        uniform = -ops.sum(ops.mean(log_probs, axis=2) * weights)
        loss = (1 - label_smoothing) * nll + label_smoothing * uniform
        return HeadLoss(loss, ops.stop_gradient(nll), ops.sum(weights))
