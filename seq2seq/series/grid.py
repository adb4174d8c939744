"""Rows of a long table to series on a regular grid: the rules for order, duplicates, gaps, zones and odd stamps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seq2seq.series.frequency import Frequency, infer_frequency, month_anchor, parse_frequency
from seq2seq.series.stamps import NO_OFFSET, NUMBER, to_utc, zone
from seq2seq.series.table import CALENDAR, SeriesTable, offsets_of, show_stamp

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Irregular = Literal["error", "snap", "rows"]
"""What to do with stamps that are not on the grid: refuse them; move them to its nearest point, where rows that meet
are averaged; or take the rows of each series as they come, evenly spaced, with repeated and backward stamps."""

_HOUR = 3_600_000_000
_SEASON = 7 * 24 * _HOUR
"""Daylight saving lasts longer than this, and so does the time without it."""
_PAIRS = 3
"""Pairs of neighbouring rows that tell the distance of rows, at least."""
_SPARSE, _SMALL = 50, 1_000_000
"""A grid may have this many times as many steps as there are rows, and always this many."""


Rule = Literal["", "kinds", "zones", "dates", "duplicates", "frequency", "off_grid", "sparse", "static", "columns"]


class TableError(ValueError):
    """A table has an error. The message names the file and the line, or the row of a frame."""

    def __init__(self, message: str, rule: Rule = ""):
        super().__init__(message)
        self.rule = rule
        """The rule of `to_table` that the rows break; empty for other errors."""


@dataclass(frozen=True)
class Rows:
    """The columns of a long table."""

    ids: Sequence[str]
    """`(series,)`, in the order in which they first occur."""
    codes: Integers
    """`(rows,)`: the number of the series of each row."""
    walls: Integers
    """`(rows,)`: the wall clock in microseconds since 1970, or whole numbers."""
    zones: Integers
    """`(rows,)`: the offset from UTC in microseconds; `NO_OFFSET`; or `NUMBER`."""
    values: Floats
    """`(rows,)`, NaN where missing."""
    place: Callable[[int], str]
    """The place of a row, for messages: `file:line`."""
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    """`(rows,)` each, NaN where missing."""
    static: Mapping[str, tuple[Integers, Sequence[Any]]] = field(default_factory=dict)
    """`(rows,)` numbers of values, and the values."""
    time_zone: str = ""
    """Of a frame whose stamps are of a zone: its name."""
    notes: tuple[str, ...] = ()


def to_table(
    rows: Rows, frequency: str | Frequency | None = None, irregular: Irregular = "error", time_zone: str = ""
) -> SeriesTable:
    """Returns the series of rows.

    Order: rows may come in any; those of a series are sorted by time, and a note says so.
    Duplicates: two rows of a series with one stamp are an error.
    Gaps: a step without a row is one whose value is missing.
    Zones: stamps with an offset from UTC are instants; the two offsets of daylight saving may be mixed, others not.
    Stamps without one are a wall clock, which skips an hour in spring (a gap) and repeats one in autumn (duplicates):
    with `time_zone` they become instants too, where the second of two equal stamps is the later. Frequencies of a day
    and longer follow the wall clock in any case.

    Args:
        rows: The table.
        frequency: An alias; None infers it from the most frequent distance, and a note says which.
        irregular: See `Irregular`.
        time_zone: IANA name of the zone of the wall clock.

    Raises:
        TableError: the table breaks a rule.
        ValueError: the frequency or the zone is unknown.
    """
    if isinstance(frequency, str):
        frequency = parse_frequency(frequency)
    if not len(rows.codes):
        raise TableError("The table has no rows. Expected at least one reading.")
    if time_zone:
        zone(time_zone)
    notes = list(rows.notes)
    numbers = _kind(rows)
    if irregular == "rows":
        return _as_they_come(rows, frequency, numbers, notes, time_zone)
    order, stamps, zone_name = in_order(rows, frequency, numbers, time_zone)
    _say_sorted(notes, rows.codes, stamps)
    codes, stamps = rows.codes[order], stamps[order]
    same = (np.diff(codes) == 0) & (np.diff(stamps) == 0)
    if same.any():
        raise _duplicate(rows, order, stamps, int(same.argmax()), numbers, bool(zone_name))
    given, frequency = frequency, _frequency(frequency, stamps, codes, numbers, notes)
    first = np.flatnonzero(np.concatenate([[True], np.diff(codes) != 0]))
    counts = np.diff(np.append(first, len(codes)))
    starts = stamps[first]
    steps, on_grid = frequency.steps(np.repeat(starts, counts), stamps, nearest=irregular == "snap")
    if not on_grid.all():
        if irregular == "error":
            raise _off_grid(rows, order, stamps, int((~on_grid).argmax()), starts, frequency, float((~on_grid).mean()))
        notes.append(f"Moved {int((~on_grid).sum()):,} stamps to the nearest multiple of {frequency}.")
    if given is not None:
        _check_spacing(rows, frequency, steps, stamps, codes, numbers)
    lengths = steps[np.append(first[1:], len(codes)) - 1] + 1
    if lengths.sum() > _SPARSE * len(codes) + _SMALL:
        worst = int((lengths / counts).argmax())
        raise TableError(
            f"{rows.place(int(order[first[worst]]))}: series {rows.ids[codes[first[worst]]]!r} has {counts[worst]:,} "
            f"rows, which span {lengths[worst]:,} steps of {frequency}. Give a longer frequency, or check its stamps.",
            "sparse",
        )
    offsets = offsets_of(lengths)
    target = np.repeat(offsets[:-1], counts) + steps
    gaps = int(offsets[-1]) - len(np.unique(target))
    if gaps:
        notes.append(f"{gaps:,} of {int(offsets[-1]):,} steps have no row; their values are missing.")
    values = _spread(rows.values[order], target, int(offsets[-1]))
    observed = ~np.isnan(values)
    _say_missing(notes, observed, offsets)
    return SeriesTable(
        rows.ids,
        starts,
        offsets,
        frequency,
        np.where(observed, values, 0.0),
        observed,
        {name: _spread(column[order], target, int(offsets[-1])) for name, column in rows.covariates.items()},
        _static(rows, order, codes, first),
        zone_name,
        None,
        tuple(notes),
    )


def in_order(rows: Rows, frequency: Frequency | None, numbers: bool, time_zone: str) -> tuple[Integers, Integers, str]:
    """Returns the order that sorts rows by series and time; what the grid counts, by row; and the name of the zone."""
    order = np.lexsort((_instants(rows), rows.codes))
    stamps, zone_name, again = _resolve(rows, order, frequency, numbers, time_zone)
    if again.any():
        order = order[np.lexsort((stamps[order], rows.codes[order]))]
    return order, stamps, zone_name


def _kind(rows: Rows) -> bool:
    """Returns whether stamps are whole numbers; raises TableError where kinds or zones are mixed."""
    kinds = np.where(rows.zones > NUMBER, 0, rows.zones)
    if (odd := kinds != kinds[0]).any():
        what = {0: "has an offset from UTC", int(NO_OFFSET): "has none", int(NUMBER): "is a whole number"}
        row = int(odd.argmax())
        raise TableError(
            f"{rows.place(row)}: this stamp {what[int(kinds[row])]}, and that at {rows.place(0)} "
            f"{what[int(kinds[0])]}. Expected stamps of one kind.",
            "kinds",
        )
    if kinds[0] == 0:
        offsets = np.unique(rows.zones)
        if len(offsets) > 2 or offsets[-1] - offsets[0] > _HOUR:
            row = int((np.abs(rows.zones - rows.zones[0]) > (0 if len(offsets) > 2 else _HOUR)).argmax())
            raise TableError(
                f"{rows.place(row)}: the offset from UTC is {_show_offset(rows.zones[row])}, and at {rows.place(0)} it "
                f"is {_show_offset(rows.zones[0])}. Expected one time zone, with at most its daylight saving of an "
                "hour. Convert all stamps to one zone.",
                "zones",
            )
    numbers = bool(kinds[0] == NUMBER)
    if numbers and len(rows.walls) > 2 and ((rows.walls > 19_000_000) & (rows.walls < 21_010_000)).all():
        tail = rows.walls % 10_000
        if ((tail // 100 >= 1) & (tail // 100 <= 12) & (tail % 100 >= 1) & (tail % 100 <= 31)).all():
            raise TableError(
                f"{rows.place(0)}: the stamp {rows.walls[0]} looks like a date, but whole numbers count steps. "
                "Write dates as 2016-07-01.",
                "dates",
            )
    return numbers


def _instants(rows: Rows) -> Integers:
    """`(rows,)`: UTC where there are offsets, else the wall clock or the numbers."""
    return np.where(rows.zones > NUMBER, rows.walls - rows.zones, rows.walls)


def _say_sorted(notes: list[str], codes: Integers, stamps: Integers) -> None:
    by_series = np.argsort(codes, kind="stable")
    codes, stamps = codes[by_series], stamps[by_series]
    backward = (np.diff(codes) == 0) & (np.diff(stamps) < 0)
    if count := len(np.unique(codes[1:][backward])):
        notes.append(f"Sorted the rows of {count:,} series by time.")


def _resolve(
    rows: Rows, order: Integers, frequency: Frequency | None, numbers: bool, time_zone: str
) -> tuple[Integers, str, NDArray[np.bool_]]:
    """Returns what the grid counts, by row; the name of the zone; and which rows are the second of an hour repeated."""
    none = np.zeros(len(order), bool)
    if numbers:
        return rows.walls, "", none
    has_offset = bool(rows.zones[0] > NUMBER)
    name = time_zone or rows.time_zone or ("UTC" if has_offset else "")
    if not name:
        return rows.walls, "", none
    calendar = frequency
    if calendar is None:
        walls = rows.walls[order]
        calendar = infer_frequency(walls, rows.codes[order], False)
    if calendar and calendar.unit in CALENDAR:
        if has_offset:
            _check_daylight(rows, order)
        return rows.walls, name, none
    if has_offset:
        return rows.walls - rows.zones, name, none
    repeated = (np.diff(rows.codes[order]) == 0) & (np.diff(rows.walls[order]) == 0)
    # An hour may be repeated as a whole, 2:00 2:30 2:00 2:30, or row by row: sorted, the second of two is the later.
    again = none.copy()
    again[order[1:][repeated]] = True
    early = to_utc(rows.walls, name, none)
    late = to_utc(rows.walls, name, np.ones(len(order), bool))
    return np.where(again, late, early), name, again


def _check_daylight(rows: Rows, order: Integers) -> None:
    """Raises TableError where the two offsets of a series change faster than any daylight saving does."""
    codes, zones, instants = rows.codes[order], rows.zones[order], _instants(rows)[order]
    changes = np.flatnonzero((np.diff(codes) == 0) & (np.diff(zones) != 0)) + 1
    fast = (np.diff(codes[changes]) == 0) & (np.diff(instants[changes]) < _SEASON)
    if fast.any():
        place = int(changes[int(fast.argmax()) + 1])
        raise TableError(
            f"{rows.place(int(order[place]))}: the offset from UTC is {_show_offset(zones[place])}, and at "
            f"{rows.place(int(order[place - 1]))} it is {_show_offset(zones[place - 1])}, where it had just changed. "
            "Expected one time zone, with at most its daylight saving. Convert all stamps to one zone.",
            "zones",
        )


def _frequency(
    given: Frequency | None, stamps: Integers, codes: Integers, numbers: bool, notes: list[str]
) -> Frequency:
    if given is not None:
        if numbers != (given.unit == "step"):
            kind, use = ("whole numbers", "step") if numbers else ("times", "one such as h or D")
            raise TableError(f"The stamps are {kind}: expected a frequency of {use}. Received: {given}", "frequency")
        if given.unit in ("M", "Q", "Y") and not given.day:
            return Frequency(given.unit, given.multiple, month_anchor(stamps))
        return given
    found = infer_frequency(stamps, codes, numbers)
    if found is None:
        raise TableError(
            "The frequency cannot be inferred: no series has two rows. Give it, for instance as h or D.", "frequency"
        )
    notes.append(f"Inferred the frequency {found}.")
    return found


def _check_spacing(
    rows: Rows, frequency: Frequency, steps: Integers, stamps: Integers, codes: Integers, numbers: bool
) -> None:
    """Raises TableError where the frequency that was given is not that of the rows: no two of them are a step apart."""
    apart = np.diff(steps)[np.diff(codes) == 0]
    apart = apart[apart > 0]
    if len(apart) >= _PAIRS and apart.min() > 1:
        own = infer_frequency(stamps, codes, numbers)
        raise TableError(
            f"{rows.place(0)}: the rows have the frequency {own}: no two of a series are a step of {frequency} apart. "
            f"Expected rows of {frequency}.",
            "frequency",
        )


def _duplicate(rows: Rows, order: Integers, stamps: Integers, place: int, numbers: bool, zoned: bool) -> TableError:
    one, other = sorted((int(order[place]), int(order[place + 1])))
    unit = "step" if numbers else "us"
    hint = "" if numbers or zoned else ", or name the time zone if daylight saving repeats this hour"
    return TableError(
        f"{rows.place(other)}: series {rows.ids[rows.codes[one]]!r} has the stamp {show_stamp(stamps[place], unit)} a "
        f"second time; the first is at {rows.place(one)}. Expected one row for each stamp. Remove one{hint}, or choose "
        "irregular: rows.",
        "duplicates",
    )


def _off_grid(
    rows: Rows, order: Integers, stamps: Integers, place: int, starts: Integers, frequency: Frequency, share: float
) -> TableError:
    code = int(rows.codes[order[place]])
    percent = max(1, round(100 * share))
    return TableError(
        f"{rows.place(int(order[place]))}: series {rows.ids[code]!r} has the stamp "
        f"{show_stamp(stamps[place], frequency.unit)}, which is no multiple of {frequency} after its first, "
        f"{show_stamp(starts[code], frequency.unit)} ({percent} % of all stamps are not). Give another "
        "frequency, or choose irregular: snap moves stamps to the nearest point, rows takes the rows as evenly spaced.",
        "off_grid",
    )


def _spread(column: Floats, target: Integers, size: int) -> Floats:
    """Returns a column on the grid: NaN where there is no row; the mean of the rows that share a step."""
    if len(target) == size and (np.diff(target) == 1).all():
        return column
    spread = np.full(size, np.nan)
    if (np.diff(target) > 0).all():
        spread[target] = column
        return spread
    known = ~np.isnan(column)
    sums = np.bincount(target[known], column[known], size)
    counts = np.bincount(target[known], minlength=size)
    spread[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return spread


def _static(rows: Rows, order: Integers, codes: Integers, first: Integers) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name, (numbers, values) in rows.static.items():
        sorted_numbers = numbers[order]
        changed = (np.diff(codes) == 0) & (np.diff(sorted_numbers) != 0)
        if changed.any():
            place = int(changed.argmax())
            one, other = sorted((int(order[place]), int(order[place + 1])))
            raise TableError(
                f"{rows.place(other)}: the static column {name!r} of series {rows.ids[codes[place]]!r} is "
                f"{values[numbers[other]]!r}, and {values[numbers[one]]!r} at {rows.place(one)}. "
                "Expected one value for each series.",
                "static",
            )
        own = [values[number] for number in sorted_numbers[first]]
        try:
            found[name] = np.asarray([float(value) for value in own])
        except (TypeError, ValueError):
            found[name] = np.asarray([str(value) for value in own])
    return found


def _as_they_come(
    rows: Rows, frequency: Frequency | None, numbers: bool, notes: list[str], time_zone: str
) -> SeriesTable:
    order = np.argsort(rows.codes, kind="stable")
    codes = rows.codes[order]
    stamps = _instants(rows)[order]
    frequency = _frequency(frequency, stamps, codes, numbers, notes)
    first = np.flatnonzero(np.concatenate([[True], np.diff(codes) != 0]))
    offsets = np.append(first, len(codes)).astype(np.int64)
    values = rows.values[order]
    observed = ~np.isnan(values)
    _say_missing(notes, observed, offsets)
    return SeriesTable(
        rows.ids,
        stamps[first],
        offsets,
        frequency,
        np.where(observed, values, 0.0),
        observed,
        {name: column[order] for name, column in rows.covariates.items()},
        _static(rows, order, codes, first),
        time_zone or rows.time_zone or ("UTC" if rows.zones[0] > NUMBER else ""),
        stamps,
        (*notes, "Took the rows of each series as evenly spaced, in the order in which they come."),
    )


def _say_missing(notes: list[str], observed: NDArray[np.bool_], offsets: Integers) -> None:
    known = np.add.reduceat(observed, offsets[:-1]) if len(observed) else np.zeros(0)
    if empty := int((known == 0).sum()):
        notes.append(f"{empty:,} of {len(known):,} series have no observed value.")
    if single := int((known == 1).sum()):
        notes.append(f"{single:,} of {len(known):,} series have a single observed value.")


def _show_offset(offset: int) -> str:
    minutes = int(offset) // 60_000_000
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
