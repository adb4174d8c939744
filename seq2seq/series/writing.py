"""Tables to CSV, as `reading.read_table` takes them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from seq2seq.files import output_file
from seq2seq.series.cells import Columns
from seq2seq.series.frequency import DAY
from seq2seq.series.table import CALENDAR, Series, SeriesTable


def write_table(table: SeriesTable, path: Path | str, columns: Columns = Columns()) -> None:
    """Writes a table as CSV: a row for each step of each series, in order; a missing value is an empty cell.

    Stamps of a table with a time zone that counts instants end in `+00:00`. Numbers keep every bit.

    Args:
        table: The series.
        path: A new file, or one to replace; it appears when it is complete.
        columns: The names of id, time and target; covariates and static columns are those of the table.
    """
    end = "+00:00" if table.time_zone and table.frequency.unit not in CALENDAR else ""
    with output_file(path) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([columns.id, columns.time, *columns.targets, *table.covariates, *table.static])
        for series in table:
            stamps = _stamps(series)
            own = [_shown(value) for value in series.static.values()]
            beside = [[_shown(value) for value in column.tolist()] for column in series.covariates.values()]
            values = zip(series.values.tolist(), series.observed.tolist(), strict=True)
            for step, (value, observed) in enumerate(values):
                cells = [_shown(value) if observed else "", *(column[step] for column in beside)]
                writer.writerow([series.id, stamps[step] + end, *cells, *own])


def _stamps(series: Series) -> list[str]:
    """Returns the stamps as people write them: dates where the frequency is of days and longer."""
    times = series.times
    if series.frequency.unit == "step":
        return [str(step) for step in times.tolist()]
    counted = times.astype(np.int64)
    if series.frequency.unit in CALENDAR and not (counted % DAY).any():
        return np.datetime_as_string(times, "D").tolist()
    texts = np.datetime_as_string(times, "us" if (counted % 1_000_000).any() else "s")
    return [text.replace("T", " ") for text in texts.tolist()]


def _shown(value: float | str) -> str:
    """Returns the shortest text of a number; empty for NaN."""
    if isinstance(value, str):
        return value
    return "" if value != value else repr(value).removesuffix(".0")
