"""Columns with a number per pair, kept on disk so that memory stays constant; and which values repeat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from seq2seq.files import write_bytes

PART = 1 << 22
"""Rows sorted together in memory."""
BLOCK = 1 << 20
"""Rows read together."""


class Column:
    """An array in a file that can be appended to."""

    def __init__(self, path: Path, dtype: str):
        self.path, self.dtype, self._count = path, np.dtype(dtype), 0

    def append(self, values: np.ndarray) -> None:
        """Adds values at the end."""
        with open(self.path, "ab" if self._count else "wb") as file:
            write_bytes(file, values.astype(self.dtype, copy=False).tobytes())
        self._count += len(values)

    def __len__(self) -> int:
        return self._count

    def array(self) -> np.ndarray:
        """The values, memory-mapped and writable."""
        return np.memmap(self.path, self.dtype, "r+") if len(self) else np.zeros(0, self.dtype)


def groups(keys: np.ndarray, skip: np.ndarray, skipped: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yields `(part, number of parts, rows)`, with at most `PART + BLOCK` rows of that part at a time, in order.

    Equal keys are always in the same part, and parts come one after the other. Rows whose `skip` has one of the bits
    `skipped` are left out.
    """
    parts = max(1, -(-len(keys) // PART))
    for part in range(parts):
        waiting: list[np.ndarray] = []
        count = 0
        for start in range(0, len(keys), BLOCK):
            block = keys[start : start + BLOCK]
            chosen = (skip[start : start + BLOCK] & np.uint64(skipped)) == 0
            if parts > 1:
                chosen &= (block >> np.uint64(32)) % np.uint64(parts) == part
            waiting.append(np.flatnonzero(chosen) + start)
            count += len(waiting[-1])
            if count >= PART:
                yield part, parts, np.concatenate(waiting)
                waiting, count = [], 0
        if count:
            yield part, parts, np.concatenate(waiting)


def repeats(keys: np.ndarray, skip: np.ndarray, skipped: int) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
    """Yields the share done, the rows whose key occurred before, and their first rows; skips rows as `groups` does.

    Holds the distinct keys of one part in memory, so many equal lines need little.
    """
    current = -1
    for part, parts, rows in groups(keys, skip, skipped):
        if part != current:
            current, known, places = part, np.zeros(0, np.uint64), np.zeros(0, np.int64)
        rows = rows[np.argsort(keys[rows], kind="stable")]
        sorted_keys = keys[rows]
        begins = np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])
        distinct, firsts = sorted_keys[begins], rows[begins]
        if len(known):
            at = np.minimum(np.searchsorted(known, distinct), len(known) - 1)
            old = known[at] == distinct
            firsts = np.where(old, places[at], firsts)
        firsts_of_rows = firsts[np.cumsum(begins) - 1]
        again = firsts_of_rows != rows
        yield part / parts, rows[again], firsts_of_rows[again]
        if len(known):
            distinct, firsts = np.concatenate([known, distinct[~old]]), np.concatenate([places, firsts[~old]])
            order = np.argsort(distinct, kind="stable")
            distinct, firsts = distinct[order], firsts[order]
        known, places = distinct, firsts
