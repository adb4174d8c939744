"""Finds training text that is also in a test text, exactly or nearly: tests are in memory, training text is streamed.

Two lines are nearly the same if they share three quarters of all their character 5-grams, ignoring case, digits and
punctuation (Jaccard; Broder 1997).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from seq2seq.doctor.lines import Lines, SortedHashes, pair_hashes
from seq2seq.doctor.mend import Mender
from seq2seq.doctor.reading import Layout, chunks

GRAM = 5
"""Characters of a gram."""
LEAST = 12
"""Grams; shorter lines are only compared whole."""
NEAR = 0.75
"""Share of common grams of two lines."""
SLACK = 0.9
"""Slack, since grams are counted with repeats until they are compared as sets."""
COMMON = 100
"""Most lines listed under a gram; where more tests share even their rarest gram, they are much alike."""
MOST = 4_000_000
"""Most test characters indexed for near matches; beyond it only the first lines are."""

MOST_LINES = 1_000_000
"""Most lines of a test held in memory; of a longer text only the first are used."""


@dataclass(frozen=True)
class Match:
    """A training source found in a test."""

    place: int
    """In the chunk."""
    where: str
    """Name and line of the test."""
    exact: bool
    pair: bool
    """Whether the target is the same too."""
    text: str
    """Of the test."""


@dataclass(frozen=True)
class Seen:
    """How much of a test the training text holds."""

    lines: int
    """Lines looked up, without empty ones."""
    sources: int
    """Lines whose source is a training source."""
    pairs: int
    """Lines whose source and target are a training pair."""


class TestIndex:
    """Index of the sources of test texts.

    Args:
        tests: Where each is, by name.
        menders: Applied to source and target before lookup.
    """

    __test__ = False  # not a test class, despite its name

    def __init__(self, tests: dict[str, Layout], menders: tuple[Mender, Mender] = (Mender(), Mender())):
        self.names = list(tests)
        texts: list[str] = []
        targets: list[str] = []
        places: list[tuple[int, int]] = []
        for number, layout in enumerate(tests.values()):
            for line, source, target in islice(_pairs(layout, menders), MOST_LINES):
                texts.append(source)
                targets.append(target)
                places.append((number, line))
        self.lines = len(texts)
        held = np.bincount([number for number, _ in places], minlength=len(tests)).tolist()
        self.cut = [name for name, count in zip(self.names, held, strict=True) if count == MOST_LINES]
        """Tests of which only the first lines are looked up."""
        near = int(np.searchsorted(np.cumsum([len(text) for text in texts]), MOST, "right"))
        self.texts, self.places = texts[:near], np.asarray(places, np.int64).reshape(-1, 2)
        self.sources, _, self.pairs = pair_hashes(texts, targets)
        self.exact, self.exact_pairs = SortedHashes(self.sources), SortedHashes(self.pairs)
        normal = Lines.of(texts).normal
        usable = normal.lengths > 0
        self.near = SortedHashes(normal.hashes()[usable], np.flatnonzero(usable))
        normal = Lines.of(self.texts).normal
        value, valid = normal.grams(GRAM)
        self._index(value[valid], np.repeat(np.arange(len(normal)), normal.lengths + 1)[valid])

    def _index(self, grams: np.ndarray, owners: np.ndarray) -> None:
        """Numbers grams from the rarest up, and lists under each the lines that have it among their rarest."""
        distinct, places, counts = np.unique(grams, return_inverse=True, return_counts=True)
        order = np.lexsort((distinct, counts))
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        self.grams, self.ranks = distinct, ranks
        self.members = np.unique(owners * max(1, len(distinct)) + ranks[places])
        """Sorted `line * groups + rank`: which line has which groups."""
        owner, rank = np.divmod(self.members, max(1, len(distinct)))
        self.sizes = np.bincount(owner, minlength=len(self.texts))
        begins = np.cumsum(self.sizes) - self.sizes
        rare = np.arange(len(owner)) - begins[owner] < _rarest(self.sizes)[owner]
        order = np.argsort(rank[rare], kind="stable")
        listed, ranked = owner[rare][order], rank[rare][order]
        few = np.arange(len(ranked)) - np.searchsorted(ranked, ranked) < COMMON
        self.listed, self.listed_ranks = listed[few], ranked[few]
        self.shift = np.uint64(64 - min(24, max(12, int(len(distinct) * 16).bit_length())))
        self.filter = np.zeros(1 << (64 - int(self.shift)), bool)
        self.filter[distinct >> self.shift] = True

    def look_up(
        self, hashes: np.ndarray, pairs: np.ndarray, normal: Lines, near: np.ndarray | None = None
    ) -> list[Match]:
        """Returns the lines that are in a test.

        Args:
            hashes: `(lines,)` of the sources, mended.
            pairs: `(lines,)` of the pairs.
            normal: The sources without case and punctuation.
            near: `(lines,)` hashes of those; None: only equal lines count.
        """
        if not self.lines:
            return []
        places = {int(place): (int(self.exact.find(hashes[place])), True) for place in self.exact.among(hashes)}
        if near is not None:
            self._add_near(places, normal, near)
        same = set(self.exact_pairs.among(pairs).tolist())
        return [
            Match(place, self._where(test), exact, place in same, self.texts[test] if test < len(self.texts) else "")
            for place, (test, exact) in sorted(places.items())
        ]

    def _add_near(self, places: dict[int, tuple[int, bool]], normal: Lines, near: np.ndarray) -> None:
        for place in self.near.among(near):
            if normal.lengths[place]:
                places.setdefault(int(place), (int(self.near.find(near[place])), False))
        value, valid = normal.grams(GRAM)
        counts = normal.sums(valid.astype(np.int64))
        hits = normal.sums((self.filter[value >> self.shift] & valid).astype(np.int64))
        likely = (counts >= LEAST) & (hits >= SLACK * NEAR * counts)
        likely[list(places)] = False
        rows = np.repeat(np.arange(len(normal)), normal.lengths + 1)
        wanted = valid & likely[rows]
        for place, test in self._nearest(value[wanted], rows[wanted]):
            places[place] = test, False

    def count(self, sources: set[int], pairs: set[int]) -> dict[str, Seen]:
        """Returns how many lines of each test have one of these hashes.

        Args:
            sources, pairs: Hashes that were looked up and are here.
        """
        result = {}
        for number, name in enumerate(self.names):
            own = self.places[:, 0] == number
            found = [
                np.isin(hashes[own], np.fromiter(seen, np.uint64, len(seen)))
                for hashes, seen in ((self.sources, sources), (self.pairs, pairs))
            ]
            result[name] = Seen(int(own.sum()), int(found[0].sum()), int(found[1].sum()))
        return result

    def _where(self, test: int) -> str:
        name, line = self.places[test].tolist()
        return f"{self.names[name]}:{line}"

    def _nearest(self, grams: np.ndarray, rows: np.ndarray) -> list[tuple[int, int]]:
        """Returns the lines, of these groups, that nearly equal a test's, each with the nearest.

        Two sets that have enough in common have some of their rarest in common already (Chaudhuri et al. 2006): only
        those that do are compared.
        """
        if not len(grams) or not len(self.grams):
            return []
        at = np.minimum(np.searchsorted(self.grams, grams), len(self.grams) - 1)
        known = self.grams[at] == grams
        begins = np.flatnonzero(np.diff(rows, prepend=-1))
        sizes = np.diff(begins, append=len(rows))
        enough = np.add.reduceat(known.astype(np.int64), begins) >= SLACK * NEAR * sizes
        some = np.repeat(enough, sizes)
        grams, rows, at, known = grams[some], rows[some], at[some], known[some]
        # What no test has is rarer than all that one has.
        ranks = np.where(known, self.ranks[at], -1 - (grams >> np.uint64(1)).astype(np.int64))
        order = np.lexsort((ranks, rows))
        ranks, rows = ranks[order], rows[order]
        fresh = np.ones(len(rows), bool)
        fresh[1:] = (ranks[1:] != ranks[:-1]) | (rows[1:] != rows[:-1])
        ranks, rows = ranks[fresh], rows[fresh]
        lines, begins, sizes = np.unique(rows, return_index=True, return_counts=True)
        line = np.repeat(np.arange(len(lines)), sizes)
        rare = (np.arange(len(rows)) - begins[line] < _rarest(sizes)[line]) & (ranks >= 0)
        first = np.searchsorted(self.listed_ranks, ranks[rare], "left")
        count = np.searchsorted(self.listed_ranks, ranks[rare], "right") - first
        tests = self.listed[_ranges(first, count)]
        pairs, votes = np.unique(np.repeat(line[rare], count) * len(self.texts) + tests, return_counts=True)
        line, tests = np.divmod(pairs, max(1, len(self.texts)))
        own, other = sizes[line], self.sizes[tests]
        smaller = np.minimum(own, other)
        close = (smaller >= NEAR * np.maximum(own, other)) & (votes >= _least(smaller))
        line, tests = line[close], tests[close]
        best: dict[int, tuple[float, int]] = {}
        # In parts whose groups fit in memory.
        spans = np.cumsum(sizes[line]) // 1_000_000
        for span in np.split(np.arange(len(line)), np.flatnonzero(np.diff(spans)) + 1) if len(line) else []:
            here, test = line[span], tests[span]
            wanted = ranks[_ranges(begins[here], sizes[here])]
            keys = np.where(wanted >= 0, np.repeat(test, sizes[here]) * len(self.grams) + wanted, -1)
            found = self.members[np.minimum(np.searchsorted(self.members, keys), len(self.members) - 1)] == keys
            common = np.add.reduceat(found.astype(np.int64), np.cumsum(sizes[here]) - sizes[here])
            shares = common / (sizes[here] + self.sizes[test] - common)
            for place in np.flatnonzero(shares >= NEAR).tolist():
                number, row = int(lines[here[place]]), (float(shares[place]), -int(test[place]))
                best[number] = max(best.get(number, row), row)
        return [(number, -test) for number, (_, test) in best.items()]


def _pairs(layout: Layout, menders: tuple[Mender, Mender]) -> Iterator[tuple[int, str, str]]:
    """Yields line number, source and target, restored, for lines with a source; no target if none was given."""
    for chunk in chunks(layout):
        source, target = layout.texts(chunk)
        for place, line in enumerate(source.lines):
            if text := menders[0](line):
                yield chunk.first + place, text, "" if layout.one_sided else menders[1](target.lines[place])


def _least(sizes: np.ndarray) -> np.ndarray:
    """Fewest rare members that two near sets share, given the size of the smaller."""
    return 1 + sizes // 20


def _rarest(sizes: np.ndarray) -> np.ndarray:
    """How many of the rarest members of a set of each size must be checked to find those."""
    return np.minimum(sizes, sizes - np.ceil(NEAR * sizes).astype(np.int64) + _least(sizes))


def _ranges(begins: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Concatenates the ranges `begin … begin + count - 1`."""
    ends = np.cumsum(counts)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - counts - begins, counts)
