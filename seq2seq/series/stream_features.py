"""What a network reads of a stream of readings to predict the next one: causal, in constant time and memory.

Readings are scaled by the mean and the deviation of all readings before them, so that shifting and scaling a series
changes nothing. Whole series go through the same `advance` as a stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.series.frequency import DAY, MICROSECONDS, Frequency
from seq2seq.series.table import Floats, Integers

FEATURES = 6
"""Of a step: the last reading, its change, the reading a day ago, the means around a day and around a week ago, and
whether there is a day."""
MOST = 1e4
"""Deviations: scaled readings are cut there."""
MOST_DAY = 100_000
"""Readings of a day; if there are more, the stream has no features of days, for a week of them is kept."""
_ROUNDING = 1e-9
"""A deviation below this share of the mean is rounding, not noise."""
_WEEK = 7
"""Days."""
_TOGETHER = 64
"""Series that are read side by side."""


class Advanced(NamedTuple):
    """What a reading gives."""

    features: Floats
    """`(rows, FEATURES)`: those of the next step."""
    target: Floats
    """`(rows,)`: the reading in deviations from the mean of those before it, within plus, minus `MOST`; 0 for the first
    one, and for one that is missing."""


class StreamFeatures:
    """Streams side by side. A missing reading, NaN, changes nothing: days are counted in readings that are there.

    Args:
        days: `(rows,)`: readings of a day in each stream; 0 where it has no features of days.
    """

    def __init__(self, days: Integers):
        self.days = np.asarray(days, np.int64)
        if ((self.days < 0) | (self.days > MOST_DAY)).any():
            raise ValueError(f"Expected days of 0 to {MOST_DAY:,} readings. Received: {self.days.tolist()}")
        rows = len(self.days)
        self._rows = np.arange(rows)
        self._width = np.where(self.days > 0, np.maximum(self.days // 24, 1), 0)
        self._near = np.arange(-self._width.max(initial=0), self._width.max(initial=0) + 1)
        self._sizes = np.maximum(_WEEK * self.days + self._width, 1)
        self._ring = np.zeros((rows, int(self._sizes.max(initial=1))))
        self._seen = np.zeros(rows, np.int64)
        self._mean, self._squares, self._last = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.features = np.zeros((rows, FEATURES))
        """`(rows, FEATURES)`: those of the next step."""

    def advance(self, values: Floats) -> Advanced:
        """Takes the next reading of each stream in, `(rows,)`.

        Raises:
            ValueError: a reading is infinite.
        """
        values = np.asarray(values, np.float64)
        if np.isinf(values).any():
            raise ValueError("Expected finite readings, or nan for missing ones. Received: an infinity")
        known = ~np.isnan(values)
        if not known.any():
            return Advanced(self.features, np.zeros(len(values)))
        filled = np.where(known, values, self._mean)
        target = np.where(known, self._scaled(filled), 0.0)
        self._seen = self._seen + known
        error = filled - self._mean  # 0 where nothing came
        self._mean = self._mean + error / np.maximum(self._seen, 1)
        self._squares = self._squares + error * (filled - self._mean)
        place = (self._seen - 1) % self._sizes
        self._ring[self._rows, place] = np.where(known, values, self._ring[self._rows, place])
        self.features = np.where(known[:, None], self._next(np.arcsinh(target)), self.features)
        self._last = np.where(known, self.features[:, 0], self._last)
        return Advanced(self.features, target)

    def _scaled(self, values: Floats) -> Floats:
        """Returns numbers, `(rows,)`, in deviations from the mean."""
        rounding = _ROUNDING * np.abs(self._mean)
        error = values - self._mean
        error = np.where((np.abs(error) <= rounding) | (self._seen == 0), 0.0, error)
        deviation = np.sqrt(self._squares / np.maximum(self._seen, 1))
        constant = deviation <= rounding
        scaled = error / np.where(constant, 1.0, deviation)
        return np.clip(np.where(constant, MOST * np.sign(error), scaled), -MOST, MOST)

    def _next(self, last: Floats) -> Floats:
        there = (self.days > 0) & (self._seen >= self.days)
        features = np.zeros((len(last), FEATURES))
        features[:, 0], features[:, 1] = last, last - self._last
        if there.any():
            day = self._ring[self._rows, (self._seen - self.days) % self._sizes]
            week = np.where(self._seen >= _WEEK * self.days, self._around(_WEEK * self.days), day)
            for column, values in enumerate((day, self._around(self.days), week), 2):
                features[:, column] = np.where(there, np.arcsinh(self._scaled(values)), 0.0)
            features[:, 5] = there
        return features

    def _around(self, lag: Integers) -> Floats:
        """Returns the mean of the readings around `lag` steps before the next one, as far as they are there."""
        steps = (self._seen - lag)[:, None] + self._near
        inside = (steps >= 0) & (steps < self._seen[:, None]) & (np.abs(self._near) <= self._width[:, None])
        values = np.where(inside, self._ring[self._rows[:, None], steps % self._sizes[:, None]], 0.0)
        return values.sum(axis=1) / np.maximum(inside.sum(axis=1), 1)


def advance_block(streams: StreamFeatures, values: Floats) -> tuple[Floats, Floats]:
    """Takes a block of readings in.

    Args:
        streams: The streams; they go on.
        values: `(rows, time)`; NaN is missing.

    Returns:
        The features of each step, known before its reading, `(rows, time, FEATURES)`; and the scaled readings,
        `(rows, time)`.
    """
    features = np.empty((*values.shape, FEATURES))
    targets = np.empty(values.shape)
    for step in range(values.shape[1]):
        features[:, step] = streams.features
        targets[:, step] = streams.advance(values[:, step]).target
    return features, targets


def readings_of_day(frequency: Frequency) -> int:
    """Returns how many readings a day has; 0 where there is no day, or too many of them."""
    if frequency.unit not in MICROSECONDS:
        return 0
    found = round(DAY / (MICROSECONDS[frequency.unit] * frequency.multiple))
    return found if found <= MOST_DAY else 0


def readings_of_day_by_stamps(times: NDArray[np.datetime64]) -> int:
    """Returns how many readings a day has, by the median distance of stamps, in any order; 0 as above."""
    distances = np.diff(times.astype("datetime64[us]").astype(np.int64))
    median = float(np.median(distances)) if len(distances) else 0.0
    found = round(DAY / median) if median > 0 else 0
    return found if found <= MOST_DAY else 0


def whole_features(series: Sequence[Floats], days: Sequence[int]) -> list[tuple[Floats, Floats]]:
    """Returns features and scaled readings of whole series, missing readings left out, as `advance_block` does.

    Args:
        series: `(time,)` each; NaN is missing.
        days: Readings of a day in each.
    """
    known = [values[~np.isnan(values)] for values in series]
    found: list[tuple[Floats, Floats]] = [(np.zeros((0, FEATURES)), np.zeros(0))] * len(known)
    order = sorted(range(len(known)), key=lambda number: len(known[number]))
    for first in range(0, len(order), _TOGETHER):
        numbers = order[first : first + _TOGETHER]
        values = np.full((len(numbers), len(known[numbers[-1]])), np.nan)
        for row, number in enumerate(numbers):
            values[row, : len(known[number])] = known[number]
        features, targets = advance_block(
            StreamFeatures(np.asarray([days[number] for number in numbers], np.int64)), values
        )
        for row, number in enumerate(numbers):
            size = len(known[number])
            found[number] = features[row, :size], targets[row, :size]
    return found
