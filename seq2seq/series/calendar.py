"""Features of the clock and the calendar, for every step of a series and of its future."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seq2seq.series.frequency import DAY, MICROSECONDS, Frequency
from seq2seq.series.table import Floats, Integers, SeriesTable
from seq2seq.series.windows import Cut, Windows

HOUR = MICROSECONDS["h"]
UNIX_BEGAN = 3
"""The weekday of 1 January 1970, Monday being 0."""
CYCLES = ("minute_of_hour", "hour_of_day", "day_of_week", "day_of_month", "day_of_year", "month_of_year")
"""What a sine and a cosine each are made of."""

_CHANGING = {
    "us": CYCLES,
    "ms": CYCLES,
    "s": CYCLES,
    "min": CYCLES,
    "h": CYCLES[1:],
    "D": CYCLES[2:],
    "B": CYCLES[2:],
    "W": ("day_of_year", "month_of_year"),
    "M": ("month_of_year",),
    "Q": ("month_of_year",),
}
"""The cycles that a step of each unit moves on, and that come round within years."""


def feature_names(frequency: Frequency) -> tuple[str, ...]:
    """Returns the names of the features of a frequency: `age`, and a sine and a cosine of each cycle that changes."""
    return ("age", *(f"{cycle}_{wave}" for cycle in _CHANGING.get(frequency.unit, ()) for wave in ("sin", "cos")))


def phases(clock: Integers, cycle: str) -> Floats:
    """Returns where in a cycle stamps lie, from 0 to below 1.

    Days of a month and of a year are counted by its own length, so that a cycle closes in February and in leap years;
    a day moves on evenly through its hours.

    Args:
        clock: The wall clock in microseconds since 1970, any shape.
        cycle: One of `CYCLES`.
    """
    day = clock // DAY
    within = (clock - day * DAY) / DAY
    if cycle == "minute_of_hour":
        return clock % HOUR / HOUR
    if cycle == "hour_of_day":
        return within
    if cycle == "day_of_week":
        return ((day + UNIX_BEGAN) % 7 + within) / 7
    months = day.astype("datetime64[D]").astype("datetime64[M]")
    years = day.astype("datetime64[D]").astype("datetime64[Y]")
    if cycle == "month_of_year":
        return (months - years.astype("datetime64[M]")).astype(np.int64) / 12
    if cycle in ("day_of_month", "day_of_year"):
        start: NDArray[np.datetime64] = months if cycle == "day_of_month" else years
        # NumPy 2.5 adds no bare number to a time: that of months or years is a number itself.
        after = (start.astype(np.int64) + 1).astype(start.dtype)
        first, following = (one.astype("datetime64[D]").astype(np.int64) for one in (start, after))
        return (day - first + within) / (following - first)
    raise ValueError(f"Expected one of the cycles {', '.join(CYCLES)}. Received: {cycle!r}")


def calendar_features(table: SeriesTable, windows: Windows, cut: Cut) -> Floats:
    """Returns the features of each step of windows, `(rows, context + horizon, features)`, named by `feature_names`.

    The age is log(1 + steps since the first of the series) / 10, 0 before it. The clock is that of the table's time
    zone; it goes on past the end of a series, so features of a future need nothing but its length.
    """
    number = windows.series[:, None]
    age = np.log1p(np.maximum(cut.positions - table.offsets[number], 0)) / 10
    clock = table.clock(cut.positions, number)
    columns = [age]
    for cycle in _CHANGING.get(table.frequency.unit, ()):
        angle = 2 * np.pi * phases(clock, cycle)
        columns += [np.sin(angle), np.cos(angle)]
    return np.stack(columns, axis=-1)
