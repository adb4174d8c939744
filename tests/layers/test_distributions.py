"""Heads of numbers say the same as their distributions in NumPy; a new one forecasts its base; quantiles ascend."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.layers.distributions import (
    LEAST_DEVIATION,
    LEAST_FREEDOM,
    GaussianHead,
    NegativeBinomialHead,
    PredictiveFeatures,
    QuantileHead,
    StudentTHead,
    log_gamma,
)
from seq2seq.metrics.forecasts import quantile_losses
from seq2seq.series.distributions import distribution_of
from seq2seq.series.special import log_gamma as exact_log_gamma

LEVELS = (0.05, 0.3, 0.5, 0.9)
HEADS = [
    GaussianHead,
    StudentTHead,
    NegativeBinomialHead,
    lambda steps=1: QuantileHead(LEVELS, steps),
    lambda steps=1: GaussianHead(steps, squares=True),
    lambda steps=1: StudentTHead(steps, least_scale=0.5),
]
NAMES = ["gaussian", "student_t", "negative_binomial", "quantiles", "squares", "wide"]
heads = pytest.mark.parametrize("make", HEADS, ids=NAMES)


def built(make, randomize=None, steps=2, scale=1.0):
    head = make(steps)
    head.build((None, None, 3))
    return randomize(head, scale=scale) if randomize else head


def features(rng, rows=4, vectors=3, steps=2, scale=20.0):
    vectors_ = rng.normal(size=(rows, vectors, 3)).astype(np.float32)
    base = rng.normal(size=(rows, vectors * steps)).astype(np.float32)
    return PredictiveFeatures(vectors_, base, np.full((rows, 1), scale, np.float32))


def target_of(head, rng, found):
    return rng.poisson(15, size=found.base.shape) if "counts" in head.name else rng.normal(size=found.base.shape)


def distribution(head):
    return distribution_of(head.KIND, getattr(head, "levels", ()))


@pytest.mark.parametrize("make", HEADS[:3], ids=NAMES[:3])
def test_log_densities_are_those_of_the_distribution(make, rng, randomize, array):
    head, given = built(make, randomize), features(rng)
    parameters = array(head.parameters(given)).astype(np.float64)
    counts = distribution(head).counts
    target = rng.poisson(15, given.base.shape) * 1.0 if counts else 3 * rng.normal(size=given.base.shape)
    expected = distribution(head).log_prob(parameters, target)
    np.testing.assert_allclose(array(head.log_prob(given, target.astype(np.float32))), expected, rtol=2e-4, atol=2e-4)


@heads
def test_parameters_are_within_their_bounds_however_far_the_features_go(make, rng, randomize, array):
    head, given = built(make, randomize, scale=30.0), features(rng, scale=1e5)
    parameters = array(head.parameters(given))
    assert parameters.shape == (4, 6, head.size)
    assert np.isfinite(parameters).all()
    found = np.stack([distribution(head).quantile(parameters, level) for level in (0.05, 0.3, 0.6, 0.9)], axis=-1)
    assert (np.diff(found, axis=-1) >= 0).all()
    if head.KIND == "quantiles":
        assert (np.diff(parameters, axis=-1) >= 0).all()
    elif head.KIND == "negative_binomial":
        assert (parameters > 0).all()
        assert (found >= 0).all()
    else:
        assert (parameters[..., 1] >= getattr(head, "least_scale", LEAST_DEVIATION)).all()
        assert head.KIND != "student_t" or (parameters[..., 2] >= LEAST_FREEDOM - 1e-6).all()


@pytest.mark.parametrize("make", [HEADS[0], HEADS[1], HEADS[3], HEADS[4]], ids=[NAMES[i] for i in (0, 1, 3, 4)])
def test_a_new_head_forecasts_its_base(make, rng, array):
    head, given = built(make), features(rng)
    np.testing.assert_allclose(distribution(head).mean(array(head.parameters(given))), given.base, rtol=1e-6)


def test_counts_follow_the_scale_of_their_series(rng, randomize, array):
    head, given = built(NegativeBinomialHead, randomize), features(rng)
    one = array(head.parameters(given))
    ten = array(head.parameters(given._replace(scale=given.scale * 10)))
    np.testing.assert_allclose(ten[..., 0], 10 * one[..., 0], rtol=1e-6)
    np.testing.assert_array_equal(ten[..., 1], one[..., 1])


@heads
def test_what_has_no_weight_changes_no_loss_and_no_gradient(make, rng, randomize, gradients):
    head, given = built(make, randomize), features(rng)
    weights = (rng.random(given.base.shape) < 0.5).astype(np.float32)
    target = rng.poisson(15, given.base.shape).astype(np.float32)
    seen = []
    for odd in (0.0, np.nan, -1e30):
        shown = np.where(weights > 0, target, np.float32(odd))
        loss, found = gradients(lambda s=shown: head.loss(given, s, weights).loss, head.trainable_variables)
        assert np.isfinite(loss)
        seen.append([np.asarray(loss), *found])
    for other in seen[1:]:
        for one, two in zip(seen[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
    assert float(head.loss(given, target, weights).count) == weights.sum()
    assert float(head.loss(given, target, weights * 0).loss) == 0


def test_the_loss_of_quantiles_is_twice_the_mean_pinball_loss(rng, randomize, array):
    head, given = built(HEADS[3], randomize), features(rng)
    target, weights = rng.normal(size=given.base.shape), rng.random(given.base.shape).astype(np.float32)
    losses = quantile_losses(array(head.parameters(given)), LEVELS, target).mean(axis=-1)
    found = head.loss(given, target.astype(np.float32), weights)
    np.testing.assert_allclose(array(found.loss), (2 * weights * losses).sum(), rtol=1e-5)


def test_squares_are_reported_and_move_the_location_alone(rng, randomize, gradients):
    head, given = built(HEADS[4], randomize), features(rng)
    target, weights = np.ones(given.base.shape, np.float32), np.ones(given.base.shape, np.float32)
    errors = keras.ops.convert_to_numpy(head.parameters(given))[..., 0] - 1
    np.testing.assert_allclose(float(head.loss(given, target, weights).nll), (errors**2).sum(), rtol=1e-5)
    _, (kernel, bias) = gradients(lambda: head.loss(given, target, weights).loss, head.trainable_variables)
    # Outputs of a step: location, deviation. The gradient of the location is that of the squares.
    np.testing.assert_allclose(bias.reshape(2, 2)[:, 0], 2 * errors.reshape(-1, 2).sum(axis=0), rtol=1e-4)
    assert np.abs(kernel).min() > 0


@pytest.mark.parametrize("levels", [(), (0.5, 0.5), (0.9, 0.1), (0.0, 0.5), (0.5, 1.0)])
def test_levels_out_of_order_or_range_are_refused(levels):
    with pytest.raises(ValueError, match="ascending order"):
        QuantileHead(levels)


@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.2), (0.7, 0.8, 0.9), (0.01, 0.99)])
def test_quantiles_ascend_whatever_their_levels(levels, rng, randomize, array):
    head = built(lambda steps: QuantileHead(levels, steps), randomize, scale=5.0)
    found = array(head.parameters(features(rng)))
    assert found.shape[-1] == len(levels)
    assert (np.diff(found, axis=-1) >= 0).all()


@heads
def test_a_head_is_made_again_from_its_config(make, rng, randomize, array):
    head, given = built(make, randomize), features(rng)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    again.set_weights(head.get_weights())
    np.testing.assert_array_equal(array(again.parameters(given)), array(head.parameters(given)))


def test_log_gamma_in_the_graph_is_that_of_numpy(array):
    at = np.float32(10.0) ** np.linspace(-4, 6, 60, dtype=np.float32)
    np.testing.assert_allclose(array(log_gamma(at)), exact_log_gamma(at), rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("mean", [1.0, 1e3, 3e4])
def test_log_probabilities_of_large_counts_are_exact_in_single_precision(mean, array):
    head = built(NegativeBinomialHead, steps=1)
    given = PredictiveFeatures(
        np.zeros((1, 3, 3), np.float32), np.zeros((1, 3), np.float32), np.full((1, 1), mean, np.float32)
    )
    for raw in (-12.0, -3.0, 2.0):
        head.projection.bias.assign([0.0, raw])
        target = np.asarray([[mean * 0.5, mean * 0.7, mean * 1.5]]).round()
        expected = distribution(head).log_prob(array(head.parameters(given)).astype(np.float64), target)
        found = array(head.log_prob(given, target.astype(np.float32)))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
