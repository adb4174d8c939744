"""Anomaly scores from a predictive likelihood: how surprising a reading is, among all readings before it.

A predictor, such as a recurrent network, gives -log p of each reading. Two more surprisals are added, which it cannot
know: how far the reading lies from all before it, and how far its errors have drifted. The sum is ranked among the
largest sums of the past. All is causal, in constant time and memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from seq2seq.series.anomaly import RangeRule

_FREEDOM = 4.0
"""Degrees of freedom of the Student-t distributions: one far reading shall not hide all others."""
_MOST = 1e3
"""Deviations: a change of a constant is this far."""
_ROUNDING = 1e-9
"""A deviation below this share of the mean is rounding, not noise."""


class Surprise(NamedTuple):
    """What a predictor says of a reading when it has come."""

    nats: float
    """-log p of the reading; the constant of the scale does not matter."""
    residual: float = 0.0
    """How many of the predicted deviations it lies above the predicted mean; 0 if that is not known."""


class Predictor(Protocol):
    """Predicts the next reading from those before it, in constant time and memory.

    The readings are scaled by their own past, so that shifting and scaling a series changes no surprise.
    """

    def advance(self, value: float) -> Surprise:
        """Returns the surprise of the next reading, a finite number, and takes the reading in."""
        ...


@dataclass
class Moments:
    """Mean and standard deviation of all numbers so far (Welford 1962)."""

    count: int = field(default=0, init=False)
    mean: float = field(default=0.0, init=False)
    _squares: float = field(default=0.0, init=False, repr=False)

    @property
    def deviation(self) -> float:
        """0 for a constant, and without a number."""
        found = math.sqrt(self._squares / self.count) if self.count else 0.0
        return found if found > _ROUNDING * abs(self.mean) else 0.0

    def distance(self, value: float, least: float = 0.0) -> float:
        """Returns how many deviations, of at least `least`, a number lies above the mean: within plus, minus 1000."""
        if not self.count:
            return 0.0
        error, deviation = value - self.mean, max(self.deviation, least)
        if abs(error) <= _ROUNDING * abs(self.mean):
            return 0.0
        return math.copysign(min(abs(error) / deviation, _MOST) if deviation else _MOST, error)

    def advance(self, value: float) -> None:
        """Takes a number in."""
        self.count += 1
        error = value - self.mean
        self.mean += error / self.count
        self._squares += error * (value - self.mean)


@dataclass
class LevelSurprisal:
    """How far a reading lies from all readings before it: a Student-t distribution of their mean and deviation."""

    _past: Moments = field(default_factory=Moments, init=False, repr=False)

    def advance(self, value: float) -> float:
        """Returns nats above those of the mean."""
        found = student_nats(self._past.distance(value))
        self._past.advance(value)
        return found


@dataclass
class DriftSurprisal:
    """How far the errors of a predictor lean to one side: their short mean, among all short means before it.

    A network soon takes a new level for the normal one; the sum of small errors on the way shows it.
    """

    short: float = 30.0
    """Readings of the exponential mean, at least 1."""
    most: float = 6.0
    """Residuals are cut there."""
    least: float = 0.02
    """Of the deviation of the means."""
    _mean: float = field(default=0.0, init=False, repr=False)
    _past: Moments = field(default_factory=Moments, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.short < 1:
            raise ValueError(f"Expected a mean over at least 1 reading. Received: {self.short}")

    def advance(self, residual: float) -> float:
        """Returns nats above those of no drift."""
        share = max(1 / (self._past.count + 1), 1 / self.short)
        self._mean += share * (min(max(residual, -self.most), self.most) - self._mean)
        found = student_nats(self._past.distance(self._mean, self.least))
        self._past.advance(self._mean)
        return found


@dataclass
class RankScore:
    """How rare a surprisal is: log10(`largest` / expected number of past readings that surprise as much), at least 0.

    That number is a rank among the largest surprisals of the past, or what an exponential tail through them expects if
    that is more. So 0 is a reading that does not belong to the 100 most surprising ones, 1 one of the first 10, and
    2 a record; a clear record has more. As the past grows, a threshold lets fewer and fewer readings pass. With
    `per_reading`, the number is divided by that of all readings instead: the score is -log10 of a tail probability, and
    on data without a change `nominal_threshold` has the rate that it states.
    """

    largest: int = 100
    """Surprisals that are kept, at least 2."""
    start: int = 100
    """Readings before the first score."""
    least: float = 0.3
    """Nats: the mean excess of the tail is at least this, so that noise of a constant is no record."""
    per_reading: bool = False
    _top: list[float] = field(default_factory=list, init=False, repr=False)
    """In falling order."""
    _seen: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.largest < 2 or self.start < 2 or not self.least > 0:
            raise ValueError(
                "Expected at least 2 largest surprisals, 2 readings at the start, and a mean excess above 0. "
                f"Received: {self.largest}, {self.start}, {self.least}"
            )

    def advance(self, nats: float) -> float:
        """Returns the score of the next surprisal.

        Raises:
            ValueError: it is not finite.
        """
        if not math.isfinite(nats):
            raise ValueError(f"Expected a finite surprisal of reading {self._seen}. Received: {nats}")
        score = 0.0
        if self._seen >= self.start and nats > self._top[-1]:  # of less, it is not known how many there were
            whole = self._seen if self.per_reading else self.largest
            score = max(math.log10(whole) - self._log_expected(nats), 0.0)
        self._seen += 1
        place = self._rank(nats)
        if place < self.largest:
            self._top.insert(place, nats)
            del self._top[self.largest :]
        return score

    def _log_expected(self, nats: float) -> float:
        """log10 of the number of past readings that surprise as much."""
        lowest, rank = self._top[-1], self._rank(nats)
        excess = max(sum(self._top) / len(self._top) - lowest, self.least)
        tail = math.log10(len(self._top)) - (nats - lowest) / excess / math.log(10)
        return max(tail, math.log10(rank)) if rank else tail

    def _rank(self, nats: float) -> int:
        """The number of kept ones that are as large."""
        low, high = 0, len(self._top)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._top[middle] >= nats else (low, middle)
        return low


@dataclass
class Rest:
    """After a score, only higher ones pass for a while: an anomaly is reported as it begins and as it gets worse."""

    readings: int = 100
    share: float = 0.05
    """Of the readings so far, if that is longer."""
    rise: float = 0.15
    """By how much a score has to be higher."""
    _highest: float = field(default=-math.inf, init=False, repr=False)
    _age: int = field(default=0, init=False, repr=False)
    _seen: int = field(default=0, init=False, repr=False)

    def advance(self, score: float) -> float:
        """Returns the score, or 0 while it rests."""
        passes = score > self._highest + self.rise or self._age >= max(self.readings, self.share * self._seen)
        self._seen += 1
        self._age = 0 if passes else self._age + 1
        if passes:
            self._highest = score
        return score if passes else 0.0


@dataclass
class LikelihoodDetector:
    """A `Detector` from a predictor; the defaults are those of the recipe for NAB.

    Each of level, drift, rest and rule is left out if it is None.
    """

    predictor: Predictor
    level: LevelSurprisal | None = field(default_factory=LevelSurprisal)
    drift: DriftSurprisal | None = field(default_factory=DriftSurprisal)
    rank: RankScore = field(default_factory=RankScore)
    rest: Rest | None = field(default_factory=Rest)
    rule: RangeRule | None = None
    """Knows nothing of likelihoods: what lies outside of the range so far gets a higher score."""
    rule_weight: float = 1.0
    held: float = field(default=0.0, init=False)
    """The last score as it was before the rest: it shows how long an anomaly goes on."""

    def advance(self, value: float) -> float:
        """Returns the score of the next reading, from 0. A missing one, NaN, has 0 and changes nothing.

        Raises:
            ValueError: the reading is infinite, or the predictor's answer is not finite.
        """
        if math.isnan(value):
            return 0.0
        if math.isinf(value):
            raise ValueError(f"Expected a finite reading, or nan for a missing one. Received: {value}")
        nats, residual = self.predictor.advance(value)
        if not math.isfinite(residual):
            raise ValueError(f"Expected a finite residual of the reading {value}. Received: {residual}")
        if self.level:
            nats += self.level.advance(value)
        if self.drift:
            nats += self.drift.advance(residual)
        score = self.rank.advance(nats)
        if self.rule:
            score += self.rule_weight * self.rule.advance(value)
        self.held = score
        return self.rest.advance(score) if self.rest else score


@dataclass(frozen=True)
class ScoreParts:
    """Which parts a `LikelihoodDetector` has. A call makes one."""

    level: bool = True
    """Adds how far a reading lies from all before it."""
    drift: bool = True
    """Adds how far the errors of the predictor lean to one side."""
    rest: bool = True
    """After a high score lets only higher ones pass for a while."""
    range_rule: bool = False
    """Raises the score of what lies outside of the range of all readings before."""
    per_reading: bool = False
    """See `RankScore`."""

    def __call__(self, predictor: Predictor) -> LikelihoodDetector:
        """Returns what makes scores of the surprises of a predictor."""
        return LikelihoodDetector(
            predictor,
            level=LevelSurprisal() if self.level else None,
            drift=DriftSurprisal() if self.drift else None,
            rank=RankScore(per_reading=self.per_reading),
            rest=Rest() if self.rest else None,
            rule=RangeRule() if self.range_rule else None,
        )


def student_nats(distance: float) -> float:
    """Returns -log of a Student-t density at so many scales from its middle, less that in the middle."""
    return (_FREEDOM + 1) / 2 * math.log1p(distance * distance / _FREEDOM)


def nominal_threshold(rate: float) -> float:
    """Returns the threshold of a `RankScore` per reading that normal readings pass so often, on average.

    Bursts of them are fewer alarms; `alarms.threshold_for` counts those that a detector had.

    Args:
        rate: Readings per 10,000, above 0, below 10,000.
    """
    if not 0 < rate < 10_000:
        raise ValueError(f"Expected a rate between 0 and 10,000 per 10,000 readings. Received: {rate}")
    return 4 - math.log10(rate)
