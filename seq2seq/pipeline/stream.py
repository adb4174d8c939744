"""The batches of an epoch over one long sequence, each of which goes on where the one before it ended."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seq2seq.types import Batch

CARRY = "carry"
"""Name in `Batch.extras`: `(rows,)`, float32: 1 in rows that go on from the batch before, 0 in rows that begin."""


class StreamPlan:
    """Cuts a sequence into `rows` parts of equal length, read side by side, `length` entries a step.

    In training every epoch begins at another place of the sequence, which is read as a ring, so that it is cut
    elsewhere each time. Every entry is predicted once an epoch. Steps are a pure function of (seed, epoch).

    Args:
        values: `(entries,)`, whole numbers; the last one also comes before the first.
        rows: Of every batch.
        length: Steps of back-propagation: entries of a row in a batch.
        seed: Of the place where an epoch begins.
        epoch: Counted from 0.
        shuffle: False: begin at the first entry, for validation.

    Raises:
        ValueError: there is no entry.
    """

    def __init__(self, values: np.ndarray, rows: int, length: int, seed: int, epoch: int = 0, *, shuffle: bool = True):
        if not len(values):
            raise ValueError("The text is empty: there is nothing to make batches of.")
        self.values, self.rows, self.time = values, rows, length
        self.per_row = -(-len(values) // rows)
        draw = np.random.default_rng([seed, epoch])
        self.first = int(draw.integers(len(values))) if shuffle else 0

    def __len__(self) -> int:
        """Steps of the epoch."""
        return -(-self.per_row // self.time)

    def __getitem__(self, step: int) -> Batch:
        """Returns a batch; entries beyond the last one have weight 0."""
        places = self._places(step)
        real = places < len(self.values)
        at = (self.first + places) % len(self.values)
        inputs, targets = (np.asarray(self.values[ring], np.int32) for ring in (at - 1, at))
        carry = np.full(self.rows, float(step > 0), np.float32)
        return Batch(None, inputs, targets, real.astype(np.float32), {CARRY: carry})

    def __iter__(self) -> Iterator[Batch]:
        return (self[step] for step in range(len(self)))

    def length(self, step: int) -> int:
        """Returns the entries that a step predicts."""
        return int((self._places(step) < len(self.values)).sum())

    def _places(self, step: int) -> np.ndarray:
        """Returns where the targets of a step are, counted from where the epoch begins: `(rows, time)`."""
        within = np.arange(step * self.time, min((step + 1) * self.time, self.per_row))
        return np.arange(self.rows)[:, None] * self.per_row + within
