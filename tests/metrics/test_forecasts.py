"""Scores of forecasts: by hand, against scoringrules, and laws that hold for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.metrics import LOWER_IS_BETTER
from seq2seq.metrics.forecasts import (
    coverage,
    crps_from_quantiles,
    crps_from_samples,
    crps_of_samples,
    mase,
    mean_absolute_error,
    mean_squared_error,
    msis,
    owa,
    pit_histogram_from_quantiles,
    pit_histogram_from_samples,
    quantile_losses,
    seasonal_scales,
    smape,
    weighted_quantile_loss,
)
from seq2seq.metrics.score import Score

ACTUAL = np.array([[2.0, 4.0], [0.0, 10.0]])
FORECAST = np.array([[3.0, 4.0], [0.0, 6.0]])
SCALES = np.array([0.5, 4.0])


def test_by_hand():
    assert mean_absolute_error(FORECAST, ACTUAL).score == 5 / 4
    assert mean_squared_error(FORECAST, ACTUAL).score == 17 / 4
    # rows: (200 * 1/5 + 0) / 2 = 20; (0 + 200 * 4/16) / 2 = 25
    assert smape(FORECAST, ACTUAL).score == 22.5
    # rows: 0.5 / 0.5 = 1; 2 / 4 = 0.5
    assert mase(FORECAST, ACTUAL, SCALES).score == 0.75
    assert owa(smape(FORECAST, ACTUAL), mase(FORECAST, ACTUAL, SCALES), Score(45, ""), Score(0.5, "")).score == 1.0
    lower, upper = FORECAST - 1, FORECAST + 1
    assert coverage(lower, upper, ACTUAL, 0.5).score == 75
    # widths 2; outside: 10 is 3 above 7, by 2 / 0.5 = 12. rows: 2 / 0.5 = 4; (2 + 14) / 2 / 4 = 2
    assert msis(lower, upper, ACTUAL, SCALES, level=0.5).score == 3.0


def test_quantiles_by_hand():
    quantiles = np.array([[[1.0, 3.0]]])
    actual = np.array([[4.0]])
    np.testing.assert_allclose(quantile_losses(quantiles, [0.1, 0.9], actual), [[[0.3, 0.9]]])
    np.testing.assert_allclose(quantile_losses(quantiles, [0.1, 0.9], np.zeros((1, 1))), [[[0.9, 0.3]]])
    assert crps_from_quantiles(quantiles, [0.1, 0.9], actual).score == pytest.approx(1.2)
    assert weighted_quantile_loss(quantiles, [0.1, 0.9], actual).score == pytest.approx(0.3)


SAMPLES = np.array(
    [
        [[0.0, 0.9, -0.82, -2.67, -1.36], [-2.97, 0.18, 4.02, -1.48, -1.86]],
        [[1.47, 1.07, 0.32, -2.79, -0.09], [2.09, -4.03, -1.37, -5.7, -3.87]],
        [[-5.53, -0.71, -3.8, 0.81, 0.47], [-0.56, -7.55, -1.62, -0.15, 0.34]],
    ]
)
DRAWN = np.array([[-4.59, -1.43], [-2.94, -2.43], [3.18, -2.42]])
# scoringrules 0.10.0: crps_ensemble with estimator "nrg" and "fair"; crps_quantile; interval_score
ENERGY = [[3.12, 0.5344], [2.1616, 0.9188], [3.576, 1.184]]
FAIR = [[2.95, 0.214], [1.968, 0.554], [3.237, 0.839]]
INTERVALS = [[22.77, 6.99], [5.76, 7.79], [30.04, 7.89]]


def test_samples_score_as_in_scoringrules():
    np.testing.assert_allclose(crps_of_samples(SAMPLES, DRAWN), ENERGY, atol=1e-12)
    np.testing.assert_allclose(crps_of_samples(SAMPLES, DRAWN, fair=True), FAIR, atol=1e-12)
    assert crps_from_samples(SAMPLES, DRAWN).score == pytest.approx(np.mean(ENERGY))


def test_quantiles_score_as_in_scoringrules():
    quantiles = np.sort(SAMPLES, axis=-1)
    score = crps_from_quantiles(quantiles, [0.1, 0.3, 0.5, 0.7, 0.9], DRAWN)
    assert score.score == pytest.approx(np.mean(ENERGY))  # the mid quantiles of 5 samples are the samples


def test_intervals_score_as_in_scoringrules():
    score = msis(SAMPLES.min(axis=-1), SAMPLES.max(axis=-1), DRAWN, np.ones(3), level=0.8)
    assert score.score == pytest.approx(np.mean(INTERVALS))


def test_samples_of_a_normal_distribution_reach_its_own_score():
    samples = np.random.default_rng(1).normal(size=(1, 1, 200_000))
    # Gneiting and Raftery 2007, equation 21; scoringrules 0.10.0 crps_normal(0.3, 0, 1)
    assert crps_from_samples(samples, np.full((1, 1), 0.3)).score == pytest.approx(0.2693329, abs=2e-3)


LEVELS = [0.1, 0.3, 0.5, 0.7, 0.9]
THREE = np.array([1.0, 2.0, 3.0])
SCORED = {
    "mae": lambda f, *rest: mean_absolute_error(f[..., 2], *rest),
    "mse": lambda f, *rest: mean_squared_error(f[..., 2], *rest),
    "smape": lambda f, *rest: smape(f[..., 2], *rest),
    "mase": lambda f, actual, observed: mase(f[..., 2], actual, THREE, observed),
    "crps": lambda f, *rest: crps_from_quantiles(f, LEVELS, *rest),
    "crps, samples": crps_from_samples,
    "wql": lambda f, *rest: weighted_quantile_loss(f, LEVELS, *rest),
    "msis": lambda f, actual, observed: msis(f[..., 0], f[..., 4], actual, THREE, 0.8, observed),
    "coverage": lambda f, actual, observed: coverage(f[..., 0], f[..., 4], actual, 0.8, observed),
    "pit": lambda *three: pit_histogram_from_samples(*three).score,
    "pit, quantiles": lambda f, *rest: pit_histogram_from_quantiles(f, LEVELS, *rest).score,
}
"""Of `(rows, horizon, 5)` ordered samples or quantiles, actual values and what was observed."""


def every_score(*three):
    return {name: score(*three) for name, score in SCORED.items()}


ORDERED = np.sort(SAMPLES, axis=-1)


@pytest.mark.parametrize("hole", [np.nan, np.inf, 1e30, 0.0])
def test_what_was_not_observed_changes_no_score(hole):
    observed = np.array([[True, False], [True, True], [False, False]])
    filled, forecast = np.where(observed, DRAWN, hole), np.where(observed[..., None], ORDERED, hole)
    expected = every_score(ORDERED, DRAWN, observed)
    assert every_score(forecast, filled, observed) == expected
    assert expected != every_score(ORDERED, DRAWN, None)


@pytest.mark.parametrize("name", SCORED)
def test_no_score_hides_a_forecast_that_is_not_a_number(name):
    broken = ORDERED.copy()
    broken[1, 0] = np.nan
    with pytest.raises(ValueError, match="The forecast of row 1 holds NaN"):
        SCORED[name](broken, DRAWN, None)
    with pytest.raises(ValueError, match="The actual of row 0 holds NaN"):
        SCORED[name](ORDERED, np.full((3, 2), np.inf), None)
    with pytest.raises(ValueError, match="at least one observed value"):
        SCORED[name](ORDERED, DRAWN, np.zeros((3, 2), bool))
    with pytest.raises(ValueError, match="same rows and horizon"):
        SCORED[name](ORDERED, DRAWN[:2], None)


def test_a_score_carries_its_signature_and_its_direction():
    for name, score in every_score(ORDERED, DRAWN, None).items():
        kind = name.partition(",")[0]
        assert score.signature.startswith(kind + "|")
        assert "seq2seq|version:" in score.signature
        assert (kind in LOWER_IS_BETTER) == (kind != "coverage")


def test_a_constant_series_has_no_scale_and_is_left_out_aloud():
    score = mase(FORECAST, ACTUAL, np.array([0.0, 4.0]))
    assert score.score == 0.5
    assert "left-out:1" in score.signature
    with pytest.raises(ValueError, match="Expected a series with a scale above 0"):
        mase(FORECAST, ACTUAL, np.array([0.0, np.nan]))


def test_scales_pair_observed_values_of_one_series():
    values = np.array([1.0, 3, 6, 100, 200, 7])
    observed = np.array([True, True, True, True, True, True])
    offsets = np.array([0, 3, 5, 6])
    np.testing.assert_allclose(seasonal_scales(values, observed, offsets, 1), [2.5, 100, np.nan])
    np.testing.assert_allclose(seasonal_scales(values, observed, offsets, 2), [5, np.nan, np.nan])
    holes = observed.copy()
    holes[1] = False
    np.testing.assert_allclose(seasonal_scales(values, holes, offsets, 2), [5, np.nan, np.nan])
    np.testing.assert_allclose(seasonal_scales(values, holes, offsets, 1), [np.nan, 100, np.nan])
    np.testing.assert_allclose(seasonal_scales(values, observed, offsets, 9), [np.nan] * 3)


def test_the_pit_of_the_right_model_is_uniform_and_of_a_wrong_one_is_not():
    draw = np.random.default_rng(5)
    centres = draw.normal(size=(200, 20, 1)) * 5
    actual = centres[..., 0] + draw.normal(size=(200, 20))
    levels = np.arange(1, 10) / 10
    grid = np.array([-1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816])
    for spread, uniform in ((1.0, True), (0.5, False)):
        samples = centres + spread * draw.normal(size=(200, 20, 19))
        from_samples = pit_histogram_from_samples(samples, actual)
        from_quantiles = pit_histogram_from_quantiles(centres + spread * grid, list(levels), actual)
        for pit in (from_samples, from_quantiles):
            assert pit.shares.sum() == pytest.approx(1)
            assert (pit.score.score < 4) == uniform
            assert (abs(pit.shares[0] - 0.1) < 0.02) == uniform
            np.testing.assert_allclose(pit.edges, np.arange(11) / 10)


def test_the_pit_of_counts_is_uniform_too():
    draw = np.random.default_rng(2)
    samples, actual = draw.poisson(1.0, (300, 10, 99)).astype(float), draw.poisson(1.0, (300, 10)).astype(float)
    assert pit_histogram_from_samples(samples, actual).score.score < 4


@pytest.mark.parametrize("levels", [[0.0, 0.5], [0.5, 1.0], []])
def test_levels_lie_between_0_and_1(levels):
    with pytest.raises(ValueError, match="levels of quantiles between 0 and 1"):
        crps_from_quantiles(np.zeros((1, 1, len(levels))), levels, np.zeros((1, 1)))
