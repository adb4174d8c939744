"""Batches of pieces: each row is a piece, transposed anew in every epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from seq2seq.music.events import END_OF_FRAME, EventCodec, Events
from seq2seq.pipeline.padding import padded
from seq2seq.pipeline.plan import Rows, Widths
from seq2seq.pipeline.store import Column
from seq2seq.types import Batch

TOKENS, INPUTS = "tokens", "inputs"


def columns(codec: EventCodec) -> dict[str, Column]:
    """Returns the columns of a store of pieces."""
    return {TOKENS: Column("int32"), INPUTS: Column("int32", (len(codec.input_sizes),))}


def rows(pieces: Iterable[Events], longest: int) -> Iterator[dict[str, Any]]:
    """Yields what is stored of pieces. One of more than `longest` tokens is cut, between frames, into parts of like
    length, each a row of its own."""
    for piece in pieces:
        for part in cut(piece, longest):
            yield {TOKENS: part.tokens, INPUTS: part.inputs}


def cut(piece: Events, longest: int) -> list[Events]:
    """Returns the parts of a piece, which have at most `longest` tokens where no frame has more."""
    count = -(-len(piece.tokens) // longest)
    ends = np.flatnonzero(piece.tokens == END_OF_FRAME) + 1
    while True:
        aims = len(piece.tokens) * np.arange(1, count) // count
        chosen = ends[np.maximum(0, np.searchsorted(ends, aims, side="right") - 1)] if len(ends) else aims
        borders = sorted({0, *map(int, chosen), len(piece.tokens)})
        parts = [Events(piece.tokens[a:b], piece.inputs[a:b]) for a, b in pairwise(borders)]
        if max((len(part.tokens) for part in parts), default=0) <= longest or count > len(ends):
            return parts
        count += 1


@dataclass(frozen=True)
class Collation:
    """Makes batches of the columns "tokens" and "inputs".

    In training a piece is transposed by an interval that is drawn among those within the range of the corpus: a
    function of (seed, epoch, row).

    Args:
        codec: Of the tokens.
        transpose: Semitones, at most; 0: the pieces stay as they are.
        native: Probability that a piece stays as it is; the other intervals share the rest.
        seed: Of the draws.
        epoch: Each epoch has other draws.
    """

    codec: EventCodec
    transpose: int = 0
    native: float = 0.0
    seed: int = 0
    epoch: int = 0

    def __call__(self, store: Rows, numbers: np.ndarray, widths: Widths) -> Batch:
        pieces = [self.piece(store, int(row)) for row in numbers]
        tokens = padded([piece.tokens for piece in pieces], widths[0])
        inputs = padded([piece.inputs for piece in pieces], widths[0], shape=(len(self.codec.input_sizes),))
        return Batch(None, inputs.values, tokens.values, tokens.mask.astype(np.float32))

    def piece(self, store: Rows, row: int) -> Events:
        """Returns a row as it is in this epoch."""
        events = Events(store[TOKENS][row], store[INPUTS][row])
        return self.codec.transposed(events, self.interval(events, row)) if self.transpose else events

    def interval(self, events: Events, row: int) -> int:
        """Returns the interval, in semitones, by which a row is transposed."""
        choices = self.codec.intervals(events, self.transpose)
        random = np.random.default_rng([self.seed, self.epoch, row])
        if random.random() < self.native:
            return 0
        return int(choices[int(random.integers(len(choices)))])
