"""Whether validation can choose an epoch: its pairs must not be in training, nor too few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seq2seq.doctor.columns import BLOCK
from seq2seq.doctor.kinds import BROKEN, bits
from seq2seq.doctor.lines import SortedHashes

FEW = 200
"""Fewest validation pairs to choose an epoch by."""
SENTENCE_SPREAD = 20.0
"""Approximate standard deviation of BLEU or chrF of single sentences, in points."""


@dataclass(frozen=True)
class HeldOut:
    """How training holds pairs out if no validation text is given; same rule as `text.corpus.Part`."""

    every: int
    limit: int

    def places(self, pairs: int) -> np.ndarray:
        """Returns which of `pairs` pairs are held out, counted from 0."""
        return np.arange(self.every - 1, min(pairs, self.every * self.limit), self.every)

    def among(self, places: np.ndarray) -> np.ndarray:
        """`(places,)` bool: which of these are held out."""
        return (places % self.every == self.every - 1) & (places < self.every * self.limit)


@dataclass(frozen=True)
class Leak:
    """Held-out pairs that are also in the training part."""

    held_out: int
    """Held-out pairs with text."""
    pairs: dict[int, int]
    """Index of a held-out pair -> first index of the same pair in training."""
    sources: dict[int, int]
    """The same, if only the source is equal."""


def find_leak(arrays: dict[str, np.ndarray], rule: HeldOut) -> Leak:
    """Finds held-out pairs that training has too.

    Args:
        arrays: `mask`, and the hashes `pair` and `source`, `(pairs,)` each.
        rule: What is held out.
    """
    unusable = np.uint64(BROKEN | bits("empty", "header"))
    places = rule.places(len(arrays["mask"]))
    places = places[(arrays["mask"][places] & unusable) == 0]
    found = []
    for name in ("pair", "source"):
        index = SortedHashes(np.asarray(arrays[name][places]))
        firsts: dict[int, int] = {}
        for start in range(0, len(arrays["mask"]), BLOCK):
            hashes = np.asarray(arrays[name][start : start + BLOCK])
            rows = index.among(hashes)
            usable = (arrays["mask"][start + rows] & unusable) == 0
            rows = rows[usable & ~rule.among(start + rows)]
            for value, row in zip(*np.unique(hashes[rows], return_index=True), strict=True):
                firsts.setdefault(int(value), start + int(rows[row]))
        values = arrays[name][places].tolist()
        found.append({int(p): firsts[v] for p, v in zip(places, values, strict=True) if v in firsts})
    pairs, sources = found
    return Leak(len(places), pairs, {place: first for place, first in sources.items() if place not in pairs})


def uncertainty(pairs: int) -> float:
    """Points by which a score over that many pairs varies by chance, in about 19 of 20 cases."""
    return 2 * SENTENCE_SPREAD / max(1, pairs) ** 0.5
