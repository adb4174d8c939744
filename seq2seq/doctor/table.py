"""A look at a table of series: what is wrong, where, and what to do. Imports no framework.

The table is read as training reads it. What the reader refuses is an error, in the reader's words; the look goes on
behind it with the rows that are left.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.doctor.listed import ListedFinding, Listing, listed_lines, summary
from seq2seq.doctor.progress import ReportStage
from seq2seq.doctor.table_columns import look_at_covariates, look_for_daylight
from seq2seq.doctor.table_kinds import KINDS, OF_ROWS, OF_STEPS, UNCOUNTED
from seq2seq.doctor.table_looks import Grid, look_at_rows, look_at_series
from seq2seq.doctor.table_reading import read_rows
from seq2seq.doctor.table_rules import Rules, settle
from seq2seq.series.cells import Columns
from seq2seq.series.grid import Irregular
from seq2seq.series.stamps import zone
from seq2seq.series.table import SeriesTable, show_stamp


@dataclass(frozen=True)
class Asked:
    """How a table is to be read, and what for."""

    columns: Columns = Columns()
    frequency: str | None = None
    """An alias; None infers it."""
    irregular: Irregular = "error"
    time_zone: str = ""
    horizon: int | None = None
    """Steps that a forecast is for."""
    context: int = 0
    """Steps that it is made from; 0: not known."""


@dataclass
class TableReport:
    """All findings and figures of a table."""

    table: str
    rows: int
    series: int
    frequency: str
    """Empty where there is none."""
    inferred: bool
    """Whether the frequency was inferred."""
    time_zone: str
    first: str
    last: str
    """The first and the last stamp of all."""
    lengths: tuple[int, int, int]
    """Steps of the shortest series, the median and the longest."""
    observed: float
    """Share of the steps that have a value."""
    values: tuple[float, float, float]
    """Minimum, median and maximum of the target."""
    counts: bool
    """Whether the target is whole numbers from 0 on."""
    covariates: list[str]
    static: list[str]
    notes: list[str]
    """What the reader decided."""
    findings: list[ListedFinding]
    """The gravest first."""
    took: float = 0.0
    """Seconds of examining."""

    @property
    def refused(self) -> bool:
        """Whether training would refuse the table."""
        return any(finding.severity == "error" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Returns the report for JSON."""
        return {**asdict(self), "refused": self.refused}


def examine(path: Path, asked: Asked, progress: ReportStage) -> TableReport:
    """Examines a table; `series.reading.read_table` says which forms it may have.

    Raises:
        ValueError: there is no such file, or the frequency or the time zone is unknown.
    """
    begin = time.monotonic()
    rules = Rules.of(asked.frequency, asked.irregular, asked.time_zone)
    if asked.time_zone:
        zone(asked.time_zone)
    found = Listing(KINDS)
    progress("reading", 0.0)
    read = read_rows(path, asked.columns, asked.frequency, found)
    size = (read.left_out, 0)
    table: SeriesTable | None = None
    if read.rows is not None:
        size = (read.left_out + len(read.rows.codes), len(read.rows.ids))
        progress("putting rows in order", 0.0)
        look_at_rows(read.rows, found)
        settled = settle(read.rows, rules, found)
        read, table = replace(read, rows=None), settled.table
        if table is not None and len(table):
            # The table holds their values: without them there is room for another order of the rows.
            rows = replace(settled.rows, values=np.zeros(0), covariates={}, static={})
            repeated, zone_name = settled.repeated, settled.rules.time_zone
            del settled
            grid = Grid.of(table, rows, zone_name)
            look_for_daylight(grid, repeated, found)
            look_at_series(grid, asked.horizon or 1, asked.context, found, progress)
            look_at_covariates(table, asked.horizon, found)
    return replace(_report(path, asked, read.columns, size, table, found), took=time.monotonic() - begin)


def _report(
    path: Path, asked: Asked, columns: Columns, size: tuple[int, int], table: SeriesTable | None, found: Listing
) -> TableReport:
    """Returns the report on a table with `size` rows and series; `table` is None where its rows make none."""
    count, series = size
    values = np.zeros(0) if table is None else table.values[table.observed]
    totals: dict[str, int | None] = {
        **dict.fromkeys(OF_ROWS, count),
        **dict.fromkeys(OF_STEPS, len(values)),
        **dict.fromkeys(UNCOUNTED),
    }
    report = TableReport(
        table=str(path),
        rows=count,
        series=series,
        frequency="",
        inferred=not asked.frequency,
        time_zone="",
        first="",
        last="",
        lengths=(0, 0, 0),
        observed=0.0,
        values=(0.0, 0.0, 0.0),
        counts=False,
        covariates=list(columns.covariates),
        static=list(columns.static),
        notes=[],
        findings=found.findings(totals, series),
    )
    if table is None or not len(table):
        return report
    lengths, unit = table.lengths, table.frequency.unit
    last = max(int(table[number].times[-1].astype(np.int64)) for number in _longest_ends(table))
    return replace(
        report,
        frequency=str(table.frequency),
        time_zone=table.time_zone,
        first=show_stamp(int(table.starts.min()), unit),
        last=show_stamp(last, unit),
        lengths=(int(lengths.min()), int(np.median(lengths)), int(lengths.max())),
        observed=float(table.observed.mean()),
        values=(float(values.min()), float(np.median(values)), float(values.max())) if len(values) else (0.0, 0.0, 0.0),
        counts=bool(len(values) and values.min() >= 0 and (values == np.floor(values)).all()),
        covariates=list(table.covariates),
        static=list(table.static),
        notes=list(table.notes),
    )


def _longest_ends(table: SeriesTable) -> Iterator[int]:
    """Yields the series that may end last."""
    if table.stamps is not None:
        yield from range(len(table))
        return
    ends = table.frequency.stamps(table.starts, table.lengths - 1)
    yield int(ends.argmax())


def as_text(report: TableReport) -> str:
    """Returns the report in lines."""
    return "\n".join(_lines(report))


def _lines(report: TableReport) -> Iterator[str]:
    yield f"{report.rows:,} rows, {report.series:,} series: {report.table}"
    yield summary(report.findings, "table")
    yield ""
    yield from listed_lines(report.findings)
    yield ""
    if report.frequency:
        zone_name = f", time zone {report.time_zone}" if report.time_zone else ""
        yield f"frequency {report.frequency} ({'inferred' if report.inferred else 'given'}){zone_name}"
        yield f"time      {report.first} to {report.last}"
        shortest, median, longest = report.lengths
        full = f"{100 * report.observed:.1f} % with a value"
        yield f"length    {shortest:,} to {longest:,} steps (median {median:,}), {full}"
        least, middle, most = report.values
        counts = ", whole numbers from 0 on" if report.counts else ""
        yield f"values    {least:.6g} to {most:.6g} (median {middle:.6g}){counts}"
    for name, columns in (("covariates", report.covariates), ("static", report.static)):
        if columns:
            yield f"{name:<9} {', '.join(columns)}"
    yield from (f"read as   {note}" for note in report.notes)
    yield f"{report.took:.1f} s"
