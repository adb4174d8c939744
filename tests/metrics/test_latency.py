"""Latency on cases computed by hand."""

from fractions import Fraction

import pytest

from seq2seq.metrics.latency import (
    Written,
    average_lagging,
    average_proportion,
    latency_scores,
    length_adaptive_average_lagging,
)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_an_output_as_long_as_its_source_lags_k_words(k):
    delays = [min(k + t, 6) for t in range(6)]
    assert average_lagging(delays, 6, 6) == pytest.approx(k)
    assert length_adaptive_average_lagging(delays, 6, 6) == pytest.approx(k)


def test_an_output_after_the_whole_source_lags_all_of_it():
    assert average_lagging([5, 5, 5], 5, 3) == 5  # only its first word counts
    assert average_proportion([5, 5, 5], 5) == 1


def test_average_lagging_by_hand():
    # Ma et al.: pace 4 / 5; lags 2, 3 - 0.8, 4 - 1.6; all is read at the third word.
    assert average_lagging([2, 3, 4, 4, 4], 4, 5) == pytest.approx(float(Fraction(2 * 10 + 22 + 24, 30)))
    # Pace 4 / 2: lags 1, 2 - 2, 3 - 4, 4 - 6; an output that is too long seems to be early ...
    assert average_lagging([1, 2, 3, 4], 4, 2) == pytest.approx(-0.5)
    # ... unless its own length is the target: 1, 1, 1, 1.
    assert length_adaptive_average_lagging([1, 2, 3, 4], 4, 2) == pytest.approx(1)
    # One that is too short is measured by the reference in both: pace 4 / 4.
    assert average_lagging([3, 4], 4, 4) == length_adaptive_average_lagging([3, 4], 4, 4) == pytest.approx(3)


def test_an_output_that_ends_before_its_source_counts_all_its_words():
    assert average_lagging([1, 2], 6, 3) == pytest.approx((1 + (2 - 2)) / 2)


def test_average_proportion_by_hand():
    assert average_proportion([1, 2, 3, 4], 4) == pytest.approx(10 / 16)
    assert average_proportion([2, 4], 4) == pytest.approx(6 / 8)


def test_an_empty_output_counts_as_one_word_at_the_end():
    assert average_lagging([], 7, 3) == 7
    assert length_adaptive_average_lagging([], 7, 0) == 7
    assert average_proportion([], 7) == 1


def test_scores_are_means_over_sentences():
    found = latency_scores([Written([1, 2], 2, 2), Written([4], 4, 1)])
    assert {name: score.score for name, score in found.items()} == {"al": 2.5, "laal": 2.5, "ap": 0.875}
    assert len({score.signature for score in found.values()}) == 3
    with pytest.raises(ValueError, match="nothing to measure"):
        latency_scores([])
