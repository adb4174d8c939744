"""The columns of a table; cells to ids, stamps and numbers, with messages that name the place of a wrong one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.series.grid import TableError
from seq2seq.series.stamps import StampError, parse_stamps
from seq2seq.text.tables import did_you_mean

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Place = Callable[[int], str]
"""The place of a row, for messages."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
"""Cells, in lower case, that stand for a missing number."""
SINGLE = "series"
"""The id of the only series of a table without ids."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a table mean what."""

    id: str = "unique_id"
    """Of the names of the series. A table without the column `unique_id` is one series."""
    time: str = "ds"
    target: str | Sequence[str] = "y"
    """Several names are a wide table: a series for each, called by the column (and after the id, if there is one)."""
    covariates: Sequence[str] = ()
    """Numbers that change with time."""
    static: Sequence[str] = ()
    """Numbers or strings that are the same in all rows of a series."""

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,) if isinstance(self.target, str) else tuple(self.target)

    @property
    def needed(self) -> tuple[str, ...]:
        """All columns that must be there."""
        own = (self.id,) if self.id != Columns.id else ()
        return (*own, self.time, *self.targets, *self.covariates, *self.static)


def columns_of(entry: Mapping[str, Any]) -> Columns:
    """Returns the columns that stand in a file; an error of some kind where they are none."""
    if more := set(entry) - {field.name for field in dataclasses.fields(Columns)}:
        raise ValueError(f"unknown: {', '.join(sorted(more))}")
    target = entry["target"]
    return Columns(
        as_text(entry["id"]),
        as_text(entry["time"]),
        target if isinstance(target, str) else as_texts(target),
        as_texts(entry["covariates"]),
        as_texts(entry["static"]),
    )


def as_text(found: Any) -> str:
    """Returns what was found in a file; TypeError if it is no text."""
    if not isinstance(found, str):
        raise TypeError(f"expected text, received {found!r}"[:100])
    return found


def as_texts(found: Any) -> tuple[str, ...]:
    """Returns what was found in a file; TypeError if it is no list of texts."""
    if not isinstance(found, list):
        raise TypeError(f"expected a list, received {found!r}"[:100])
    return tuple(map(as_text, found))


class Numbers:
    """Names to numbers, in the order in which they first occur."""

    def __init__(self) -> None:
        self.found: dict[Any, int] = {}

    def of(self, names: Iterable[Any]) -> Integers:
        found = self.found
        return np.fromiter((found.setdefault(name, len(found)) for name in names), np.int64)


def is_single(columns: Columns, names: Sequence[str], place: str) -> bool:
    """Returns whether a table has no ids; raises TableError where the name of their column is misspelled."""
    if columns.id in names:
        return False
    others = [name for name in names if name not in columns.needed]
    if hint := did_you_mean(columns.id, others):
        raise TableError(
            f"{place}: there is no column {columns.id!r}. The columns are: {', '.join(names)[:300]}.{hint}", "columns"
        )
    return True


def check_columns(columns: Columns, names: Sequence[str], place: str) -> None:
    """Raises TableError for a column that is missing, and suggests the nearest name."""
    for name in columns.needed:
        if name not in names:
            hint = did_you_mean(name, names)
            raise TableError(
                f"{place}: there is no column {name!r}. The columns are: {', '.join(names)[:300]}.{hint}", "columns"
            )


def full_names(names: list[str] | None, target: str, wide: bool, size: int) -> Iterable[str]:
    """Returns the id of the series of each row, for one target column."""
    if names is None:
        return [target if wide else SINGLE] * size
    return [f"{name}/{target}" for name in names] if wide else names


def name_of(cell: Any, column: str, place: Place, row: int) -> str:
    """Returns a cell as the name of a series; raises TableError where it is none."""
    if isinstance(cell, bool | list | dict) or cell is None or cell == "" or cell != cell:
        raise TableError(f"{place(row)}: column {column!r} has no name of a series. Received: {shown(cell)}")
    return str(cell)


def plain(cell: Any, column: str, place: Place, row: int) -> Any:
    """Returns a cell of a static column; raises TableError for lists and the like."""
    try:
        hash(cell)
    except TypeError:
        raise TableError(
            f"{place(row)}: column {column!r}: expected a number or text. Received: {shown(cell)}"
        ) from None
    return cell


def stamps(cells: Sequence[Any], column: str, place: Place) -> tuple[Integers, Integers]:
    """Returns what `parse_stamps` does of cells; raises TableError where one is no stamp."""
    texts = []
    for row, cell in enumerate(cells):
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        if cell is None or isinstance(cell, bool | list | dict):
            raise TableError(f"{place(row)}: column {column!r}: expected a time stamp. Received: {shown(cell)}")
        texts.append(str(cell))
    try:
        return parse_stamps(texts)
    except StampError as error:
        raise TableError(f"{place(error.place)}: column {column!r}: {error}") from None


def floats(cells: Sequence[Any], column: str, place: Place) -> Floats:
    """Returns cells as numbers, NaN where they are missing."""
    try:
        found = np.fromiter(map(_float, cells), np.float64, len(cells))
    except (TypeError, ValueError):
        found = np.zeros(len(cells))
        for row, cell in enumerate(cells):
            try:
                _float(cell)
            except (TypeError, ValueError):
                hint = " Write numbers with a decimal point." if isinstance(cell, str) and "," in cell else ""
                raise TableError(
                    f"{place(row)}: column {column!r}: expected a number, or nothing where it is missing. "
                    f"Received: {shown(cell)}.{hint}"
                ) from None
    check_finite(found, column, place)
    return found


def _float(cell: Any) -> float:
    if isinstance(cell, str):
        try:
            number = float(cell)
        except ValueError:
            if cell.strip().lower() in MISSING:
                return math.nan
            raise
        if "_" in cell:
            raise ValueError(cell)
        return number
    if cell is None:
        return math.nan
    if isinstance(cell, bool):
        raise TypeError(cell)
    return float(cell)


def check_finite(values: Floats, column: str, place: Place) -> None:
    """Raises TableError for an infinite number."""
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise TableError(
            f"{place(row)}: column {column!r}: expected a finite number. Received: {values[row]}. "
            "Leave the cell empty where a value is missing."
        )


def shown(cell: Any) -> str:
    """Returns a cell for a message."""
    return repr(cell)[:80]


def place_in(path: Path, numbers: Integers) -> Place:
    """Returns the place of rows of a file, given their line numbers."""
    return lambda row: f"{path}:{numbers[row]}"
