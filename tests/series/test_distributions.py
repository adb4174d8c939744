"""Special functions against SciPy, and the laws of distributions: they sum to 1, quantiles ascend and agree with
draws, and what is drawn of a distribution lies evenly in it."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from seq2seq.metrics.forecasts import crps_of_samples, pit_histogram_from_quantiles, pit_of_samples
from seq2seq.series.distributions import Gaussian, NegativeBinomial, Quantiles, StudentT, distribution_of
from seq2seq.series.special import (
    incomplete_beta,
    log_gamma,
    negative_binomial_quantile,
    student_t_cdf,
    student_t_quantile,
)

# SciPy 1.17.1: special.gammaln, special.betainc, stats.t.ppf and logpdf, stats.nbinom.ppf and logpmf
LOG_GAMMA = [
    *((0.001, 6.907178885383853), (0.1, 2.252712651734206), (0.5, 0.5723649429247), (1.5, -0.12078223763524526)),
    *((3.7, 1.428072326665388), (50.0, 144.56574394634487), (12345.0, 103953.5324720479)),
]
BETA = [
    *((0.5, 0.5, 0.2, 0.2951672353008665), (2.0, 3.0, 0.4, 0.5248), (0.1, 20.0, 0.01, 0.8781283685059499)),
    *((50.0, 0.5, 0.97, 0.08169933372182264), (300.0, 200.0, 0.62, 0.8190699881577963), (1.0, 1.0, 0.3, 0.3)),
    (5000.0, 4000.0, 0.55, 0.14444343162632547),
]
T_QUANTILES = [
    *((0.9, 2.1, 1.846695527779816), (0.975, 3.0, 3.1824463052837078), (0.6, 4.5, 0.2687518355421751)),
    *((0.001, 2.5, -13.822193110865964), (0.25, 30.0, -0.6827556933212927), (0.4999, 7.0, -0.00025974603090261677)),
    (0.99, 10000.0, 2.3267208386694755),
]
T_LOG_DENSITIES = [  # at location 1.5 and scale 2
    *((1.5, 2.1, -1.7274338679915684), (-4.0, 3.0, -4.21143143821382), (60.0, 7.5, -21.814054666137867)),
    (2.0, 1000.0, -1.6436159862249973),
]
COUNTS = [
    *((0.5, 0.3, 0.5, 0.0), (0.9, 0.3, 0.5, 1.0), (0.1, 40.0, 0.2, 18.0), (0.5, 40.0, 0.2, 37.0)),
    *((0.975, 40.0, 0.2, 84.0), (0.99, 1000.0, 0.0001, 1078.0), (0.01, 250000.0, 1.0, 2512.0)),
]
COUNT_LOG_PROBS = [
    *((0.0, 0.3, 0.5, -0.2795238847503172), (7.0, 0.3, 0.5, -12.458255833897764)),
    *((33.0, 40.0, 0.2, -3.7748714564838277), (1050.0, 1000.0, 0.0001, -5.5634218795366905)),
    (200000.0, 250000.0, 1.0, -13.22921859684065),
]
GAUSSIAN = np.asarray([[0.0, 1.0], [-3.0, 0.2], [100.0, 7.0]])
STUDENT = np.asarray([[0.0, 1.0, 2.2], [5.0, 0.3, 4.0], [-2.0, 3.0, 40.0]])
COUNT = np.asarray([[0.2, 0.7], [4.0, 1e-4], [30.0, 0.3]])
ASKED = (0.001, 0.025, 0.1, 0.3, 0.5, 0.50001, 0.8, 0.975, 0.999)
ALL = [(Gaussian(), GAUSSIAN), (StudentT(), STUDENT), (NegativeBinomial(), COUNT)]


def columns(table):
    return np.asarray(table).T


def test_special_functions_equal_those_of_scipy():
    at, expected = columns(LOG_GAMMA)
    np.testing.assert_allclose(log_gamma(at), expected, rtol=1e-10, atol=1e-9)
    a, b, x, expected = columns(BETA)
    np.testing.assert_allclose(incomplete_beta(a, b, x), expected, rtol=1e-7)
    assert incomplete_beta([2.0, 2.0], [3.0, 3.0], [0.0, 1.0]).tolist() == [0, 1]


def test_students_t_equals_scipys():
    for level, freedom, expected in T_QUANTILES:
        found = student_t_quantile(level, np.asarray([freedom]))
        np.testing.assert_allclose(found, expected, rtol=1e-7)
        np.testing.assert_allclose(student_t_cdf(found, np.asarray([freedom])), level, rtol=1e-8)
    values, freedom, expected = columns(T_LOG_DENSITIES)
    parameters = np.stack([np.full(4, 1.5), np.full(4, 2.0), freedom], axis=-1)
    np.testing.assert_allclose(StudentT().log_prob(parameters, values), expected, rtol=1e-9)


def test_the_quantile_of_students_t_ascends_close_to_the_median_and_far_out():
    levels = [1e-9, 1e-6, 0.01, 0.3, 0.4999, 0.499999, 0.5, 0.500001, 0.5001, 0.7, 0.99, 1 - 1e-6]
    freedom = np.asarray([2.1, 3.0, 8.0, 50.0, 1000.0])
    found = np.stack([student_t_quantile(level, freedom) for level in levels])
    assert (np.diff(found, axis=0) > 0).all()
    np.testing.assert_allclose(student_t_cdf(found[:6], freedom), np.asarray(levels[:6])[:, None] + 0 * freedom, 1e-7)


def test_counts_equal_scipys():
    for level, mean, dispersion, expected in COUNTS:
        assert negative_binomial_quantile(level, np.asarray(mean), np.asarray(dispersion)) == expected
    values, mean, dispersion, expected = columns(COUNT_LOG_PROBS)
    found = NegativeBinomial().log_prob(np.stack([mean, dispersion], axis=-1), values)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_densities_integrate_and_probabilities_sum_to_1():
    for distribution, parameters in ALL[:2]:
        middle, width = parameters[:, :1], parameters[:, 1:2]
        # Substituted, so that heavy tails are reached: x = middle + width sinh(s).
        s = np.linspace(-25, 25, 20_001)
        values = middle + width * np.sinh(s)
        density = np.exp(distribution.log_prob(parameters[:, None], values)) * width * np.cosh(s)
        np.testing.assert_allclose(np.trapezoid(density, s, axis=-1), 1, atol=1e-8)
    counts = np.arange(2000.0)
    chances = np.exp(NegativeBinomial().log_prob(COUNT[:, None], counts))
    np.testing.assert_allclose(chances.sum(axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(chances @ counts, COUNT[:, 0], rtol=1e-6)
    variance = COUNT[:, 0] + COUNT[:, 1] * COUNT[:, 0] ** 2
    np.testing.assert_allclose(chances @ counts**2 - COUNT[:, 0] ** 2, variance, rtol=1e-5)


@pytest.mark.parametrize(("distribution", "parameters"), ALL, ids=lambda part: type(part).__name__)
def test_quantiles_ascend_and_agree_with_draws(distribution, parameters):
    found = np.stack([distribution.quantile(parameters, level) for level in ASKED], axis=-1)
    assert (np.diff(found, axis=-1) >= 0).all()
    drawn = distribution.draw(np.repeat(parameters[:, None], 40_000, axis=1), np.random.default_rng(1))
    assert not distribution.counts or ((drawn >= 0) & (drawn == np.floor(drawn))).all()
    for place, level in enumerate(ASKED):
        # Of a count: at least the level lies at or below its quantile, at most the level below it.
        error = 4 * np.sqrt(level * (1 - level) / 40_000)
        assert ((drawn <= found[:, None, place]).mean(axis=1) >= level - error).all()
        assert ((drawn < found[:, None, place]).mean(axis=1) <= level + error).all()
    heavy = parameters[:, -1] < 2.5 if isinstance(distribution, StudentT) else np.zeros(len(parameters), bool)
    deviation = drawn.std(axis=1)
    assert (np.abs(drawn.mean(axis=1) - distribution.mean(parameters)) < 4 * deviation / 200)[~heavy].all()


def test_quantiles_of_counts_are_the_least_that_reach_their_level():
    counts = np.arange(400.0)
    reached = np.cumsum(np.exp(NegativeBinomial().log_prob(COUNT[:, None], counts)), axis=-1)
    for level in ASKED:
        expected = (reached < level).sum(axis=-1)
        np.testing.assert_array_equal(NegativeBinomial().quantile(COUNT, level), expected)


@pytest.mark.parametrize(("distribution", "parameters"), ALL[:2], ids=["gaussian", "student_t"])
def test_what_is_drawn_of_a_distribution_lies_evenly_in_it(distribution, parameters):
    many = np.repeat(parameters, 3000, axis=0)[None]
    actual = distribution.draw(many, np.random.default_rng(2))
    levels = np.linspace(0.1, 0.9, 9)
    quantiles = np.stack([distribution.quantile(many, level) for level in levels], axis=-1)
    found = pit_histogram_from_quantiles(quantiles, levels, actual)
    np.testing.assert_allclose(found.shares, 0.1, atol=0.015)  # five deviations
    wrong = many * [1, 2, 1][: many.shape[-1]]
    quantiles = np.stack([distribution.quantile(wrong, level) for level in levels], axis=-1)
    assert pit_histogram_from_quantiles(quantiles, levels, actual).shares.max() > 0.13


def test_counts_lie_evenly_among_samples_of_their_distribution():
    many, random = np.repeat(COUNT, 2000, axis=0)[None], np.random.default_rng(3)
    actual = NegativeBinomial().draw(many, random)
    samples = NegativeBinomial().draw(np.repeat(many[:, :, None], 49, axis=2), random)
    shares, _ = np.histogram(pit_of_samples(samples, actual), np.linspace(0, 1, 11))
    np.testing.assert_allclose(shares / actual.size, 0.1, atol=0.02)


def test_samples_score_as_the_distribution_does():
    # Gneiting and Raftery 2007, equation 21: the CRPS of a normal distribution.
    actual, normal = np.asarray([-0.7, 0.0, 2.1]), NormalDist()
    expected = [y * (2 * normal.cdf(y) - 1) + 2 * normal.pdf(y) - np.pi**-0.5 for y in actual.tolist()]
    drawn = Gaussian().draw(np.tile([0.0, 1.0], (3, 1, 50_000, 1)), np.random.default_rng(0))
    np.testing.assert_allclose(crps_of_samples(drawn, actual[:, None])[:, 0], expected, atol=0.01)


def test_known_quantiles_are_their_own_and_draws_lie_between_them(rng):
    levels = (0.1, 0.4, 0.5, 0.9)
    quantiles = distribution_of("quantiles", levels)
    parameters = np.sort(rng.normal(size=(3, 4)), axis=-1)
    for place, level in enumerate(levels):
        np.testing.assert_allclose(quantiles.quantile(parameters, level), parameters[:, place], rtol=1e-12)
    np.testing.assert_allclose(quantiles.quantile(parameters, 0.25), parameters[:, :2].mean(axis=-1))
    np.testing.assert_allclose(quantiles.mean(parameters), parameters[:, 2])
    drawn = quantiles.draw(np.repeat(parameters[:, None], 5000, axis=1), rng)
    assert (drawn >= parameters[:, None, 0]).all()
    assert (drawn <= parameters[:, None, -1]).all()
    np.testing.assert_allclose((drawn <= parameters[:, None, 1]).mean(axis=1), 0.4, atol=0.03)
    for level in (0.05, 0.95):
        with pytest.raises(ValueError, match=r"knows the quantiles from 0\.1 to 0\.9"):
            quantiles.quantile(parameters, level)
    with pytest.raises(ValueError, match="no density"):
        quantiles.log_prob(parameters, parameters[:, 0])


def test_a_single_quantile_is_all_that_there_is(rng):
    only = Quantiles((0.5,))
    parameters = rng.normal(size=(3, 1))
    np.testing.assert_array_equal(only.quantile(parameters, 0.5), parameters[:, 0])
    np.testing.assert_array_equal(only.draw(parameters, rng), parameters[:, 0])
