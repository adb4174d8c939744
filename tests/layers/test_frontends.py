"""Front ends and heads as layers by themselves, and what they share."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest

from seq2seq.layers.frontends import ColumnEmbedding, TokenEmbedding
from seq2seq.layers.heads import PointerHead, VocabularyHead
from tests.inputs import padded

IDS = np.array([[5, 6, 7, 3], [8, 3, 0, 0]], np.int32)
FEATURES = np.linspace(-1, 1, 2 * 3 * 5).reshape(2, 3, 5).astype("float32")
TARGET = np.array([[9, 10, 3], [4, 3, 0]], np.int32)


def test_an_embedding_keeps_mask_and_positions(array):
    layer = TokenEmbedding(12, 5)
    vectors, mask = layer(padded(IDS))
    np.testing.assert_allclose(array(vectors), array(layer.embeddings)[IDS] * 5**0.5, rtol=1e-6)
    np.testing.assert_array_equal(array(mask), IDS != 0)
    assert array(vectors).std() == pytest.approx(1, abs=0.3)
    assert layer.expand_to_tokens(vectors, padded(IDS)) is vectors


def test_vectors_that_are_not_scaled_are_the_rows_in_a_copy_too(array):
    for layer in (TokenEmbedding(12, 5, scaled=False), ColumnEmbedding([12], 5, scaled=False)):
        ids = IDS if isinstance(layer, TokenEmbedding) else IDS[..., None]
        layer.build()
        rows = array(layer.embeddings)
        assert 0.05 < abs(rows).max() <= 0.1
        np.testing.assert_array_equal(array(layer.embed(ids)), rows[IDS])
        again = type(layer).from_config(layer.get_config())
        again.build()
        np.testing.assert_array_equal(array(again.embed(ids)), array(again.embeddings)[IDS])


@pytest.mark.parametrize("scaled", [True, False])
def test_an_embedding_draws_for_its_matrix_and_its_dropout_alone(scaled):
    """What is made after it starts from other weights otherwise: a run would not be the same one by the same seed."""
    states = []
    for make in (lambda: TokenEmbedding(12, 5, scaled=scaled), _matrix_and_dropout):
        random.seed(5)  # of which Keras draws the seeds of layers and initializers
        make()
        states.append(random.getstate())
    assert states[0] == states[1]


def _matrix_and_dropout():
    keras.initializers.RandomNormal()
    keras.layers.Dropout(0.0)


def test_an_embedding_makes_the_same_layer_of_its_config():
    config = TokenEmbedding(12, 5, keras.initializers.RandomNormal(stddev=0.1, seed=3)).get_config()
    one, other = (TokenEmbedding.from_config(config) for _ in range(2))
    one.build()
    other.build()
    np.testing.assert_array_equal(one.get_weights()[0], other.get_weights()[0])


def test_a_tied_head_has_no_matrix_of_its_own_and_waits_for_it(array):
    embedding = TokenEmbedding(12, 5)
    head = VocabularyHead(12, embedding)
    logits = array(head(FEATURES))
    np.testing.assert_allclose(logits, FEATURES @ array(embedding.embeddings).T, atol=1e-5)
    again = VocabularyHead.from_config(head.get_config())
    with pytest.raises(ValueError, match="shares the matrix of an embedding"):
        again.build((None, None, 5))
    again = VocabularyHead.from_config(head.get_config())
    again.tie(embedding)
    np.testing.assert_array_equal(array(again(FEATURES)), logits)


@pytest.mark.parametrize("sizes", [(13, 5), (12, 6)])
def test_a_tie_that_does_not_fit_is_refused(sizes):
    with pytest.raises(ValueError, match=f"size 12, features 5, an embedding of {sizes[0]} x {sizes[1]}"):
        VocabularyHead(12, TokenEmbedding(*sizes)).build((None, None, 5))


def test_loss_and_log_prob_agree(array, randomize):
    head = VocabularyHead(12)
    head.build((None, None, 5))
    randomize(head)
    weights = (TARGET != 0).astype("float32")
    found = head.loss(FEATURES, TARGET, weights, training=False)
    expected = -(array(head.log_prob(FEATURES, TARGET)) * weights).sum()
    np.testing.assert_allclose([array(found.loss), array(found.nll)], expected, rtol=1e-5)
    assert array(found.count) == 5


@pytest.mark.parametrize("tied", [False, True])
def test_a_pointer_makes_the_same_head_of_its_config(tied):
    head = PointerHead(VocabularyHead(12, TokenEmbedding(12, 5) if tied else None))
    again = PointerHead.from_config(head.get_config())
    assert (again.size, again.tied) == (12, tied)
