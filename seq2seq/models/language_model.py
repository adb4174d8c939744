"""The language model: a decoder without a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.decoder_state import DecoderState
from seq2seq.layers.frontends import ColumnEmbedding, TokenEmbedding, VectorProjection
from seq2seq.types import Ids, Logits, Mask, Tensor, Vectors

PARTS = ("embedding", "decoder", "head")


@keras.saving.register_keras_serializable("seq2seq")
class LanguageModel(keras.Model):
    """The distribution over the next id, given all ids before it.

        state = model.initial_state(rows=1)
        logits, state = model.decode(ids, state)

    Args:
        embedding: Of the ids. With a `ColumnEmbedding` they have one more axis at the end, `(…, columns)`;
            with a `VectorProjection` they are vectors, `(…, features)`, float.
        decoder: An `RNNDecoder` without attention.
        head: See `layers.heads`. It may share the matrix of the `embedding`.

    Call arguments:
        inputs: By name `target_input`, `(batch, time)`, int32.

    Returns:
        logits `(batch, time, size)`: at each step over the id that follows. The state before the first step is zeros.

    Raises:
        ValueError: parts that do not fit together.
    """

    def __init__(
        self,
        embedding: TokenEmbedding | ColumnEmbedding | VectorProjection,
        decoder: RNNDecoder,
        head: Any,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if decoder.attention is not None or head.needs_attention:
            raise ValueError(
                "A language model has no source to attend to: give a decoder and a head without attention."
            )
        self.embedding = embedding
        self.decoder = decoder
        self.head = head

    def build(self, input_shape: Any = None) -> None:
        if getattr(self, "built", False):
            return
        self.embedding.build()
        self.decoder.build((None, None, self.embedding.output_dim))
        self.decoder.built = True
        self.head.build((None, None, self.decoder.features_dim))
        self.built = True

    def initial_state(self, rows: int | Tensor) -> DecoderState:
        """Returns the state before the first id: zeros."""
        return self.decoder.zero_state(rows)

    def decode(
        self, ids: Ids, state: DecoderState, training: bool | None = None, mask: Mask | None = None
    ) -> tuple[Logits, DecoderState]:
        """Continues from `state` over `(rows, time)` ids, any number of steps.

        `mask (rows, time)`, bool, is True at the real ids, which come first; None: all are real.

        Returns:
            logits `(rows, time, size)`, and the state after the last real step.
        """
        features, state = self.decode_features(ids, state, training, mask)
        return self.head.logits(features), state

    def decode_features(
        self, ids: Ids, state: DecoderState, training: bool | None = None, mask: Mask | None = None
    ) -> tuple[Vectors, DecoderState]:
        """As `decode`, without the head: what it reads, `(rows, time, features_dim)`."""
        inputs = self.embedding.embed(ids, training)
        output = self.decoder(inputs, None, state, mask=mask, training=training)
        return output.features, output.state

    def step(self, ids: Ids, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """Goes one id further, as a search calls it: `(rows,)` ids -> logits `(rows, size)` and the next state."""
        logits, state = self.decode(keras.ops.expand_dims(ids, 1), state)
        return logits[:, 0], state

    @property
    def target_size(self) -> int:
        """Number of ids."""
        return int(self.head.size)

    @property
    def recurrent_parts(self) -> dict[str, Any]:
        """The layers that go through time, by name."""
        return {"decoder": self.decoder}

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> Logits:
        ids = inputs["target_input"]
        return self.decode(ids, self.initial_state(keras.ops.shape(ids)[0]), training)[0]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in PARTS:
            config[name] = keras.saving.serialize_keras_object(getattr(self, name))
            config[name].pop("build_config", None)  # the model builds its parts, in its order
        if getattr(self.head, "tied", False) and self.head.embedding is not self.embedding:
            raise ValueError("Cannot save a head that shares the matrix of anything but the model's embedding.")
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LanguageModel:
        parts = {
            name: keras.saving.deserialize_keras_object(config.pop(name), custom_objects=custom_objects)
            for name in PARTS
        }
        if getattr(parts["head"], "tied", False):
            parts["head"].tie(parts["embedding"])
        return cls(**parts, **config)
