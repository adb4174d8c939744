"""Many series in flat arrays: one array of values and where each series begins, no object for each series.

A series lies on a regular grid: its first stamp and the frequency give all others. A step without a reading, or with
one that is missing, is there with `observed` False and the value 0: it must get weight 0 wherever it is used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.series.frequency import DAY, Frequency, parse_frequency
from seq2seq.series.stamps import to_wall

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Series:
    """One series; its arrays are views of those of a table."""

    id: str
    start: int
    """The first stamp: microseconds since 1970, or a whole number where the frequency counts steps."""
    frequency: Frequency
    values: Floats
    """`(time,)`, finite; 0 where nothing was observed."""
    observed: Booleans
    """`(time,)`."""
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    """By name, `(time,)`; NaN where they are missing."""
    static: Mapping[str, Any] = field(default_factory=dict)
    """By name: a number or a string."""
    stamps: Integers | None = None
    """`(time,)`: those of the rows, where a table takes its rows as they come."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def times(self) -> NDArray[Any]:
        """`(time,)`: datetime64 in microseconds, or whole numbers."""
        found = self.stamps
        if found is None:
            found = self.frequency.stamps(self.start, np.arange(len(self)))
        return found if self.frequency.unit == "step" else found.astype("datetime64[us]")


@dataclass(frozen=True)
class SeriesTable:
    """Series of one frequency, end to end.

    Series i is at `offsets[i] : offsets[i + 1]` of all flat arrays.
    """

    ids: Sequence[str]
    starts: Integers
    """`(series,)`: see `Series.start`."""
    offsets: Integers
    """`(series + 1,)`."""
    frequency: Frequency
    values: Floats
    """`(time of all,)`."""
    observed: Booleans
    """`(time of all,)`."""
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    """`(time of all,)` each."""
    static: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """`(series,)` each: float64 or str."""
    time_zone: str = ""
    """Empty: the stamps are a wall clock. Else they are UTC, and this is the zone whose clock people look at."""
    stamps: Integers | None = None
    """`(time of all,)`: see `Series.stamps`."""
    notes: tuple[str, ...] = ()
    """What was decided or changed when the table was read, a sentence each."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> Integers:
        """`(series,)`: steps of each."""
        return np.diff(self.offsets)

    def __getitem__(self, number: int) -> Series:
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        part = slice(int(self.offsets[number]), int(self.offsets[number + 1]))
        return Series(
            self.ids[number],
            int(self.starts[number]),
            self.frequency,
            self.values[part],
            self.observed[part],
            {name: column[part] for name, column in self.covariates.items()},
            {name: column[number].item() for name, column in self.static.items()},
            None if self.stamps is None else self.stamps[part],
        )

    def __iter__(self) -> Iterator[Series]:
        return (self[number] for number in range(len(self)))

    def cut(self, start: int, stop: int | None = None) -> SeriesTable:
        """Returns the table of the steps `start:stop` of each series, as a slice takes them: negative from the end.

        A series that is shorter keeps what it has of them, perhaps nothing.
        """
        lengths = self.lengths
        first = np.clip(start + lengths if start < 0 else np.full(len(self), start), 0, lengths)
        end = lengths if stop is None else stop + lengths if stop < 0 else np.full(len(self), stop)
        taken = np.maximum(np.clip(end, 0, lengths) - first, 0)
        offsets = offsets_of(taken)
        rows = np.repeat(self.offsets[:-1] + first - offsets[:-1], taken) + np.arange(offsets[-1])
        return dataclasses.replace(
            self,
            starts=self.frequency.stamps(self.starts, first),
            offsets=offsets,
            values=self.values[rows],
            observed=self.observed[rows],
            covariates={name: column[rows] for name, column in self.covariates.items()},
            stamps=None if self.stamps is None else self.stamps[rows],
        )

    def clock(self, rows: Integers, number: Integers) -> Integers:
        """Returns the wall clock at flat positions, in microseconds since 1970 (or whole numbers), past ends too.

        Args:
            rows: Flat positions, any shape; those of a future lie behind the end of their series.
            number: The series of each, of a shape that broadcasts.
        """
        stamps = self.frequency.stamps(self.starts[number], rows - self.offsets[number])
        counted_locally = self.frequency.unit in CALENDAR or self.frequency.unit == "step"
        return stamps if counted_locally else to_wall(stamps, self.time_zone)


CALENDAR = frozenset({"D", "B", "W", "M", "Q", "Y"})
"""Units that follow the wall clock: a day of 23 or 25 hours is a day. Shorter ones count instants."""


def table_of(
    series: Mapping[str, Sequence[float] | Floats],
    frequency: str | Frequency = "step",
    start: str | int | Sequence[str | int] = 0,
) -> SeriesTable:
    """Returns a table of arrays in memory; NaN is a missing value.

    Args:
        series: Values by id.
        frequency: An alias; "step" where there is no clock.
        start: The first stamp of all series, or one for each: ISO 8601, or whole numbers for "step".

    Raises:
        ValueError: a value is infinite, or the frequency is unknown.
    """
    if isinstance(frequency, str):
        frequency = parse_frequency(frequency)
    flat = np.concatenate([np.asarray(values, np.float64) for values in series.values()] or [np.zeros(0)])
    offsets = offsets_of(np.asarray([len(values) for values in series.values()], np.int64))
    if np.isinf(flat).any():
        number = int(np.searchsorted(offsets, np.isinf(flat).argmax(), side="right")) - 1
        raise ValueError(
            f"Series {list(series)[number]!r} holds an infinite value. Expected numbers, or NaN for missing ones."
        )
    each = [start] * len(series) if isinstance(start, str | int) else list(start)
    starts = [int(np.datetime64(one, "us").astype(np.int64)) if isinstance(one, str) else one for one in each]
    observed = ~np.isnan(flat)
    return SeriesTable(
        list(series), np.asarray(starts, np.int64), offsets, frequency, np.where(observed, flat, 0.0), observed
    )


def offsets_of(lengths: Integers) -> Integers:
    """Returns where series of these lengths begin when they lie end to end, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def show_stamp(stamp: int, unit: str) -> str:
    """Returns a stamp as people write it."""
    if unit == "step":
        return str(stamp)
    time = np.datetime64(int(stamp), "us")
    if stamp % DAY == 0:
        return str(time.astype("datetime64[D]"))
    return str(time if stamp % 1_000_000 else time.astype("datetime64[s]")).replace("T", " ")
