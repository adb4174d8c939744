"""Anomalies in streams of readings: a reading comes in, a score and alarms go out. Imports no framework.

A stream and a table go through the same functions. A table's readings are all known, so the network takes them in
blocks, which gives the same numbers to float accuracy; everything else takes a reading after the other in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from seq2seq.inference.surprises import StreamNetwork, Surprises
from seq2seq.series.alarms import AlarmIntervals, threshold_for
from seq2seq.series.frames import new_frame
from seq2seq.series.frequency import parse_frequency
from seq2seq.series.likelihood import LikelihoodDetector, ScoreParts, Surprise
from seq2seq.series.streams import Stream, StreamCodec
from seq2seq.series.table import Floats

BLOCK = 512
"""Readings of a stream that the network takes at once, where they are known."""
ROWS = 64
"""Streams that are read side by side."""


class Interval(NamedTuple):
    """An alarm."""

    start: Any
    """The label of its first reading: the row of a table, or what was pushed with it."""
    end: Any
    """That of the last reading which would be at the threshold or above if scores did not rest."""
    severity: float
    """The highest score."""


class Answer(NamedTuple):
    """What is said of a reading when it has come."""

    score: float
    """From 0; the higher, the more anomalous."""
    alarm: bool
    """Whether an alarm is open."""
    began: bool
    """Whether it began with this reading."""
    ended: Interval | None
    """The alarm that has ended, if one has: it is not known before `gap` readings after its end."""


class _Said:
    """A predictor whose surprises are known when its readings come."""

    def __init__(self) -> None:
        self.next = Surprise(0.0)

    def advance(self, value: float) -> Surprise:
        return self.next


@dataclass
class SeriesScores:
    """Scores and alarms of one stream whose surprises are known, a reading after the other.

    Missing readings change nothing: they have the score 0, and the gap within an alarm does not count them.
    """

    make: Callable[[Any], LikelihoodDetector]
    """Returns what makes scores of the surprises of a predictor."""
    threshold: float
    gap: int
    held: float = field(default=0.0, init=False)
    """See `LikelihoodDetector.held`."""
    _start: Any = field(default=None, init=False)
    _end: Any = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._said = _Said()
        self._detector = self.make(self._said)
        self._intervals = AlarmIntervals(self.threshold, self.gap)

    def advance(self, value: float, nats: float, residual: float, label: Any) -> Answer:
        """Takes a reading in; `label` names it in intervals."""
        if value != value:
            return Answer(0.0, self._intervals.open is not None, False, None)
        self._said.next = Surprise(nats, residual)
        score = self._detector.advance(value)
        self.held = self._detector.held
        before = self._intervals.open is not None
        ended = self._intervals.advance(score, self.held)
        now = self._intervals.open
        interval = None if ended is None else Interval(self._start, self._end, ended.severity)
        if now and not before:
            self._start = label
        if now and now.end == self._intervals.rows - 1:
            self._end = label
        return Answer(score, now is not None, now is not None and not before, interval)

    def finish(self) -> Interval | None:
        """Ends and returns the open alarm, if there is one."""
        ended = self._intervals.finish()
        return None if ended is None else Interval(self._start, self._end, ended.severity)


class AnomalyStream:
    """One stream of readings, answered as they come, in constant time and memory."""

    def __init__(self, surprises: Surprises, scores: SeriesScores):
        self._surprises, self._scores = surprises, scores
        self.readings = 0
        """Those pushed so far, missing ones among them."""

    def push(self, value: float, stamp: Any = None) -> Answer:
        """Takes the next reading in; NaN is a missing one.

        Args:
            value: The reading.
            stamp: What names it in intervals; None: its number, from 0.

        Raises:
            ValueError: the reading is infinite.
        """
        return self.extend([value], None if stamp is None else [stamp])[0]

    def extend(self, values: Sequence[float] | Floats, stamps: Sequence[Any] | None = None) -> list[Answer]:
        """Takes several readings in at once, which is quicker; the same answers as one after the other."""
        given = np.asarray(values, np.float64).reshape(1, -1)
        if not given.size:
            return []
        nats, residuals = self._surprises.advance(given)
        labels = range(self.readings, self.readings + given.size) if stamps is None else stamps
        self.readings += given.size
        rows = zip(given[0].tolist(), nats[0].tolist(), residuals[0].tolist(), labels, strict=True)
        return [self._scores.advance(*row) for row in rows]

    def finish(self) -> Interval | None:
        """Ends and returns the open alarm, if there is one: the stream has ended."""
        return self._scores.finish()


class Detected(NamedTuple):
    """The scores and alarms of a stream that is whole."""

    scores: Floats
    """`(time,)`; 0 where a reading is missing."""
    held: Floats
    """`(time,)`: as they were before the rest."""
    alarms: list[Interval]
    """In order; their labels are rows."""


class AlarmSettings(NamedTuple):
    """What a run has learned of its normal data."""

    rate: float
    """False alarms per 10,000 readings of normal data."""
    gap: int
    """Readings below the threshold that do not end an alarm."""
    threshold: float


def learned_threshold(normal: Iterable[Floats], rate: float, gap: int) -> float:
    """Returns the threshold of a rate, see `threshold_for`; always above 0, the score of what surprises nobody."""
    return max(threshold_for(normal, rate, gap), float(np.nextafter(0, 1)))


class AnomalyDetector:
    """Finds anomalies in series and in streams.

    Args:
        network: The trained network.
        codec: How tables are read.
        make: Returns what makes scores of the surprises of a predictor.
        alarms: The threshold of the run; None before it is known.
        normal: Returns the scores of the normal data of training, for thresholds of other rates.
        own: Returns the streams of the run.
    """

    def __init__(
        self,
        network: StreamNetwork,
        codec: StreamCodec,
        make: ScoreParts,
        alarms: AlarmSettings | None = None,
        normal: Callable[[], Iterable[Floats]] = list,
        own: Callable[[], list[Stream]] = list,
    ):
        self.network, self.codec, self.make, self.alarms = network, codec, make, alarms
        self._normal, self._own = normal, own

    def read(self, data: Any, frequency: str = "") -> list[Stream]:
        """Returns the streams of a file or a frame with the columns of the run; ValueError says what is wrong."""
        return self.codec.streams(self.codec.read(data, frequency))

    def own_streams(self) -> list[Stream]:
        """Returns those of the run."""
        return self._own()

    def normal_scores(self) -> list[Floats]:
        """Returns the scores of the normal data of training, by series."""
        return list(self._normal())

    def threshold(self, rate: float | None = None) -> float:
        """Returns the threshold of a rate of false alarms; without one, that of the run.

        Args:
            rate: Alarms per 10,000 readings of normal data.

        Raises:
            ValueError: the run has too few normal readings for such a rate, or has not learned a threshold.
        """
        if self.alarms is None:
            raise ValueError(
                "This run has no threshold yet: its training has not ended. Go on with it, or give a threshold."
            )
        if rate is None or rate == self.alarms.rate:
            return self.alarms.threshold
        return learned_threshold(self.normal_scores(), rate, self.alarms.gap)

    def scores_of(self, threshold: float) -> SeriesScores:
        """Returns what turns surprises into scores and alarms."""
        return SeriesScores(self.make, threshold, self.alarms.gap if self.alarms else 10)

    def surprises(self, streams: Sequence[Stream]) -> list[tuple[Floats, Floats]]:
        """Returns nats and residuals of the readings of each stream, `(time,)` each; see `Surprises.advance`."""
        found: list[tuple[Floats, Floats]] = [(np.zeros(0), np.zeros(0))] * len(streams)
        order = sorted(range(len(streams)), key=lambda number: len(streams[number].values))
        for first in range(0, len(order), ROWS):
            numbers = order[first : first + ROWS]
            longest = max(len(streams[number].values) for number in numbers)
            values = np.full((len(numbers), longest), np.nan)
            for row, number in enumerate(numbers):
                values[row, : len(streams[number].values)] = streams[number].values
            surprises = Surprises(self.network, np.asarray([streams[number].day for number in numbers], np.int64))
            blocks = [surprises.advance(values[:, at : at + BLOCK]) for at in range(0, max(longest, 1), BLOCK)]
            nats, residuals = (
                np.concatenate([np.zeros((len(numbers), 0)), *part], 1) for part in zip(*blocks, strict=True)
            )
            for row, number in enumerate(numbers):
                size = len(streams[number].values)
                found[number] = nats[row, :size], residuals[row, :size]
        return found

    def detect_streams(self, streams: Sequence[Stream], threshold: float) -> list[Detected]:
        """Returns scores and alarms of each stream."""
        return [
            score_stream(stream.values, *surprise, self.scores_of(threshold))
            for stream, surprise in zip(streams, self.surprises(streams), strict=True)
        ]

    def detect(
        self, data: Any = None, *, rate: float | None = None, threshold: float | None = None, frequency: str = ""
    ) -> Detection:
        """Scores all readings of series and joins those at the threshold to alarms.

        Args:
            data: A frame of pandas, polars or pyarrow, or the name of a file, with the columns of the run; None: the
                series of the run.
            rate: False alarms per 10,000 readings of normal data; None: as in training.
            threshold: In place of a rate.
            frequency: An alias, where it is not to be inferred.

        Raises:
            ValueError: the data are wrong, or the rate is too low for the run's normal data.
        """
        streams = self.own_streams() if data is None else self.read(data, frequency)
        level = self.threshold(rate) if threshold is None else threshold
        return Detection(self.codec.columns, level, streams, self.detect_streams(streams, level))

    def stream(
        self, *, rate: float | None = None, threshold: float | None = None, day: int | None = None
    ) -> AnomalyStream:
        """Returns a new stream of one series.

        Args:
            rate: As of `detect`.
            threshold: As of `detect`.
            day: Readings of a day; 0: none; None: by the run's frequency.
        """
        level = self.threshold(rate) if threshold is None else threshold
        own = self.codec.frequency
        length = self.codec.day_of(parse_frequency(own) if own else None) if day is None else day
        return AnomalyStream(Surprises(self.network, np.asarray([length], np.int64)), self.scores_of(level))


def score_stream(values: Floats, nats: Floats, residuals: Floats, scores: SeriesScores) -> Detected:
    """Returns scores and alarms of a whole stream whose surprises are known, `(time,)` each."""
    rows = zip(values.tolist(), nats.tolist(), residuals.tolist(), range(len(values)), strict=True)
    found: list[float] = []
    held: list[float] = []
    alarms: list[Interval] = []
    for value, *rest in rows:
        answer = scores.advance(value, *rest)
        found.append(answer.score)
        held.append(scores.held if value == value else 0.0)
        if answer.ended:
            alarms.append(answer.ended)
    if last := scores.finish():
        alarms.append(last)
    return Detected(np.asarray(found, np.float64), np.asarray(held, np.float64), alarms)


@dataclass(frozen=True)
class Detection:
    """The scores and alarms of series."""

    columns: Any
    """The names of the table's columns."""
    threshold: float
    streams: list[Stream]
    found: list[Detected]
    """Of each stream."""

    def alarms_frame(self, like: Any = None) -> Any:
        """Returns the alarms as a frame of the kind of another one: id, `start`, `end`, `severity`.

        Raises:
            MissingPackage: narwhals, or pandas, polars and pyarrow, are not installed.
        """
        rows = [(one, alarm) for one, found in zip(self.streams, self.found, strict=True) for alarm in found.alarms]
        return new_frame(
            {
                self.columns.id: [one.id for one, _ in rows],
                "start": [one.times[alarm.start] for one, alarm in rows],
                "end": [one.times[alarm.end] for one, alarm in rows],
                "severity": [alarm.severity for _, alarm in rows],
            },
            like,
        )

    def scores_frame(self, like: Any = None) -> Any:
        """Returns all readings with their `score` as such a frame."""
        return new_frame(
            {
                self.columns.id: [one.id for one in self.streams for _ in one.values],
                self.columns.time: [time for one in self.streams for time in one.times],
                "y": np.concatenate([np.zeros(0), *(one.values for one in self.streams)]),
                "score": np.concatenate([np.zeros(0), *(one.scores for one in self.found)]),
            },
            like,
        )
