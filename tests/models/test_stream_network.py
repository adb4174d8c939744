"""The network of a detector: it reads the features of a step twice, and a mask stops its state."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.inference.forecast_network import KerasStreams
from seq2seq.series.stream_features import FEATURES
from seq2seq.tasks.anomaly.network import build_network
from seq2seq.tasks.anomaly.recipe import Model


@pytest.fixture
def network(randomize):
    model = build_network(Model(units=5, least_scale=0.25))
    randomize(model, 3)
    return KerasStreams(model)


def test_the_head_reads_the_features_beside_the_state(network, rng):
    features = rng.normal(size=(2, 7, FEATURES)).astype(np.float32)
    head = network.model.head.projection
    assert head.kernel.shape[0] == 5 + FEATURES
    before, _ = network.advance(features, None, network.begin(2))
    head.kernel.assign(np.concatenate([np.zeros((5, 3)), keras.ops.convert_to_numpy(head.kernel)[5:]]))
    after, _ = network.advance(features, None, network.begin(2))
    assert np.abs(after - before).max() > 1e-3
    expected = features @ keras.ops.convert_to_numpy(head.kernel)[5:] + keras.ops.convert_to_numpy(head.bias)
    np.testing.assert_allclose(after[..., 0], expected[..., 0], rtol=1e-4, atol=1e-5)
    assert after[..., 1].min() >= 0.25


def test_a_row_goes_on_from_its_last_step_before_the_mask(network, rng):
    features = rng.normal(size=(2, 6, FEATURES)).astype(np.float32)
    mask = np.arange(6) < np.array([[6], [4]])
    _, state = network.advance(features, mask, network.begin(2))
    _, short = network.advance(features[1:, :4], None, network.begin(1))
    for one, other in zip(keras.tree.flatten(state), keras.tree.flatten(short), strict=True):
        np.testing.assert_allclose(one[1:], other, atol=1e-6)


def test_the_compiled_step_is_the_step(network, rng):
    features = rng.normal(size=(1, 5, FEATURES)).astype(np.float32)
    whole, last = network.advance(features, None, network.begin(1))
    state, steps = network.begin(1), []
    for step in range(5):
        found, state = network.advance(features[:, step : step + 1], None, state)
        steps.append(found)
    np.testing.assert_allclose(np.concatenate(steps, axis=1), whole, atol=1e-5)
    for one, other in zip(keras.tree.flatten(state), keras.tree.flatten(last), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
