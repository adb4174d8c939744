"""The acoustic model of a speech recogniser: frames in, at each step a distribution over labels and the blank out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.layers.cells import CellState, zero_state
from seq2seq.layers.ctc import CTCHead
from seq2seq.layers.encoder import EncoderOutput, RNNEncoder
from seq2seq.layers.frontends import FrameStack
from seq2seq.layers.label_decoder import LabelDecoder
from seq2seq.layers.lookahead import Lookahead
from seq2seq.types import Logits, Padded, Vectors, source_of

PARTS = ("frontend", "encoder", "lookahead", "head", "label_decoder")


class HearingState(NamedTuple):
    """Between two blocks of a stream. Its size is constant."""

    encoder: list[CellState]
    """Of the encoder after the last real step."""
    ahead: Vectors
    """`(rows, lookahead, memory_dim)`: the last outputs of the encoder, which wait for those that follow; zeros where
    there was none."""


@keras.saving.register_keras_serializable("seq2seq")
class AcousticModel(keras.Model):
    """A recurrent network with connectionist temporal classification (Graves et al. 2006).

        outputs = model.listen(Padded(frames, mask))
        log_probs = model.log_probs(outputs)

    Args:
        frontend: A `FrameStack`.
        encoder: An `RNNEncoder`.
        head: A `CTCHead`.
        lookahead: A `Lookahead` between encoder and head, or None.
        label_decoder: A `LabelDecoder` over what the head reads, for training and rescoring (Watanabe et al. 2017), or
            None. Nothing else reads it.

    Call arguments:
        inputs: By name `source`, `(batch, time, features)`, float; and `source_mask`, `(batch, time)`, bool, True at
            the real frames, at least one a row.

    Returns:
        logits `(batch, steps, size)`.
    """

    def __init__(
        self,
        frontend: FrameStack,
        encoder: RNNEncoder,
        head: CTCHead,
        lookahead: Lookahead | None = None,
        label_decoder: LabelDecoder | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if lookahead is not None and encoder.bidirectional:
            raise ValueError("A lookahead is for an encoder of one direction: the other sees all that follows.")
        self.frontend = frontend
        self.encoder = encoder
        self.lookahead = lookahead
        self.head = head
        self.label_decoder = label_decoder

    def build(self, input_shape: Any = None) -> None:
        if getattr(self, "built", False):
            return
        self.frontend.build()
        self.encoder.build((None, None, self.frontend.output_dim))
        self.encoder.built = True
        if self.lookahead is not None:
            self.lookahead.build((None, None, self.encoder.memory_dim))
        self.head.build((None, None, self.encoder.memory_dim))
        if self.label_decoder is not None:
            self.label_decoder.build((None, None, self.encoder.memory_dim))
        self.built = True

    def listen(self, source: Padded, training: bool | None = None) -> Padded:
        """Returns what the head reads of `(batch, time, features)` frames: `(batch, steps, memory_dim)`."""
        vectors, mask = self.frontend(source)
        outputs = self.encoder(vectors, mask, training=training)
        values = outputs.values if self.lookahead is None else self.lookahead(outputs.values, mask)
        return Padded(values, mask)

    def first_state(self, rows: int) -> HearingState:
        """Returns the state before the first block of a stream, zeros; ValueError for a model of both directions."""
        if self.encoder.bidirectional:
            raise ValueError("A model of both directions needs the whole sequence: it cannot go on from a state.")
        cells = [layer[0] for layer in self.encoder.layers]
        ahead = ops.zeros((rows, self.delay, self.encoder.memory_dim), self.compute_dtype)
        return HearingState([zero_state(cell, rows) for cell in cells], ahead)

    @property
    def delay(self) -> int:
        """Steps by which the outputs of a stream come later than what they are of: those of the lookahead."""
        return 0 if self.lookahead is None else self.lookahead.steps

    def listen_on(self, source: Padded, state: HearingState) -> tuple[Logits, HearingState]:
        """Reads the next block of a stream, `(rows, time, features)` frames, a multiple of the front end's stack.

        Real frames come first; after a block with padding only padding follows. All real steps are heard when `delay`
        steps of padding have gone by.

        Returns:
            Log-probabilities `(rows, steps, size)`, float32, the first of the step `delay` before this block; and the
            state after it.
        """
        vectors, mask = self.frontend(source)
        return self.finish_block(self.encoder(vectors, mask, state.encoder), state)

    def finish_block(self, outputs: EncoderOutput, state: HearingState) -> tuple[Logits, HearingState]:
        """Returns what `listen_on` does, of the outputs of the encoder and the state before the block."""
        ahead, mask = state.ahead, outputs.mask
        values = ops.where(ops.expand_dims(mask, 2), outputs.values, 0)
        if self.lookahead is not None:
            known = ops.concatenate([ahead, values], axis=1)
            steps = ops.shape(values)[1]
            values, ahead = self.lookahead.mix(known, steps), known[:, steps:]
        return self.log_probs(Padded(values, mask)), HearingState(outputs.state, ahead)

    def log_probs(self, outputs: Padded) -> Logits:
        """Returns the log-probabilities of the symbols at each step, `(batch, steps, size)`, float32."""
        return ops.log_softmax(ops.cast(self.head.logits(outputs), "float32"))

    @property
    def target_size(self) -> int:
        """Number of symbols, the blank among them."""
        return int(self.head.size)

    @property
    def recurrent_parts(self) -> dict[str, Any]:
        """The layers that go through time, by name."""
        parts = {"encoder": self.encoder}
        return parts if self.label_decoder is None else {**parts, "decoder": self.label_decoder.decoder}

    @property
    def hearing_variables(self) -> list[Any]:
        """The variables of all but the decoder of labels: what log-probabilities of symbols depend on."""
        others = [] if self.label_decoder is None else [id(variable) for variable in self.label_decoder.variables]
        return [variable for variable in self.variables if id(variable) not in others]

    def call(self, inputs: Mapping[str, Any], training: bool | None = None) -> Logits:
        source = source_of(inputs)
        if source is None:
            raise ValueError("Expected the input source. Received: none")
        return self.head.logits(self.listen(source, training))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for name in PARTS:
            part = getattr(self, name)
            config[name] = None if part is None else keras.saving.serialize_keras_object(part)
            if part is not None:
                config[name].pop("build_config", None)  # the model builds its parts, in its order
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> AcousticModel:
        given = {name: config.pop(name) for name in PARTS}
        parts = {
            name: part and keras.saving.deserialize_keras_object(part, custom_objects=custom_objects)
            for name, part in given.items()
        }
        return cls(**parts, **config)
