"""`seq2seq detect RUN --follow`: rows of CSV on standard input, an answer to each at once."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

import numpy as np

from seq2seq.cli.text_io import STANDARD_INPUT, input_lines
from seq2seq.messages import say

if TYPE_CHECKING:
    from seq2seq.inference.anomalies import AnomalyDetector, AnomalyStream
    from seq2seq.series.cells import Columns


def follow(detector: AnomalyDetector, threshold: float, frequency: str, stream: TextIO, as_json: bool) -> None:
    """Answers each row: id, stamp, reading, score, and whether an alarm is open.

    Each series is a stream of its own, in constant time and memory; a new name begins one. A row that is wrong is named
    on standard error and left out.

    Raises:
        TableError: the header lacks a column.
    """
    from seq2seq.cli.detect import row_writer
    from seq2seq.series.frequency import parse_frequency
    from seq2seq.series.results import shortened

    columns = detector.codec.columns
    given = frequency or detector.codec.frequency
    day = detector.codec.day_of(parse_frequency(given) if given else None)
    if not given and not day:
        say("The run does not say how far readings are apart: --frequency F lets it compare days.")
    streams: dict[str, AnomalyStream] = {}
    write = row_writer((columns.id, columns.time, "y", "score", "alarm"), stream, as_json)
    stream.flush()
    for name, stamp, value in _readings(columns):
        if name not in streams:
            streams[name] = detector.stream(threshold=threshold, day=day)
        answer = streams[name].push(value, stamp)
        shown = answer.alarm if as_json else int(answer.alarm)
        score = float(shortened(np.asarray(answer.score)))
        write([name, stamp, None if math.isnan(value) else value, score, shown])
        stream.flush()


def _readings(columns: Columns) -> Iterator[tuple[str, str, float]]:
    """Yields name, stamp and value of each reading; of a wide table several of each row."""
    from seq2seq.series import cells
    from seq2seq.series.grid import TableError

    lines, _ = input_lines(None)
    names: list[str] = []
    single = False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{STANDARD_INPUT}:{number}"
        if not names:
            names = [cell.strip() for cell in _cells(line, place)]
            cells.check_columns(columns, names, place)
            single = cells.is_single(columns, names, place)
            continue
        try:
            found = _cells(line, place)
            if len(found) != len(names):
                raise TableError(f"{place}: expected {len(names)} columns, as in the header. Received: {len(found)}.")
            readings = list(_row(dict(zip(names, found, strict=True)), columns, single, place))
        except TableError as error:
            say(f"{error} The row is left out.")
            continue
        yield from readings


def _cells(line: str, place: str) -> list[str]:
    from seq2seq.series.grid import TableError

    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise TableError(f"{place}: not a row of CSV ({error}).") from None


def _row(row: dict[str, str], columns: Columns, single: bool, place: str) -> Iterator[tuple[str, str, float]]:
    """Yields the readings of a row; TableError where a cell is wrong."""
    from seq2seq.series import cells

    def where(_: int) -> str:
        return place

    stamp = row[columns.time]
    cells.stamps([stamp], columns.time, where)
    own = None if single else [cells.name_of(row[columns.id], columns.id, where, 0)]
    for target in columns.targets:
        value = float(cells.floats([row[target]], target, where)[0])
        name = next(iter(cells.full_names(own, target, len(columns.targets) > 1, 1)))
        yield name, stamp, value
