"""The model: an embedding, an encoder, a decoder and an output layer, and the three ways to call them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.layers.decoder import DecoderOutput, RNNDecoder
from seq2seq.layers.encoder import RNNEncoder
from seq2seq.layers.heads import CopyGate, Selector, VocabularyHead
from seq2seq.symbols import PAD
from seq2seq.types import Memory, State

NO_SELECTOR = "This model has no selector, so it cannot extract: train one with model.selector true."
TIES = ("none", "target", "all")


@keras.saving.register_keras_serializable("seq2seq")
class Seq2Seq(keras.Model):
    """Encoder-decoder over ids.

        memory = model.encode(source)
        logits, state = model.decode(ids, memory, memory.state)

    Args:
        encoder: An `RNNEncoder`.
        decoder: An `RNNDecoder`.
        source_size: Number of source ids.
        target_size: Number of target ids.
        embedding_dim: Width of the embeddings.
        tie: "none"; "target": one matrix for target embedding and output layer; "all": for the source too.
        pointer: Whether pieces of the source can be copied; see `CopyGate`. Wants attention and one vocabulary.
        selector: Whether the memory says which pieces of the source to keep; see `Selector`. Wants one vocabulary.
        spelling: `(source_size, n)`, int: of each source id n features that it may share with others; see
            `text.spelling`. Their vectors are added to its own where the encoder reads it (as in Bojanowski et al.
            2017), so that what is learned of one piece holds for those that are spelled alike.

    Call arguments:
        inputs: `(source, target)`: `(batch, source)` and `(batch, target)`, int32; target starts with BOS.

    Returns:
        logits `(batch, target, target_size)`: at each step over the id that follows.

    Raises:
        ValueError: sizes that do not fit the tie, the pointer, the selector or the spelling.
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
        spelling: np.ndarray | Sequence[Sequence[int]] | None = None,
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
        if pointer and (decoder.attention == "none" or source_size != target_size):
            raise ValueError(
                "A pointer copies what attention points to, and wants one vocabulary for both sides. Received: "
                f"attention={decoder.attention!r}, source_size={source_size}, target_size={target_size}"
            )
        if selector and source_size != target_size:
            raise ValueError(
                "A selector keeps pieces of the source as they are, and wants one vocabulary for both sides. "
                f"Received: source_size={source_size}, target_size={target_size}"
            )
        self.spelling = None if spelling is None else np.asarray(spelling, np.int32)
        if self.spelling is not None and (self.spelling.ndim != 2 or len(self.spelling) != source_size):
            raise ValueError(
                "A spelling has a row of features for each source id. "
                f"Received: shape {self.spelling.shape}, source_size={source_size}"
            )
        self.encoder = encoder
        self.decoder = decoder
        self.source_size = source_size
        self.target_size = target_size
        self.embedding_dim = embedding_dim
        self.tie = tie
        # As an output layer the matrix wants a small spread, as an input the network wants values near 1: the `embed_`
        # methods scale between the two (Vaswani et al. 2017, 3.4). Without it the first epochs are lost.
        initializer = keras.initializers.RandomNormal(stddev=embedding_dim**-0.5)
        self.target_embedding = keras.layers.Embedding(target_size, embedding_dim, initializer, name="target_embedding")
        self.source_embedding = (
            self.target_embedding
            if tie == "all"
            else keras.layers.Embedding(source_size, embedding_dim, initializer, name="source_embedding")
        )
        self.spelling_embedding: Any = None
        if self.spelling is not None:  # all features of a piece together weigh as much as its own vector
            spread = keras.initializers.RandomNormal(stddev=(embedding_dim * self.spelling.shape[1]) ** -0.5)
            number = int(self.spelling.max(initial=0)) + 1
            self.spelling_embedding = keras.layers.Embedding(number, embedding_dim, spread, name="spelling_embedding")
        self.head = VocabularyHead(target_size, tied=tie != "none", name="head")
        self.gate = CopyGate(name="copy") if pointer else None
        self.selector = Selector(name="selector") if selector else None

    def build(self, input_shape: Any = None) -> None:
        if getattr(self, "built", False):
            return
        inputs = (None, None, self.embedding_dim)
        self.target_embedding.build((None, None))
        if self.source_embedding is not self.target_embedding:
            self.source_embedding.build((None, None))
        if self.spelling_embedding is not None:
            self.spelling_embedding.build((None, None, None))
        self.encoder.build(inputs)
        self.encoder.built = True
        self.decoder.build(inputs, self.encoder.memory_dim, self.encoder.state_sizes)
        self.head.build((None, None, self.decoder.features_dim))
        if self.gate is not None:
            self.gate.build((None, None, self.decoder.features_dim))
        if self.selector is not None:
            self.selector.build((None, None, self.encoder.memory_dim))
        self.built = True

    def encode(self, source: Any, training: bool | None = None) -> Memory:
        """Reads `(batch, source)` ids once; every row holds at least one id other than PAD."""
        mask = ops.not_equal(source, PAD)
        values, state = self.encoder(self.embed_source(source), mask, training=training)
        return self.remember(source, values, mask, state)

    def remember(self, source: Any, values: Any, mask: Any, state: Any) -> Memory:
        """Makes the memory of `(batch, source)` ids, their mask, and what the encoder made of them."""
        memory = self.decoder.remember(values, mask, state)
        if self.gate is not None:
            memory = memory._replace(source=source)
        return memory if self.selector is None else memory._replace(keep=self.selector(values))

    def chances(self, memory: Memory) -> Any:
        """How likely each piece of the source is kept, `(batch, source)`, float32; ValueError without a selector."""
        if not self.has_selector:
            raise ValueError(NO_SELECTOR)
        return ops.sigmoid(memory.keep)

    def decode(self, ids: Any, memory: Memory, state: State, training: bool | None = None) -> tuple[Any, State]:
        """Goes on from `state` over `(rows, target)` ids, any number of steps.

        Returns:
            logits `(rows, target, target_size)`, with a pointer log-probabilities; and the state after the last step.
        """
        output = self.run(ids, memory, state, training)
        logits = self.logits(output.features)
        if self.gate is not None:
            logits = self.gate.mix(logits, self.gate(output.features), output.weights, memory.source)
        return logits, output.state

    def run(self, ids: Any, memory: Memory, state: State, training: bool | None = None) -> DecoderOutput:
        """As `decode`, without the output layer. Where there is a pointer, the weights are in the output."""
        output = self.decoder(self.embed_target(ids), memory, state, training=training)
        return output if self.gate is None else output._replace(weights=self.decoder.align(output, memory))

    def align(self, ids: Any, memory: Memory, state: State) -> Any:
        """Attention weights `(rows, target, source)` over these ids; ValueError if the model has no attention."""
        if not self.has_attention:
            raise ValueError("This model has no attention, so it has no alignments.")
        return self.decoder.align(self.run(ids, memory, state), memory)

    def logits(self, features: Any) -> Any:
        """`(…, features_dim)` -> `(…, target_size)`."""
        return self.head(features, self._shared)

    def output_weights(self) -> tuple[Any, Any]:
        """`(kernel (target_size, features_dim), bias (target_size,))` of the output layer, for losses that fuse it."""
        return self.head.weights_for(self._shared)

    def embed_source(self, ids: Any) -> Any:
        """`(…)` ids -> `(…, embedding_dim)`, what the encoder reads."""
        vectors = self.source_embedding(ids)
        if self.spelling_embedding is not None:
            features = ops.take(self.spelling, ids, axis=0)  # (…, n)
            vectors = vectors + ops.sum(self.spelling_embedding(features), axis=-2)
        return vectors * self.embedding_dim**0.5

    def embed_target(self, ids: Any) -> Any:
        """`(…)` ids -> `(…, embedding_dim)`, what the decoder reads."""
        return self.target_embedding(ids) * self.embedding_dim**0.5

    @property
    def has_attention(self) -> bool:
        """Whether `align` has something to show."""
        return self.decoder.attend is not None

    @property
    def has_selector(self) -> bool:
        """Whether `chances` has something to say."""
        return self.selector is not None

    @property
    def _shared(self) -> Any:
        return self.target_embedding.embeddings if self.head.tied else None

    def call(self, inputs: tuple[Any, Any], training: bool | None = None) -> Any:
        source, target = inputs
        memory = self.encode(source, training)
        return self.decode(target, memory, memory.state, training)[0]

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
            "spelling": None if self.spelling is None else self.spelling.tolist(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Seq2Seq:
        layers = {
            name: keras.saving.deserialize_keras_object(config.pop(name), custom_objects=custom_objects)
            for name in ("encoder", "decoder")
        }
        return cls(**layers, **config)
