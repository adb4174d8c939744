"""Frames of pandas, polars and pyarrow to rows, by narwhals; and Parquet files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.extras import MissingPackage, is_installed, require
from seq2seq.series import cells
from seq2seq.series.cells import Columns, Floats, Integers, Place
from seq2seq.series.grid import Rows, TableError
from seq2seq.series.stamps import NO_OFFSET, NUMBER

FRAMES = ("pandas", "polars", "pyarrow")


def new_frame(columns: Mapping[str, Any], like: Any = None) -> Any:
    """Returns columns as a frame of the kind of another one; without it, of the first kind that is installed.

    Raises:
        MissingPackage: narwhals, or all of `FRAMES`, are not installed.
    """
    require("narwhals")
    import narwhals as nw

    if like is not None:
        backend: Any = nw.from_native(like).implementation
    else:
        installed = [name for name in FRAMES if is_installed(name)]
        if not installed:
            raise MissingPackage(f"A frame needs one of the packages {', '.join(FRAMES)}. Install one of them.")
        backend = installed[0]
    return nw.from_dict(dict(columns), backend=backend).to_native()


def frame_rows(frame: Any, columns: Columns, prefix: str) -> Rows:
    """Returns the rows of a frame; a place is `prefix` and the number of the row, from 0."""
    import narwhals as nw

    try:
        data: Any = nw.from_native(frame)
    except TypeError:
        raise TableError(
            f"Expected a frame of pandas, polars or pyarrow. Received: {type(frame).__module__}.{type(frame).__name__}"
        ) from None
    data = data.collect() if isinstance(data, nw.LazyFrame) else data
    where = prefix.strip().rstrip(":")
    cells.check_columns(columns, data.columns, "The frame" if where == "row" else where)
    single = cells.is_single(columns, data.columns, "The frame")

    def place(row: int) -> str:
        return f"{prefix}{row}"

    size, targets = len(data), columns.targets
    if not size:
        raise TableError("The frame has no rows. Expected at least one reading.")
    walls, zones, time_zone = _frame_stamps(data[columns.time], columns.time, place)
    names = None
    if not single:
        names = [cells.name_of(cell, columns.id, place, row) for row, cell in enumerate(data[columns.id].to_list())]
    ids = cells.Numbers()
    codes = np.concatenate([ids.of(cells.full_names(names, target, len(targets) > 1, size)) for target in targets])
    times = len(targets)
    static = {}
    for name in columns.static:
        known = cells.Numbers()
        static[name] = (
            np.tile(
                known.of(cells.plain(cell, name, place, row) for row, cell in enumerate(data[name].to_list())), times
            ),
            list(known.found),
        )
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


def _frame_stamps(column: Any, name: str, place: Place) -> tuple[Integers, Integers, str]:
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
    walls, offsets = cells.stamps(column.to_list(), name, place)
    return walls, offsets, ""


def _frame_floats(column: Any, name: str, place: Place) -> Floats:
    import narwhals as nw

    if column.dtype.is_numeric():
        found = np.asarray(column.cast(nw.Float64).to_numpy(), np.float64)
        cells.check_finite(found, name, place)
        return found
    return cells.floats(column.to_list(), name, place)


def parquet_rows(path: Path, columns: Columns) -> Rows:
    """Returns the rows of a Parquet file; raises MissingPackage where the extra is not installed."""
    require("pyarrow", "narwhals")
    import pyarrow
    from pyarrow import parquet

    try:
        names = parquet.read_schema(path).names
        cells.check_columns(columns, names, str(path))
        frame = parquet.read_table(path, columns=[name for name in names if name in (columns.id, *columns.needed)])
    except FileNotFoundError:
        raise TableError(f"{path}: no such file.") from None
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, OSError) as error:
        raise TableError(f"{path} is not a readable Parquet file ({str(error).splitlines()[0][:200]}).") from None
    cells.is_single(columns, names, str(path))
    return frame_rows(frame, columns, f"{path}: row ")
