"""Numbers a pair, on disk while the doctor works: memory does not grow with them. And what repeats among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

PART = 1 << 22
"""Rows that are sorted together in memory."""
BLOCK = 1 << 20
"""Rows that are read together."""


class Column:
    """An array that grows at its end, in a file."""

    def __init__(self, path: Path, dtype: str):
        self.path, self.dtype, self._count = path, np.dtype(dtype), 0

    def append(self, values: np.ndarray) -> None:
        """Adds values at the end."""
        with open(self.path, "ab" if self._count else "wb") as file:
            values.astype(self.dtype, copy=False).tofile(file)
        self._count += len(values)

    def __len__(self) -> int:
        return self._count

    def array(self) -> np.ndarray:
        """The values, memory-mapped; they may be changed in place."""
        return np.memmap(self.path, self.dtype, "r+") if len(self) else np.zeros(0, self.dtype)


def groups(keys: np.ndarray, skip: np.ndarray, skipped: int) -> Iterator[np.ndarray]:
    """Yields rows sorted by key, and by place where keys are equal, one part of the keys after the other.

    Equal keys are always in the same part. Rows whose `skip` has one of the bits `skipped` are left out.
    """
    parts = max(1, -(-len(keys) // PART))
    for part in range(parts):
        rows = []
        for start in range(0, len(keys), BLOCK):
            block = keys[start : start + BLOCK]
            wanted = (skip[start : start + BLOCK] & np.uint64(skipped)) == 0
            if parts > 1:
                wanted &= (block >> np.uint64(32)) % np.uint64(parts) == part
            rows.append(np.flatnonzero(wanted) + start)
        chosen = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        yield chosen[np.argsort(keys[chosen], kind="stable")]


def repeats(keys: np.ndarray, skip: np.ndarray, skipped: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields places whose key stood before, and the first place of each; skipping as `groups` does."""
    for rows in groups(keys, skip, skipped):
        if not len(rows):
            continue
        sorted_keys = keys[rows]
        begins = np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]])
        firsts = rows[np.flatnonzero(begins)][np.cumsum(begins) - 1]
        yield rows[~begins], firsts[~begins]
