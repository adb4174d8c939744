"""From scores to alarms: thresholds by a stated rate of false alarms, and intervals that a stream gives too."""

from __future__ import annotations

import bisect
import math
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2seq.files import check_regular
from seq2seq.series.table import Floats, Integers, offsets_of

RATE_OF = 10_000
"""Rates of false alarms are stated for this many readings."""
NORMAL_FILE = "normal.npz"
"""Scores of normal data."""
_MOST_BYTES = 1 << 31
"""Of such a file, when unpacked."""


class Alarm(NamedTuple):
    """Readings that belong to one anomaly."""

    start: int
    """The row of the first score at the threshold or above."""
    end: int
    """The row of the last one."""
    severity: float
    """The highest score."""


@dataclass
class AlarmIntervals:
    """Joins scores to alarms, a score at a time, in constant memory.

    An alarm begins with a score at the threshold or above, and ends with the last such score before more than `gap`
    lower ones. What is already answered about a row never changes.
    """

    threshold: float
    gap: int = 10
    """Readings below the threshold that do not end an alarm."""
    open: Alarm | None = field(default=None, init=False)
    """The alarm that has begun and not ended, as far as it is known; None without one."""
    rows: int = field(default=0, init=False)
    """Scores so far."""

    def __post_init__(self) -> None:
        if math.isnan(self.threshold):
            raise ValueError("Expected a number as the threshold of alarms. Received: nan")
        if self.gap < 0:
            raise ValueError(f"Expected a gap of at least 0 readings within an alarm. Received: {self.gap}")

    def advance(self, score: float, held: float = -math.inf) -> Alarm | None:
        """Takes the score of the next row; returns the alarm that has ended, if one has.

        Args:
            score: What begins an alarm, and what its severity is made of.
            held: What keeps an open one open beside the score: that of a detector whose scores rest.

        Raises:
            ValueError: the score is NaN.
        """
        if math.isnan(score):
            raise ValueError(f"Expected a score. Row {self.rows} has nan: the score of a missing reading is 0.")
        row, self.rows = self.rows, self.rows + 1
        if score >= self.threshold:
            start, severity = (self.open.start, self.open.severity) if self.open else (row, score)
            self.open = Alarm(start, row, max(severity, score))
            return None
        if self.open and held >= self.threshold:
            self.open = self.open._replace(end=row)
            return None
        if self.open and row - self.open.end > self.gap:
            return self.finish()
        return None

    def finish(self) -> Alarm | None:
        """Ends and returns the open alarm, if there is one: a series has ended."""
        last, self.open = self.open, None
        return last


def intervals(scores: Floats, threshold: float, gap: int = 10, held: Floats | None = None) -> list[Alarm]:
    """Returns the alarms of a series in order, as `AlarmIntervals` gives them.

    Args:
        scores: `(time,)`, without NaN.
        threshold: Scores of at least this much are in an alarm.
        gap: Readings below the threshold that do not end an alarm.
        held: `(time,)`: see `AlarmIntervals.advance`.
    """
    stream = AlarmIntervals(threshold, gap)
    rows = np.asarray(scores, np.float64).tolist()
    keep = [-math.inf] * len(rows) if held is None else np.asarray(held, np.float64).tolist()
    found = [stream.advance(*row) for row in zip(rows, keep, strict=True)]
    return [alarm for alarm in (*found, stream.finish()) if alarm]


def threshold_for(normal: Iterable[Floats], rate: float, gap: int = 10) -> float:
    """Returns the lowest threshold with at most `rate` alarms per 10,000 readings of normal data.

    So it is for every higher threshold too. Alarms are those of `intervals`; with `held` there are as many or fewer.

    Args:
        normal: Scores of series that hold few anomalies or none, `(time,)` each, such as those of training.
        rate: Alarms per 10,000 readings, above 0.
        gap: See `intervals`.

    Raises:
        ValueError: the rate is not above 0, a score is NaN, or the readings are too few to tell such a rate.
    """
    if not rate > 0:
        raise ValueError(f"Expected more than 0 alarms per {RATE_OF:,} readings. Received: {rate}")
    series = [np.asarray(scores, np.float64) for scores in normal]
    allowed = math.floor(rate * sum(map(len, series)) / RATE_OF + 1e-9)
    if allowed < 1:
        raise ValueError(
            f"Expected at least {math.ceil(RATE_OF / rate):,} readings to find the threshold of {rate:g} alarms per "
            f"{RATE_OF:,}. Received: {sum(map(len, series)):,}. State a higher rate, or give more readings."
        )
    levels = np.concatenate(series)
    if np.isnan(levels).any():
        raise ValueError("Expected scores without nan: the score of a missing reading is 0.")
    places = np.concatenate([np.arange(len(scores)) for scores in series])
    places += np.repeat(np.cumsum([0, *(len(scores) + gap + 1 for scores in series[:-1])]), [*map(len, series)])
    return _lowest(levels, places, allowed, gap)


def save_normal(path: Path, normal: Sequence[Floats]) -> None:
    """Keeps the scores of normal data, `(time,)` of each series."""
    with open(path, "wb") as file:
        lengths = np.asarray([len(scores) for scores in normal], np.int64)
        np.savez_compressed(file, scores=np.concatenate([np.zeros(0), *normal]), offsets=offsets_of(lengths))


def load_normal(path: Path) -> list[Floats]:
    """Reads what `save_normal` wrote; ValueError names a file that is missing or damaged."""
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise ValueError(f"more than {_MOST_BYTES:,} bytes of scores")
        with np.load(path, allow_pickle=False) as arrays:
            scores, offsets = np.asarray(arrays["scores"], np.float64), arrays["offsets"].astype(np.int64)
        if scores.ndim != 1 or offsets[0] != 0 or offsets[-1] != len(scores) or (np.diff(offsets) < 0).any():
            raise ValueError("offsets do not fit")
        if not np.isfinite(scores).all():
            raise ValueError("a score is not finite")
    except Exception as error:  # zip files and arrays raise many kinds
        raise ValueError(f"{path}: missing or damaged ({str(error)[:200]}).") from error
    return np.split(scores, offsets[1:-1])


def _lowest(levels: Floats, places: Integers, allowed: int, gap: int) -> float:
    """Lets rows in from the highest score down, and stops before there are too many alarms."""
    order = np.argsort(-levels, kind="stable").tolist()
    inside: list[int] = []
    alarms, threshold = 0, float(np.nextafter(levels[order[0]], np.inf))
    for rank, row in enumerate(order):
        place = int(places[row])
        index = bisect.bisect(inside, place)
        near = index > 0 and place - inside[index - 1] <= gap + 1
        near_after = index < len(inside) and inside[index] - place <= gap + 1
        joined = near and near_after and inside[index] - inside[index - 1] <= gap + 1
        alarms += 1 - near - near_after + joined
        inside.insert(index, place)
        last = rank + 1 == len(order) or levels[order[rank + 1]] != levels[row]
        if last and alarms > allowed:
            break
        if last:
            threshold = float(levels[row])
    return threshold
