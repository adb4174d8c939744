"""Reads a FlatBuffer column by column with NumPy, checking every offset before it is read.

The format (flatbuffers.dev, "FlatBuffer Internals"): a table begins with the distance back to its vtable, which holds
two sizes and, for each field, its distance from the table's start, or 0 for the default. Tables, vectors and strings
are referred to by forward distances. A column holds one field of many tables, so a file of thousands of tables is read
in a few array operations.
"""

from __future__ import annotations

import numpy as np

WIDTH = {"u1": 1, "i1": 1, "u2": 2, "i4": 4, "u4": 4, "f4": 4, "i8": 8, "u8": 8}


class FlatBufferError(ValueError):
    """The file violates the format."""


class FlatBuffer:
    """A file, with vectorised reads.

    Args:
        data: The whole file.
    """

    def __init__(self, data: bytes):
        self.data = data
        self._views = {kind: np.frombuffer(data, f"<{kind}", len(data) // width) for kind, width in WIDTH.items()}

    def read(self, places: np.ndarray, kind: str) -> np.ndarray:
        """Returns the numbers at the offsets `places`."""
        width = WIDTH[kind]
        if len(places) and (places.min() < 0 or places.max() > len(self.data) - width or (places % width).any()):
            raise FlatBufferError("an offset is outside of the file or not aligned")
        return self._views[kind][places // width]

    def root(self, identifier: bytes) -> Tables:
        """Returns the root table, after checking the file identifier."""
        if self.data[4:8] != identifier:
            raise FlatBufferError(f"it does not begin as a {identifier.decode()} file")
        return Tables(self, self.read(np.zeros(1, np.int64), "u4").astype(np.int64))

    def flat(self, starts: np.ndarray, counts: np.ndarray, kind: str) -> np.ndarray:
        """Returns the numbers of many vectors, concatenated; together they must fit the file."""
        total = int(counts.sum())
        if total * WIDTH[kind] > len(self.data):
            raise FlatBufferError("its vectors overlap")
        within = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.read(np.repeat(starts, counts) + within * WIDTH[kind], kind)


class Tables:
    """Tables of one type.

    Args:
        file: Where they are.
        places: `(tables,)`: offset of each.
    """

    def __init__(self, file: FlatBuffer, places: np.ndarray):
        self.file, self.places = file, places
        self.vtables = places - file.read(places, "i4")
        self.vtable_sizes = file.read(self.vtables, "u2").astype(np.int64)
        self.sizes = file.read(self.vtables + 2, "u2").astype(np.int64)
        file.read(self.vtables + np.maximum(self.vtable_sizes - 2, 2), "u2")  # checks its last entry
        if len(places) and (self.vtable_sizes.min() < 4 or (self.places + self.sizes).max() > len(file.data)):
            raise FlatBufferError("a table does not fit the file")

    def __len__(self) -> int:
        return len(self.places)

    def at(self, rows: np.ndarray) -> Tables:
        """Returns a selection of rows."""
        return Tables(self.file, self.places[rows])

    def check_fields(self, known: set[int]) -> None:
        """Raises FlatBufferError if any table has a field that is not in `known`."""
        most = int(self.vtable_sizes.max(initial=4)) // 2 - 2
        for field in set(range(most)) - known:
            if self._offsets(field, 0).any():
                raise FlatBufferError(f"a table has a field that no export writes ({field})")

    def scalar(self, field: int, kind: str, default: int = 0) -> np.ndarray:
        """Returns a numeric field of each table."""
        offsets = self._offsets(field, WIDTH[kind])
        found = np.full(len(self), default, np.float64 if kind == "f4" else np.int64)
        there = offsets > 0
        found[there] = self.file.read(self.places[there] + offsets[there], kind)
        return found

    def targets(self, field: int) -> np.ndarray:
        """Returns the offset that a field of each table refers to; 0 if absent."""
        offsets = self._offsets(field, 4)
        found = np.zeros(len(self), np.int64)
        there = offsets > 0
        places = self.places[there] + offsets[there]
        found[there] = places + self.file.read(places, "u4")
        return found

    def vectors(self, field: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the start and length of a vector field of each table; length 0 if absent."""
        targets = self.targets(field)
        counts = np.zeros(len(self), np.int64)
        there = targets > 0
        counts[there] = self.file.read(targets[there], "u4")
        if ((targets + 4 + counts * width)[there] > len(self.file.data)).any():
            raise FlatBufferError("a vector does not fit the file")
        return targets + 4, counts

    def children(self, field: int) -> tuple[Tables, np.ndarray]:
        """Returns the tables in a vector-of-tables field, concatenated, and their number per row."""
        starts, counts = self.vectors(field, 4)
        distances = self.file.flat(starts, counts, "u4")
        within = np.arange(len(distances)) - np.repeat(np.cumsum(counts) - counts, counts)
        return Tables(self.file, np.repeat(starts, counts) + 4 * within + distances), counts

    def lists(self, field: int, kind: str) -> list[list[int]]:
        """Returns a vector of numbers of each table."""
        starts, counts = self.vectors(field, WIDTH[kind])
        flat = self.file.flat(starts, counts, kind).tolist()
        ends = np.cumsum(counts).tolist()
        return [flat[end - count : end] for end, count in zip(ends, counts.tolist(), strict=True)]

    def strings(self, field: int) -> list[str]:
        """Returns a string of each table; it must end in NUL and hold no other."""
        starts, counts = self.vectors(field, 1)
        if (self.file.read((starts + counts)[counts > 0], "u1") != 0).any() or counts.sum() > len(self.file.data):
            raise FlatBufferError("a name has no end")
        parts = zip(starts.tolist(), counts.tolist(), strict=True)
        found = [self.file.data[start : start + count].decode("utf-8") for start, count in parts]
        if any("\0" in text for text in found):
            raise FlatBufferError("a name holds a NUL")
        return found

    def _offsets(self, field: int, width: int) -> np.ndarray:
        """`(tables,)`: distance of a field from the table's start; 0 if absent."""
        entry = 4 + 2 * field
        there = self.vtable_sizes > entry
        found = np.zeros(len(self), np.int64)
        found[there] = self.file.read(self.vtables[there] + entry, "u2")
        if ((found > 0) & ((found < 4) | (found + width > self.sizes))).any():
            raise FlatBufferError("a field does not fit its table")
        return found
