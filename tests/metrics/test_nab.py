"""NAB's score: by hand, against slow code, and with its own detector the published figures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from seq2seq.catalogue.fetch import find

from seq2seq.catalogue import nab
from seq2seq.metrics.nab import PROFILES, Profile, Scored, nab_score, row_weights
from seq2seq.series.anomaly import RangeRule, WindowedGaussian, detect

WINDOWS = [(40, 49), (80, 89)]


def scored(*rows, size=200, windows=WINDOWS):
    scores = np.zeros(size)
    scores[list(rows)] = 1.0
    return Scored(scores, windows)


def slow_total(one, weights, threshold):
    """The total of a series, window by window and detection by detection."""
    size, total = len(one.scores), 0.0
    ignored = min(math.floor(0.15 * size), 750)
    found = [row for row in range(size) if row >= ignored and one.scores[row] >= threshold]

    def sigmoid(x):
        return 2 / (1 + math.exp(5 * x)) - 1

    for first, last in one.windows:
        hits = [row for row in found if first <= row <= last]
        if hits:
            width = last - first + 1
            total += weights.found * sigmoid(-(last - hits[0] + 1) / width) / sigmoid(-1)
        else:
            total -= weights.missed
    for row in found:
        if any(first <= row <= last for first, last in one.windows):
            continue
        before = [(first, last) for first, last in one.windows if last < row]
        past = (row - before[-1][1]) / (before[-1][1] - before[-1][0]) if before else 3
        total += weights.false * (sigmoid(past) if past < 3 else -1)
    return total


@pytest.mark.parametrize("profile", PROFILES)
def test_perfect_has_100_and_nothing_has_0(profile):
    assert nab_score([scored(40, 80)], profile).score.score == pytest.approx(100)
    assert nab_score([scored()], profile, threshold=0.5).score.score == 0
    assert nab_score([scored(40)], profile).score.score == pytest.approx(50)


def test_by_hand():
    weights = PROFILES["standard"]
    # a false detection far behind, one before all windows; the second window is found at its last row
    found = nab_score([scored(35, 40, 89, 199)], "standard", threshold=1.0)
    late = (2 / (1 + math.exp(-0.5)) - 1) / (2 / (1 + math.exp(-5)) - 1)
    assert found.raw == pytest.approx(1 + late - 2 * weights.false)
    assert found.score.score == pytest.approx(100 * (found.raw + 2) / 4)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 0.95, 2.0])
def test_the_total_is_that_of_slow_code(profile, threshold):
    draw = np.random.default_rng(0)
    corpus = [
        Scored(np.round(draw.random(size), 1), windows)
        for size, windows in (
            (200, WINDOWS),
            (6000, [(100, 300), (700, 900), (5999, 5999)]),
            (50, []),
            (30, [(10, 29)]),
        )
    ]
    counted = sum(
        -PROFILES[profile].missed
        for one in corpus
        for _, last in one.windows
        if last < min(0.15 * len(one.scores), 750)
    )
    expected = sum(slow_total(one, PROFILES[profile], threshold) for one in corpus) - counted
    assert nab_score(corpus, profile, threshold).raw == pytest.approx(expected)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_best_threshold_is_the_best_of_all(profile):
    draw = np.random.default_rng(1)
    scores = np.round(draw.random(200) * 0.6, 2)
    scores[40:45] += 0.3
    corpus = [Scored(scores, WINDOWS), Scored(np.round(draw.random(300), 2), [(100, 140)])]
    best = nab_score(corpus, profile)
    every = [nab_score(corpus, profile, threshold).raw for threshold in np.arange(0, 1.2, 0.01)]
    assert best.raw == pytest.approx(max(every))
    assert nab_score(corpus, profile, best.threshold).raw == pytest.approx(best.raw)
    assert "threshold:best" in best.score.signature
    assert "threshold:given" in nab_score(corpus, profile, 0.5).score.signature


def test_the_first_rows_do_not_count():
    assert nab_score([scored(0, 29)], threshold=1.0).raw == -2
    assert nab_score([scored(30)], threshold=1.0).raw == pytest.approx(-2.11)
    long = scored(749, 750, size=10_000, windows=[(9000, 9100)])
    assert nab_score([long], threshold=1.0).raw == pytest.approx(-1.11)


def test_a_detection_costs_more_the_farther_it_lies_behind_a_window():
    weights = row_weights(200, WINDOWS, Profile(1, 0.5, 1))
    assert (np.diff(weights[40:50]) < 0).all()
    assert (np.diff(weights[49:76]) < 0).all()
    np.testing.assert_array_equal(weights[:40], -0.5)
    np.testing.assert_array_equal(weights[117:], -0.5)


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ([Scored(np.array([0.0, np.nan]), [])], "Series 0 has nan at row 1"),
        ([scored(), Scored(np.zeros(10), [(8, 10)])], "the 10 rows of series 1. Received: 8 to 10"),
        ([scored(windows=WINDOWS[::-1])], "windows in order"),
        ([scored(windows=[])], "at least one labelled window"),
        ([scored(windows=[(3, 9)])], "at least one labelled window"),
    ],
)
def test_what_cannot_be_scored_is_named(corpus, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        nab_score(corpus)


def test_an_unknown_profile_is_named():
    with pytest.raises(ValueError, match=r"profiles standard, reward_low_FP, reward_low_FN\. Received: 'low'"):
        nab_score([scored()], "low")


PUBLISHED = {"standard": 39.649523496077585, "reward_low_FP": 20.86798582474138, "reward_low_FN": 47.4100271583046}
"""Of windowedGaussian in results/final_results.json of NAB 1.1."""


def test_nabs_own_baseline_has_its_published_scores():
    if find(nab.WINDOWS) is None:
        pytest.skip("NAB is not on this machine")
    corpus = nab.load()
    found = [detect(WindowedGaussian(), one.values) for one in corpus.values()]
    # NAB wrote the scores to files with 12 digits before it took the threshold; beyond, they decide about ties at 1.
    rounded = [Scored(np.round(scores, 12), one.windows) for scores, one in zip(found, corpus.values(), strict=True)]
    for profile, published in PUBLISHED.items():
        assert nab_score(rounded, profile).score.score == pytest.approx(published, abs=1e-6)
    rule = [Scored(detect(RangeRule(), one.values), one.windows) for one in corpus.values()]
    assert nab_score(rule).score.score == pytest.approx(50.83, abs=0.01)
