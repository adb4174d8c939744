"""Files and frames to tables: CSV, JSON lines (rows, or the series of GluonTS), Parquet, pandas, polars, pyarrow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.extras import require
from seq2seq.series.frequency import Frequency
from seq2seq.series.grid import Irregular, Rows, TableError, to_table
from seq2seq.series.stamps import NO_OFFSET, NUMBER, StampError, parse_stamps
from seq2seq.series.table import SeriesTable
from seq2seq.text.json_text import json_lines
from seq2seq.text.opening import plain_name
from seq2seq.text.tables import csv_rows, did_you_mean, named_tsv

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Cells = tuple[int, Mapping[str, Any]]
"""The number of a line, and its cells by the names of their columns."""

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
"""Cells, in lower case, that stand for a missing number."""
SINGLE = "series"
"""The id of the only series of a table without ids."""
READABLE = ".csv, .tsv, .jsonl, .json (an object per line) or .parquet"

_BLOCK = 1 << 16
"""Rows that are converted together."""


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


def read_table(
    path: Path | str,
    columns: Columns = Columns(),
    frequency: str | Frequency | None = None,
    irregular: Irregular = "error",
    time_zone: str = "",
) -> SeriesTable:
    """Returns the series of a file; `grid.to_table` states the rules for stamps.

    A number that is empty, NaN, NA or null is missing. Numbers have a decimal point.

    Args:
        path: CSV, TSV, JSON lines (each also compressed) or Parquet. Lines with `start` and `target` are series of
            GluonTS, with `item_id`, `feat_dynamic_real`, `feat_static_cat`, `feat_static_real`.
        columns: Not used for GluonTS.
        frequency: An alias; None infers it. GluonTS files do not hold it.
        irregular: What to do with stamps that are not on the grid.
        time_zone: IANA name of the zone of stamps without an offset.

    Raises:
        ValueError: the file has an error; the message names the file and the line.
    """
    path = Path(path)
    name = plain_name(path)
    if name.endswith(".parquet"):
        return to_table(_parquet(path, columns), frequency, irregular, time_zone)
    if name.endswith((".jsonl", ".json", ".ndjson")):
        cells: Iterator[Cells] = json_lines(path)
        head = list(islice(cells, 1))
        cells = _again(head, cells)
        if head and "target" in head[0][1] and "start" in head[0][1]:
            rows = _gluonts(cells, path, frequency)
        else:
            if head:
                _check_columns(columns, list(head[0][1]), f"{path}:{head[0][0]}")
            rows = _collect(cells, columns, path)
    elif name.endswith(".csv"):
        rows = _collect(csv_rows(path, columns.needed), columns, path)
    elif name.endswith((".tsv", ".tab")):
        rows = _collect(named_tsv(path, columns.needed), columns, path)
    else:
        raise TableError(f"{path}: expected a table as {READABLE}.")
    return to_table(rows, frequency, irregular, time_zone)


def from_frame(
    frame: Any,
    columns: Columns = Columns(),
    frequency: str | Frequency | None = None,
    irregular: Irregular = "error",
    time_zone: str = "",
) -> SeriesTable:
    """Returns the series of a pandas, polars or pyarrow frame, by the rules of `read_table`.

    Raises:
        MissingPackage: narwhals is not installed.
        ValueError: the frame has an error; the message names the row, from 0.
    """
    require("narwhals")
    return to_table(_frame_rows(frame, columns, "row "), frequency, irregular, time_zone)


class _Numbers:
    """Names to numbers, in the order in which they first occur."""

    def __init__(self) -> None:
        self.found: dict[Any, int] = {}

    def of(self, names: Iterable[Any]) -> Integers:
        found = self.found
        return np.fromiter((found.setdefault(name, len(found)) for name in names), np.int64)


def _again(head: Sequence[Cells], rest: Iterator[Cells]) -> Iterator[Cells]:
    yield from head
    yield from rest


def _collect(cells: Iterator[Cells], columns: Columns, path: Path) -> Rows:
    """Converts rows block by block: in memory are flat arrays and the cells of one block."""
    targets = columns.targets
    ids = _Numbers()
    statics = {name: _Numbers() for name in columns.static}
    parts: dict[str, list[NDArray[Any]]] = {}
    single = False
    while block := list(islice(cells, _BLOCK)):
        numbers = np.asarray([number for number, _ in block], np.int64)
        place = _place_in(path, numbers)
        rows = [row for _, row in block]
        if not parts:
            single = _is_single(columns, list(rows[0]), place(0))
        walls, zones = _stamps([row.get(columns.time) for row in rows], columns.time, place)
        names = None if single else [_name(row.get(columns.id), columns.id, place, i) for i, row in enumerate(rows)]
        for target in targets:
            piece = {
                "codes": ids.of(_full_names(names, target, len(targets) > 1, len(rows))),
                "walls": walls,
                "zones": zones,
                "lines": numbers,
                "values": _floats([row.get(target) for row in rows], target, place),
                **{f"covariate {c}": _floats([row.get(c) for row in rows], c, place) for c in columns.covariates},
                **{
                    f"static {s}": statics[s].of(_plain(row.get(s), s, place, i) for i, row in enumerate(rows))
                    for s in statics
                },
            }
            for key, array in piece.items():
                parts.setdefault(key, []).append(array)
    if not parts:
        raise TableError(f"{path} has no rows. Expected at least one reading.")
    whole = {key: np.concatenate(parts.pop(key)) for key in list(parts)}
    return Rows(
        list(ids.found),
        whole["codes"],
        whole["walls"],
        whole["zones"],
        whole["values"],
        _place_in(path, whole["lines"]),
        {name: whole[f"covariate {name}"] for name in columns.covariates},
        {name: (whole[f"static {name}"], list(statics[name].found)) for name in statics},
        notes=(f"There is no column {columns.id}: took the table as one series.",)
        if single and len(targets) == 1
        else (),
    )


def _place_in(path: Path, numbers: Integers) -> Callable[[int], str]:
    return lambda row: f"{path}:{numbers[row]}"


def _is_single(columns: Columns, names: Sequence[str], place: str) -> bool:
    """Returns whether a table has no ids; raises TableError where the name of their column is misspelled."""
    if columns.id in names:
        return False
    others = [name for name in names if name not in columns.needed]
    if hint := did_you_mean(columns.id, others):
        raise TableError(
            f"{place}: there is no column {columns.id!r}. The columns are: {', '.join(names)[:300]}.{hint}"
        )
    return True


def _check_columns(columns: Columns, names: Sequence[str], place: str) -> None:
    for name in columns.needed:
        if name not in names:
            hint = did_you_mean(name, names)
            raise TableError(f"{place}: there is no column {name!r}. The columns are: {', '.join(names)[:300]}.{hint}")


def _full_names(names: list[str] | None, target: str, wide: bool, size: int) -> Iterable[str]:
    if names is None:
        return [target if wide else SINGLE] * size
    return [f"{name}/{target}" for name in names] if wide else names


def _name(cell: Any, column: str, place: Callable[[int], str], row: int) -> str:
    if isinstance(cell, bool | list | dict) or cell is None or cell == "" or cell != cell:
        raise TableError(f"{place(row)}: column {column!r} has no name of a series. Received: {_show(cell)}")
    return str(cell)


def _plain(cell: Any, column: str, place: Callable[[int], str], row: int) -> Any:
    if isinstance(cell, list | dict):
        raise TableError(f"{place(row)}: column {column!r}: expected a number or text. Received: {_show(cell)}")
    return cell


def _stamps(cells: Sequence[Any], column: str, place: Callable[[int], str]) -> tuple[Integers, Integers]:
    texts = []
    for row, cell in enumerate(cells):
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        if cell is None or isinstance(cell, bool | list | dict):
            raise TableError(f"{place(row)}: column {column!r}: expected a time stamp. Received: {_show(cell)}")
        texts.append(str(cell))
    try:
        return parse_stamps(texts)
    except StampError as error:
        raise TableError(f"{place(error.place)}: column {column!r}: {error}") from None


def _floats(cells: Sequence[Any], column: str, place: Callable[[int], str]) -> Floats:
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
                    f"Received: {_show(cell)}.{hint}"
                ) from None
    _check_finite(found, column, place)
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


def _check_finite(values: Floats, column: str, place: Callable[[int], str]) -> None:
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise TableError(
            f"{place(row)}: column {column!r}: expected a finite number. Received: {values[row]}. "
            "Leave the cell empty where a value is missing."
        )


def _show(cell: Any) -> str:
    return repr(cell)[:80]


def _gluonts(cells: Iterator[Cells], path: Path, frequency: str | Frequency | None) -> Rows:
    """Reads a series per line. Steps that only the covariates have, behind the end of the target, are its future."""
    if frequency is None:
        raise TableError(f"{path}: series of GluonTS do not hold their frequency. Give it, for instance as h or D.")
    from seq2seq.series.frequency import parse_frequency

    spacing = parse_frequency(frequency) if isinstance(frequency, str) else frequency
    walls, zones, values, lines, lengths, ids = [], [], [], [], [], []
    dynamic: dict[str, list[Floats]] = {}
    static: dict[str, list[Any]] = {}
    shapes: tuple[int, int, int] | None = None
    for number, row in cells:
        where = f"{path}:{number}"
        target = _target(row.get("target"), "target", where)
        real = [_target(one, "feat_dynamic_real", where) for one in row.get("feat_dynamic_real") or []]
        plain = {
            f"{kind}_{i}": value
            for kind in ("feat_static_cat", "feat_static_real")
            for i, value in enumerate(row.get(kind) or [])
        }
        shape = (len(real), len(row.get("feat_static_cat") or []), len(row.get("feat_static_real") or []))
        shapes = shapes or shape
        if shape != shapes:
            raise TableError(
                f"{where}: {shape[0]} dynamic and {shape[1]} + {shape[2]} static features; the first line has "
                f"{shapes[0]} and {shapes[1]} + {shapes[2]}. Expected equally many in all series."
            )
        length = max([len(target), *map(len, real)])
        if any(len(one) < len(target) for one in real):
            raise TableError(
                f"{where}: feat_dynamic_real has {min(map(len, real))} steps, target {len(target)}. Expected as many."
            )
        if not length:
            raise TableError(f"{where}: target is empty. Expected at least one value.")
        wall, offset = _stamps([row.get("start")], "start", lambda _, where=where: where)  # type: ignore[misc]
        walls.append(spacing.stamps(int(wall[0]), np.arange(length)))
        zones.append(np.full(length, offset[0]))
        values.append(_longer(target, length))
        lines.append(np.full(length, number))
        lengths.append(length)
        ids.append(str(row.get("item_id", f"{SINGLE}_{number}")))
        for i, one in enumerate(real):
            dynamic.setdefault(f"feat_dynamic_real_{i}", []).append(_longer(one, length))
        for name, value in plain.items():
            static.setdefault(name, []).append(_plain(value, name, lambda _, where=where: where, 0))  # type: ignore[misc]
    if not ids:
        raise TableError(f"{path} has no rows. Expected at least one series.")
    codes = np.repeat(np.arange(len(ids)), lengths)
    if len(set(ids)) < len(ids):
        double = next(i for i, name in enumerate(ids) if name in ids[:i])
        raise TableError(f"{path}: two series have the item_id {ids[double]!r}. Expected one line for each.")
    return Rows(
        ids,
        codes,
        np.concatenate(walls),
        np.concatenate(zones),
        np.concatenate(values),
        _place_in(path, np.concatenate(lines)),
        {name: np.concatenate(parts) for name, parts in dynamic.items()},
        {name: (codes, each) for name, each in static.items()},
    )


def _target(cells: Any, name: str, where: str) -> Floats:
    if not isinstance(cells, list) or (cells and isinstance(cells[0], list)):
        what = "a list of lists" if isinstance(cells, list) else _show(cells)
        raise TableError(f"{where}: {name}: expected a list of numbers. Received: {what}")
    return _floats(cells, name, lambda _: where)


def _longer(values: Floats, length: int) -> Floats:
    return np.concatenate([values, np.full(length - len(values), np.nan)])


def _parquet(path: Path, columns: Columns) -> Rows:
    require("pyarrow", "narwhals")
    import pyarrow
    from pyarrow import parquet

    try:
        names = parquet.read_schema(path).names
        _check_columns(columns, names, str(path))
        frame = parquet.read_table(path, columns=[name for name in names if name in (columns.id, *columns.needed)])
    except FileNotFoundError:
        raise TableError(f"{path}: no such file.") from None
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, OSError) as error:
        raise TableError(f"{path} is not a readable Parquet file ({str(error).splitlines()[0][:200]}).") from None
    _is_single(columns, names, str(path))
    return _frame_rows(frame, columns, f"{path}: row ")


def _frame_rows(frame: Any, columns: Columns, prefix: str) -> Rows:
    import narwhals as nw

    try:
        data: Any = nw.from_native(frame)
    except TypeError:
        raise TableError(
            f"Expected a frame of pandas, polars or pyarrow. Received: {type(frame).__module__}.{type(frame).__name__}"
        ) from None
    data = data.collect() if isinstance(data, nw.LazyFrame) else data
    where = prefix.strip().rstrip(":")
    _check_columns(columns, data.columns, "The frame" if where == "row" else where)
    single = _is_single(columns, data.columns, "The frame")

    def place(row: int) -> str:
        return f"{prefix}{row}"

    size, targets = len(data), columns.targets
    if not size:
        raise TableError("The frame has no rows. Expected at least one reading.")
    walls, zones, time_zone = _frame_stamps(data[columns.time], columns.time, place)
    names = None
    if not single:
        names = [_name(cell, columns.id, place, row) for row, cell in enumerate(data[columns.id].to_list())]
    ids = _Numbers()
    codes = np.concatenate([ids.of(_full_names(names, target, len(targets) > 1, size)) for target in targets])
    times = len(targets)
    static = {}
    for name in columns.static:
        known = _Numbers()
        static[name] = (np.tile(known.of(data[name].to_list()), times), list(known.found))
    return Rows(
        list(ids.found),
        codes,
        np.tile(walls, times),
        np.tile(zones, times),
        np.concatenate([_frame_floats(data[target], target, place) for target in targets]),
        lambda row: place(row % size),
        {name: np.tile(_frame_floats(data[name], name, place), times) for name in columns.covariates},
        static,
        time_zone,
        (f"There is no column {columns.id}: took the table as one series.",) if single and times == 1 else (),
    )


def _frame_stamps(column: Any, name: str, place: Callable[[int], str]) -> tuple[Integers, Integers, str]:
    import narwhals as nw

    kind = column.dtype
    if (missing := column.is_null().to_numpy()).any():
        raise TableError(f"{place(int(missing.argmax()))}: column {name!r}: expected a time stamp. Received: nothing")
    if kind == nw.Datetime or kind == nw.Date:
        zone = getattr(kind, "time_zone", None)
        if zone:
            local = column.dt.replace_time_zone(None).to_numpy()
            instants = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).to_numpy()
            walls, utc = (one.astype("datetime64[us]").astype(np.int64) for one in (local, instants))
            offsets = walls - utc
            if len(np.unique(offsets)) > 2:  # a zone whose rules changed: its name says that it is one
                walls, offsets = utc, np.zeros_like(utc)
            return walls, offsets, zone
        stamps = np.asarray(column.cast(nw.Datetime("us")).to_numpy()).astype("datetime64[us]").astype(np.int64)
        return stamps, np.full(len(stamps), NO_OFFSET), ""
    if kind.is_integer():
        numbers = column.to_numpy().astype(np.int64)
        return numbers, np.full(len(numbers), NUMBER), ""
    walls, offsets = _stamps([str(cell) for cell in column.to_list()], name, place)
    return walls, offsets, ""


def _frame_floats(column: Any, name: str, place: Callable[[int], str]) -> Floats:
    import narwhals as nw

    if column.dtype.is_numeric():
        found = np.asarray(column.cast(nw.Float64).to_numpy(), np.float64)
        _check_finite(found, name, place)
        return found
    return _floats(column.to_list(), name, place)
