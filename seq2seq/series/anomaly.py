"""Detectors of anomalies without learning: a reading comes in, a score goes out, nothing of the future is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from seq2seq.series.table import Floats

_LEAST = 1e-6
"""The standard deviation of a constant past, as in NAB."""


class Detector(Protocol):
    """Keeps what it needs of the past, of constant size."""

    def advance(self, value: float) -> float:
        """Returns the score of the next reading: the higher, the more anomalous. NaN is a missing one, with score 0."""
        ...


@dataclass
class WindowedGaussian:
    """How far a reading lies from the mean of many before it: NAB's baseline of this name, with its settings.

    The score is 1 less the tail probability beyond the reading, of the normal distribution of the window before it: 0.5
    at its mean, near 1 far from it on either side. The first reading has 0.
    """

    window: int = 6400
    """Readings."""
    step: int = 100
    """Readings by which a full window moves at a time."""
    _past: Floats = field(init=False, repr=False)
    _seen: int = field(default=0, init=False, repr=False)
    _mean: float = field(default=0.0, init=False, repr=False)
    _deviation: float = field(default=_LEAST, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.step <= self.window:
            raise ValueError(f"Expected a step from 1 to the window. Received: {self.step} and {self.window}")
        self._past = np.zeros(self.window)

    def advance(self, value: float) -> float:
        """See `Detector.advance`."""
        if math.isnan(value):
            return 0.0
        score = 0.0
        if self._seen:
            score = 1 - 0.5 * math.erfc(abs(value - self._mean) / self._deviation / math.sqrt(2))
        self._past[self._seen % self.window] = value
        self._seen += 1
        if self._seen <= self.window or (self._seen - self.window) % self.step == 0:
            past = self._past[: self._seen]  # all, once it is full
            self._mean, self._deviation = float(past.mean()), float(past.std()) or _LEAST
        return score


@dataclass
class RangeRule:
    """1 for a reading that lies outside of the range seen so far by more than a share of it, else 0.

    It knows nothing of time, and yet has 50.8 on NAB: a detector has to be better than that.
    """

    margin: float = 0.05
    _low: float = field(default=math.inf, init=False, repr=False)
    _high: float = field(default=-math.inf, init=False, repr=False)

    def advance(self, value: float) -> float:
        """See `Detector.advance`. Takes constant time."""
        if math.isnan(value):
            return 0.0
        room = self.margin * (self._high - self._low)
        outside = self._high > self._low and not self._low - room <= value <= self._high + room
        self._low, self._high = min(self._low, value), max(self._high, value)
        return float(outside)


def detect(detector: Detector, values: Floats) -> Floats:
    """Returns the scores of a series, `(time,)`: `advance` for each reading, as in a stream."""
    return np.fromiter(map(detector.advance, values.tolist()), np.float64, len(values))
