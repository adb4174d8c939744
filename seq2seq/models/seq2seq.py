"""The model: an embedding, an encoder, a decoder and an output layer, and the three ways to call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.decoder_state import DecoderOutput
from seq2seq.layers.encoder import RNNEncoder
from seq2seq.layers.heads import CopyGate, Selector, VocabularyHead
from seq2seq.text.words import WordFrontend, take_by_word
from seq2seq.types import Memory, Padded, State, Tensor

NO_SELECTOR = "This model has no selector, so it cannot extract: train one with model.selector true."
TIES = ("none", "target", "all")


@keras.saving.register_keras_serializable("seq2seq")
class Seq2Seq(keras.Model):
    """Encoder-decoder over ids.

        memory = model.encode(Padded(ids, mask))
        logits, state = model.decode(ids, memory, memory.state)

    Args:
        encoder: An `RNNEncoder`.
        decoder: An `RNNDecoder`.
        source_size: Number of source ids.
        target_size: Number of target ids.
        embedding_dim: Width of the embeddings.
        tie: "none"; "target": one matrix for target embedding and output layer; "all": for the source too, unless it is
            read by words.
        pointer: Whether pieces of the source can be copied; see `CopyGate`. Wants attention and one vocabulary.
        selector: Whether the memory says which pieces of the source to keep; see `Selector`. Wants one vocabulary.
        pieces: The source's vocabulary, by its ids. With it the encoder goes from word to word, not from piece to
            piece, and knows how words are spelled; see `WordFrontend`. The memory is of pieces as ever.

    Call arguments:
        inputs: By name `source`, `(batch, source)`, int32; `source_mask`, `(batch, source)`, bool; and `target_input`,
            `(batch, target)`, int32, which starts with BOS.

    Returns:
        logits `(batch, target, target_size)`: at each step over the id that follows.

    Raises:
        ValueError: sizes that do not fit the tie, the pointer, the selector or the pieces.
    """

    def __init__(
        self,
        encoder: RNNEncoder,
        decoder: RNNDecoder,
        source_size: int,
        target_size: int,
        embedding_dim: int,
        tie: str = "none",
        pointer: bool = False,
        selector: bool = False,
        pieces: Sequence[str] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if tie not in TIES:
            raise ValueError(f"Unknown tie. Expected one of {', '.join(TIES)}. Received: {tie!r}")
        if tie == "all" and source_size != target_size:
            raise ValueError(
                "tie='all' wants one vocabulary for both sides. "
                f"Received: source_size={source_size}, target_size={target_size}"
            )
        if tie != "none" and decoder.features_dim != embedding_dim:
            raise ValueError(
                "A tied output layer wants features as wide as the embedding: set the decoder's readout_units to "
                f"embedding_dim. Received: features {decoder.features_dim}, embedding_dim={embedding_dim}"
            )
        if pointer and (decoder.attention is None or source_size != target_size):
            raise ValueError(
                "A pointer copies what attention points to, and wants one vocabulary for both sides. Received: "
                f"attention={decoder.attention}, source_size={source_size}, target_size={target_size}"
            )
        if selector and source_size != target_size:
            raise ValueError(
                "A selector keeps pieces of the source as they are, and wants one vocabulary for both sides. "
                f"Received: source_size={source_size}, target_size={target_size}"
            )
        if pieces is not None and len(pieces) != source_size:
            raise ValueError(
                f"The pieces are the source's vocabulary. Received: {len(pieces)} pieces, source_size={source_size}"
            )
        self.encoder = encoder
        self.decoder = decoder
        self.source_size = source_size
        self.target_size = target_size
        self.embedding_dim = embedding_dim
        self.tie = tie
        # An output layer needs a small spread, the input of a network values near 1: `embed_source` and
        # `embed_target` scale the vectors (Vaswani et al. 2017, 3.4). Without it the first epochs are lost.
        initializer = keras.initializers.RandomNormal(stddev=embedding_dim**-0.5)
        self.target_embedding = keras.layers.Embedding(target_size, embedding_dim, initializer, name="target_embedding")
        self.words: Any = None
        self.source_embedding: Any = None
        if pieces is None and tie == "all":
            self.source_embedding = self.target_embedding
        elif pieces is None:
            name = "source_embedding"
            self.source_embedding = keras.layers.Embedding(source_size, embedding_dim, initializer, name=name)
        else:
            seen = encoder.memory_dim if decoder.attention is not None else None
            self.words = WordFrontend(pieces, embedding_dim, seen, name="words")
        self.head = VocabularyHead(target_size, tied=tie != "none", name="head")
        self.gate = CopyGate(name="copy") if pointer else None
        self.selector = Selector(name="selector") if selector else None

    def build(self, input_shape: Any = None) -> None:
        if getattr(self, "built", False):
            return
        inputs = (None, None, self.embedding_dim)
        self.target_embedding.build((None, None))
        for reader in (self.source_embedding, self.words):
            if reader not in (None, self.target_embedding):
                reader.build((None, None))
        self.encoder.build((None, None, self.reading_dim))
        self.encoder.built = True
        self.decoder.build(inputs, self.encoder.memory_dim, self.encoder.state_sizes)
        self.head.build((None, None, self.decoder.features_dim))
        if self.gate is not None:
            self.gate.build((None, None, self.decoder.features_dim))
        if self.selector is not None:
            self.selector.build((None, None, self.encoder.memory_dim))
        self.built = True

    def encode(self, source: Padded, training: bool | None = None) -> Memory:
        """Encodes `(batch, source)` ids once; every row has at least one real position."""
        vectors, mask = self.embed_source(source)
        encoded = self.encoder(vectors, mask, training=training)
        return self.build_memory(source, encoded.values, encoded.state)

    def embed_source(self, source: Padded) -> Padded:
        """Turns `(batch, source)` ids into what the encoder reads, tokens or words: `(batch, source, reading_dim)`."""
        if self.words is not None:
            return self.words(source)
        return Padded(self.source_embedding(source.values) * self.embedding_dim**0.5, source.mask)

    def expand_to_tokens(self, source: Padded, values: Tensor) -> Tensor:
        """Turns the encoder's outputs, one for each vector that it read, into one vector a token."""
        return values if self.words is None else self.words.expand_to_tokens(values, source)

    def build_memory(self, source: Padded, values: Tensor, state: State) -> Memory:
        """Makes the memory from the `(batch, source)` ids and the encoder's outputs and last state."""
        memory = self.decoder.build_memory(self.expand_to_tokens(source, values), source.mask)
        memory = memory._replace(state=self.decoder.initial_state(state, memory))
        if self.gate is not None:
            memory = memory._replace(source=source.values)
        if self.selector is not None:
            keep = self.selector(values)
            if self.words is not None:
                keep = take_by_word(keep, self.words.numbers(source))
            memory = memory._replace(keep=keep)
        return memory

    def keep_probabilities(self, memory: Memory) -> Tensor:
        """How likely each source token is kept, `(batch, source)`, float32; ValueError without a selector."""
        if not self.has_selector:
            raise ValueError(NO_SELECTOR)
        return ops.sigmoid(memory.keep)

    def decode(self, ids: Any, memory: Memory, state: State, training: bool | None = None) -> tuple[Any, State]:
        """Goes on from `state` over `(rows, target)` ids, any number of steps.

        Returns:
            logits `(rows, target, target_size)`, with a pointer log-probabilities; and the state after the last step.
        """
        output = self.decode_features(ids, memory, state, training)
        logits = self.logits(output.features)
        if self.gate is not None:
            logits = self.gate.mix(
                logits, self.gate(output.features), output.weights, Padded(memory.source, memory.mask)
            )
        return logits, output.state

    def decode_features(self, ids: Any, memory: Memory, state: State, training: bool | None = None) -> DecoderOutput:
        """As `decode`, without the output layer. Where there is a pointer, the weights are in the output."""
        output = self.decoder(self.embed_target(ids), memory, state, training=training)
        return output if self.gate is None else output._replace(weights=self.decoder.align(output, memory))

    def align(self, ids: Any, memory: Memory, state: State) -> Any:
        """Attention weights `(rows, target, source)` over these ids; ValueError if the model has no attention."""
        if not self.has_attention:
            raise ValueError("This model has no attention, so it has no alignments.")
        return self.decoder.align(self.decode_features(ids, memory, state), memory)

    def logits(self, features: Any) -> Any:
        """`(…, features_dim)` -> `(…, target_size)`."""
        return self.head(features, self._shared)

    def output_weights(self) -> tuple[Any, Any]:
        """`(kernel (target_size, features_dim), bias (target_size,))` of the output layer, for losses that fuse it."""
        return self.head.weights_for(self._shared)

    def embed_target(self, ids: Any) -> Any:
        """`(…)` ids -> `(…, embedding_dim)`, what the decoder reads."""
        return self.target_embedding(ids) * self.embedding_dim**0.5

    @property
    def reading_dim(self) -> int:
        """Width of what the encoder reads."""
        return self.embedding_dim if self.words is None else self.words.width

    @property
    def has_attention(self) -> bool:
        """Whether `align` has something to show."""
        return self.decoder.attention is not None

    @property
    def has_selector(self) -> bool:
        """Whether `keep_probabilities` has something to say."""
        return self.selector is not None

    @property
    def _shared(self) -> Any:
        return self.target_embedding.embeddings if self.head.tied else None

    def call(self, inputs: Mapping[str, Tensor], training: bool | None = None) -> Tensor:
        memory = self.encode(source_of(inputs), training)
        return self.decode(inputs["target_input"], memory, memory.state, training)[0]

    def get_config(self) -> dict[str, Any]:
        layers = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("encoder", "decoder")}
        for layer in layers.values():
            layer.pop("build_config", None)  # the model builds them, with widths that only it knows
        return {
            **super().get_config(),
            **layers,
            "source_size": self.source_size,
            "target_size": self.target_size,
            "embedding_dim": self.embedding_dim,
            "tie": self.tie,
            "pointer": self.gate is not None,
            "selector": self.selector is not None,
            "pieces": None if self.words is None else list(self.words.pieces),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Seq2Seq:
        layers = {
            name: keras.saving.deserialize_keras_object(config.pop(name), custom_objects=custom_objects)
            for name in ("encoder", "decoder")
        }
        return cls(**layers, **config)


def source_of(inputs: Mapping[str, Tensor]) -> Padded:
    """Returns the source among the named inputs of a model; ValueError where it or its mask is missing."""
    if missing := [name for name in ("source", "source_mask", "target_input") if name not in inputs]:
        raise ValueError(
            "Expected inputs named source, source_mask (True at the real positions) and target_input. "
            f"Missing: {', '.join(missing)}"
        )
    return Padded(inputs["source"], inputs["source_mask"])
