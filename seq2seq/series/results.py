"""Forecasts to tables: rows with Nixtla's names of columns, and as the user's kind of frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seq2seq.extras import MissingPackage, is_installed, require
from seq2seq.series.cells import Columns
from seq2seq.series.forecast import Forecast, interval_levels
from seq2seq.series.frequency import DAY, MICROSECONDS, Frequency
from seq2seq.series.grid import Irregular
from seq2seq.series.reading import from_frame, read_table
from seq2seq.series.stamps import to_utc, to_wall
from seq2seq.series.table import CALENDAR, Floats, Integers, SeriesTable
from seq2seq.series.windows import Windows, cut_windows

LEVELS = (80.0, 95.0)
"""Intervals that are written unless others are asked for, in percent."""
NAME = "forecast"
"""The column of expected values, and what those of intervals begin with."""
CUTOFF = "cutoff"

_SHORT = 1e7
"""From here on float32 has no decimals, and numbers are written in full."""
_FRAMES = ("pandas", "polars", "pyarrow")


@dataclass(frozen=True)
class Results:
    """Rows of a long table: all steps of the first window, then those of the next."""

    columns: Columns
    ids: Sequence[str]
    codes: Integers
    """`(rows,)`: the number of the series, whose name is in `ids`."""
    stamps: Integers
    """`(rows,)`: counted as those of the table."""
    cutoffs: Integers | None
    """`(rows,)`: the last stamp before the window's cut; None where the forecast is of the future."""
    values: Mapping[str, Floats]
    """`(rows,)` by the name of their column; only actual values may be NaN, where they are missing."""
    frequency: Frequency
    time_zone: str = ""
    """As in `SeriesTable`."""
    clock: Literal["D", "s", "us"] = "s"
    """How fine stamps are written: the same for all rows of a table."""

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def names(self) -> tuple[str, ...]:
        """All columns in their order."""
        cutoff = () if self.cutoffs is None else (CUTOFF,)
        return (self.columns.id, self.columns.time, *cutoff, *self.values)

    def texts(self, stamps: Integers) -> list[str | int]:
        """Returns stamps as text, with their offset from UTC where the zone is known; whole numbers stay such."""
        if self.frequency.unit == "step":
            return list(stamps.tolist())
        # Many series have the same stamps: each is written once.
        different, place = np.unique(stamps, return_inverse=True)
        instants = self.instants(different)
        walls = to_wall(instants, self.time_zone) if self.has_offset else different
        unit = "s" if self.clock == "D" and self.has_offset else self.clock
        times = np.datetime_as_string(walls.astype("datetime64[us]"), unit=unit)
        texts = [str(time).replace("T", " ") for time in times]
        if self.has_offset:
            offsets = (walls - instants).tolist()
            texts = [text + _offset(offset) for text, offset in zip(texts, offsets, strict=True)]
        return [texts[one] for one in place]

    def instants(self, stamps: Integers) -> Integers:
        """Returns stamps in microseconds of UTC; a wall clock of no known zone, and whole numbers, as they are."""
        if self.time_zone and self.frequency.unit in CALENDAR:
            return to_utc(stamps, self.time_zone, np.zeros(len(stamps), bool))
        return stamps

    @property
    def has_offset(self) -> bool:
        # Days that came with offsets and no name of a zone are of "UTC", and their dates are those of another clock.
        return bool(self.time_zone) and not (self.time_zone == "UTC" and self.frequency.unit in CALENDAR)


def forecast_results(
    table: SeriesTable,
    windows: Windows,
    forecast: Forecast,
    level: Sequence[float] = LEVELS,
    columns: Columns = Columns(),
    backtest: bool = False,
) -> Results:
    """Returns the rows of a forecast: id, time, the expected value, and the ends of each interval.

    Args:
        table: What the forecast was made from.
        windows: Its rows.
        forecast: Of these windows.
        level: Percent of each interval; named `forecast-lo-80`, `forecast-hi-80`.
        columns: Names of the columns of ids and time; and of actual values, which are called `y` where there are
            several targets.
        backtest: Add `cutoff`, the last stamp that was known, and the actual value.

    Raises:
        LevelError: a level is no percentage, or the forecast does not cover it.
        ValueError: the forecast holds NaN, or two columns would have one name.
    """
    rows, horizon = forecast.mean.shape
    if rows != len(windows.cuts):
        raise ValueError(f"Expected a forecast of {len(windows.cuts)} windows. Received: {rows}")
    values: dict[str, Floats] = {}
    names = [columns.id, columns.time]
    if backtest:
        target = columns.target if isinstance(columns.target, str) else "y"
        names += [CUTOFF, target]
        cut = cut_windows(table, windows, 0, horizon)
        values[target] = np.where(cut.target_observed, cut.target, np.nan).ravel()
    bounds = {one: interval_levels(one) for one in dict.fromkeys(level)}
    found = {NAME: forecast.mean}
    if bounds:
        quantiles = forecast.quantiles([end for ends in bounds.values() for end in ends])
        for place, one in enumerate(bounds):
            found[f"{NAME}-lo-{one:g}"], found[f"{NAME}-hi-{one:g}"] = np.moveaxis(quantiles, -1, 0)[2 * place :][:2]
    if twice := [name for name in [*names, *found] if [*names, *found].count(name) > 1]:
        raise ValueError(f"Two columns of the forecast would be called {twice[0]!r}. Rename that of the input.")
    for name, column in found.items():
        if not np.isfinite(column).all():
            row = int((~np.isfinite(column)).any(axis=1).argmax())
            series = table.ids[int(windows.series[row])]
            raise ValueError(f"The column {name} holds NaN or an infinity. Series: {series!r}")
        values[name] = np.asarray(column, np.float64).ravel()
    cutoffs = np.repeat(stamps_at(table, windows.series, windows.cuts - 1), horizon) if backtest else None
    return Results(
        columns,
        table.ids,
        np.repeat(windows.series, horizon),
        stamps_at(table, windows.series[:, None], windows.cuts[:, None] + np.arange(horizon)).ravel(),
        cutoffs,
        values,
        table.frequency,
        table.time_zone,
        _clock_of(table),
    )


def concatenated(parts: Sequence[Results]) -> Results:
    """Returns the rows of several results of one table, in their order; `parts` holds at least one."""
    first = parts[0]
    return replace(
        first,
        codes=np.concatenate([part.codes for part in parts]),
        stamps=np.concatenate([part.stamps for part in parts]),
        cutoffs=None if first.cutoffs is None else np.concatenate([part.cutoffs for part in parts]),
        values={name: np.concatenate([part.values[name] for part in parts]) for name in first.values},
    )


def _clock_of(table: SeriesTable) -> Literal["D", "s", "us"]:
    known = table.starts if table.stamps is None else table.stamps
    if table.frequency.unit in CALENDAR and not (known % DAY).any():
        return "D"
    return "us" if table.frequency.unit in ("us", "ms") or (known % MICROSECONDS["s"]).any() else "s"


def stamps_at(table: SeriesTable, series: Integers, steps: Integers) -> Integers:
    """Returns the stamps of steps of series, past their ends too, counted as those of the table.

    Where a table takes its rows as they come, its future goes on from the last stamp.

    Args:
        table: The series.
        series: Their numbers.
        steps: Of a shape that broadcasts with it.
    """
    if table.stamps is None or not len(table.stamps):
        return table.frequency.stamps(table.starts[series], steps)
    last = table.lengths[series] - 1
    known = np.minimum(np.maximum(steps, 0), last)
    return table.frequency.stamps(table.stamps[table.offsets[series] + known], steps - known)


def shortened(numbers: Floats) -> Floats:
    """Returns numbers whose shortest text is that of their value in float32, seven digits or so, as networks compute.

    NaN, and what has no decimals in float32, stays as it is.
    """
    with np.errstate(over="ignore"):
        short = np.asarray(numbers, np.float64).astype(np.float32).astype("U").astype(np.float64)
    return np.where(np.abs(numbers) < _SHORT, short, numbers)


def as_series_table(
    data: Any,
    columns: Columns = Columns(),
    frequency: str | Frequency | None = None,
    irregular: Irregular = "error",
    time_zone: str = "",
) -> SeriesTable:
    """Returns a table, the name of a file or a frame as a table; errors as `read_table` and `from_frame`."""
    if isinstance(data, SeriesTable):
        return data
    if isinstance(data, str | Path):
        return read_table(data, columns, frequency, irregular, time_zone)
    return from_frame(data, columns, frequency, irregular, time_zone)


def to_frame(results: Results, like: Any = None) -> Any:
    """Returns rows as a frame of the kind of another one: of pandas, polars or pyarrow.

    Ids and time have the types of the columns in `like`, so that both can be joined; text becomes a time. Without
    `like`, the frame is of the first of pandas, polars and pyarrow that is installed.

    Raises:
        MissingPackage: narwhals, or all three, are not installed.
    """
    require("narwhals")
    import narwhals as nw

    schema: Mapping[str, Any] = {}
    if like is None:
        installed = [name for name in _FRAMES if is_installed(name)]
        if not installed:
            raise MissingPackage(f"A frame needs one of the packages {', '.join(_FRAMES)}. Install one of them.")
        backend: Any = installed[0]
    else:
        data: Any = nw.from_native(like)
        data = data.head(0).collect() if isinstance(data, nw.LazyFrame) else data
        schema, backend = data.schema, data.implementation
    kind = schema.get(results.columns.time)
    columns: dict[str, Any] = {results.columns.id: _ids(results, schema.get(results.columns.id))}
    zone = _zone_of(results, kind)
    columns[results.columns.time] = _times(results, results.stamps, zone)
    if results.cutoffs is not None:
        columns[CUTOFF] = _times(results, results.cutoffs, zone)
    frame = nw.from_dict({**columns, **results.values}, backend=backend)
    changes = []
    for name in columns.keys() - {results.columns.id}:
        time = nw.col(name)
        if zone:
            time = time.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
        wanted = (nw.Datetime, nw.Date) if results.frequency.unit != "step" else nw.dtypes.IntegerType
        if isinstance(kind, wanted):
            time = time.cast(kind)
        changes.append(time)
    changes += [nw.col(name).fill_nan(None) for name, column in results.values.items() if np.isnan(column).any()]
    return frame.with_columns(*changes).to_native()


def _zone_of(results: Results, kind: Any) -> str:
    """Returns the zone of times in a frame: none where the user's have none."""
    if results.frequency.unit == "step" or not results.time_zone:
        return ""
    if kind is None:
        return results.time_zone if results.has_offset else ""
    return getattr(kind, "time_zone", None) or ""


def _times(results: Results, stamps: Integers, zone: str) -> NDArray[Any]:
    if results.frequency.unit == "step":
        return stamps
    if zone:
        stamps = results.instants(stamps)
    elif results.frequency.unit not in CALENDAR:
        stamps = to_wall(stamps, results.time_zone)
    return stamps.astype("datetime64[us]")


def _ids(results: Results, kind: Any) -> Any:
    if kind is not None and kind.is_integer():
        try:
            numbers = np.asarray([int(name) for name in results.ids], np.int64)
        except ValueError:  # names of several targets, or of another table
            pass
        else:
            return numbers[results.codes]
    return [results.ids[code] for code in results.codes]


def _offset(microseconds: int) -> str:
    minutes, sign = abs(microseconds) // 60_000_000, "-" if microseconds < 0 else "+"
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"
