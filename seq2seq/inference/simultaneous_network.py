"""A translator in memory that reads and writes in steps, as `inference.simultaneous` calls it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.backend import check_process
from seq2seq.inference.checks import check_numbers
from seq2seq.inference.simultaneous import Choice, Rows
from seq2seq.kernels.shapes import predict
from seq2seq.layers.cells import zero_state
from seq2seq.layers.frontends import TokenEmbedding
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.pipeline.feed import new_shapes_are_cheap
from seq2seq.pipeline.padding import padded
from seq2seq.search.rules import forbid_control_symbols
from seq2seq.types import Encoded, Memory, Padded

PART, GRID = 4, 16
"""Ids of a part, and tokens of a memory, are padded to multiples of these, so that few graphs are traced."""


def obstacle(model: Seq2Seq) -> str:
    """Returns why a model cannot write before its source has ended; empty if it can."""
    decoder = model.decoder
    if model.encoder.bidirectional:
        return "its encoder reads in both directions"
    if decoder.attention is None:
        return "it has no attention"
    if decoder.bridge != "zero":
        return "its decoder begins with the end of the source"
    if decoder.coverage or model.head.needs_attention or not isinstance(model.source_frontend, TokenEmbedding):
        return "it has a pointer, coverage, or an encoder of words"
    return ""


class KerasNetwork:
    """A `Seq2Seq` as a `Network`.

    Args:
        model: One without an `obstacle`.
    """

    def __init__(self, model: Seq2Seq):
        self.model = model
        self._states = _first_states(model)
        self._reader, self._writer = _Reader(model), _Writer(model)
        for each in (self._reader, self._writer):
            each.compile(jit_compile=not new_shapes_are_cheap())

    def begin(self) -> tuple[Rows, Rows]:
        encoder, decoder = (tuple(_numpy(part)[0] for part in keras.tree.flatten(state)) for state in self._states)
        return encoder, decoder

    def read(self, parts: Sequence[Sequence[int]], states: Sequence[Rows]) -> list[tuple[Rows, Rows]]:
        check_process()
        source = padded([parts[row] for row in _filled(len(parts))], -(-max(map(len, parts)) // PART) * PART)
        found = predict(self._reader, {"source": source.values, "source_mask": source.mask, **_named(_stacked(states))})
        state = _state_of(found)
        return [
            (
                (found["values"][row, : len(ids)], found["keys"][row, : len(ids)]),
                tuple(part[row] for part in state),
            )
            for row, ids in enumerate(parts)
        ]

    def write(self, tokens: Sequence[int], memories: Sequence[Rows], states: Sequence[Rows]) -> list[Choice]:
        check_process()
        rows = _filled(len(tokens))
        lengths = [len(memory[0]) for memory in memories]
        width = -(-max(lengths) // GRID) * GRID
        values, keys = (
            np.stack([np.pad(memories[row][n], [(0, width - lengths[row]), (0, 0)]) for row in rows]) for n in (0, 1)
        )
        mask = np.arange(width) < np.asarray(lengths)[rows][:, None]
        found = predict(
            self._writer,
            {
                "tokens": np.asarray(tokens, np.int32)[rows],
                "values": values,
                "keys": keys,
                "mask": mask,
                **_named(_stacked(states)),
            },
        )
        check_numbers(found["log_probs"])
        state = _state_of(found)
        return [
            Choice(int(found["ids"][row]), float(found["log_probs"][row]), tuple(part[row] for part in state))
            for row in range(len(tokens))
        ]


class _Reader(keras.Model):
    """Reads the next part of a source, as one graph. The state is a list of tensors, by number."""

    def __init__(self, model: Seq2Seq):
        super().__init__(name="reader", dtype=model.dtype_policy)
        self.model = model
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        state = keras.tree.pack_sequence_as(_first_states(self.model)[0], _state_of(inputs))
        memory, state = self.model.encode_part(Padded(inputs["source"], inputs["source_mask"]), state)
        return {"values": memory.values, "keys": memory.keys, **_named(keras.tree.flatten(state))}


class _Writer(keras.Model):
    """Finds the likeliest next id, as one graph."""

    def __init__(self, model: Seq2Seq):
        super().__init__(name="writer", dtype=model.dtype_policy)
        self.model = model
        self.built = True

    def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
        state = keras.tree.pack_sequence_as(_first_states(self.model)[1], _state_of(inputs))
        encoded = Encoded(Memory(inputs["values"], inputs["keys"], inputs["mask"]), state)
        logits, state = self.model.decode(ops.expand_dims(inputs["tokens"], 1), encoded, state, training=False)
        logits = forbid_control_symbols(ops.cast(logits[:, 0], "float32"))
        best = ops.max(logits, axis=-1) - ops.logsumexp(logits, axis=-1)
        return {"ids": ops.argmax(logits, axis=-1), "log_probs": best, **_named(keras.tree.flatten(state))}


def _first_states(model: Seq2Seq) -> tuple[Any, Any]:
    """Returns the states of encoder and decoder before the first step, of one row."""
    return [zero_state(cells[0], 1) for cells in model.encoder.layers], model.decoder.zero_state(1)


def _named(state: Sequence[Any]) -> dict[str, Any]:
    return {f"state_{n}": part for n, part in enumerate(state)}


def _state_of(named: dict[str, Any]) -> list[Any]:
    return [named[f"state_{n}"] for n in range(sum(name.startswith("state_") for name in named))]


def _stacked(states: Sequence[Rows]) -> list[np.ndarray]:
    return [np.stack(parts) for parts in zip(*(states[row] for row in _filled(len(states))), strict=True)]


def _filled(rows: int) -> list[int]:
    """Returns the numbers of rows; where every new shape costs a compilation, the first is repeated at the end."""
    filler = 0 if new_shapes_are_cheap() else (1 << (rows - 1).bit_length()) - rows
    return [*range(rows), *[0] * filler]


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor))
