"""Scores from a likelihood see the past alone, know no scale, and keep a state of constant size."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from seq2seq.series.anomaly import RangeRule, detect
from seq2seq.series.likelihood import (
    DriftSurprisal,
    LevelSurprisal,
    LikelihoodDetector,
    Moments,
    RankScore,
    Rest,
    Surprise,
    nominal_threshold,
    student_nats,
)


class LastValue:
    """Predicts the last reading, with the deviation of all changes before."""

    def __init__(self):
        self.last, self.changes = math.nan, Moments()

    def advance(self, value):
        change = 0.0 if math.isnan(self.last) else value - self.last
        residual = self.changes.distance(change)
        self.last = value
        self.changes.advance(change)
        return Surprise(student_nats(residual), residual)


def detector(**options):
    return LikelihoodDetector(LastValue(), rank=RankScore(largest=20, start=50), rest=Rest(20), **options)


DETECTORS = {
    "all": detector,
    "with the rule": lambda: detector(rule=RangeRule()),
    "the predictor alone": lambda: LikelihoodDetector(LastValue(), None, None, RankScore(per_reading=True), None),
}
every_detector = pytest.mark.parametrize("make", DETECTORS.values(), ids=DETECTORS)


def readings(size=600):
    values = np.random.default_rng(0).normal(size=size).cumsum() * 0.3 + 10
    values[[300, 450]] += 15
    values[500:] += 8
    return values


@every_detector
def test_streaming_equals_offline_for_every_cutting(make):
    values = readings()
    whole = detect(make(), values)
    assert whole.max() > 1
    for cuts in ([1], [299, 300, 301], range(0, 600, 7)):
        stream, parts = make(), []
        for part in np.split(values, list(cuts)):
            stream = pickle.loads(pickle.dumps(stream))  # the state is a value: it goes on elsewhere
            parts.append(detect(stream, part))
        np.testing.assert_array_equal(np.concatenate(parts), whole)


@every_detector
def test_the_future_changes_no_score(make):
    values = readings()
    whole = detect(make(), values)
    values[400:] = np.nan
    values[420:] = -1e9
    np.testing.assert_array_equal(detect(make(), values)[:400], whole[:400])


@every_detector
@pytest.mark.parametrize(("scale", "shift"), [(1000.0, -5.0), (-1.0, 0.0), (1e-6, 1.0)])
def test_shifting_and_scaling_change_no_score(make, scale, shift):
    values = readings()
    np.testing.assert_allclose(detect(make(), scale * values + shift), detect(make(), values), atol=1e-6)


@every_detector
@pytest.mark.parametrize("value", [0.0, 0.1, -1e12])
def test_a_constant_has_no_score(make, value):
    assert not detect(make(), np.full(600, value)).any()


@every_detector
def test_a_change_of_a_constant_has_one(make):
    values = np.full(600, 0.1)
    values[500] = 0.2
    found = detect(make(), values)
    assert found.argmax() == 500
    assert not found[:500].any()


@every_detector
def test_a_missing_reading_has_score_0_and_changes_no_other(make):
    values, present = readings(), np.random.default_rng(1).random(600) < 0.7
    found = detect(make(), np.where(present, values, np.nan))
    np.testing.assert_array_equal(found[present], detect(make(), values[present]))
    assert not found[~present].any()


def test_the_state_does_not_grow():
    stream = detector(rule=RangeRule())
    sizes = []
    for part in np.split(readings(6000), 6):
        detect(stream, part)
        sizes.append(len(pickle.dumps(stream)))
    assert max(sizes[1:]) - min(sizes[1:]) < 50  # numbers are pickled with 1 to 5 bytes


def test_moments_are_those_of_numpy():
    values, moments = readings(), Moments()
    for value in values.tolist():
        moments.advance(value)
    assert moments.mean == pytest.approx(values.mean())
    assert moments.deviation == pytest.approx(values.std())
    assert moments.distance(values.mean() + 2 * values.std()) == pytest.approx(2)
    assert Moments().distance(5.0) == 0


def test_rounding_of_a_constant_is_no_deviation():
    moments = Moments()
    for step in range(100):
        moments.advance(1e6 + 1e-9 * (step % 2))
    assert moments.deviation == 0
    assert moments.distance(1e6 + 1e-7) == 0
    assert moments.distance(1e6 + 1) == 1000


def test_nats_are_those_of_a_student_t():
    def density(x):  # 4 degrees of freedom, up to a factor
        return (1 + x * x / 4) ** -2.5

    assert student_nats(3.0) == pytest.approx(-math.log(density(3.0) / density(0.0)))


def test_a_level_far_from_all_before_it_surprises():
    level = LevelSurprisal()
    found = [level.advance(value) for value in (1.0, 3.0, 1.0, 3.0, 2.0, 6.0)]
    assert found[4] == 0
    assert found[5] == pytest.approx(student_nats(4 / math.sqrt(4 / 5)))


def test_small_errors_on_one_side_add_up():
    residuals = np.random.default_rng(0).normal(size=500)
    drift, leaning = DriftSurprisal(), DriftSurprisal()
    found = [drift.advance(value) for value in residuals.tolist()]
    residuals[450:470] += 1.5
    leant = [leaning.advance(value) for value in residuals.tolist()]
    assert leant[:450] == found[:450]
    assert max(leant[450:470]) > max(found[100:]) > student_nats(1.5)


def test_ranks_count_past_surprisals():
    rank = RankScore(largest=10, start=100, least=1e-9)
    past = np.random.default_rng(0).permutation(100) / 100
    assert [rank.advance(value) for value in past.tolist()] == [0.0] * 100
    lowest = np.sort(past)[-10]
    assert rank.advance(lowest - 1e-6) == 0
    assert 0 < rank.advance(0.955) <= math.log10(10 / 4)  # 4 are above it
    assert rank.advance(5.0) > 5


def test_a_tail_probability_is_that_of_an_exponential():
    surprisals = np.random.default_rng(0).exponential(size=50_000)
    rank = RankScore(per_reading=True)
    scores = np.array([rank.advance(value) for value in surprisals.tolist()])[5000:]
    for rate in (3, 10, 30):
        share = (scores >= nominal_threshold(rate)).mean() * 10_000
        assert share == pytest.approx(rate, rel=0.35)


def test_a_rest_lets_only_higher_scores_pass():
    rest = Rest(readings=4, share=0.0, rise=0.2)
    scores = [1.0, 0.5, 2.0, 2.1, 1.0, 1.0, 1.0, 0.7, 1.0]
    assert [rest.advance(score) for score in scores] == [1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.7, 1.0]
    longer = Rest(readings=1, share=0.5)
    assert sum(longer.advance(1.0) > 0 for _ in range(64)) <= 8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RankScore(largest=1), "at least 2 largest"),
        (lambda: DriftSurprisal(short=0), "at least 1 reading"),
        (lambda: RankScore().advance(math.nan), "finite surprisal of reading 0"),
        (lambda: detector().advance(math.inf), "finite reading, or nan"),
        (lambda: nominal_threshold(0), "between 0 and 10,000"),
    ],
)
def test_bad_numbers_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
