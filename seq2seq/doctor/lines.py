"""Many lines as one array of code points, for vectorised checks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from seq2seq.doctor.characters import THOUSANDS, digit_table, normal_table

_ODD = np.uint64(0x9E3779B97F4A7C15)
BUCKETS = 1 << 16
"""Hash buckets of character trigrams, for language profiles."""


class Lines:
    """Code points of lines, each ending in LF; lines hold no other LF."""

    def __init__(self, codes: np.ndarray):
        self.codes = codes
        """`(all,)` uint32."""
        self.ends = np.flatnonzero(codes == 10)
        """`(lines,)`: index of the LF of each line."""
        self.starts = np.concatenate([[0], self.ends[:-1] + 1]) if len(self.ends) else np.zeros(0, np.int64)
        self.lengths = self.ends - self.starts
        """`(lines,)`: characters."""

    @classmethod
    def of(cls, lines: Sequence[str]) -> Lines:
        """Returns the code points of `lines`."""
        text = "\n".join(lines) + "\n" if lines else ""
        return cls(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4"))

    def __len__(self) -> int:
        return len(self.ends)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums `(all,)` values by line; values at LF must be 0."""
        return np.add.reduceat(values, self.starts) if len(self) else np.zeros(0, values.dtype)

    def unions(self, values: np.ndarray) -> np.ndarray:
        """Bitwise or of `(all,)` values by line."""
        return np.bitwise_or.reduceat(values, self.starts) if len(self) else np.zeros(0, values.dtype)

    def has_odd_spaces(self) -> np.ndarray:
        """`(lines,)` bool: a space at an end of the line, or two in a row."""
        space, end = self.codes == 0x20, self.codes == 10
        odd = np.zeros(len(self.codes), bool)
        odd[:-1] |= space[:-1] & (space[1:] | end[1:])
        odd[1:] |= space[1:] & end[:-1]
        if len(odd):
            odd[0] |= space[0]
        return self.unions(odd)

    def words(self) -> np.ndarray:
        """`(lines,)`: runs of characters between single spaces."""
        return self.sums((self.codes == 0x20).astype(np.int64)) + (self.lengths > 0)

    def are_numbers(self) -> np.ndarray:
        """`(lines,)` bool: two or more runs of digits between spaces, and nothing else."""
        other = (digit_table()[self.codes] == 0) & (self.codes != 0x20) & (self.codes != 10)
        return (self.sums(other.astype(np.int64)) == 0) & (self.words() > 1)

    @cached_property
    def normal(self) -> Lines:
        """The lines without case and punctuation, digits as 0, single spaces between words."""
        codes = normal_table()[self.codes]
        space = codes == 0x20
        keep = np.ones(len(codes), bool)
        keep[:-1] = ~(space[:-1] & (space[1:] | (codes[1:] == 10)))
        codes = codes[keep]
        first = np.ones(len(codes), bool)
        first[1:] = codes[:-1] == 10
        return Lines(codes[~(first & (codes == 0x20))])

    def hashes(self) -> np.ndarray:
        """`(lines,)` uint64 of each line's whole text."""
        data, width = self.codes.tobytes(), self.codes.itemsize
        bounds = zip((self.starts * width).tolist(), (self.ends * width).tolist(), strict=True)
        return _digests([data[start:end] for start, end in bounds])

    def grams(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns, for each position, a hash of the next `size` characters and whether the line has that many."""
        count = len(self.codes) - size + 1
        if count <= 0:
            return np.zeros(len(self.codes), np.uint64), np.zeros(len(self.codes), bool)
        wide = self.codes.astype(np.uint64)
        value = np.zeros(len(wide), np.uint64)
        for step in range(size):
            value[:count] = value[:count] * _ODD + wide[step : step + count]
        value ^= value >> np.uint64(31)
        value *= _ODD
        value ^= value >> np.uint64(29)
        ends = np.repeat(self.ends, self.lengths + 1)
        return value, np.arange(len(wide)) + size <= ends

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns `(lines,)` the number of digits, and a uint64 that is equal for the same numbers.

        Their order and thousands separators do not matter.
        """
        values = digit_table()[self.codes]
        digits = np.flatnonzero(values)
        counts, sums = np.zeros(len(self), np.int64), np.zeros(len(self), np.uint64)
        if not len(digits):
            return counts, sums
        begins = np.flatnonzero(np.diff(digits, prepend=-2) > 1)  # of each run of digits, among the digits
        sizes = np.diff(begins, append=len(digits))
        first = digits[begins]
        joined = np.zeros(len(begins), bool)
        between = self.codes[first[1:] - 1]
        joined[1:] = (first[1:] - digits[begins[1:] - 1] == 2) & np.isin(between, THOUSANDS)
        joined[1:] &= (sizes[1:] == 3) & (sizes[:-1] <= 3)
        begins, first = begins[~joined], first[~joined]
        sizes = np.diff(begins, append=len(digits))
        powers = np.power(_ODD, np.arange(int(sizes.max()), dtype=np.uint64))
        places = np.arange(len(digits)) - np.repeat(begins, sizes)
        hashes = np.add.reduceat(values[digits] * powers[places], begins)
        hashes = (hashes ^ (hashes >> np.uint64(31))) * _ODD
        np.add.at(sums, np.searchsorted(self.ends, first), hashes)
        np.add.at(counts, np.searchsorted(self.ends, digits), 1)
        return counts, sums

    def buckets(self) -> tuple[np.ndarray, np.ndarray]:
        """As `grams(3)`, with values below `BUCKETS`."""
        value, valid = self.grams(3)
        return (value & np.uint64(BUCKETS - 1)).astype(np.int64), valid


def pair_hashes(sources: Sequence[str], targets: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns `(lines,)` uint64 hashes of sources, targets and pairs, stable across processes and machines."""
    left = [line.encode("utf-8", "surrogatepass") for line in sources]
    right = [line.encode("utf-8", "surrogatepass") for line in targets]
    return _digests(left), _digests(right), _digests([a + b"\n" + b for a, b in zip(left, right, strict=True)])


def _digests(texts: Sequence[bytes]) -> np.ndarray:
    make = hashlib.blake2b
    return np.frombuffer(b"".join([make(text, digest_size=8).digest() for text in texts]), "<u8")


class SortedHashes:
    """Hashes with the index of each, for lookup."""

    def __init__(self, values: np.ndarray, places: np.ndarray | None = None):
        order = np.argsort(values, kind="stable")
        self.values = values[order]
        self.places = order if places is None else places[order]

    def among(self, values: np.ndarray) -> np.ndarray:
        """Returns the indices of those `values` that are present."""
        if not len(self.values):
            return np.zeros(0, np.int64)
        at = np.minimum(np.searchsorted(self.values, values), len(self.values) - 1)
        return np.flatnonzero(self.values[at] == values)

    def find(self, value: np.uint64) -> int:
        """Returns the first index of a value that is present."""
        return int(self.places[np.searchsorted(self.values, value)])
