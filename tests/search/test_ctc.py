"""A label is what a path reads as, and knows where its symbols are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from seq2seq.search.ctc import best_path, frames_needed


def of_path(path, size, sure=0.9):
    """Log-probabilities at whose frames the path is likeliest."""
    probs = np.full((len(path), size), (1 - sure) / (size - 1))
    probs[np.arange(len(path)), path] = sure
    return np.log(probs)


def read(path):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def test_the_best_path_merges_repeats_and_then_drops_blanks():
    path = [0, 3, 3, 0, 3, 1, 1, 2, 0, 0]
    found = best_path(of_path(path, 4))
    assert found.ids == (3, 3, 1, 2)
    assert found.log_probability == found.score == pytest.approx(10 * np.log(0.9))


def test_a_symbol_is_where_it_is_surest():
    log_probs = of_path([0, 1, 1, 1, 0, 2], 3)
    log_probs[2] = np.log([0.01, 0.98, 0.01])
    assert [(e.symbol, e.frame) for e in best_path(log_probs).emissions] == [(1, 2), (2, 5)]
    assert [e.confidence for e in best_path(log_probs).emissions] == pytest.approx([0.98, 0.9])


def test_without_frames_or_with_blanks_only_the_label_is_empty():
    assert best_path(np.zeros((0, 3))) == ((), 0.0, 0.0)
    assert best_path(of_path([0, 0], 3)).ids == ()


def test_of_equal_symbols_the_first_is_taken():
    assert best_path(np.log(np.full((2, 2), 0.5))).ids == ()
    assert best_path(np.log([[0.2, 0.4, 0.4]])).ids == (1,)


def test_a_label_needs_as_many_frames_as_the_shortest_path_that_reads_as_it():
    for length in range(5):
        for path in itertools.product(range(3), repeat=length):
            assert frames_needed(read(path)) <= length
    for label in itertools.product((1, 2), repeat=3):
        needed = frames_needed(label)
        assert any(read(path) == label for path in itertools.product(range(3), repeat=needed))
        assert not any(read(path) == label for path in itertools.product(range(3), repeat=needed - 1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros(3), r"shape \(time, size\)\. Received: \(3,\)"),
        (np.zeros((3, 0)), r"Received: \(3, 0\)"),
        ([[-1.0, -1.0], [-1.0, np.nan]], r"take log_softmax\. Received: nan at frame 1"),
        ([[-1.0, 2.5]], r"Received: 2\.5 at frame 0"),
    ],
)
def test_what_is_no_log_probability_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        best_path(given)
