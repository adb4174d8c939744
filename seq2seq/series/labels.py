"""Labels of anomalies: a table of their windows, or a column of the readings' table that is 1 within them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.series import cells
from seq2seq.series.grid import TableError
from seq2seq.series.stamps import NO_OFFSET, NUMBER, to_utc
from seq2seq.series.streams import Stream
from seq2seq.series.table import Integers, SeriesTable
from seq2seq.text.json_text import json_lines
from seq2seq.text.opening import plain_name
from seq2seq.text.tables import csv_rows, did_you_mean, named_tsv

Span = tuple[int, int]
"""The first and the last row of an anomaly."""
START, END = "start", "end"
"""Columns of a table of windows, as `detect` writes its alarms; both stamps belong to the window."""


def read_windows(path: Path, streams: Sequence[Stream], id_column: str, time_zone: str = "") -> list[list[Span]]:
    """Returns the windows of each stream in order, those that overlap as one; an empty list where it has none.

    Args:
        path: CSV, TSV or JSON lines with the columns `start` and `end`, and that of the ids unless there is one stream.
        streams: The readings.
        id_column: Its name.
        time_zone: IANA name of the zone of stamps without an offset, where those of the readings are of a zone.

    Raises:
        ValueError: the file has an error, names an unknown series, or a window without a reading; with the line.
    """
    numbers = {stream.id: number for number, stream in enumerate(streams)}
    found: list[list[Span]] = [[] for _ in streams]
    for line, row in _rows(path):
        place = f"{path}:{line}"
        stream = streams[_number(row, numbers, id_column, place)]
        first, last = (_moment(row[name], name, stream, time_zone, place) for name in (START, END))
        if last < first:
            raise TableError(
                f"{place}: expected an end that is not before its start. Received: {row[START]}, {row[END]}"
            )
        inside = np.flatnonzero((_counted(stream) >= first) & (_counted(stream) <= last))
        if not inside.size:
            raise TableError(
                f"{place}: series {stream.id!r} has no reading from {row[START]} to {row[END]}. Expected windows of "
                "the readings."
            )
        found[numbers[stream.id]].append((int(inside[0]), int(inside[-1])))
    return [joined_spans(spans) for spans in found]


def windows_of_column(table: SeriesTable, column: str) -> list[list[Span]]:
    """Returns the windows of each series of a table: runs of rows whose label is above 0.

    A row without a label between two of a window belongs to it.

    Raises:
        TableError: a label is not from 0 to 1.
    """
    labels = table.covariates[column]
    known = np.isfinite(labels)
    if (wrong := known & ((labels < 0) | (labels > 1))).any():
        raise TableError(f"Column {column!r}: expected labels of 0 and 1. Received: {labels[int(wrong.argmax())]:g}")
    found = []
    for series in table:
        own = series.covariates[column]
        rows = np.flatnonzero(np.isfinite(own))
        edges = np.diff(np.concatenate([[0], own[rows] > 0, [0]]).astype(np.int8))
        starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
        found.append([(int(rows[first]), int(rows[last])) for first, last in zip(starts, ends, strict=True)])
    return found


def joined_spans(spans: Sequence[Span]) -> list[Span]:
    """Returns windows in order, those that overlap as one."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    name = plain_name(path)
    if name.endswith(".csv"):
        yield from csv_rows(path, (START, END))
    elif name.endswith((".tsv", ".tab")):
        yield from named_tsv(path, (START, END))
    elif name.endswith((".jsonl", ".json", ".ndjson")):
        for line, row in json_lines(path):
            for column in (START, END):
                if column not in row:
                    raise TableError(f"{path}:{line}: there is no {column!r}. Expected start and end of a window.")
            yield line, row
    else:
        raise TableError(f"{path}: expected windows as .csv, .tsv or .jsonl.")


def _number(row: Mapping[str, Any], numbers: Mapping[str, int], column: str, place: str) -> int:
    if column not in row:
        if len(numbers) == 1:
            return 0
        raise TableError(f"{place}: there is no column {column!r}, which names the series. It has: {', '.join(row)}")
    name = cells.name_of(row[column], column, lambda _: place, 0)
    if name not in numbers:
        raise TableError(f"{place}: the readings have no series {name!r}.{did_you_mean(name, numbers)}")
    return numbers[name]


def _moment(cell: Any, column: str, stream: Stream, time_zone: str, place: str) -> int:
    """Returns a stamp, counted as those of the readings."""
    walls, zones = cells.stamps([cell], column, lambda _: place)
    wall, offset = int(walls[0]), int(zones[0])
    counts = stream.times.dtype.kind != "M"
    if counts != (offset == NUMBER):
        kind = "a whole number" if counts else "a time"
        raise TableError(
            f"{place}: column {column!r}: expected {kind}, as in the readings. Received: {cells.shown(cell)}"
        )
    if not stream.utc:
        return wall
    if offset != NO_OFFSET:
        return wall - offset
    if not time_zone:
        raise TableError(
            f"{place}: column {column!r}: expected a stamp with its offset from UTC, as in the readings. Received: "
            f"{cells.shown(cell)}"
        )
    return int(to_utc(walls, time_zone, np.zeros(1, np.bool_))[0])


def _counted(stream: Stream) -> Integers:
    times = stream.times
    return np.asarray(times.astype("datetime64[us]").astype(np.int64) if times.dtype.kind == "M" else times, np.int64)
