"""Sensors of made-up machines whose faults are known, for the embedded demo of anomaly detection: no download.

12 hourly series with a day, a week and noise: eight weeks of training without a fault, then four weeks of test. Every
sixth sensor has none; the others have two to four of `KINDS`, at least two days apart and none in the first 15 % of
the test, as in NAB. All of them end: after a fault a sensor is as before.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.series.table import SeriesTable, table_of

from .nab import Recording

NAME = "faults"
LANGUAGES = ()
LICENCE = "Apache-2.0: made for this project"
CITATION = "This project"
SENSORS = 12
SPLITS = {"train": 8 * 168, "test": 4 * 168}
"""Hours of each."""
START = np.datetime64("2024-01-01T00:00:00")
"""The first hour of training, a Monday; the test follows."""
KINDS = ("spike", "level_shift", "changed_season", "frozen")
LENGTHS = {"spike": (1, 4), "level_shift": (18, 48), "changed_season": (24, 72), "frozen": (10, 30)}
"""Hours that a fault lasts: at least, and below."""
PROBATION = 0.15
"""Share of the test without a fault."""
APART, WINDOW = 48, 12
"""Hours between the end of a fault and the next, at least; hours of the shortest window."""

Floats = NDArray[np.float64]


class Fault(NamedTuple):
    """One fault of a sensor."""

    kind: str
    """One of `KINDS`."""
    first: int
    """Its first row in the test."""
    last: int
    """Its last row."""

    @property
    def window(self) -> tuple[int, int]:
        """First and last row in which an alarm counts: from the fault's first row, `WINDOW` hours or to its end."""
        return self.first, max(self.last, self.first + WINDOW - 1)


class Sensor(NamedTuple):
    """What is drawn of one sensor."""

    values: Floats
    """`(time,)`: training and test, without faults."""
    noise: float
    """Standard deviation of the noise."""
    faults: tuple[Fault, ...]
    faulty: Floats
    """`(time of the test,)`."""


def load(split: str) -> Mapping[str, Recording]:
    """Returns the readings of all sensors with the windows of their faults, as `nab.load` does.

    Raises:
        ValueError: the split is unknown.
    """
    sensors, stamps = generate(), _stamps(split)
    if split == "train":
        return {name: Recording(stamps, sensor.values[: SPLITS[split]], ()) for name, sensor in sensors.items()}
    return {
        name: Recording(stamps, sensor.faulty, tuple(fault.window for fault in sensor.faults))
        for name, sensor in sensors.items()
    }


def table(split: str) -> SeriesTable:
    """Returns the readings as a table; ValueError for an unknown split."""
    series = {name: recording.values for name, recording in load(split).items()}
    return table_of(series, "h", str(_stamps(split)[0]))


def faults() -> Mapping[str, tuple[Fault, ...]]:
    """Returns the faults of each sensor in the test, in order."""
    return {name: sensor.faults for name, sensor in generate().items()}


def generate(seed: int = 0) -> dict[str, Sensor]:
    """Returns the sensors by name; other seeds give others."""
    return {f"sensor_{number:02d}": _sensor(number, seed) for number in range(SENSORS)}


def _stamps(split: str) -> NDArray[np.datetime64]:
    if split not in SPLITS:
        raise ValueError(f"The faults have the splits {', '.join(SPLITS)}. Received: {split!r}")
    first = 0 if split == "train" else SPLITS["train"]
    return START + np.arange(first, first + SPLITS[split]).astype("timedelta64[h]")


def _sensor(number: int, seed: int) -> Sensor:
    random = np.random.default_rng([zlib.crc32(NAME.encode()), seed, number])
    hours = np.arange(sum(SPLITS.values()))
    unit, base = 10 ** random.uniform(-1, 2), random.uniform(2, 10)
    noise = unit * random.uniform(0.05, 0.25)
    day, week = _day(hours, random), 1 - random.uniform(0.1, 0.7) * (hours % 168 >= 120)
    # Noise remembers the hour before, as that of machines does.
    drawn = random.standard_normal(len(hours))
    for hour in hours[1:]:
        drawn[hour] = 0.6 * drawn[hour - 1] + 0.8 * drawn[hour]
    values = _rounded(unit * (base + day * week) + noise * drawn, noise)
    begin = SPLITS["train"]
    planned = _plan(random) if number % 6 != 5 else ()
    faulty = values[begin:].copy()
    for fault in planned:
        _break(faulty, values, fault, noise, random)
    return Sensor(values, noise, planned, _rounded(faulty, noise))


def _day(hours: NDArray[np.int64], random: np.random.Generator) -> Floats:
    """Returns a day with one or two humps, 0 to 2 units."""
    angle = 2 * np.pi * (hours % 24) / 24
    return 1 + 0.7 * np.sin(angle + random.uniform(0, 2 * np.pi)) + 0.3 * np.sin(2 * angle + random.uniform(0, np.pi))


def _rounded(values: Floats, noise: float) -> Floats:
    """Returns values as a sensor shows them: to a hundredth of the noise, about."""
    return np.round(values, max(0, 2 - int(np.floor(np.log10(noise)))))


def _plan(random: np.random.Generator) -> tuple[Fault, ...]:
    """Returns faults of different kinds, each in a part of the test of its own."""
    count = int(random.integers(2, 5))
    begin, end = int(np.ceil(PROBATION * SPLITS["test"])), SPLITS["test"]
    part = (end - begin) // count
    found = []
    for place, kind in enumerate(random.permutation(KINDS)[:count].tolist()):
        length = int(random.integers(*LENGTHS[kind]))
        first = begin + place * part + int(random.integers(0, part - APART - max(length, WINDOW) + 1))
        found.append(Fault(kind, first, first + length - 1))
    return tuple(found)


def _break(faulty: Floats, values: Floats, fault: Fault, noise: float, random: np.random.Generator) -> None:
    """Puts a fault into the readings of the test, in place."""
    rows, begin = slice(fault.first, fault.last + 1), SPLITS["train"]
    sign = random.choice([-1, 1])
    if fault.kind == "spike":
        faulty[rows] += sign * noise * random.uniform(8, 14)
    elif fault.kind == "level_shift":
        faulty[rows] += sign * noise * random.uniform(5, 8)
    elif fault.kind == "frozen":
        faulty[rows] = faulty[fault.first - 1]
    else:  # the day runs half a day late
        faulty[rows] = values[begin + fault.first - 12 : begin + fault.last + 1 - 12]
