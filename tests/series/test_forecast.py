"""Quantiles ascend with the level, are those that are known, and end with an error where nothing is known."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from seq2seq.series.forecast import (
    AveragedForecast,
    LevelError,
    QuantileForecast,
    SampleForecast,
    SpreadForecast,
    average_forecasts,
    interval_levels,
)

LEVELS = (0.025, 0.1, 0.3, 0.5, 0.75, 0.9, 0.975)


def quantile_forecast(rng, rows=3, horizon=4, levels=LEVELS):
    values = np.sort(rng.normal(size=(rows, horizon, len(levels))), axis=-1)
    return QuantileForecast(values.mean(axis=-1), levels, values)


def samples(rng, count=50, rows=3, horizon=4):
    return SampleForecast(rng.normal(size=(rows, horizon, count)))


def forecasts(rng):
    spread = SpreadForecast(rng.normal(size=(3, 4)), rng.random((3, 4)))
    seen = spread._replace(errors=rng.normal(size=(30, 4)))
    members = [quantile_forecast(rng), samples(rng), spread, seen]
    return [*members, AveragedForecast(members)]


def test_quantiles_ascend_and_their_order_follows_the_levels_asked_for(rng):
    asked = np.linspace(0.03, 0.97, 29)
    for forecast in forecasts(rng):
        found = forecast.quantiles(asked)
        assert found.shape == (3, 4, 29)
        assert found.dtype == forecast.mean.dtype == np.float64
        assert (np.diff(found, axis=-1) >= -1e-12).all()
        np.testing.assert_array_equal(forecast.quantiles(asked[::-1]), found[..., ::-1])


@pytest.mark.parametrize("levels", [(0.0, 0.5), (0.5, 1.0), (-0.1,), (float("nan"),), ()])
def test_a_level_that_is_none_is_refused(rng, levels):
    for forecast in forecasts(rng):
        with pytest.raises(LevelError, match="between 0 and 1"):
            forecast.quantiles(levels)


def test_known_levels_have_their_own_values_and_others_lie_on_lines_between_them(rng):
    forecast = quantile_forecast(rng)
    np.testing.assert_array_equal(forecast.quantiles(LEVELS), forecast.values)
    asked = [0.06, 0.2, 0.6, 0.94]
    for row in range(3):
        for step in range(4):
            expected = np.interp(asked, LEVELS, forecast.values[row, step])
            np.testing.assert_allclose(forecast.quantiles(asked)[row, step], expected, atol=1e-12)


def test_what_is_not_covered_is_an_error_that_names_what_is(rng):
    with pytest.raises(LevelError, match=r"cover 0.025 to 0.975, so intervals of at most 95 %. Asked for: 0.005"):
        quantile_forecast(rng).quantiles([0.5, 0.005])
    lone = quantile_forecast(rng, levels=(0.5,))
    np.testing.assert_array_equal(lone.quantiles([0.5, 0.5])[..., 1:], lone.values)
    with pytest.raises(LevelError, match=r"cover 0.5 to 0.5. Asked for: 0.6"):
        lone.quantiles([0.6])


def test_wrong_quantiles_and_samples_are_refused(rng):
    good = quantile_forecast(rng)
    with pytest.raises(ValueError, match=r"those of row 2 cross|Those of row 2 cross"):
        QuantileForecast(good.mean, LEVELS, np.concatenate([good.values[:2], good.values[2:, :, ::-1]]))
    with pytest.raises(ValueError, match="ascending"):
        QuantileForecast(good.mean, LEVELS[::-1], good.values)
    with pytest.raises(ValueError, match=r"quantiles \(rows, horizon, 7\)"):
        QuantileForecast(good.mean, LEVELS, good.values[..., :3])
    broken = good.values.copy()
    broken[1, 2] = np.nan
    with pytest.raises(ValueError, match="row 1 holds NaN"):
        QuantileForecast(good.mean, LEVELS, broken)
    with pytest.raises(ValueError, match="row 1 holds NaN"):
        SampleForecast(broken)
    with pytest.raises(ValueError, match="samples"):
        SampleForecast(np.zeros((3, 4, 0)))


def test_quantiles_of_samples_are_those_of_their_distribution(rng):
    found = SampleForecast(rng.normal(3, 2, size=(1, 1, 40_000))).quantiles(LEVELS)[0, 0]
    np.testing.assert_allclose(found, [NormalDist(3, 2).inv_cdf(level) for level in LEVELS], atol=0.08)


def test_an_ensemble_averages_quantiles_level_by_level_and_pools_samples(rng):
    one, other = quantile_forecast(rng), quantile_forecast(rng)
    found = average_forecasts([one, other])
    assert isinstance(found, QuantileForecast)
    np.testing.assert_allclose(found.mean, (one.mean + other.mean) / 2)
    np.testing.assert_allclose(found.quantiles([0.2]), (one.quantiles([0.2]) + other.quantiles([0.2])) / 2)
    first, second = samples(rng), samples(rng)
    pooled = average_forecasts([first, second])
    assert isinstance(pooled, SampleForecast)
    assert pooled.samples.shape == (3, 4, 100)
    np.testing.assert_allclose(pooled.mean, (first.mean + second.mean) / 2)
    mixed = average_forecasts([one, first, quantile_forecast(rng, levels=(0.1, 0.9))])
    np.testing.assert_allclose(mixed.quantiles([0.5]).shape, (3, 4, 1))
    assert average_forecasts([one]) is one


def test_members_that_do_not_go_together_are_refused(rng):
    with pytest.raises(ValueError, match="same rows and horizon"):
        average_forecasts([samples(rng), samples(rng, rows=2)])
    with pytest.raises(ValueError, match="same rows and horizon"):
        average_forecasts([])
    with pytest.raises(ValueError, match=r"equally many samples of each member. Received: \[20, 50\]"):
        average_forecasts([samples(rng), samples(rng, 20)])


def test_the_ends_of_an_interval_are_as_far_from_the_median():
    assert interval_levels(80) == (0.1, 0.9)
    assert interval_levels(95) == (0.025, 0.975)
    for level in (0, 100, -5, float("nan")):
        with pytest.raises(LevelError, match="percent"):
            interval_levels(level)
    with pytest.raises(LevelError, match=r"Received: 0\.8\. Write 80 for 80 %\."):
        interval_levels(0.8)
