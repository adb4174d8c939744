"""Training text that stands in a test text too, the same or nearly: the test is held in memory, the training goes by.

Nearly the same are two lines of which three quarters of all groups of five characters, case, digits and punctuation
aside, are common to both (Jaccard; Broder 1997).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq.doctor.characters import repair
from seq2seq.doctor.lines import Lines, pair_hashes
from seq2seq.doctor.reading import Layout, chunks

GRAM = 5
"""Characters in a group."""
LEAST = 12
"""Groups; shorter lines are compared as a whole alone."""
NEAR = 0.75
"""Share of common groups among all of two lines."""
MOST_LINES = 50_000
"""Lines of all tests that are looked up for near matches; of more, the first."""
COMMON = 100
"""A group in more test lines than this names none of them."""


@dataclass(frozen=True)
class Match:
    """Where a training source stands in the tests."""

    place: int
    """In the chunk."""
    where: str
    """Name and line of the test."""
    exact: bool
    text: str
    """Of the test, as it came."""


class TestIndex:
    """The sources of test texts, to be looked up.

    Args:
        tests: Where each stands, by name.
    """

    __test__ = False  # no test, whatever pytest makes of the name

    def __init__(self, tests: dict[str, Layout]):
        self.names = list(tests)
        texts: list[str] = []
        places: list[tuple[int, int]] = []
        for number, layout in enumerate(tests.values()):
            for chunk in chunks(layout):
                source, _ = layout.texts(chunk)
                for place, line in enumerate(source.lines):
                    if text := repair(line):
                        texts.append(text)
                        places.append((number, chunk.first + place))
        self.lines = len(texts)
        self.texts, self.places = texts[:MOST_LINES], np.asarray(places, np.int64).reshape(-1, 2)
        self.exact = _Sorted(pair_hashes(texts, texts)[0])
        normal = Lines.of(texts).normal
        usable = normal.lengths > 0
        self.near = _Sorted(normal.hashes()[usable], np.flatnonzero(usable))
        normal = Lines.of(self.texts).normal
        value, valid = normal.grams(GRAM)
        self._index(value[valid], np.repeat(np.arange(len(normal)), normal.lengths + 1)[valid])
        self.shift = np.uint64(64 - min(24, max(12, int(len(self.grams) * 16).bit_length())))
        self.filter = np.zeros(1 << (64 - int(self.shift)), bool)
        self.filter[self.grams >> self.shift] = True

    def _index(self, grams: np.ndarray, owners: np.ndarray) -> None:
        order = np.lexsort((owners, grams))
        grams, owners = grams[order], owners[order].astype(np.int32)
        first = np.ones(len(grams), bool)
        first[1:] = (grams[1:] != grams[:-1]) | (owners[1:] != owners[:-1])
        self.grams, self.owners = grams[first], owners[first]
        self.sizes = np.bincount(self.owners, minlength=len(self.texts))

    def look_up(self, sources: Sequence[str], hashes: np.ndarray, normal: Lines, near: np.ndarray) -> list[Match]:
        """Returns what stands in a test.

        Args:
            sources: Lines, mended.
            hashes: `(lines,)` of them.
            normal: The same lines without case and punctuation.
            near: `(lines,)` hashes of those.
        """
        if not self.lines:
            return []
        places = {int(place): (int(self.exact.find(hashes[place])), True) for place in self.exact.among(hashes)}
        for place in self.near.among(near):
            if normal.lengths[place]:
                places.setdefault(int(place), (int(self.near.find(near[place])), False))
        value, valid = normal.grams(GRAM)
        counts = normal.sums(valid.astype(np.int64))
        hits = normal.sums((self.filter[value >> self.shift] & valid).astype(np.int64))
        for place in np.flatnonzero((counts >= LEAST) & (hits >= 0.9 * NEAR * counts)).tolist():
            if place not in places:
                part = slice(int(normal.starts[place]), int(normal.ends[place]))
                if (found := self._nearest(np.unique(value[part][valid[part]]))) is not None:
                    places[place] = found, False
        return [
            Match(place, self._where(test), exact, self.texts[test] if test < len(self.texts) else "")
            for place, (test, exact) in sorted(places.items())
        ]

    def _where(self, test: int) -> str:
        name, line = self.places[test].tolist()
        return f"{self.names[name]}:{line}"

    def _nearest(self, grams: np.ndarray) -> int | None:
        """Returns the test line that shares most with a line of these groups, if it shares enough."""
        begin, end = np.searchsorted(self.grams, grams, "left"), np.searchsorted(self.grams, grams, "right")
        telling = (end - begin) <= COMMON
        found = [self.owners[a:b] for a, b in zip(begin[telling], end[telling], strict=True) if b > a]
        if not found:
            return None
        tests, votes = np.unique(np.concatenate(found), return_counts=True)
        best = tests[np.argsort(-votes, kind="stable")[:3]]
        common = np.zeros(len(best), np.int64)
        for a, b in zip(begin, end, strict=True):
            common += np.isin(best, self.owners[a:b], assume_unique=True)
        shares = common / (len(grams) + self.sizes[best] - common)
        top = int(np.argmax(shares))
        return int(best[top]) if shares[top] >= NEAR else None


class _Sorted:
    """Numbers with the place of each, to be looked up."""

    def __init__(self, values: np.ndarray, places: np.ndarray | None = None):
        order = np.argsort(values, kind="stable")
        self.values = values[order]
        self.places = order if places is None else places[order]

    def among(self, values: np.ndarray) -> np.ndarray:
        """Returns the places of those `values` that are here."""
        if not len(self.values):
            return np.zeros(0, np.int64)
        at = np.minimum(np.searchsorted(self.values, values), len(self.values) - 1)
        return np.flatnonzero(self.values[at] == values)

    def find(self, value: np.uint64) -> int:
        """Returns the first place of a value that is here."""
        return int(self.places[np.searchsorted(self.values, value)])
