"""The selector of a model, alone and in an ensemble."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.models.ensemble import Ensemble
from seq2seq.models.seq2seq import Seq2Seq
from tests.inputs import named, padded

SOURCE = np.array([[5, 6, 7, 3], [8, 3, 0, 0]], np.int32)
TARGET = np.array([[2, 9, 5], [2, 10, 7]], np.int32)


def chances(model, source):
    return model.keep_probabilities(model.encode(source))


@pytest.mark.parametrize("encoder", [{}, {"num_layers": 2, "bidirectional": False}])
def test_padding_changes_no_chance(build_model, array, encoder):
    model = build_model(encoder, selector=True)
    together = array(chances(model, padded(SOURCE)))
    assert together.dtype == np.float32
    assert ((together > 0) & (together < 1)).all()
    np.testing.assert_allclose(together[1, :2], array(chances(model, padded(SOURCE[1:, :2])))[0], atol=1e-6)


def test_the_selector_does_not_touch_what_the_decoder_says(build_model, array):
    plain, with_one = build_model(), build_model(selector=True)
    for mine, its in zip(plain.weights, with_one.weights, strict=False):
        its.assign(mine)
    assert len(with_one.weights) == len(plain.weights) + 2
    np.testing.assert_array_equal(array(plain(named(SOURCE, TARGET))), array(with_one(named(SOURCE, TARGET))))


def test_a_config_makes_the_same_model(build_model):
    for selector in (False, True):
        config = build_model(selector=selector).get_config()
        again = Seq2Seq.from_config(config)
        assert again.has_selector == selector


def test_an_ensembles_chances_are_the_mean(build_model, array):
    members = [build_model(selector=True, seed=seed) for seed in (1, 2, 3)]
    wanted = np.mean([array(chances(member, padded(SOURCE))) for member in members], axis=0)
    np.testing.assert_allclose(array(chances(Ensemble(members), (padded(SOURCE),) * 3)), wanted, atol=1e-6)


def test_a_model_without_one_cannot_extract(build_model):
    plain = build_model()
    with pytest.raises(ValueError, match=r"no selector.*model\.selector true"):
        chances(plain, padded(SOURCE))
    assert not Ensemble([build_model(selector=True), plain]).has_selector
    with pytest.raises(ValueError, match="needs one vocabulary"):
        build_model(sizes=(12, 13), selector=True)
