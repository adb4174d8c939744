"""The spacing of a series: its aliases, its grid of time stamps, and how it is inferred from stamps.

Time is counted in microseconds since 1970, as int64, or in steps where the stamps are whole numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seq2seq.text.tables import did_you_mean

Integers = NDArray[np.int64]

MICROSECONDS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "D": 86_400_000_000,
    "W": 604_800_000_000,
}
"""Length of the units that are always as long."""
MONTHS = {"M": 1, "Q": 3, "Y": 12}
"""Length of the units that follow the calendar."""
DAY = MICROSECONDS["D"]

_ALIASES = {
    **{name: (name, 0) for name in (*MICROSECONDS, "M", "Q", "Y", "B", "step")},
    **dict.fromkeys(("W-SUN", "W-MON", "W-TUE", "W-WED", "W-THU", "W-FRI", "W-SAT"), ("W", 0)),
    **{f"{name}S": (name, 1) for name in MONTHS},
    **{f"{name}E": (name, 31) for name in MONTHS},
    "T": ("min", 0),
    "H": ("h", 0),
    "S": ("s", 0),
    "L": ("ms", 0),
    "d": ("D", 0),
    "A": ("Y", 0),
    "AS": ("Y", 1),
    "AE": ("Y", 31),
}
SEASONS = {"s": 60, "min": 60, "h": 24, "D": 7, "W": 52, "B": 5, "M": 12, "Q": 4, "Y": 1}
"""Steps of the season that is usual for a unit, as in M4 except for weeks, where M4 takes 1, and minutes."""


@dataclass(frozen=True)
class Frequency:
    """A multiple of a unit of time."""

    unit: str
    """One of `MICROSECONDS`, `MONTHS`, "B" (Monday to Friday) or "step" (stamps are whole numbers)."""
    multiple: int = 1
    day: int = 0
    """For months: the day of the month on which stamps lie, at most the last of each month; 0 where it is not known."""

    def __str__(self) -> str:
        ending = {1: "S", 31: "E"}.get(self.day, "") if self.unit in MONTHS else ""
        return (str(self.multiple) if self.multiple != 1 else "") + self.unit + ending

    @property
    def season(self) -> int:
        """Steps of the usual season: 24 for h, 48 for 30min; 1 where the multiple does not divide it."""
        if self.unit == "min":
            return 1440 // self.multiple if 1440 % self.multiple == 0 else 1
        usual = SEASONS.get(self.unit, 1)
        return usual // self.multiple if usual % self.multiple == 0 else 1

    def index(self, stamps: Integers) -> Integers:
        """Returns the number of units from 1970 to each stamp, rounded down: multiples are not taken into account."""
        stamps = np.asarray(stamps, np.int64)
        if self.unit in MICROSECONDS:
            return stamps // MICROSECONDS[self.unit]
        if self.unit == "step":
            return stamps
        days = stamps.astype("datetime64[us]").astype("datetime64[D]")
        if self.unit == "B":
            return np.busday_count(np.datetime64("1970-01-01"), days).astype(np.int64)
        return days.astype("datetime64[M]").astype(np.int64)

    def stamps(self, start: int | Integers, steps: Integers) -> Integers:
        """Returns the stamps that lie `steps` steps of this frequency after `start`, which is a stamp of it.

        Args:
            start: A stamp, or one for each of `steps`.
            steps: Whole numbers, negative for the past.
        """
        start, units = np.asarray(start, np.int64), np.asarray(steps, np.int64) * self.multiple
        if self.unit in MICROSECONDS:
            return start + units * MICROSECONDS[self.unit]
        if self.unit == "step":
            return start + units
        time_of_day = start % DAY
        if self.unit == "B":
            first = (start - time_of_day).astype("datetime64[us]").astype("datetime64[D]")
            days = np.busday_offset(first, units, roll="forward")
            return days.astype("datetime64[us]").astype(np.int64) + time_of_day
        months = self.index(start) + units * MONTHS[self.unit]
        day = self.day or day_of_month(start)
        return _month_day(months, day) + time_of_day

    def steps(
        self, start: int | Integers, stamps: Integers, nearest: bool = False
    ) -> tuple[Integers, NDArray[np.bool_]]:
        """Returns how many steps each stamp lies after `start`, and whether it lies exactly on the grid.

        Args:
            start: A stamp of the grid, or one for each stamp.
            stamps: In microseconds, or whole numbers.
            nearest: Round to the nearest point of the grid instead of down.
        """
        start, stamps = np.broadcast_arrays(np.asarray(start, np.int64), np.asarray(stamps, np.int64))
        unit = self.multiple * MONTHS.get(self.unit, 1)
        if self.unit in MICROSECONDS or self.unit == "step":
            length = unit * MICROSECONDS.get(self.unit, 1)
            found = (stamps - start) // length
        else:
            found = (self.index(stamps) - self.index(start)) // unit
        if nearest:
            before, after = self.stamps(start, found), self.stamps(start, found + 1)
            found = found + (np.abs(after - stamps) < np.abs(stamps - before))
        return found, self.stamps(start, found) == stamps


def parse_frequency(text: str) -> Frequency:
    """Returns the frequency of an alias as pandas writes them: "h", "15min", "D", "W-MON", "MS", "ME", "2Q".

    The weekday of weeks and the month of quarters and years follow the stamps, whatever the alias says.

    Raises:
        ValueError: the alias is unknown.
    """
    found = re.fullmatch(r"\s*(\d{0,6})\s*([A-Za-z]+(?:-[A-Z]{3})?)\s*", text)
    number, name = found.groups() if found else ("", text)
    if found and name not in _ALIASES and re.fullmatch(r"(Q|Y|A|B?QE|B?QS|YE|YS|AS)-[A-Z]{3}", name):
        name = name.partition("-")[0]
    if name not in _ALIASES or (number and not int(number)):
        shown = "us, ms, s, min, h, D, B, W, M, MS, ME, Q, QS, QE, Y, YS, YE or step"
        raise ValueError(
            f"Expected a frequency: {shown}, with a number before it for a multiple, such as 15min. "
            f"Received: {text!r}.{did_you_mean(name, _ALIASES)}"
        )
    unit, day = _ALIASES[name]
    return Frequency(unit, int(number or 1), day)


def day_of_month(stamps: int | Integers) -> Integers:
    """Returns the day of the month of stamps in microseconds, 1 to 31."""
    days = np.asarray(stamps, np.int64).astype("datetime64[us]").astype("datetime64[D]")
    return (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1


def month_anchor(stamps: Integers) -> int:
    """Returns the day of the month on which all stamps lie, 31 for the last; 0 if they lie on no common one."""
    days = day_of_month(stamps)
    month = np.asarray(stamps, np.int64).astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    lengths = day_of_month(_month_day(month, 31))
    if (days == lengths).all() and (days >= 28).all():
        return 31
    day = int(days.max(initial=0))
    return day if (days == np.minimum(day, lengths)).all() else 0


def infer_frequency(stamps: Integers, series: NDArray[np.int64], numbers: bool) -> Frequency | None:
    """Returns the frequency of the most frequent distance between stamps; None where no series has two.

    It is only a guess: whether all stamps lie on its grid is for the caller to check.

    Args:
        stamps: `(rows,)`, sorted within each series.
        series: `(rows,)`: the number of the series of each stamp.
        numbers: The stamps are whole numbers, not times.
    """
    distances = np.diff(stamps)[np.diff(series) == 0]
    distances = distances[distances > 0]
    if not distances.size:
        return None
    lengths, counts = np.unique(distances, return_counts=True)
    usual = int(lengths[counts.argmax()])
    if numbers:
        return Frequency("step", usual)
    days = usual / DAY
    if anchor := month_anchor(stamps):
        for unit, low, high in (("M", 28, 31), ("Q", 90, 92), ("Y", 365, 366)):
            if low <= days <= high and not (lengths.size == 1 and lengths[0] == 28 * DAY and stamps.size > 3):
                return Frequency(unit, 1, anchor)
    if usual == DAY and (lengths == 3 * DAY).any():
        weekdays = (stamps // DAY + 3) % 7  # 1970 began on a Thursday
        if (weekdays < 5).all():
            return Frequency("B")
    for unit in ("W", "D", "h", "min", "s", "ms", "us"):
        if usual % MICROSECONDS[unit] == 0:
            return Frequency(unit, usual // MICROSECONDS[unit])
    raise AssertionError


def _month_day(months: Integers, day: int | Integers) -> Integers:
    """Returns the start of the given day of months counted from 1970, or of their last day, in microseconds."""
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.minimum(first + np.asarray(day, np.int64) - 1, following - 1) * DAY
