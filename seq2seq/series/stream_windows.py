"""Windows of streams as batches of training and validation: a pure function of (seed, epoch, step)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq.series.stream_features import FEATURES
from seq2seq.series.table import Floats, Integers
from seq2seq.types import Batch

HELD = 10
"""One in so many readings of a series, the last ones, is for validation."""
MOST_WINDOWS = 1024
"""Of a validation."""


@dataclass(frozen=True)
class StreamWindows:
    """Windows of series whose features are known.

    The network begins each window without a state: the first rows have weight 0.
    """

    parts: Sequence[tuple[Floats, Floats]]
    """Of each series features, `(time, FEATURES)`, and scaled readings, `(time,)`."""
    rows: int
    """Of a window; a shorter series is padded with weight 0."""
    warmup: int
    """Rows of weight 0 at the beginning of a window."""
    start: int
    """The same where a window begins with its series."""

    def trained(self, number: int) -> int:
        """Returns the rows of a series that are trained on, from its first one on."""
        size = len(self.parts[number][1])
        return size - size // HELD

    def batch(self, series: Integers, places: Integers, first: Integers, ends: Integers) -> Batch:
        """Returns windows as a batch.

        Args:
            series: `(windows,)`: numbers of series.
            places: `(windows,)`: the first row of each window.
            first: `(windows,)`: rows before do not count.
            ends: `(windows,)`: where the rows of each series end.
        """
        size = len(series)
        given = np.zeros((size, self.rows, FEATURES), np.float32)
        target = np.zeros((size, self.rows), np.float32)
        weights = np.zeros((size, self.rows), np.float32)
        for row, (number, place, begin, end) in enumerate(zip(series, places, first, ends, strict=True)):
            features, values = self.parts[number]
            stop = min(place + self.rows, end)
            given[row, : stop - place] = features[place:stop]
            target[row, : stop - place] = values[place:stop]
            begin = max(begin, place + (self.warmup if place else self.start))
            weights[row, max(begin - place, 0) : stop - place] = 1
        extras = {
            "static": np.zeros((size, 1), np.float32),
            "series": np.zeros(size, np.int32),
            "scale": np.ones((size, 1), np.float32),
        }
        return Batch(None, given, target, weights, extras)


class TrainingPlan:
    """The batches of an epoch: random windows of random series, all series alike.

    Args:
        windows: The series.
        size: Windows of a batch.
        steps: Batches.
        seed: Of the run.
        epoch: From 0.
        rank: Which of `processes` this is: of each batch it gets every so many windows.
        processes: Their number.
    """

    def __init__(
        self, windows: StreamWindows, size: int, steps: int, seed: int, epoch: int, rank: int = 0, processes: int = 1
    ):
        self.windows, self.size, self.steps, self.seed, self.epoch = windows, size, steps, seed, epoch
        self.rank, self.processes = rank, processes
        lengths = np.asarray([windows.trained(number) for number in range(len(windows.parts))], np.int64)
        self._usable = np.flatnonzero(lengths > windows.start)
        self._lengths = lengths

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> Batch:
        random = np.random.default_rng([self.seed, self.epoch, step])
        series = self._usable[random.integers(0, len(self._usable), self.size)]
        ends = self._lengths[series]
        places = random.integers(0, np.maximum(ends - self.windows.rows + 1, 1))
        own = slice(self.rank, None, self.processes)
        if self.rank >= self.size:  # a filler without weight
            nothing = ends[:1]
            return self.windows.batch(series[:1], places[:1], nothing, nothing)
        return self.windows.batch(series[own], places[own], np.zeros_like(places[own]), ends[own])

    def length(self, step: int) -> int:
        """Returns the readings of a step."""
        return self.size * self.windows.rows


class ValidationPlan:
    """The batches of the last readings of each series, each read after a warm-up.

    Args:
        windows: The series.
        size: Windows of a batch.
    """

    def __init__(self, windows: StreamWindows, size: int):
        self.windows, self.size = windows, size
        found = []
        for number, (_, values) in enumerate(windows.parts):
            begin, end = windows.trained(number), len(values)
            for first in range(begin, end, windows.rows - windows.warmup):
                found.append((number, max(first - windows.warmup, 0), first, end))
        chosen = np.asarray(found, np.int64).reshape(-1, 4)
        if len(chosen) > MOST_WINDOWS:
            chosen = chosen[np.linspace(0, len(chosen) - 1, MOST_WINDOWS).astype(int)]
        self._chosen = chosen

    def __len__(self) -> int:
        return -(-len(self._chosen) // self.size)

    def __getitem__(self, step: int) -> Batch:
        return self.windows.batch(*self._chosen[step * self.size : (step + 1) * self.size].T)

    def length(self, step: int) -> int:
        """Returns the readings of a step."""
        return min(self.size, len(self._chosen) - step * self.size) * self.windows.rows
