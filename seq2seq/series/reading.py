"""Files and frames to tables: CSV, JSON lines (rows, or the series of GluonTS), Parquet, pandas, polars, pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.extras import require
from seq2seq.series.cells import (
    Columns,
    Numbers,
    check_columns,
    floats,
    full_names,
    is_single,
    name_of,
    place_in,
    plain,
    stamps,
)
from seq2seq.series.frames import frame_rows, parquet_rows
from seq2seq.series.frequency import Frequency
from seq2seq.series.gluonts import gluonts_rows
from seq2seq.series.grid import Irregular, Rows, TableError, to_table
from seq2seq.series.table import SeriesTable
from seq2seq.text.json_text import json_lines
from seq2seq.text.opening import plain_name
from seq2seq.text.tables import csv_rows, named_tsv

Cells = tuple[int, Mapping[str, Any]]
"""The number of a line, and its cells by the names of their columns."""

READABLE = ".csv, .tsv, .jsonl, .json (an object per line) or .parquet"

_BLOCK = 1 << 16
"""Rows that are converted together."""


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
        return to_table(parquet_rows(path, columns), frequency, irregular, time_zone)
    if name.endswith((".jsonl", ".json", ".ndjson")):
        lines: Iterator[Cells] = json_lines(path)
        head = list(islice(lines, 1))
        lines = _again(head, lines)
        if head and "target" in head[0][1] and "start" in head[0][1]:
            rows = gluonts_rows(lines, path, frequency)
        else:
            if head:
                check_columns(columns, list(head[0][1]), f"{path}:{head[0][0]}")
            rows = _collect(lines, columns, path)
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
    return to_table(frame_rows(frame, columns, "row "), frequency, irregular, time_zone)


def _again(head: Sequence[Cells], rest: Iterator[Cells]) -> Iterator[Cells]:
    yield from head
    yield from rest


def _collect(cells: Iterator[Cells], columns: Columns, path: Path) -> Rows:
    """Converts rows block by block: in memory are flat arrays and the cells of one block."""
    targets = columns.targets
    ids = Numbers()
    statics = {name: Numbers() for name in columns.static}
    parts: dict[str, list[NDArray[Any]]] = {}
    single = False
    while block := list(islice(cells, _BLOCK)):
        numbers = np.asarray([number for number, _ in block], np.int64)
        place = place_in(path, numbers)
        rows = [row for _, row in block]
        if not parts:
            single = is_single(columns, list(rows[0]), place(0))
        walls, zones = stamps([row.get(columns.time) for row in rows], columns.time, place)
        names = None if single else [name_of(row.get(columns.id), columns.id, place, i) for i, row in enumerate(rows)]
        for target in targets:
            piece = {
                "codes": ids.of(full_names(names, target, len(targets) > 1, len(rows))),
                "walls": walls,
                "zones": zones,
                "lines": numbers,
                "values": floats([row.get(target) for row in rows], target, place),
                **{f"covariate {c}": floats([row.get(c) for row in rows], c, place) for c in columns.covariates},
                **{
                    f"static {s}": statics[s].of(plain(row.get(s), s, place, i) for i, row in enumerate(rows))
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
        place_in(path, whole["lines"]),
        {name: whole[f"covariate {name}"] for name in columns.covariates},
        {name: (whole[f"static {name}"], list(statics[name].found)) for name in statics},
        notes=(f"There is no column {columns.id}: took the table as one series.",)
        if single and len(targets) == 1
        else (),
    )
