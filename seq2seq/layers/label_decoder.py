"""An attention decoder beside connectionist temporal classification (Watanabe et al. 2017), which judges whole labels.

CTC scores the symbols of a label apart from each other, given the sound. The decoder scores each given all before it,
so it also learns what labels look like.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.frontends import TokenEmbedding
from seq2seq.layers.heads import VocabularyHead
from seq2seq.types import Ids, Mask, Padded, Shape, Tensor, Vectors

PARTS = ("embedding", "decoder", "head")


@keras.saving.register_keras_serializable("seq2seq")
class LabelDecoder(keras.layers.Layer):
    """Predicts each id of a label from those before it and from the outputs of an encoder.

    It starts from zeros: attention is all that it has of the sound.

    Args:
        embedding: Of the ids.
        decoder: An `RNNDecoder` with attention.
        head: Over the ids.

    Call arguments:
        heard: `(batch, steps, memory_dim)` and mask: the outputs of the encoder.
        ids: `(rows, length)`, int32: BOS and the label. `rows` is `batch` times any number of labels of the same sound,
            next to each other.

    Returns:
        What the head reads, `(rows, length, features_dim)`: at each position of the id that follows.

    Raises:
        ValueError: a decoder without attention.
    """

    def __init__(self, embedding: TokenEmbedding, decoder: RNNDecoder, head: VocabularyHead, **kwargs: Any):
        super().__init__(**kwargs)
        if decoder.attention is None:
            raise ValueError("A decoder of labels attends to what was heard. Received: a decoder without attention")
        self.embedding = embedding
        self.decoder = decoder
        self.head = head

    def build(self, heard_shape: Shape) -> None:
        """Builds the weights; `heard_shape` is `(…, memory_dim)`."""
        self.embedding.build()
        self.decoder.build((None, None, self.embedding.output_dim), heard_shape[-1])
        self.decoder.built = True
        self.head.build((None, None, self.decoder.features_dim))
        self.built = True

    def call(self, heard: Padded, ids: Ids, training: bool | None = None) -> Vectors:
        memory = self.decoder.build_memory(heard.values, heard.mask)
        state = self.decoder.zero_state(ops.shape(ids)[0], memory)
        return self.decoder(self.embedding.embed(ids, training), memory, state, training=training).features

    def log_prob(self, heard: Padded, ids: Ids, target: Ids, mask: Mask) -> Tensor:
        """Returns the log-probabilities of whole labels, `(rows,)`, float32, in nats.

        Args:
            heard: As of a call.
            ids: As of a call.
            target: `(rows, length)`, int32: the label and EOS.
            mask: `(rows, length)`, bool: the real positions of both, which come first.
        """
        log_probs = self.head.log_prob(self(heard, ids), target)
        return ops.sum(ops.where(mask, log_probs, 0.0), axis=1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in PARTS:
            config[name] = keras.saving.serialize_keras_object(getattr(self, name))
            config[name].pop("build_config", None)  # this layer builds its parts, in its order
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LabelDecoder:
        parts = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in PARTS}
        return cls(**parts, **config)
