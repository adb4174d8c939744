"""Columns beside the target that give it away, and clocks that follow daylight saving."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from seq2seq.doctor.listed import Listing
from seq2seq.doctor.table_looks import Grid, grid_gaps
from seq2seq.series.frequency import DAY, MICROSECONDS
from seq2seq.series.stamps import to_utc, zone
from seq2seq.series.table import Floats, Integers, SeriesTable, show_stamp

NEARLY = 0.98
"""A covariate with a larger squared correlation with the target, of levels and of steps, gives it away."""
LOOKED_AT = 200
"""Series that are looked at for that, spread evenly."""
_STEPS = 20_000
"""The last so many steps of each."""
LEAST = 10
"""Pairs of a series that say something."""
ZONES = ("Europe/Berlin", "Europe/London", "Europe/Helsinki", "America/New_York", "Australia/Sydney")
"""Zones that stand for all with the same rule. Those of America change at 2 o'clock, too."""


def look_at_covariates(table: SeriesTable, horizon: int | None, found: Listing) -> None:
    """Looks for covariates that are the target of the same or of another step, never change, or are missing."""
    chosen = np.unique(np.linspace(0, len(table) - 1, min(LOOKED_AT, len(table))).astype(int)).tolist()
    for name, column in table.covariates.items():
        missing = int(np.isnan(column).sum())
        if missing:
            holes = np.concatenate([[0], np.cumsum(np.isnan(column))])[table.offsets]
            many = int((np.diff(holes) > 0).sum())
            found.add("covariates", f"column {name!r}: {missing:,} of {len(column):,} steps, in {many:,} series")
        known = column[~np.isnan(column)]
        if not len(known) or np.ptp(known) == 0:
            what = f"always {known[0]:g}" if len(known) else "always missing"
            found.add("useless", f"column {name!r}: {what}")
            continue
        pairs = []
        for number in chosen:
            series = table[number]
            values = np.where(series.observed, series.values, np.nan)[-_STEPS:]
            pairs.append((values, series.covariates[name][-_STEPS:]))
        if text := _leak(pairs, table.frequency.season, horizon):
            found.add("leaks", f"column {name!r} {text}")


def _leak(pairs: Sequence[tuple[Floats, Floats]], season: int, horizon: int | None) -> str:
    """Returns how a covariate leaks the target; empty if it does not."""
    best: tuple[float, int, float] = (0.0, 0, 0.0)
    shifts = dict.fromkeys([0, 1, -1, 2, -2, 3, -3, season, -season, *([horizon] if horizon else [])])
    for shift in shifts:
        if shift < 0 and horizon is not None and -shift >= horizon:
            continue  # known at the time
        seen = [one for one in (_likeness(*_shifted(*pair, shift)) for pair in pairs) if one]
        if not seen:
            continue
        likeness, equal = np.median(np.asarray(seen), axis=0).tolist()
        if likeness > best[0] + 1e-9:
            best = likeness, shift, equal
    likeness, shift, equal = best
    if likeness < NEARLY:
        return ""
    step = "of the same step" if not shift else f"{abs(shift)} step{'s' * (abs(shift) > 1)} {_side(shift)}"
    what = "equals the target" if equal > 0.99 else f"is a linear function of the target (r² {likeness:.4f})"
    return f"{what} {step}{'; a longer horizon does not know it' if shift < 0 else ''}"


def _side(shift: int) -> str:
    return "later" if shift > 0 else "earlier"


def _shifted(values: Floats, covariate: Floats, shift: int) -> tuple[Floats, Floats]:
    """Returns the target `shift` steps later beside the covariate."""
    if shift > 0:
        return values[shift:], covariate[:-shift]
    return (values[:shift], covariate[-shift:]) if shift else (values, covariate)


def _likeness(values: Floats, covariate: Floats) -> tuple[float, float] | None:
    """Returns the smaller squared correlation of levels and of steps, and the share of equal pairs."""
    both = ~(np.isnan(values) | np.isnan(covariate))
    if both.sum() < LEAST:
        return None
    levels = _correlation(values[both], covariate[both])
    beside = both[1:] & both[:-1]
    steps = _correlation(np.diff(values)[beside], np.diff(covariate)[beside]) if beside.sum() >= LEAST else levels
    if levels is None or steps is None:
        return None
    return min(levels, steps), float((values[both] == covariate[both]).mean())


def _correlation(one: Floats, other: Floats) -> float | None:
    for each in (one, other):  # the steps of a straight line differ by rounding only
        if np.ptp(each) <= 1e-9 * np.abs(each).max():
            return None
    one, other = one - one.mean(), other - other.mean()
    return float((one * other).sum() ** 2 / ((one**2).sum() * (other**2).sum()))


def look_for_daylight(grid: Grid, repeated: Integers, found: Listing) -> None:
    """Looks for the hour that spring skips and that autumn repeats, in a wall clock without a zone.

    Args:
        grid: The series.
        repeated: The wall clock of rows whose stamp their series had already.
        found: Takes the finding.
    """
    table = grid.table
    length = table.frequency.multiple * MICROSECONDS.get(table.frequency.unit, DAY)
    if table.time_zone or table.stamps is not None or length > MICROSECONDS["h"] or not len(table.values):
        return
    gaps = grid_gaps(grid)
    number = np.searchsorted(table.offsets, gaps, side="right") - 1
    missing = np.unique(table.frequency.stamps(table.starts[number], gaps - table.offsets[number]))
    twice = np.unique(repeated)
    ends = table.starts + (table.lengths - 1) * length
    first, last = int(table.starts.min()), int(ends.max())
    for name in ZONES:
        skipped, again = _changes(name, first, last)
        spring = skipped[np.isin(skipped, missing)]
        autumn = twice[np.isin(twice // MICROSECONDS["h"] * MICROSECONDS["h"], again)]
        whole_spring = len(spring) > 0 and len(spring) == len(skipped)
        whole_autumn = len(autumn) > 0 and len(autumn) == len(twice)
        if (whole_spring and len(autumn) == len(twice)) or whole_autumn:
            signs = [f"no row for {show_stamp(int(stamp), 'h')}" for stamp in spring[:2]]
            signs += [f"two rows for {show_stamp(int(stamp), 'h')}" for stamp in autumn[:2]]
            found.add("daylight", f"{'; '.join(signs)}: as in {name}")
            return


def _changes(name: str, first: int, last: int) -> tuple[Integers, Integers]:
    """Returns the hours of a zone's wall clock that are skipped, and those that come twice, between two stamps."""
    hours = np.asarray(list(_sundays(first, last)), np.int64)
    if not len(hours):
        return hours, hours
    none = np.zeros(len(hours), bool)
    zone(name)
    early, late = to_utc(hours, name, none), to_utc(hours, name, ~none)
    return hours[early > late], hours[early < late]


def _sundays(first: int, last: int) -> Iterator[int]:
    """Yields the hours from midnight to 4 o'clock of the Sundays of the last 20 years, in which clocks change."""
    begin = max(first // DAY, last // DAY - 20 * 366)
    for day in range(begin, last // DAY + 1):
        if (day + 3) % 7 == 6:
            for hour in range(5):
                stamp = day * DAY + hour * MICROSECONDS["h"]
                if first <= stamp <= last:
                    yield stamp
