"""Rows of sequences on disk, memory-mapped: written in one pass, read in any order, in constant memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.files import is_plain_name, read_json, write_bytes
from seq2seq.folders import whole_folder

DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float16", "float32", "float64")
"""What a column may hold: numbers alone, never objects."""
CHUNK = 4096
"""Rows written at once."""
BLOCK = 1 << 20
"""Numbers checked at once."""
FORMAT = 2
"""Of the files of a store."""
KIND = "a training run"
"""The kind of folder that a store is."""


@dataclass(frozen=True)
class Column:
    """What each row of a store holds under one name: a sequence `(length, *shape)`.

    Raises:
        ValueError: the dtype is not one of `DTYPES`, or a width is below 1.
    """

    dtype: str
    """One of `DTYPES`; little-endian on disk."""
    shape: tuple[int, ...] = ()
    """Of one entry: () for ids, (80,) for frames of 80 features."""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(DTYPES)}. Received: {str(self.dtype)[:40]!r}")
        if not all(type(width) is int and width >= 1 for width in self.shape):
            raise ValueError(f"shape must hold whole numbers above 0. Received: {str(self.shape)[:40]}")

    @property
    def stored_dtype(self) -> np.dtype:
        return np.dtype(self.dtype).newbyteorder("<")

    @property
    def entry_size(self) -> int:
        """Numbers in one entry."""
        return math.prod(self.shape)

    def pack(self, rows: Sequence[Any]) -> np.ndarray:
        """Returns the entries of all rows, `(entries, *shape)`, in the stored dtype.

        Raises:
            ValueError: a row has another shape, or values that the dtype cannot hold.
        """
        filled = [row for row in rows if len(row)]
        if not filled:
            return np.zeros((0, *self.shape), self.stored_dtype)
        if any(isinstance(row, np.ndarray) for row in filled):
            values = np.concatenate([np.asarray(row) for row in filled])
        else:  # lists of numbers: one conversion for all is quicker than one for each
            values = np.asarray([*chain.from_iterable(filled)])
        if values.shape[1:] != self.shape:
            raise ValueError(f"expected entries of shape {self.shape}. Received: {values.shape[1:]}")
        self._check_values(values)
        return values.astype(self.stored_dtype)

    def _check_values(self, values: np.ndarray) -> None:
        kind = np.dtype(self.dtype).kind
        if values.dtype.kind not in {"b": "b", "f": "iuf"}.get(kind, "iu"):
            raise ValueError(f"expected {self.dtype}. Received: {values.dtype}")
        if kind in "iu":
            limits, low, high = np.iinfo(self.dtype), int(values.min()), int(values.max())
            if not limits.min <= low <= high <= limits.max:
                raise ValueError(
                    f"expected {self.dtype}, {limits.min:,} to {limits.max:,}. Received: {low:,} to {high:,}"
                )


class Store:
    """Rows of named sequences: `store["source"][i]` is row i of a column, `(length, *shape)`.

    Args:
        folder: What `Store.write` made.

    Raises:
        ValueError: the folder is not a whole store, or one of an older version.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        try:
            rows, columns, self.metadata = _read_description(self.folder)
            self.columns = {name: ColumnReader(self.folder, name, column, rows) for name, column in columns.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise self.damaged(str(error)) from error
        self._rows = rows

    def __len__(self) -> int:
        """Rows."""
        return self._rows

    def __getitem__(self, name: str) -> ColumnReader:
        """Returns a column.

        Raises:
            ValueError: the store has none of this name.
        """
        if name not in self.columns:
            raise ValueError(f"{self.folder} has no column {name!r}. It has: {', '.join(self.columns)}")
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def lengths(self, name: str) -> np.ndarray:
        """Returns the lengths of a column's rows, `(rows,)` uint32, memory-mapped."""
        return self[name].lengths

    def check_below(self, name: str, limit: int) -> None:
        """Raises ValueError if a number of a column of whole numbers is not in [0, limit). Constant memory."""
        values = self[name].values.reshape(-1)
        for start in range(0, len(values), BLOCK):
            low, high = int(values[start : start + BLOCK].min()), int(values[start : start + BLOCK].max())
            if low < 0 or high >= limit:
                wrong = low if low < 0 else high
                raise self.damaged(f"{name} holds {wrong:,}, expected 0 to {limit - 1:,}")

    def damaged(self, reason: str) -> ValueError:
        """Returns the error to raise for a store whose values cannot be right."""
        return ValueError(f"{self.folder} is not a whole store ({reason}). Delete it: the same command makes it again.")

    @classmethod
    def write(
        cls,
        folder: Path,
        rows: Iterable[Mapping[str, Any]],
        columns: Mapping[str, Column],
        metadata: Mapping[str, Any] | None = None,
    ) -> Store:
        """Writes `rows` into `folder`, which appears when it is whole.

        Args:
            folder: Where. A store that is there is replaced.
            rows: Each with a sequence for every column, `(length, *shape)`.
            columns: By name.
            metadata: JSON values to keep with the rows, such as counts. They are read after the last row, so whatever
                makes the rows may count in them.

        Raises:
            ValueError: a row lacks a column or has one more, another shape, or values that the dtype cannot hold.
            OSError: the disk is full, or the folder cannot be written.
        """
        folder, count = Path(folder), 0
        if wrong := [name for name in columns if not is_plain_name(name)]:
            raise ValueError(f"A column's name becomes the name of a file. Received: {wrong[0]!r}")
        with whole_folder(folder, KIND) as partial:
            with ExitStack() as files:
                writers = [
                    files.enter_context(_ColumnWriter(partial, name, column)) for name, column in columns.items()
                ]
                for chunk in _chunks(rows):
                    for row in chunk:
                        if row.keys() != columns.keys():
                            raise ValueError(f"expected the columns {[*columns]} in each row. Received: {[*row]}")
                    for writer in writers:
                        writer.add([row[writer.name] for row in chunk])
                    count += len(chunk)
            _write_description(partial, count, columns, metadata or {})
        return cls(folder)


class ColumnReader:
    """The rows of one column: all entries behind each other, memory-mapped, and the length of each row."""

    STRIDE = 1024

    def __init__(self, folder: Path, name: str, column: Column, rows: int):
        self.name, self.column = name, column
        self.lengths = _map(folder / f"{name}.lengths", np.dtype("<u4"))
        if len(self.lengths) != rows:
            raise ValueError(f"{name}.lengths holds {len(self.lengths):,} lengths, expected {rows:,}")
        # Every 1024th offset is enough: the rest is summed on demand, so memory hardly grows with the rows.
        blocks = [
            self.lengths[i : i + self.STRIDE].sum(dtype=np.int64) for i in range(0, len(self.lengths), self.STRIDE)
        ]
        self._starts = np.concatenate([[0], np.cumsum(blocks)]).astype(np.int64)
        flat = _map(folder / f"{name}.values", column.stored_dtype)
        expected = int(self._starts[-1]) * column.entry_size
        if len(flat) != expected:
            raise ValueError(f"{name}.values holds {len(flat):,} numbers, expected {expected:,}")
        self.values = flat.reshape(-1, *column.shape)
        """`(entries, *shape)`: those of all rows, memory-mapped."""

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> np.ndarray:
        """Returns a row, `(length, *shape)`, memory-mapped."""
        if not 0 <= row < len(self):
            raise IndexError(f"{self.name} has {len(self):,} rows, counted from 0. Received: {row}")
        block = row // self.STRIDE
        start = int(self._starts[block]) + int(self.lengths[block * self.STRIDE : row].sum(dtype=np.int64))
        return self.values[start : start + int(self.lengths[row])]


class _ColumnWriter:
    """Appends rows to `NAME.values` and their lengths to `NAME.lengths`."""

    def __init__(self, folder: Path, name: str, column: Column):
        self.name, self.column = name, column
        self._files = ExitStack()
        self._values = self._files.enter_context(open(folder / f"{name}.values", "wb"))
        self._lengths = self._files.enter_context(open(folder / f"{name}.lengths", "wb"))

    def add(self, rows: Sequence[Any]) -> None:
        try:
            values = self.column.pack(rows)
        except ValueError as error:
            raise ValueError(f"Column {self.name}: {error}") from error
        write_bytes(self._values, values.tobytes())
        write_bytes(self._lengths, np.fromiter(map(len, rows), "<u4", len(rows)).tobytes())

    def __enter__(self) -> _ColumnWriter:
        return self

    def __exit__(self, *_: Any) -> None:
        self._files.close()


def _write_description(folder: Path, rows: int, columns: Mapping[str, Column], metadata: Mapping[str, Any]) -> None:
    described = {name: {"dtype": column.dtype, "shape": column.shape} for name, column in columns.items()}
    values = {"format": FORMAT, "rows": rows, "columns": described, "metadata": dict(metadata)}
    (folder / "store.json").write_text(json.dumps(values), "utf-8")


def _read_description(folder: Path) -> tuple[int, dict[str, Column], dict[str, Any]]:
    """Returns the number of rows, the columns by name and the metadata of a store."""
    values = read_json(folder / "store.json")
    if values.get("format") != FORMAT:
        raise ValueError("another version of the toolkit wrote it")
    rows, described, metadata = values["rows"], values["columns"], values["metadata"]
    if type(rows) is not int or rows < 0 or not isinstance(metadata, dict):
        raise ValueError("store.json is damaged")
    if wrong := [name for name in described if not is_plain_name(name)]:
        raise ValueError(f"{wrong[0][:40]!r} cannot be the name of a column")
    columns = {name: Column(value["dtype"], tuple(value["shape"])) for name, value in described.items()}
    return rows, columns, metadata


def _map(path: Path, dtype: np.dtype) -> np.ndarray:
    """Returns the numbers of a file, `(numbers,)`, as a plain array over a memory map."""
    return np.asarray(np.memmap(path, dtype, "r")) if path.stat().st_size else np.zeros(0, dtype)


def _chunks(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
