"""The encoder-decoder: a front end, an encoder, a decoder and a head, and the ways to call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.decoder_state import DecoderOutput
from seq2seq.layers.encoder import RNNEncoder
from seq2seq.layers.frontends import TokenEmbedding
from seq2seq.layers.heads import PointerFeatures, Selector
from seq2seq.search.step import StepFunction
from seq2seq.types import Encoded, Ids, Logits, Mask, Memory, Padded, Shape, State, Tensor, Vectors, source_of

NO_SELECTOR = "This model has no selector, so it cannot extract: train one with model.selector true."
PARTS = ("source_frontend", "encoder", "target_embedding", "decoder", "head", "selector")


@keras.saving.register_keras_serializable("seq2seq")
class Seq2Seq(keras.Model):
    """Encoder-decoder.

        encoded = model.encode(Padded(ids, mask))
        logits, state = model.decode(target_ids, encoded, encoded.state)

    Args:
        source_frontend: See `layers.frontends`. It may be the `target_embedding` itself.
        encoder: An `RNNEncoder`.
        target_embedding: Of the ids that the decoder reads.
        decoder: An `RNNDecoder`.
        head: See `layers.heads`. It may share the matrix of the `target_embedding`.
        selector: Scores which source tokens to keep; None: none.

    Call arguments:
        inputs: By name `source`, `(batch, source, …)`; `source_mask`, `(batch, source)`, bool, True at the real
            positions, at least one a row; and `target_input`, `(batch, target)`, int32, which starts with BOS.

    Returns:
        logits `(batch, target, size)`: at each step over the id that follows. A pointer gives log-probabilities.

    Raises:
        ValueError: parts that do not fit together.
    """

    def __init__(
        self,
        source_frontend: Any,
        encoder: RNNEncoder,
        target_embedding: TokenEmbedding,
        decoder: RNNDecoder,
        head: Any,
        selector: Selector | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if head.needs_attention and decoder.attention is None:
            raise ValueError("This head copies what attention points to, so it needs a decoder with attention.")
        # The order is that of the weights.
        self.encoder = encoder
        self.decoder = decoder
        self.target_embedding = target_embedding
        self.source_frontend = source_frontend
        self.head = head
        self.selector = selector

    def build(self, input_shape: Any = None) -> None:
        if getattr(self, "built", False):
            return
        features: Shape = (None, None, self.decoder.features_dim)
        self.target_embedding.build()
        if self.source_frontend is not self.target_embedding:
            self.source_frontend.build()
        self.encoder.build((None, None, self.source_frontend.output_dim))
        self.encoder.built = True
        inputs = (None, None, self.target_embedding.output_dim)
        self.decoder.build(inputs, self.encoder.memory_dim, self.encoder.state_sizes)
        self.head.build(features)
        if self.selector is not None:
            self.selector.build((None, None, self.encoder.memory_dim))
        self.built = True

    def encode(self, source: Padded, training: bool | None = None) -> Encoded:
        """Encodes `(batch, source, …)` once; every row has at least one real position."""
        vectors, mask = self.embed_source(source)
        outputs = self.encoder(vectors, mask, training=training)
        return self.finish_encoding(source, outputs.values, outputs.state)

    def embed_source(self, source: Padded) -> Padded:
        """Returns what the encoder reads: `(batch, positions, output_dim)` of the front end."""
        return self.source_frontend(source)

    def finish_encoding(self, source: Padded, values: Vectors, state: State) -> Encoded:
        """Makes the result of `encode` from the source and from the encoder's outputs and last state."""
        frontend = self.source_frontend
        memory = self.decoder.build_memory(frontend.expand_to_tokens(values, source), source.mask)
        copied, keep = source if self.head.needs_attention else None, None
        if self.selector is not None:
            keep = frontend.repeat_for_tokens(self.selector(values), source)
        return Encoded(memory, self.decoder.initial_state(state, memory), copied, keep)

    def encode_part(self, source: Padded, state: State | None = None) -> tuple[Memory, State]:
        """Encodes the next part of a source whose encoder reads in one direction.

        Args:
            source: `(batch, part)`; a row may be padding alone.
            state: The encoder's after the parts before; None: this is the first one.

        Returns:
            The memory of this part, and the encoder's state after it. The memories of all parts, one after the other,
            are the memory of the whole source.
        """
        vectors, mask = self.embed_source(source)
        outputs = self.encoder(vectors, mask, state)
        return self.decoder.build_memory(outputs.values, source.mask), outputs.state

    def limit(self, encoded: Encoded, visible: Tensor) -> Encoded:
        """Returns sources of which each step of the target may attend to the first positions alone.

        Args:
            encoded: From `encode`.
            visible: `(batch, target)`, int32, at least 1: how many positions.
        """
        memory = encoded.source_memory
        positions = ops.arange(ops.shape(memory.mask)[1], dtype="int32")
        seen = positions < ops.expand_dims(ops.cast(visible, "int32"), 2)  # (batch, target, source)
        mask = ops.logical_and(ops.expand_dims(memory.mask, 1), seen)
        return encoded._replace(memory=memory._replace(mask=mask))

    def keep_probabilities(self, encoded: Encoded) -> Tensor:
        """How likely each source token is kept, `(batch, source)`, float32; ValueError without a selector."""
        if not self.has_selector:
            raise ValueError(NO_SELECTOR)
        return ops.sigmoid(encoded.keep)

    def decode(
        self, ids: Ids, encoded: Encoded, state: State, training: bool | None = None, mask: Mask | None = None
    ) -> tuple[Logits, State]:
        """Continues from `state` over `(rows, target)` ids, any number of steps.

        `rows` is the batch of `encoded` times any number of rows that share a source, next to each other.
        `mask (rows, target)`, bool, is True at the real ids, which come first; None: all are real.

        Returns:
            logits `(rows, target, size)`, with a pointer log-probabilities; and the state after the last step.
        """
        output = self.decode_features(ids, encoded, state, training, mask)
        return self.head.logits(self.head_features(output, encoded)), output.state

    def step(self, encoded: Encoded) -> StepFunction:
        """Returns what a search calls: `(ids (rows,), state) -> (logits (rows, size), state)`, of these sources."""

        def step(ids: Ids, state: State) -> tuple[Tensor, State]:
            logits, state = self.decode(ops.expand_dims(ids, 1), encoded, state)
            return logits[:, 0], state

        return step

    def decode_features(
        self, ids: Ids, encoded: Encoded, state: State, training: bool | None = None, mask: Mask | None = None
    ) -> DecoderOutput:
        """As `decode`, without the head. The weights of attention are in the output where the head needs them."""
        inputs = self.target_embedding.embed(ids, training)
        output = self.decoder(inputs, encoded.memory, state, mask=mask, training=training)
        if not self.head.needs_attention:
            return output
        return output._replace(weights=self.decoder.align(output, encoded.source_memory))

    def head_features(self, output: DecoderOutput, encoded: Encoded) -> Vectors | PointerFeatures:
        """Returns what the head takes of a call of `decode_features`."""
        if encoded.source is None:
            return output.features
        return PointerFeatures(output.features, output.weights, encoded.source)

    def align(self, ids: Ids, encoded: Encoded, state: State) -> Tensor:
        """Attention weights `(rows, target, source)` over these ids; ValueError if the model has no attention."""
        if not self.has_attention:
            raise ValueError("This model has no attention, so it has no alignments.")
        return self.decoder.align(self.decode_features(ids, encoded, state), encoded.source_memory)

    @property
    def target_size(self) -> int:
        """Number of target ids."""
        return self.head.size

    @property
    def recurrent_parts(self) -> dict[str, Any]:
        """The layers that go through time, by name."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    @property
    def has_attention(self) -> bool:
        """Whether `align` has something to show."""
        return self.decoder.attention is not None

    @property
    def has_selector(self) -> bool:
        """Whether there are `keep_probabilities`."""
        return self.selector is not None

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> Logits:
        source = source_of(inputs)
        if source is None:
            raise ValueError(f"Expected inputs source, source_mask and target_input. Received: {', '.join(inputs)}")
        encoded = self.encode(source, training)
        return self.decode(inputs["target_input"], encoded, encoded.state, training)[0]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in PARTS:
            layer = getattr(self, name)
            config[name] = layer = None if layer is None else keras.saving.serialize_keras_object(layer)
            if layer is not None:
                layer.pop("build_config", None)  # the model builds its parts, in its order
        # Saved once, so that what is shared is shared again.
        if self.source_frontend is self.target_embedding:
            config["source_frontend"] = None
        if getattr(self.head, "tied", False) and self.head.embedding is not self.target_embedding:
            raise ValueError("Cannot save a head that shares the matrix of anything but the model's target_embedding.")
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Seq2Seq:
        parts = {
            name: keras.saving.deserialize_keras_object(config.pop(name), custom_objects=custom_objects)
            for name in PARTS
        }
        if parts["source_frontend"] is None:
            parts["source_frontend"] = parts["target_embedding"]
        if getattr(parts["head"], "tied", False):
            parts["head"].tie(parts["target_embedding"])
        return cls(**parts, **config)
