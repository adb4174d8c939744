"""Minimum Bayes risk against its definition, in a graph and in NumPy."""

from __future__ import annotations

import math
from collections import Counter

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.lite import mbr as lite
from seq2seq.search import mbr
from seq2seq.search.options import SearchOptions
from seq2seq.types import SearchResult

FORBIDDEN = -1e9


def f1(ours, theirs):
    """The mean over n of the F1 of the n-grams of two lists."""
    found = []
    for n in range(1, 5):
        a, b = (Counter(tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)) for ids in (ours, theirs))
        both = a.total() + b.total()
        found.append(2 * (a & b).total() / both if both else 1.0)
    return np.mean(found)


def hypotheses(rng, n, width, size):
    lengths = rng.integers(0, width + 1, n).astype(np.int32)
    ids = rng.integers(4, 4 + size, (n, width)).astype(np.int32)  # what stands behind the end must not count
    return ids, lengths


def written(ids, lengths):
    return [row[:length].tolist() for row, length in zip(ids, lengths, strict=True)]


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("width", [0, 1, 3, 12])
def test_agreement_is_the_mean_f1_of_the_n_grams(size, width, rng, array):
    ids, lengths = hypotheses(rng, 6, width, size)
    lines = written(ids, lengths)
    expected = [[f1(a, b) for b in lines] for a in lines]
    np.testing.assert_allclose(array(mbr.agreement(ids, lengths)), expected, atol=1e-6)
    np.testing.assert_allclose(lite.agreement(lines), expected, atol=1e-6)


def a_beam(rng, missing=0):
    """Three lines of five hypotheses, best first; of the second `missing` are none."""
    found = [hypotheses(rng, 5, 7, 4) for _ in range(3)]
    scores = -np.sort(rng.random((3, 5)), axis=1).astype(np.float32)
    scores[1, 5 - missing :] = FORBIDDEN
    ids, lengths = (np.stack(part) for part in zip(*found, strict=True))
    return SearchResult(ids, lengths, 7 * scores + rng.random((3, 5), np.float32), scores)


@pytest.mark.parametrize("exponent", [0.3, 2.0])
@pytest.mark.parametrize("missing", [0, 3])
def test_the_choice_is_the_one_of_largest_expected_agreement(exponent, missing, rng, compiled, array):
    beam = a_beam(rng, missing)
    run = compiled(lambda parts: mbr.choose_by_mbr(SearchResult(*parts), exponent, 3))
    graph = SearchResult(*map(array, run(tuple(beam))))
    for row in range(3):
        lines = written(beam.ids[row], beam.lengths[row])
        real = [i for i in range(5) if beam.scores[row, i] > FORBIDDEN / 2]
        votes = np.exp(exponent * beam.log_probabilities[row, real].astype(np.float64))
        expected = {i: np.dot([f1(lines[i], lines[j]) for j in real], votes / votes.sum()) for i in real}
        order = sorted(real, key=lambda i: -expected[i])[:3]
        for found in (graph, lite.choose_by_mbr(beam, exponent, 3)):
            assert written(found.ids[row], found.lengths[row])[: len(order)] == [lines[i] for i in order]
            np.testing.assert_allclose(found.scores[row, : len(order)], [expected[i] for i in order], atol=1e-5)
            np.testing.assert_array_equal(
                found.log_probabilities[row, : len(order)], beam.log_probabilities[row, order]
            )
            assert (found.scores[row, len(order) :] == FORBIDDEN).all()


def test_a_lone_voice_loses_to_two_that_agree():
    ids = np.asarray([[[5, 6, 7, 8], [9, 10, 11, 12], [9, 10, 11, 13]]], np.int32)
    beam = SearchResult(ids, np.full((1, 3), 4, np.int32), *[np.asarray([[-1.0, -1.1, -1.2]], np.float32)] * 2)
    assert lite.choose_by_mbr(beam, 1.0, 1).ids[0, 0].tolist() == [9, 10, 11, 12]
    assert lite.choose_by_mbr(beam, 100.0, 1).ids[0, 0].tolist() == [5, 6, 7, 8]  # it has all the votes
    assert ops.convert_to_numpy(mbr.choose_by_mbr(beam, 1.0, 1).ids)[0, 0].tolist() == [9, 10, 11, 12]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere a graph knows its shapes")
def test_a_graph_for_any_width_takes_none(rng):
    import tensorflow as tf

    beam = a_beam(rng)
    specs = [tf.TensorSpec((None,) * part.ndim, tf.as_dtype(part.dtype)) for part in beam]
    run = tf.function(lambda *parts: mbr.choose_by_mbr(SearchResult(*parts), 0.3, 2), input_signature=specs)
    nothing = SearchResult(beam.ids[:, :, :0], 0 * beam.lengths, *beam[2:])
    assert run(*nothing).ids.shape == (3, 2, 0)
    np.testing.assert_allclose(run(*nothing).scores, 1.0, atol=1e-6)
    np.testing.assert_array_equal(run(*beam).ids, lite.choose_by_mbr(beam, 0.3, 2).ids)


@pytest.mark.parametrize("votes", [-1.0, math.inf, math.nan])
def test_votes_that_are_no_number_are_refused(votes):
    with pytest.raises(ValueError, match="mbr must"):
        SearchOptions(mbr=votes)
