"""Music as a piano roll: in each frame, which of the 88 keys sound. Only to compare with figures of the literature."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from seq2seq.music.events import EventCodec
from seq2seq.music.notes import Music
from seq2seq.pipeline.padding import pad
from seq2seq.pipeline.plan import Rows, Widths
from seq2seq.pipeline.store import Column
from seq2seq.types import Batch

KEYS, LOWEST_KEY = 88, 21
"""Of a piano; the lowest is A0."""
ROLL = "roll"
COLUMNS = {ROLL: Column("uint8", (KEYS,))}
"""Of a store of piano rolls."""


def roll_of(codec: EventCodec, music: Music) -> np.ndarray:
    """Returns which keys sound in each frame of a piece, `(frames, 88)`, uint8.

    Raises:
        ValueError: the piece is on a grid that does not fit, or has a pitch that no piano has.
    """
    frames = codec.frames(music)
    found = np.zeros((len(frames), KEYS), np.uint8)
    for row, frame in zip(found, frames, strict=True):
        for note in frame:
            if not 0 <= note.pitch - LOWEST_KEY < KEYS:
                raise ValueError(f"Expected pitches of a piano, 21 to 108. Received: {note.pitch} in {music.title!r}")
            row[note.pitch - LOWEST_KEY] = 1
    return found


def rows(rolls: Iterable[np.ndarray]) -> Iterator[dict[str, Any]]:
    """Yields what is stored of piano rolls."""
    return ({ROLL: one} for one in rolls)


def before(roll: np.ndarray) -> np.ndarray:
    """Returns the frame before each frame, that before the first one empty, `(frames, 88)`, float32."""
    return np.concatenate([np.zeros((1, KEYS)), roll[:-1]]).astype(np.float32)


@dataclass(frozen=True)
class RollCollation:
    """Makes batches of the column "roll", transposed as `music.batches.Collation` does.

    Args:
        low: Lowest pitch of the corpus.
        high: Highest one.
        transpose: Semitones, at most.
        native: Probability that a piece stays as it is.
        seed: Of the draws.
        epoch: Each epoch has other draws.
    """

    low: int
    high: int
    transpose: int = 0
    native: float = 0.0
    seed: int = 0
    epoch: int = 0

    def __call__(self, store: Rows, numbers: np.ndarray, widths: Widths) -> Batch:
        rolls = [self.roll(store, int(row)) for row in numbers]
        inputs = pad([before(one) for one in rolls], widths[0], "float32", (KEYS,))
        targets = pad(rolls, widths[0], "float32", (KEYS,))
        weights = np.arange(widths[0]) < np.asarray([[len(one)] for one in rolls])
        return Batch(None, inputs, targets, weights.astype(np.float32))

    def roll(self, store: Rows, row: int) -> np.ndarray:
        """Returns a row as it is in this epoch."""
        roll = np.asarray(store[ROLL][row])
        sounding = np.flatnonzero(roll.any(axis=0)) + LOWEST_KEY
        if not self.transpose or not len(sounding):
            return roll
        random = np.random.default_rng([self.seed, self.epoch, row])
        if random.random() < self.native:
            return roll
        least = max(-self.transpose, self.low - int(sounding[0]))
        most = min(self.transpose, self.high - int(sounding[-1]))
        return np.roll(roll, int(random.integers(least, most + 1)), axis=1)
