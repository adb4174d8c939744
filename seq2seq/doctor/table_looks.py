"""What there is to see in series that lie on a grid, one series at a time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seq2seq.doctor.listed import Listing
from seq2seq.doctor.progress import ReportStage
from seq2seq.doctor.table_kinds import MISSING
from seq2seq.series.frequency import MICROSECONDS, MONTHS, Frequency, infer_frequency
from seq2seq.series.grid import Rows, in_order
from seq2seq.series.stamps import NUMBER
from seq2seq.series.table import Booleans, Floats, Integers, Series, SeriesTable, show_stamp

OUTLYING = 10.0
"""A value is named that is as many robust deviations from those a season before and after."""
SENTINELS = np.asarray([-99999, -9999, -999, -99, -9, -1, 99, 999, 9999, 99999, 999999, 9999999], float)
_LEAST_MODE = 5
"""Rows from which on a series shows a frequency of its own."""
_STEADY = 0.5
"""So much of its distances must be the usual one."""


@dataclass(frozen=True)
class Grid:
    """A table, and where its steps are in the file."""

    table: SeriesTable
    rows: Rows
    order: Integers
    """`(rows,)`: sorts the rows by series and time."""
    stamps: Integers
    """`(rows,)`: in that order."""
    target: Integers
    """`(rows,)`: the flat position of each in the table, in that order."""

    @classmethod
    def of(cls, table: SeriesTable, rows: Rows, time_zone: str) -> Grid:
        """Finds the step of each row."""
        if table.stamps is not None:  # rows as they come
            order = np.argsort(rows.codes, kind="stable")
            return cls(table, rows, order, table.stamps, np.arange(len(order)))
        numbers = bool(rows.zones[0] == NUMBER)
        order, stamps, _ = in_order(rows, table.frequency, numbers, time_zone)
        codes, stamps = rows.codes[order], stamps[order]
        steps = table.frequency.steps(table.starts[codes], stamps, nearest=True)[0]
        return cls(table, rows, order, stamps, table.offsets[codes] + steps)

    def place(self, number: int, step: int) -> str:
        """Returns the place of a step in the file, and its stamp."""
        place = int(np.searchsorted(self.target, self.table.offsets[number] + step))
        row = int(self.order[min(place, len(self.order) - 1)])
        stamp = show_stamp(self.stamp(number, step), self.table.frequency.unit)
        return f"{self.rows.place(row)}: {self.table.ids[number]!r}, {stamp}"

    def stamp(self, number: int, step: int) -> int:
        """Returns the stamp of a step of a series."""
        if self.table.stamps is not None:
            return int(self.table.stamps[self.table.offsets[number] + step])
        return int(self.table.frequency.stamps(int(self.table.starts[number]), np.asarray(step)))

    def of_series(self, number: int) -> tuple[Integers, Integers]:
        """Returns the stamps of a series' rows, and their steps."""
        first, last = np.searchsorted(self.target, self.table.offsets[number : number + 2])
        return self.stamps[first:last], self.target[first:last] - self.table.offsets[number]


def look_at_rows(rows: Rows, found: Listing) -> None:
    """Looks at names, the order of rows, and whole numbers that are times."""
    _near_names(found, rows.ids, "series")
    for name, (_, values) in rows.static.items():
        _near_names(found, [value for value in values if isinstance(value, str)], f"column {name!r}")
    instants = np.where(rows.zones > NUMBER, rows.walls - rows.zones, rows.walls)
    order = np.argsort(rows.codes, kind="stable")
    codes = rows.codes[order]
    back = np.flatnonzero((np.diff(codes) == 0) & (np.diff(instants[order]) < 0)) + 1
    numbers, first = np.unique(codes[back], return_index=True)
    for number, place in zip(numbers[:5].tolist(), back[first[:5]].tolist(), strict=True):
        found.add("unsorted", f"{rows.place(int(order[place]))}: {rows.ids[number]!r}", 0)
    if len(numbers):
        found.more("unsorted", len(numbers))
    if rows.zones[0] == NUMBER:
        low, high = int(rows.walls.min()), int(rows.walls.max())
        for unit, least, most in (("seconds", 10**8, 4 * 10**9), ("milliseconds", 10**11, 4 * 10**12)):
            if least <= low and high <= most:
                date = np.datetime64(low, "s" if unit == "seconds" else "ms").astype("datetime64[s]")
                found.add("epoch", f"{rows.place(0)}: {low} is {str(date).replace('T', ' ')}, taken as {unit}")


def _near_names(found: Listing, names: Iterable[str], what: str) -> None:
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(re.sub(r"[\W_]+", "", name.casefold()) or name, name)
        if other != name and not other.isdecimal():
            found.add("near_names", f"{what}: {other!r} and {name!r}")


def look_at_series(grid: Grid, horizon: int, context: int, found: Listing, progress: ReportStage) -> None:
    """Looks at each series: its length, its steps and its values.

    Args:
        grid: The series.
        horizon: Steps that a forecast is for, at least 1.
        context: Steps that it is made from; 0 where that is not known.
        found: Takes the findings.
        progress: Called with how far it is.
    """
    table, seen = grid.table, dict[bytes, str]()
    ends: list[tuple[int, int, int]] = []
    long_enough = 0
    for number, series in enumerate(table):
        if number % 256 == 0:
            progress("looking at series", number / len(table))
        known = np.flatnonzero(series.observed)
        if not len(known):
            found.add("empty", _begin(grid, number))
            continue
        steps = int(known[-1]) + 1  # behind it is a future of which only covariates are known
        if len(known) < 2 or steps <= horizon:
            found.add("short", f"{_begin(grid, number)}: {steps:,} steps, {len(known):,} with a value")
        else:
            long_enough += 1
            if context and steps < context + horizon:
                found.add("padded", f"{_begin(grid, number)}: {steps:,} steps")
        ends.append((number, steps - 1, grid.stamp(number, steps - 1)))
        if not _look_at_frequency(grid, number, found):
            _look_at_steps(grid, number, series, steps, found)
        _look_at_values(grid, number, series, found)
        key = np.where(series.observed, series.values, np.nan)[known[0] : steps].tobytes()
        if len(known) > 1 and np.ptp(series.values[known]) > 0:
            other = seen.setdefault(_digest(key), series.id)
            if other != series.id:
                found.add("copies", f"{_begin(grid, number)}: as {other!r}")
    latest = max((stamp for _, _, stamp in ends), default=0)
    for number, step, stamp in ends:
        if stamp < latest:
            found.add("ended", grid.place(number, step) if found.is_open("ended") else "")
    if found.counts["empty"] == len(table):
        found.add("nothing", f"{table.ids[0]!r} and all others")
    elif not long_enough:
        longest = int(table.lengths.max())
        found.add("too_short", f"a window needs {horizon + 1:,} steps; the longest series has {longest:,}")


def _digest(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=16).digest()


def _begin(grid: Grid, number: int) -> str:
    return grid.place(number, 0).rpartition(", ")[0]


def _look_at_frequency(grid: Grid, number: int, found: Listing) -> bool:
    """Returns whether a series is of another frequency than the table."""
    if grid.table.stamps is not None:
        return False
    stamps, _ = grid.of_series(number)
    if len(stamps) < _LEAST_MODE:
        return False
    distances = np.diff(stamps)
    usual = int(np.bincount(np.unique(distances, return_inverse=True)[1]).max())
    own = infer_frequency(stamps, np.zeros(len(stamps), np.int64), grid.table.frequency.unit == "step")
    if own is None or usual < _STEADY * len(distances) or _alike(own, grid.table.frequency):
        return False
    found.add("frequencies", f"{_begin(grid, number)}: {own}, and the table {grid.table.frequency}")
    return True


def _alike(one: Frequency, other: Frequency) -> bool:
    """Whether two frequencies are the same, or one leaves out the weekends of the other."""

    def length(each: Frequency) -> tuple[str, int]:
        if each.unit in MONTHS:
            return "M", MONTHS[each.unit] * each.multiple
        unit = MICROSECONDS.get(each.unit)
        return ("us", unit * each.multiple) if unit else (each.unit, each.multiple)

    return length(one) == length(other) or {one.unit, other.unit} == {"D", "B"}


def _look_at_steps(grid: Grid, number: int, series: Series, steps: int, found: Listing) -> None:
    _, own = grid.of_series(number)
    own = own[own < steps]
    gaps = np.diff(own) - 1
    if len(gaps) and gaps.max() > 0:
        widest = int(gaps.argmax())
        where = grid.place(number, int(own[widest]))
        found.add("gaps", f"{where}: the next {gaps[widest]:,}; {gaps[gaps > 0].sum():,} of {steps:,} in all")
    missing = 1 - float(series.observed[:steps].mean())
    if missing > MISSING:
        found.add("missing", f"{_begin(grid, number)}: {100 * missing:.0f} % of {steps:,}")


def _look_at_values(grid: Grid, number: int, series: Series, found: Listing) -> None:
    known = np.flatnonzero(series.observed)
    values = series.values[known]
    if len(known) > 1 and np.ptp(values) == 0:
        found.add("constant", f"{_begin(grid, number)}: {len(known):,} times {values[0]:g}")
        return
    odd = _sentinels(values)
    for value in odd:
        places = known[values == value]
        found.add("sentinels", f"{grid.place(number, int(places[0]))}: {value:g}, {len(places):,} times", len(places))
    shown = series.observed & ~np.isin(series.values, odd) if odd else series.observed
    far = outliers(series.values, shown, series.frequency.season)
    if count := int((far > OUTLYING).sum()):
        step = int(far.argmax())
        times = f"{far[step]:.0f} deviations from its neighbours" + (f", and {count - 1:,} others" if count > 1 else "")
        found.add("outliers", f"{grid.place(number, step)}: {series.values[step]:.6g}, {times}", count)


def _sentinels(values: Floats) -> list[float]:
    """Returns values that stand for missing ones, as it seems: the gap to all others is wider than their range."""
    odd = []
    low, high = float(values.min()), float(values.max())
    for value in {low, high}:
        if value in SENTINELS and len(others := values[values != value]) > 2:
            gap = float(np.abs(others - value).min())
            if gap > float(np.ptp(others)) and (values == value).sum() < len(others):
                odd.append(value)
    return odd


def outliers(values: Floats, observed: Booleans, season: int) -> Floats:
    """Returns how far each value is from both of those a season before and after, `(time,)`; 0 where one is missing.

    Distance is from the median of the three, in deviations of seasonal differences (1.4826 times their median absolute
    value; their mean where more than half of them are 0). At the ends the two seasons on the same side are taken.
    """
    size = len(values)
    if season < 1 or size < 3 * season:
        season = 1
    changes = np.abs(values[season:] - values[:-season])[observed[season:] & observed[:-season]]
    scale = (1.4826 * float(np.median(changes)) or float(changes.mean())) if len(changes) else 0.0
    if size < 3 * season + 5 or not scale:
        return np.zeros(size)
    steps = np.arange(size)
    left = np.where(steps >= season, steps - season, steps + 2 * season)
    right = np.where(steps < size - season, steps + season, steps - 2 * season)
    one, other = values[left], values[right]
    middle = np.maximum(np.minimum(one, other), np.minimum(np.maximum(one, other), values))
    return np.where(observed & observed[left] & observed[right], np.abs(values - middle), 0.0) / scale


def grid_gaps(grid: Grid) -> NDArray[np.int64]:
    """Returns the flat positions of steps that have no row."""
    present = np.zeros(len(grid.table.values), bool)
    present[grid.target] = True
    return np.flatnonzero(~present)
