"""N-gram language models with interpolated, modified Kneser-Ney smoothing (Chen & Goodman 1999).

They are the baseline that a neural language model must beat. Imports no framework.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seq2seq.symbols import BOS

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_DISCOUNTS = (0.5, 1.0, 1.5)
"""For counts of 1, 2, and 3 or more, where there are too few n-grams to estimate them."""


class _Table(NamedTuple):
    """The n-grams of one order. An n-gram's number is its place in `keys`."""

    keys: Integers
    """`(ngrams,)`, ascending: the number of the first n-1 tokens in the next lower order, times the number of ids, plus
    the last token. The first order holds every id."""
    probs: Floats
    """`(ngrams,)`: the discounted probability of the last token after the others."""
    backoff: Floats
    """`(contexts,)`: the weight of the next lower order after these n-1 tokens; 1 where nothing followed them."""


class KneserNey:
    """A distribution over the next id after the last `order - 1` ids.

    The lower orders count in how many contexts an n-gram occurs, except at the beginning of a row, where it has none.
    The lowest is interpolated with the uniform distribution over all ids, so every id has a probability above 0.

    Args:
        size: Number of ids.
        order: Longest n-gram, at least 1.
        continued: Whether a context may begin in an earlier row, as in a stream of characters. Otherwise each row is a
            sentence of its own after BOS.

    Raises:
        ValueError: the size or the order is below 1.
    """

    def __init__(self, size: int, order: int = 5, continued: bool = False):
        if size < 1 or order < 1:
            raise ValueError(f"Expected a size and an order of at least 1. Received: size={size}, order={order}")
        self.size, self.order, self.continued = size, order, continued
        self._tables: list[_Table] = []

    def fit(self, rows: Iterable[ArrayLike]) -> KneserNey:
        """Counts the n-grams of rows of ids, which end in EOS as those to score do; returns itself.

        Raises:
            ValueError: there are no ids, or an id is outside the vocabulary.
        """
        ids, depth, _ = self._join(rows)
        if not (depth > 0).any():
            raise ValueError("Expected rows with at least one id to count n-grams in. Received: none")
        tables = []
        keys, counts = np.arange(self.size), np.bincount(ids[depth > 0], minlength=self.size)
        numbers, contexts = ids, 1
        for length in range(2, self.order + 1):
            ends = np.flatnonzero(depth >= length - 1)
            longer = numbers[ends - 1] * self.size + ids[ends]
            longer_keys, first, inverse, longer_counts = np.unique(
                longer, return_index=True, return_inverse=True, return_counts=True
            )
            # Of each longer n-gram without its first token: in how many contexts does it occur?
            occurs = np.bincount(numbers[ends[first]], minlength=len(keys))
            tables.append(_table(keys, np.where(occurs > 0, occurs, counts), contexts, self.size))
            contexts, keys, counts = len(keys), longer_keys, longer_counts
            numbers = np.full(len(ids), -1)
            numbers[ends] = inverse.reshape(-1)
        self._tables = [*tables, _table(keys, counts, contexts, self.size)]
        return self

    def log_probs(self, row: ArrayLike) -> Floats:
        """Returns the log-probability in nats of each id of a row, `(length,)`, given those before it."""
        return self.score([row])[0]

    def score(self, rows: Iterable[ArrayLike]) -> list[Floats]:
        """As `log_probs` for each row. With `continued`, the rows follow each other, the first after BOS.

        Raises:
            ValueError: the model was not fitted, or an id is outside the vocabulary.
        """
        if not self._tables:
            raise ValueError("The n-gram model holds no counts yet: call fit first.")
        ids, depth, lengths = self._join(rows)
        lowest = self._tables[0]
        probs = lowest.probs[ids] + lowest.backoff[0] / self.size
        numbers = ids
        for length, table in enumerate(self._tables[1:], 2):
            ends = np.flatnonzero(depth >= length - 1)
            ends = ends[numbers[ends - 1] >= 0]
            context = numbers[ends - 1]
            keys = context * self.size + ids[ends]
            places = np.minimum(np.searchsorted(table.keys, keys), len(table.keys) - 1)
            known = table.keys[places] == keys
            probs[ends] = np.where(known, table.probs[places], 0) + table.backoff[context] * probs[ends]
            numbers = np.full(len(ids), -1)
            numbers[ends[known]] = places[known]
        return np.split(np.log(probs[depth > 0]), np.cumsum(lengths)[:-1]) if len(lengths) else []

    def _join(self, rows: Iterable[ArrayLike]) -> tuple[Integers, Integers, Integers]:
        """Returns all ids with BOS where a context begins; how many ids of its context precede each; and the lengths
        of the rows. BOS is where nothing precedes."""
        arrays = [np.asarray(row, np.int64) for row in rows]
        lengths = np.array([len(row) for row in arrays], np.int64)
        begin = np.array([BOS])
        if self.continued:
            ids = np.concatenate([begin, *arrays])
            depth = np.arange(len(ids))
        else:
            ids = np.concatenate([part for row in arrays for part in (begin, row)] or [begin])
            starts = np.cumsum(lengths + 1) - lengths - 1
            depth = np.arange(len(ids)) - np.repeat(starts, lengths + 1) if len(lengths) else np.zeros(1, np.int64)
        given = ids[depth > 0]
        if len(given) and not 0 <= given.min() <= given.max() < self.size:
            raise ValueError(f"Expected ids from 0 to {self.size - 1:,}. Received: {given.min()} to {given.max()}")
        return ids, depth, lengths


def _table(keys: Integers, counts: Integers, contexts: int, size: int) -> _Table:
    """Returns the table of one order, given its n-grams, how often they count, and how many contexts there are."""
    context = keys // size
    discount = np.array([0.0, *_discounts(counts)])[np.minimum(counts, 3)]
    total = np.bincount(context, counts, contexts)
    saved = np.bincount(context, discount, contexts)
    probs = (counts - discount) / total[context]
    return _Table(keys, probs, np.divide(saved, total, out=np.ones(contexts), where=total > 0))


def _discounts(counts: Integers) -> Sequence[float]:
    """Returns the discounts of counts of 1, 2, and 3 or more."""
    n = np.bincount(np.minimum(counts, 5), minlength=5).tolist()
    if not all(n[1:5]):
        return _DISCOUNTS
    y = n[1] / (n[1] + 2 * n[2])
    discounts = [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
    return discounts if all(0 <= d <= k for k, d in enumerate(discounts, 1)) else _DISCOUNTS
