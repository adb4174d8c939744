"""Vectors of a piece's spelling, added to what the encoder reads."""

from __future__ import annotations

import keras
import numpy as np
import pytest

SOURCE = np.array([[5, 6, 7, 3], [8, 3, 0, 0]], np.int32)
TARGET = np.array([[2, 9, 5], [2, 10, 7]], np.int32)
SPELLING = [[0, 0]] * 5 + [[1, 2], [1, 3], [4, 2], [0, 3], [4, 0], [0, 0], [0, 1]]


def test_the_vectors_of_the_features_are_added_to_the_pieces_own(build_model, array):
    model = build_model(spelling=SPELLING)
    own, shared = (array(layer.embeddings) for layer in (model.source_embedding, model.spelling_embedding))
    wanted = (own[SOURCE] + shared[np.asarray(SPELLING)[SOURCE]].sum(axis=2)) * 5**0.5
    np.testing.assert_allclose(array(model.embed_source(SOURCE)), wanted, atol=1e-6)
    assert shared.shape == (5, 5)


@pytest.mark.parametrize("tie", ["none", "all"])
def test_without_vectors_of_features_the_model_is_the_plain_one(build_model, array, tie):
    plain, with_them = build_model(tie=tie), build_model(tie=tie, spelling=SPELLING)
    others = [w for w in with_them.weights if "spelling" not in w.path]
    assert len(others) == len(plain.weights) == len(with_them.weights) - 1
    for mine, its in zip(plain.weights, others, strict=True):
        its.assign(mine)
    assert not np.allclose(array(with_them((SOURCE, TARGET))), array(plain((SOURCE, TARGET))), atol=1e-3)
    with_them.spelling_embedding.embeddings.assign(np.zeros((5, 5)))
    np.testing.assert_array_equal(array(with_them((SOURCE, TARGET))), array(plain((SOURCE, TARGET))))


def test_a_step_for_one_piece_moves_those_that_are_spelled_alike(build_model, gradients):
    model = build_model(spelling=SPELLING)
    source = np.array([[5, 3]], np.int32)
    _, (own, shared) = gradients(
        lambda: keras.ops.sum(keras.ops.square(model((source, TARGET[:1])))),
        [model.source_embedding.embeddings, model.spelling_embedding.embeddings],
    )
    assert np.flatnonzero(np.any(own, axis=1)).tolist() == [3, 5]
    assert np.flatnonzero(np.any(shared, axis=1)).tolist() == [0, 1, 2]


def test_a_row_is_wanted_for_each_source_id(build_model):
    for wrong in (SPELLING[1:], [0] * 12):
        with pytest.raises(ValueError, match="a row of features for each source id"):
            build_model(spelling=wrong)
