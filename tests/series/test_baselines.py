"""Baselines move with the series, look at nothing but what was observed, and are what slow code says they are."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.series.baselines import METHODS, forecast_table, naive, naive2, seasonal_naive, theta
from seq2seq.series.forecast import SpreadForecast
from seq2seq.series.ridge import fit_ridge
from seq2seq.series.table import table_of
from seq2seq.series.windows import Windows, ends

nan = np.nan
SEASON, HORIZON = 4, 6


def wave(size, level=20.0, seed=0, season=SEASON):
    """Positive values with a season that passes the test, a trend and noise."""
    draw, steps = np.random.default_rng(seed), np.arange(size)
    return level + 0.1 * steps + 5 * np.sin(2 * np.pi * steps / season) + draw.normal(size=size)


@pytest.fixture
def table():
    return table_of({"a": wave(60), "b": wave(41, 30, 1), "c": wave(9, 8, 2), "d": wave(60, -3, 3), "e": [5.0]})


def numbers(forecast):
    return np.stack([forecast.mean, forecast.deviation])


@pytest.mark.parametrize("name", METHODS)
def test_a_series_alone_equals_the_series_beside_others(name, table):
    together = numbers(forecast_table(table, METHODS[name], HORIZON, SEASON))
    for i, series in enumerate(table):
        alone = numbers(forecast_table(table_of({"x": series.values}), METHODS[name], HORIZON, SEASON))
        np.testing.assert_allclose(alone[:, 0], together[:, i], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_blocks_change_nothing(name, table, monkeypatch):
    whole = numbers(forecast_table(table, METHODS[name], HORIZON, SEASON))
    monkeypatch.setattr("seq2seq.series.baselines._BLOCK", 50)
    np.testing.assert_allclose(numbers(forecast_table(table, METHODS[name], HORIZON, SEASON)), whole, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_scaling_a_series_scales_its_forecast(name, table):
    before = numbers(forecast_table(table, METHODS[name], HORIZON, SEASON))
    scaled = table_of({series.id: 1000 * series.values for series in table})
    after = numbers(forecast_table(scaled, METHODS[name], HORIZON, SEASON))
    np.testing.assert_allclose(after, 1000 * before, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_shifting_a_series_that_is_not_positive_shifts_its_forecast(name):
    series = {"a": wave(60) - 40, "b": wave(30) - 100}
    before = forecast_table(table_of(series), METHODS[name], HORIZON, SEASON)
    after = forecast_table(table_of({k: v - 1000 for k, v in series.items()}), METHODS[name], HORIZON, SEASON)
    np.testing.assert_allclose(after.mean, before.mean - 1000, atol=1e-4)
    np.testing.assert_allclose(after.deviation, before.deviation, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("value", [0.0, 3.0, -7.0])
def test_a_constant_series_is_forecast_constant(name, value):
    found = forecast_table(table_of({"a": np.full(30, value)}), METHODS[name], HORIZON, SEASON)
    np.testing.assert_allclose(found.mean, value, atol=1e-12)
    np.testing.assert_allclose(found.deviation, 0, atol=1e-12)


@pytest.mark.parametrize("name", METHODS)
def test_what_a_hole_holds_changes_nothing(name):
    values, observed = wave(50)[None], np.random.default_rng(1).random((1, 50)) < 0.8
    observed[0, :3] = False
    found = numbers(METHODS[name](np.where(observed, values, 0), observed, HORIZON, SEASON))
    other = numbers(METHODS[name](np.where(observed, values, 1e9), observed, HORIZON, SEASON))
    np.testing.assert_array_equal(found, other)
    assert np.isfinite(found).all()
    padded = numbers(METHODS[name](values[:, 3:], observed[:, 3:], HORIZON, SEASON))
    np.testing.assert_allclose(found, padded, atol=1e-9)


def test_a_positive_series_that_falls_is_not_forecast_below_0():
    values = 3.0 - 0.1 * np.arange(29)
    assert (forecast_table(table_of({"a": values}), theta, 20, 1).mean >= 0).all()
    assert (forecast_table(table_of({"a": values - 5}), theta, 20, 1).mean < -5).any()


def test_naive_and_seasonal_naive_by_hand():
    values, observed = np.array([[1.0, 2, 3, 4, 5, 6, 9]]), np.array([[1, 1, 1, 1, 1, 0, 1]], bool)
    found = naive(values, observed, 2)
    np.testing.assert_array_equal(found.mean, [[9, 9]])
    np.testing.assert_allclose(found.deviation, [[1, np.sqrt(2)]])
    found = seasonal_naive(values, observed, 7, 3)
    np.testing.assert_array_equal(found.mean, [[5, 3, 9, 5, 3, 9, 5]])
    np.testing.assert_allclose(found.deviation[0, [0, 3, 6]], np.sqrt((9 + 9 + 25) / 3 * np.array([1, 2, 3])))


def test_a_phase_without_a_reading_gets_the_last_value():
    found = seasonal_naive(np.array([[7.0, 8.0]]), np.ones((1, 2), bool), 5, 4)
    np.testing.assert_array_equal(found.mean, [[8, 8, 7, 8, 8]])


def slow_theta(values, season, horizon):
    """One positive series, step by step; returns Naive2 and Theta."""
    size, figure = len(values), np.ones(season)
    if season > 1 and size >= 3 * season:
        centred = values - values.mean()
        shares = [(centred[k:] * centred[:-k]).sum() / (centred**2).sum() for k in range(1, season + 1)]
        if abs(shares[-1]) > 1.645 / np.sqrt(size) * np.sqrt(1 + 2 * sum(r * r for r in shares[:-1])):
            ratios = [[] for _ in range(season)]
            half = season // 2
            for t in range(half, size - half):
                around = values[t - half : t + half + 1].copy()
                if season % 2 == 0:
                    around[[0, -1]] /= 2
                ratios[t % season].append(values[t] / (around.sum() / season))
            figure = np.array([np.mean(one) for one in ratios])
            figure /= figure.mean()
    rest = values / figure[np.arange(size) % season]
    slope, level = np.polyfit(np.arange(size), rest, 1)
    doubled = 2 * rest - (level + slope * np.arange(size))
    best = None
    for factor in np.linspace(1e-4, 0.9999, 2000):
        design, state = [], (0.0, 1.0)  # the level is state[0] + state[1] times the first one
        for value in doubled:
            design.append((value - state[0], state[1]))
            state = (state[0] + factor * (value - state[0]), state[1] * (1 - factor))
        target, weight = np.array(design).T
        start = (target * weight).sum() / (weight**2).sum()
        square = ((target - weight * start) ** 2).sum()
        if best is None or square < best[0]:
            best = square, state[0] + state[1] * start
    steps = np.arange(size, size + horizon)
    seasons = figure[steps % season]
    return rest[-1] * seasons, (level + slope * steps + best[1]) / 2 * seasons


@pytest.mark.parametrize("season", [1, 4, 5])
@pytest.mark.parametrize("size", [11, 40, 63])
def test_theta_and_naive2_are_those_of_slow_code(season, size):
    values = wave(size, seed=size, season=max(season, 2))
    expected = slow_theta(values, season, HORIZON)
    known = np.ones((1, size), bool)
    np.testing.assert_allclose(naive2(values[None], known, HORIZON, season).mean[0], expected[0], rtol=1e-9)
    np.testing.assert_allclose(theta(values[None], known, HORIZON, season).mean[0], expected[1], rtol=2e-4)


def test_only_a_season_that_is_there_is_taken_out():
    known = np.ones((1, 60), bool)
    noise = 20 + np.random.default_rng(4).normal(size=(1, 60))
    np.testing.assert_array_equal(naive2(noise, known, 3, SEASON).mean, naive(noise, known, 3).mean)
    assert np.ptp(naive2(wave(60)[None], known, 4, SEASON).mean) > 5


def test_a_season_is_tested_for_in_three_of_it_only():
    values = 20 + np.tile([9.0, 0, 0, 0, 0, 0, 0, 0], 4)[None]
    for size, tested in ((23, False), (24, True)):
        part, known = values[:, -size:], np.ones((1, size), bool)
        found = naive2(part, known, 8, 8).mean
        assert (np.ptp(found) > 5) == tested


def test_a_series_without_readings_is_named():
    with pytest.raises(ValueError, match="Series 'b' has no observed value"):
        forecast_table(table_of({"a": [1.0, 2], "b": [nan, nan]}), naive, 2, 1)
    with pytest.raises(ValueError, match=r"horizon and a season of at least 1\. Received: 0 and 1"):
        forecast_table(table_of({"a": [1.0, 2]}), naive, 0, 1)


def test_windows_forecast_from_their_past_alone(table):
    windows = Windows(np.array([0, 1]), np.array([30, 12]))
    found = forecast_table(table, theta, 3, SEASON, windows)
    cut = table_of({"a": table[0].values[:30], "b": table[1].values[:12]})
    np.testing.assert_allclose(found.mean, forecast_table(cut, theta, 3, SEASON).mean, atol=1e-9)
    recent = forecast_table(table, theta, 3, SEASON, windows, context=10)
    cut = table_of({"a": table[0].values[20:30], "b": table[1].values[2:12]})
    np.testing.assert_allclose(recent.mean, forecast_table(cut, theta, 3, SEASON).mean, atol=1e-9)


def test_quantiles_are_ordered_and_normal_or_those_of_the_errors():
    forecast = SpreadForecast(np.array([[1.0, 2]]), np.array([[2.0, 3]]))
    np.testing.assert_allclose(forecast.quantiles([0.1, 0.5, 0.9])[0, 0], [1 - 2.5631, 1, 1 + 2.5631], atol=1e-4)
    seen = forecast._replace(errors=np.array([[-1.0, 0], [0, 0], [3, 4]]))
    np.testing.assert_allclose(seen.quantiles([0.25, 0.5, 0.75]), [[[0, 1, 4], [2, 2, 8]]])


def test_the_ridge_is_that_of_the_normal_equations():
    values, context, horizon, strength = wave(80), 5, 3, 0.2
    windows = [values[i : i + context + horizon] for i in range(80 - context - horizon + 1)]
    inputs = np.array([w[:context] - w[context - 1] for w in windows])
    targets = np.array([w[context:] - w[context - 1] for w in windows])
    gram = inputs.T @ inputs
    penalty = strength * np.trace(gram) / context * np.eye(context)
    expected = np.linalg.solve(gram + penalty, inputs.T @ targets)
    table = table_of({"a": values[:50], "b": values})
    model = fit_ridge(table_of({"b": values}), context, horizon, strength, "last")
    np.testing.assert_allclose(model.weights, expected, atol=1e-9)
    found = model.forecast(table, Windows(np.array([1]), np.array([40])))
    np.testing.assert_allclose(found.mean[0], (values[35:40] - values[39]) @ expected + values[39])
    assert (np.diff(found.quantiles([0.1, 0.5, 0.9])) > 0).all()


def test_the_ridge_without_a_penalty_continues_a_line_and_a_wave():
    steps = np.arange(200)
    values = 3 + 0.05 * steps + np.sin(2 * np.pi * steps / 12)
    model = fit_ridge(table_of({"a": values[:150]}), 24, 10, 0.0, "last")
    found = model.forecast(table_of({"a": values}), Windows(np.array([0]), np.array([170])))
    np.testing.assert_allclose(found.mean[0], values[170:180], atol=1e-4)


def test_the_ridge_moves_with_the_series():
    series = {"a": wave(60), "b": wave(50, -4, 2)}
    moved = {name: 100 * values - 7 for name, values in series.items()}
    found = [
        fit_ridge(table_of(one), 8, 4, scaling="last_mean_absolute").forecast(table_of(one), ends(table_of(one)))
        for one in (series, moved)
    ]
    np.testing.assert_allclose(found[1].mean, 100 * found[0].mean - 7, rtol=1e-6)
    np.testing.assert_allclose(found[1].quantiles([0.2, 0.9]), 100 * found[0].quantiles([0.2, 0.9]) - 7, rtol=1e-6)


def test_the_ridge_never_sees_what_a_hole_holds_or_what_comes_later():
    values = wave(60)
    values[[20, 21, 40]] = nan
    table = table_of({"a": values, "b": wave(30)})
    models = [fit_ridge(table, 6, 2)]
    table.values[~table.observed] = 1e9
    models.append(fit_ridge(table, 6, 2))
    np.testing.assert_array_equal(models[0].weights, models[1].weights)
    windows = Windows(np.array([0, 0]), np.array([24, 42]))
    before = models[0].forecast(table, windows).quantiles([0.1, 0.9])
    table.values[42:60] = -1e9
    np.testing.assert_array_equal(models[0].forecast(table, windows).quantiles([0.1, 0.9]), before)
    assert np.isfinite(before).all()


def test_the_ridge_learns_from_whole_horizons_and_carries_the_past_into_holes():
    values, context, horizon = wave(60), 4, 2
    values[[20, 21, 40]] = nan
    filled = values.copy()
    filled[[20, 21]], filled[40] = values[19], values[39]
    inputs, targets = [], []
    for cut in range(context, 59):
        past = filled[cut - context : cut].copy()
        if np.isnan(values[cut - context]):  # nothing before it in the window: the first reading stands for it
            past[: np.flatnonzero(~np.isnan(values[cut - context : cut]))[0]] = values[cut - context : cut][
                np.flatnonzero(~np.isnan(values[cut - context : cut]))[0]
            ]
        if np.isfinite(values[cut : cut + horizon]).all():
            inputs.append(past - past[-1])
            targets.append(values[cut : cut + horizon] - past[-1])
    expected = np.linalg.lstsq(np.array(inputs), np.array(targets), rcond=None)[0]
    model = fit_ridge(table_of({"a": values}), context, horizon, 0.0, "last")
    # The last column is 0 throughout: no weight of it is determined.
    np.testing.assert_allclose(model.weights[:-1], expected[:-1], atol=1e-6)
    found = model.forecast(table_of({"a": values}), Windows(np.array([0]), np.array([42])))
    np.testing.assert_allclose(found.mean[0], (filled[38:42] - filled[41]) @ expected + filled[41], atol=1e-6)


def test_the_intervals_of_the_ridge_cover_what_they_say():
    draw = np.random.default_rng(6)
    noise = {str(i): np.cumsum(draw.normal(size=300)) * 10**i for i in range(3)}
    table = table_of(noise)
    model = fit_ridge(table.cut(0, 200), 10, 3)
    windows = Windows(np.repeat(np.arange(3), 80), np.tile(np.arange(210, 290), 3))
    quantiles = model.forecast(table, windows).quantiles([0.1, 0.9])
    actual = np.stack([table[s].values[c : c + 3] for s, c in zip(*windows, strict=True)])
    inside = ((actual >= quantiles[..., 0]) & (actual <= quantiles[..., 1])).mean()
    assert 0.7 < inside < 0.9


def test_a_ridge_learns_from_so_many_windows_evenly_chosen(monkeypatch):
    monkeypatch.setattr("seq2seq.series.ridge._MOST", 40)
    values = wave(100)
    model = fit_ridge(table_of({"a": values}), 4, 1, 0.0, "none")
    cuts = range(4, 100, 3)  # 96 windows, every third
    inputs = np.array([values[cut - 4 : cut] for cut in cuts])
    expected = np.linalg.lstsq(inputs, values[list(cuts)], rcond=None)[0]
    np.testing.assert_allclose(model.weights[:, 0], expected, atol=1e-6)
    assert len(model.errors) == len(cuts)


def test_a_context_longer_than_all_series_is_refused():
    with pytest.raises(ValueError, match=r"No window of 9 \+ 2 steps is complete\. The longest series has 8"):
        fit_ridge(table_of({"a": np.arange(8.0)}), 9, 2)


def test_shorter_series_take_part_with_a_shorter_context():
    table = table_of({"a": wave(30), "b": [1.0, 2, 3, 4]})
    model = fit_ridge(table, 9, 2, min_context=1)
    found = model.forecast(table, ends(table))
    assert np.isfinite(found.quantiles([0.1, 0.5, 0.9])).all()
