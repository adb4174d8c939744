"""M4: the hourly and the weekly series of the fourth competition of forecasting (Makridakis et al. 2020).

Hourly: 414 series of 700 or 960 hours, horizon 48, season 24. Weekly: 359 series of 80 to 2,597 weeks, horizon 13,
season 1. The files have no time stamps: steps are counted from 0.
"""

from __future__ import annotations

import csv
from typing import NamedTuple

from seq2seq.series.table import SeriesTable, table_of

from .fetch import FetchError, RemoteFile, fetch

NAME = "m4"
LANGUAGES = ()
LICENCE = "None stated; published by the organisers for research"
CITATION = (
    "Makridakis, Spiliotis, Assimakopoulos 2020, The M4 Competition: 100,000 time series and 61 forecasting methods, "
    "International Journal of Forecasting"
)
ADDRESS = "https://raw.githubusercontent.com/Mcompetitions/M4-methods/master/Dataset"


class Group(NamedTuple):
    """Series of one frequency."""

    horizon: int
    season: int
    """Of the scaled errors of the competition."""
    sha256: tuple[str, str]
    """Of the training and of the test file."""


GROUPS = {
    "hourly": Group(
        48,
        24,
        (
            "ea59b7783573c49077a835ab6465c7d66f1474783360f310988a9a737fbca62f",
            "71a57fccb15e534d973626ada4fb87febf789e9317715b7cc6dd3b5f90db6f42",
        ),
    ),
    "weekly": Group(
        13,
        1,
        (
            "d478d3f6ed673e6ed3c2cb0fbed5425f72eedd51318ebebeb0b5ecfcefc37714",
            "3b2bc4be8e636e802260dcd843ca3c5da40536a1fbe1ecb3229a97dae4f44688",
        ),
    ),
}
SPLITS = ("train", "test")


def load(split: str, group: str) -> SeriesTable:
    """Returns the series of a group, named as in the competition; downloads them if necessary.

    Args:
        split: "train"; or "test", the steps of the horizon, counted on from those of training.
        group: "hourly" or "weekly".

    Raises:
        ValueError: the split or the group is unknown, or the file is not available.
    """
    if split not in SPLITS:
        raise ValueError(f"M4 has the splits {', '.join(SPLITS)}. Received: {split!r}")
    if group not in GROUPS:
        raise ValueError(f"Of M4 there are the groups {', '.join(GROUPS)}. Received: {group!r}")
    series = _read(split, group)
    if split == "train":
        return table_of(series)
    past = _read("train", group)
    return table_of(series, start=[len(past[name]) for name in series])


def _read(split: str, group: str) -> dict[str, list[float]]:
    place, name = split.title(), f"{group.title()}-{split}.csv"
    path = fetch(RemoteFile(NAME, name, f"{ADDRESS}/{place}/{name}", GROUPS[group].sha256[SPLITS.index(split)]))
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    try:
        return {row[0]: [float(cell) for cell in row[1:] if cell] for row in rows}
    except (IndexError, ValueError) as error:
        raise FetchError(f"{path} is not the file of M4 that was expected ({error}).") from None
