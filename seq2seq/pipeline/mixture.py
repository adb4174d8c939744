"""Parts of a store that an epoch reads more often, or less often, than once.

What an epoch reads is a pure function of (seed, epoch), as its order is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from seq2seq.pipeline.plan import Rows, SequenceColumn


def epoch_rows(counts: Sequence[int], weights: Sequence[float], seed: int, epoch: int) -> np.ndarray:
    """Returns the rows that an epoch reads, `(rows,)`, int64, part after part.

    A part of n rows and weight w has n * floor(w) rows, all of them equally often, and of n * (w - floor(w)), rounded,
    others: the next ones of an endless row of shuffles, so that weights of 0.5 read one half in one epoch and the
    other half in the next.

    Args:
        counts: Rows of each part; parts follow each other in the store.
        weights: Of each part, at least 0.
        seed: Of the shuffles.
        epoch: From 0.
    """
    chosen = [np.zeros(0, np.int64)]
    first = 0
    for part, (count, weight) in enumerate(zip(counts, weights, strict=True)):
        whole = math.floor(weight)
        chosen.append(first + np.tile(np.arange(count), whole))
        some = _rest(count, weight - whole)
        if some:
            chosen.append(first + _draw(count, some * epoch, some, (seed, part)))
        first += count
    return np.concatenate(chosen)


def size_of_epoch(counts: Sequence[int], weights: Sequence[float]) -> int:
    """Returns how many rows each epoch reads."""
    pairs = zip(counts, weights, strict=True)
    return sum(count * math.floor(weight) + _rest(count, weight - math.floor(weight)) for count, weight in pairs)


def _rest(count: int, share: float) -> int:
    """Rows of a share of a part: at least one of a part that has some."""
    return max(1, round(count * share)) if count and share else 0


def _draw(count: int, start: int, some: int, key: tuple[int, int]) -> np.ndarray:
    """Returns `some` numbers below `count`, from a place on in an endless row of shuffles of them."""
    shuffles = range(start // count, (start + some - 1) // count + 1)
    orders = [np.random.default_rng([*key, number]).permutation(count) for number in shuffles]
    offset = start % count
    return np.concatenate(orders)[offset : offset + some]


class Chosen:
    """Rows of a store in another number and order: what a `Plan` reads of it.

    Args:
        store: A store.
        rows: `(rows,)`, int64: numbers in the store.
    """

    def __init__(self, store: Rows, rows: np.ndarray):
        self.store, self.rows = store, rows
        self._lengths: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> SequenceColumn:
        return _ChosenColumn(self.store[name], self.rows)

    def lengths(self, name: str) -> np.ndarray:
        """Returns the lengths of a column's rows, `(rows,)`."""
        if name not in self._lengths:  # once: a plan asks for every window
            self._lengths[name] = self.store.lengths(name)[self.rows]
        return self._lengths[name]


class _ChosenColumn:
    def __init__(self, column: SequenceColumn, rows: np.ndarray):
        self.column, self.rows = column, rows

    def __getitem__(self, row: int) -> np.ndarray:
        return self.column[int(self.rows[row])]
