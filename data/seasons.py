"""Daily sales of made-up shops, for the embedded forecasting demo: made here, no download.

60 series of 2 to 4 years that end on the same day. Each is trend · week · year · holidays · promotions · noise, in
units of its own: a level that breaks up to twice, holidays of its region, noise of 3 to 25 %, a shape of its own.
Some days are missing, a few of them in a row. Holidays and promotions are known ahead. Easter moves, so a model
without the column of holidays cannot place it.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.series.frequency import DAY, parse_frequency
from seq2seq.series.table import SeriesTable, offsets_of

NAME = "seasons"
LANGUAGES = ()
LICENCE = "Apache-2.0: made for this project"
CITATION = "This project"
SERIES = 60
HORIZON, TEST = 28, 84
"""Days that a forecast is for; days of the test, which are three horizons."""
SPLITS = ("train", "test")
END = np.datetime64("2024-09-30")
"""The last day of the test."""
YEARS = (2.0, 4.0)
NOISE = (0.03, 0.25)
"""The least and the largest standard deviation of the noise of a series, in shares of its level."""
REGIONS = ("north", "east", "south", "west")
FIXED = {
    "north": ("01-01", "05-01", "12-25", "12-26"),
    "east": ("01-01", "05-01", "06-24", "12-25", "12-26"),
    "south": ("01-01", "01-06", "05-01", "08-15", "11-01", "12-25", "12-26"),
    "west": ("01-01", "05-01", "07-14", "11-01", "12-25"),
}
"""Holidays of each region beside those of Easter: month and day."""
EASTER = ("2020-04-12", "2021-04-04", "2022-04-17", "2023-04-09", "2024-03-31")
AROUND_EASTER = (-2, 1, 39, 50)
"""Good Friday, Easter Monday, Ascension, Whit Monday: days after Easter Sunday."""

_YEAR = 365.25
_SETTLED = 60
"""No level breaks in so many days before the test: nobody could forecast from what is not there."""
_GAPS = (7, 14)

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]


class Shop(NamedTuple):
    """One series and what is known beside it."""

    name: str
    region: str
    days: Days
    values: Floats
    """`(time,)`: two decimals; NaN where missing."""
    holiday: Floats
    """`(time,)`: 1 on holidays, else 0."""
    promotion: Floats
    """`(time,)`: the share by which prices are reduced, 0 to 0.3."""


def load(split: str, context: int = 0) -> SeriesTable:
    """Returns the series of a split, the same ones each time.

    Args:
        split: "train"; or "test", the last `TEST` days, which follow those of training.
        context: Days before the test to add to it, as far as there are any.

    Raises:
        ValueError: the split is unknown.
    """
    if split not in SPLITS:
        raise ValueError(f"The seasons have the splits {', '.join(SPLITS)}. Received: {split!r}")
    table = generate()
    return table.cut(0, -TEST) if split == "train" else table.cut(-TEST - context)


def generate(seed: int = 0, series: int = SERIES) -> SeriesTable:
    """Returns the series of both splits, with the covariates holiday and promotion, and the static column region.

    Args:
        seed: Other numbers give other shops.
        series: How many; the first ones of a larger table are those of a smaller.
    """
    shops = [_shop(number, seed) for number in range(series)]
    values = np.concatenate([shop.values for shop in shops] or [np.zeros(0)])
    observed = ~np.isnan(values)
    return SeriesTable(
        [shop.name for shop in shops],
        np.asarray([shop.days[0].astype(np.int64) * DAY for shop in shops], np.int64),
        offsets_of(np.asarray([len(shop.days) for shop in shops], np.int64)),
        parse_frequency("D"),
        np.where(observed, values, 0.0),
        observed,
        {
            "holiday": np.concatenate([shop.holiday for shop in shops] or [np.zeros(0)]),
            "promotion": np.concatenate([shop.promotion for shop in shops] or [np.zeros(0)]),
        },
        {"region": np.asarray([shop.region for shop in shops], str)},
    )


def _shop(number: int, seed: int) -> Shop:
    random = np.random.default_rng([zlib.crc32(NAME.encode()), seed, number])
    length = round(_YEAR * random.uniform(*YEARS))
    days = END - np.arange(length - 1, -1, -1)
    region = REGIONS[number % len(REGIONS)]
    holiday, promotion = holidays(days, region), _promotions(length, random)
    effects = (
        _level(length, random)
        + _week(days, random)
        + _year(days, random)
        + holiday * np.log(random.uniform(0.15, 0.6))
        + promotion * random.uniform(1.5, 4.0)
    )
    deviation = NOISE[0] * (NOISE[1] / NOISE[0]) ** random.uniform()
    level = 10 ** random.uniform(1.3, 3.7)
    values = level * np.exp(effects + deviation * random.standard_normal(length))
    values = np.round(values, 2)
    values[_missing(length, random)] = np.nan
    return Shop(f"shop_{number:02d}", region, days, values, holiday, promotion)


def holidays(days: Days, region: str) -> Floats:
    """Returns 1 for each day that is a holiday of a region, else 0."""
    dates = np.asarray([text[5:] for text in np.datetime_as_string(days, "D")])
    easter = np.asarray(EASTER, "datetime64[D]")[:, None] + np.asarray(AROUND_EASTER)
    return (np.isin(dates, FIXED[region]) | np.isin(days, easter)).astype(np.float64)


def _level(length: int, random: np.random.Generator) -> Floats:
    """Returns the logarithm of a trend that is straight between bends, with up to two breaks."""
    trend = np.cumsum(np.repeat(random.normal(0.0, 0.25 / _YEAR, 1 + length // 180), 180)[:length])
    for place in random.integers(90, length - TEST - _SETTLED, random.integers(0, 3)):
        trend[place:] += random.choice([-1, 1]) * random.uniform(0.2, 0.6)
    return trend


def _week(days: Days, random: np.random.Generator) -> Floats:
    """Returns the logarithm of a week with a busy end, or a busy middle, by series."""
    weekday = (days.astype(np.int64) + 3) % 7  # 1970 began on a Thursday
    shape = random.normal(0.0, 0.12, 7)
    shape[5:] += random.choice([-0.7, 0.35])
    return (shape - shape.mean())[weekday]


def _year(days: Days, random: np.random.Generator) -> Floats:
    """Returns the logarithm of two waves a year."""
    angle = 2 * np.pi * days.astype(np.int64) / _YEAR
    strong, phase = random.uniform(0.1, 0.5), random.uniform(0, 2 * np.pi)
    weak, shift = strong * random.uniform(0, 0.5), random.uniform(0, 2 * np.pi)
    return strong * np.sin(angle + phase) + weak * np.sin(2 * angle + shift)


def _promotions(length: int, random: np.random.Generator) -> Floats:
    """Returns reductions of prices: some weeks of each year."""
    found = np.zeros(length)
    for place in random.integers(0, length, round(6 * length / _YEAR)):
        found[place : place + random.choice([7, 14])] = random.choice([0.1, 0.2, 0.3])
    return found


def _missing(length: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Returns which days have no reading: one in a hundred, and in every third series some in a row."""
    found = random.uniform(size=length) < 0.01
    if random.uniform() < 1 / 3:
        place = random.integers(90, length - TEST - _GAPS[1])
        found[place : place + random.integers(*_GAPS)] = True
    found[[0, -1]] = False
    return found
