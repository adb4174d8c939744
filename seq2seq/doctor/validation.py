"""Whether validation can choose an epoch: its pairs must not be in training as well, and must not be too few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seq2seq.doctor.columns import BLOCK
from seq2seq.doctor.kinds import BROKEN, bits
from seq2seq.doctor.lines import SortedHashes

FEW = 200
"""Validation pairs; fewer are too few to choose an epoch by."""
SENTENCE_SPREAD = 20.0
"""Points by which BLEU or chrF of single sentences vary around their mean (standard deviation), about."""


@dataclass(frozen=True)
class HeldOut:
    """The rule by which training holds pairs out where no validation text is given, as `pipeline.corpus.Part` does."""

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
    """Held-out pairs that are in the training part as well."""

    held_out: int
    """Pairs with text that are held out."""
    pairs: dict[int, int]
    """Place of a held-out pair -> first place of the same pair in training."""
    sources: dict[int, int]
    """The same where the source alone is equal."""


def find_leak(arrays: dict[str, np.ndarray], rule: HeldOut) -> Leak:
    """Returns which held-out pairs have their like in training.

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
    """Points within which chance moves a score over that many pairs in 19 of 20 cases, about."""
    return 2 * SENTENCE_SPREAD / max(1, pairs) ** 0.5
