"""The laws of forecasts: they shift, scale and repeat, and know nothing of the future or of other series."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass
from statistics import NormalDist

import keras
import numpy as np
import pandas as pd
import pytest

from seq2seq.inference import forecasting
from seq2seq.inference.forecast_network import KerasDirect, KerasSteps
from seq2seq.inference.forecasting import Forecaster
from seq2seq.series.distributions import Gaussian, distribution_of
from seq2seq.series.forecast import LevelError
from seq2seq.series.grid import TableError
from seq2seq.series.table import table_of
from seq2seq.series.windows import Windows, ends
from tests.forecasters import (
    CONTEXT,
    HORIZON,
    changed,
    make_codec,
    make_inputs,
    make_network,
    make_recipe,
    make_table,
    model_inputs,
)

KINDS = ["direct", "autoregressive"]
kinds = pytest.mark.parametrize("kind", KINDS)
LEVELS = (0.05, 0.3, 0.5, 0.8, 0.95)
WINDOWS = Windows(np.asarray([0, 1, 0, 2]), np.asarray([20, 12, 30, 4]))


def make_forecaster(kind, table, codec=None, seeds=(3,), **options):
    """A forecaster of Keras models with random weights."""
    scaling = options.pop("scaling", "last_mean_absolute")
    options = {"head": "student_t" if kind == "direct" else "gaussian", **options}
    recipe = make_recipe(kind, scaling, **options)
    codec = codec or make_codec(table)
    networks = []
    for seed in seeds:
        model, inputs = make_network(recipe, codec)
        random = np.random.default_rng(seed)
        model.set_weights([0.3 * random.normal(size=weight.shape) for weight in model.get_weights()])
        networks.append((KerasDirect if kind == "direct" else KerasSteps)(model))
    distribution = distribution_of(recipe.model.head, recipe.model.levels)
    return Forecaster(networks, inputs, distribution, 7, lambda: table)


@pytest.fixture(scope="module")
def table():
    return make_table((40, 25, 11))


@pytest.fixture(scope="module")
def forecasters(table):
    return {kind: make_forecaster(kind, table) for kind in KINDS}


def numbers(forecast):
    """Mean and quantiles, `(rows, horizon, 1 + levels)`."""
    return np.concatenate([forecast.mean[..., None], forecast.quantiles(LEVELS)], axis=-1)


def rescaled(forecaster, scaling, codec=None):
    """The same networks with inputs of another scaling, and another codec."""
    inputs = dataclasses.replace(forecaster.inputs, scaling=scaling, codec=codec or forecaster.codec)
    return Forecaster(forecaster.networks, inputs, forecaster.distribution, 7, forecaster.own_table)


def window(series, cut):
    return Windows(np.asarray([series]), np.asarray([cut]))


@kinds
def test_forecasts_repeat_from_the_seed(forecasters, table, kind):
    forecaster = forecasters[kind]
    one = numbers(forecaster.predict(table, WINDOWS, samples=5))
    np.testing.assert_array_equal(numbers(forecaster.predict(table, WINDOWS, samples=5, seed=0)), one)
    other = numbers(forecaster.predict(table, WINDOWS, samples=5, seed=1))
    assert np.array_equal(other, one) == (kind == "direct")


@kinds
def test_a_series_alone_equals_it_among_others(forecasters, table, kind, monkeypatch):
    forecaster = forecasters[kind]
    whole = numbers(forecaster.predict(table, WINDOWS, samples=5))
    monkeypatch.setattr(forecasting, "ROWS", 2)
    monkeypatch.setattr(forecasting, "PATHS", 15)
    np.testing.assert_allclose(numbers(forecaster.predict(table, WINDOWS, samples=5)), whole, rtol=1e-5)
    for row, (series, cut) in enumerate(np.transpose(WINDOWS).tolist()):
        found = numbers(forecaster.predict(table, window(series, cut), samples=5))
        np.testing.assert_allclose(found[0], whole[row], rtol=1e-5)


@kinds
def test_a_frame_of_forecasts_is_made_of_a_few_series_at_a_time(kind, monkeypatch):
    forecaster = make_forecaster(kind, make_table((40, 25, 11), extras=False))
    whole = forecaster.forecast(None, level=80, samples=5)
    rows = []
    predict = forecaster.predict

    def counting(table, windows, *others, **options):
        rows.append(len(windows.cuts))
        return predict(table, windows, *others, **options)

    monkeypatch.setattr(forecaster, "predict", counting)
    monkeypatch.setattr(forecasting, "NUMBERS", HORIZON * (5 if forecaster.samples else 1) * 2)
    pd.testing.assert_frame_equal(forecaster.forecast(None, level=80, samples=5), whole, rtol=1e-5)
    assert rows == [2, 1]
    with pytest.raises(ValueError, match="at least one sample path") if forecaster.samples else nullcontext():
        forecaster.forecast(None, samples=0)


@kinds
def test_what_comes_later_changes_no_forecast(forecasters, table, kind):
    forecaster, cut = forecasters[kind], 20
    before = numbers(forecaster.predict(table.cut(0, cut + HORIZON), window(0, cut), samples=5))
    later = np.arange(table.offsets[-1]) >= cut
    covariates = {**table.covariates, "heat": np.where(later, 99.0, table.covariates["heat"])}
    other = changed(table, np.where(later, -1e5, table.values), observed=table.observed | later, covariates=covariates)
    for one in (table, other):
        np.testing.assert_array_equal(numbers(forecaster.predict(one, window(0, cut), samples=5)), before)


@kinds
def test_holes_may_hold_anything(forecasters, table, kind):
    forecaster = forecasters[kind]
    odd = changed(table, np.where(table.observed, table.values, np.nan))
    expected = numbers(forecaster.predict(table, WINDOWS, samples=5))
    np.testing.assert_array_equal(numbers(forecaster.predict(odd, WINDOWS, samples=5)), expected)


@kinds
def test_a_shorter_horizon_is_the_beginning_of_a_longer_one(forecasters, table, kind):
    forecaster = forecasters[kind]
    longer = numbers(forecaster.predict(table, WINDOWS, samples=5))
    for horizon in (1, 4):
        found = numbers(forecaster.predict(table, WINDOWS, horizon, samples=5))
        np.testing.assert_allclose(found, longer[:, :horizon], rtol=1e-5)


@kinds
@pytest.mark.parametrize(
    ("scaling", "shifts", "scales"),
    [
        ("last", True, False),
        ("mean_absolute", False, True),
        ("standard", True, True),
        ("last_mean_absolute", True, True),
    ],
)
def test_a_shifted_or_scaled_series_has_a_shifted_or_scaled_forecast(forecasters, table, kind, scaling, shifts, scales):
    forecaster = rescaled(forecasters[kind], scaling)
    one = numbers(forecaster.predict(table, WINDOWS, samples=5))
    spread = np.abs(one - one.mean(axis=-1, keepdims=True)).max()
    for shift, scale, holds in ((1000.0, 1.0, shifts), (0.0, 1e4, scales), (0.0, 1e-4, scales)):
        values = np.where(table.observed, table.values * scale + shift, 0)
        found = numbers(forecaster.predict(changed(table, values), WINDOWS, samples=5))
        assert np.allclose(found, one * scale + shift, rtol=0, atol=1e-3 * spread * scale) == holds


@kinds
def test_a_constant_series_has_a_constant_forecast(kind):
    constants = {"zero": 0.0, "seven": 7.0, "third": -1 / 3, "large": 1e12, "small": 1e-12}
    series = {name: np.full(20, value) for name, value in constants.items()}
    series["holes"] = np.where(np.arange(20) % 3, 4.1, np.nan)
    series["once"] = np.where(np.arange(20) == 15, 5.0, np.nan)
    constants |= {"holes": 4.1, "once": 5.0}
    table = table_of(series, "D", "2024-01-01")
    forecaster = make_forecaster(kind, table)
    for scaling in ("none", "last", "mean_absolute", "standard", "last_mean_absolute"):
        found = numbers(rescaled(forecaster, scaling).predict(table, ends(table), samples=5))
        for row, value in zip(found, constants.values(), strict=True):
            np.testing.assert_allclose(row, value, rtol=1e-12)


@kinds
def test_missing_rows_before_a_short_series_change_nothing(kind):
    values = np.asarray([3.0, 4, np.nan, 6])
    table = table_of({"a": values}, "D", "2024-01-10")
    padded = table_of({"a": np.concatenate([np.full(9, np.nan), values])}, "D", "2024-01-01")
    forecaster = make_forecaster(kind, table, make_codec(table, calendar=False))
    one = forecaster.predict(table, ends(table), samples=5)
    two = forecaster.predict(padded, ends(padded), samples=5)
    np.testing.assert_array_equal(numbers(one), numbers(two))


@pytest.mark.parametrize("head", ["quantiles", "student_t", "gaussian", "squares"])
def test_quantiles_ascend(table, head):
    levels = (0.01, 0.1, 0.25, 0.5, 0.6, 0.9, 0.99)
    forecaster = make_forecaster("direct", table, head="gaussian" if head == "squares" else head)
    forecast = forecaster.predict(table, WINDOWS)
    assert (np.diff(forecast.quantiles(levels), axis=-1) >= 0).all()
    np.testing.assert_allclose(forecast.quantiles((0.5,))[..., 0], forecast.mean, rtol=1e-9)
    for level in (0.0, 1.0, -0.5, float("nan")):
        with pytest.raises(LevelError, match="between 0 and 1"):
            forecast.quantiles([level])
    if head == "quantiles":
        with pytest.raises(LevelError, match=r"from 0\.01 to 0\.99"):
            forecast.quantiles([0.005])


@kinds
def test_counts_are_whole_and_never_negative(kind):
    random = np.random.default_rng(0)
    table = table_of({"a": random.poisson(0.3, 40) * 1.0, "b": random.poisson(900, 40) * 1.0, "z": np.zeros(40)}, "D")
    table = changed(table, frequency=table_of({"a": []}, "D", "2024-01-01").frequency)
    forecaster = make_forecaster(kind, table, head="negative_binomial", scaling="mean_absolute")
    forecast = forecaster.predict(table, ends(table), samples=20)
    found = forecast.quantiles((0.001, 0.5, 0.999)) if kind == "direct" else forecast.samples
    assert (found >= 0).all()
    assert (found == np.floor(found)).all()
    assert (forecast.mean >= 0).all()
    assert (found[2] == 0).all()
    assert (forecast.mean[2] == 0).all()
    assert found[0].any()


def test_a_series_that_had_counts_before_its_context_is_not_forecast_as_none():
    values = np.zeros(40)
    values[3] = 5
    table = table_of({"once": values, "never": np.zeros(40)}, "D")
    forecaster = make_forecaster("direct", table, head="negative_binomial", scaling="mean_absolute")
    assert (forecaster.predict(table, ends(table)).mean > 0).all(axis=1).tolist() == [True, False]
    early = Windows(np.array([0, 0]), np.array([3, 4]))
    assert (forecaster.predict(table, early).mean > 0).all(axis=1).tolist() == [False, True]


@dataclass(frozen=True)
class MeanOnly(Gaussian):
    """Draws the mean."""

    def draw(self, parameters, random):
        return parameters[..., 0]


def test_a_path_equals_teacher_forcing_on_itself(table):
    forecaster = make_forecaster("autoregressive", table)
    forecaster.distribution = MeanOnly()
    series, cut = 1, 14
    path = forecaster.predict(table, window(series, cut), samples=2).samples
    np.testing.assert_array_equal(path[..., 0], path[..., 1])
    place = int(table.offsets[series]) + cut
    values, observed = table.values.copy(), table.observed.copy()
    values[place : place + HORIZON], observed[place : place + HORIZON] = path[0, :, 0], True
    known = changed(table, values, observed=observed)
    model, inputs = forecaster.networks[0].model, forecaster.inputs
    found = keras.ops.convert_to_numpy(model(model_inputs(inputs.batch(known, window(series, cut)))))
    _, _, scale = inputs.readings(known, window(series, cut), 0)
    np.testing.assert_allclose(scale.back(found[:, CONTEXT:, 0].astype(np.float64)), path[..., 0], rtol=1e-5)


class Decay:
    """A first-order autoregression in place of a network: location `factor` times the last reading, deviation 1."""

    factor = 0.8

    def begin(self, rows):
        return np.zeros(rows)

    def advance(self, inputs, state):
        last = np.asarray(inputs["target_input"][..., 0], np.float64)
        return np.stack([self.factor * last, np.ones_like(last)], axis=-1), state + last.shape[1]

    def repeat(self, state, times):
        return np.repeat(state, times)


def test_quantiles_of_paths_agree_with_the_analytic_ones():
    table = table_of({"a": np.arange(30.0), "b": -np.arange(30.0)}, "D", "2024-01-01")
    inputs = make_inputs("autoregressive", make_codec(table, calendar=False), "none", lags=(1,))
    forecaster = Forecaster([Decay()], inputs, Gaussian(), 7, lambda: table)
    forecast = forecaster.predict(table, ends(table), horizon=12, samples=20_000, seed=5)
    steps = np.arange(1, 13)
    centre = np.asarray([[29.0], [-29.0]]) * Decay.factor**steps
    deviation = np.sqrt((1 - Decay.factor ** (2 * steps)) / (1 - Decay.factor**2))
    np.testing.assert_allclose(forecast.mean, centre, atol=0.06)
    for level in LEVELS:
        expected = centre + deviation * NormalDist().inv_cdf(level)
        np.testing.assert_allclose(forecast.quantiles([level])[..., 0], expected, atol=0.12)  # five deviations
    # Steps of a path go on from each other: neighbours correlate as they do in the process.
    paths = forecast.samples[0]
    found = np.corrcoef(paths[-1], paths[-2])[0, 1]
    np.testing.assert_allclose(found, Decay.factor * deviation[-2] / deviation[-1], atol=0.02)


def test_series_and_rows_have_paths_of_their_own():
    table = table_of({name: np.arange(30.0) for name in "ab"}, "D", "2024-01-01")
    inputs = make_inputs("autoregressive", make_codec(table, calendar=False), "none", lags=(1,))
    forecaster = Forecaster([Decay(), Decay()], inputs, Gaussian(), 7, lambda: table)
    found = forecaster.predict(table, Windows(np.asarray([0, 1, 0]), np.asarray([30, 30, 29])), samples=4).samples
    assert found.shape == (3, HORIZON, 8)
    noise = found[:, 0] - 0.8 * np.asarray([[29.0], [29.0], [28.0]])
    assert len(np.unique(noise.round(9))) == noise.size


@kinds
def test_standardised_series_are_forecast_in_their_own_units(table, kind):
    own = make_codec(table, standardize=True)
    forecaster = make_forecaster(kind, table, own)
    assert forecaster.codec.standard is not None
    inner = forecaster.in_training_units()
    one = numbers(forecaster.predict(table, WINDOWS, samples=5))
    two = numbers(inner.predict(own.standardized(table), WINDOWS, samples=5))
    mean, deviation = (part[WINDOWS.series][:, None, None] for part in own.standards(table))
    np.testing.assert_allclose(one, two * deviation + mean, rtol=1e-9)


@kinds
def test_an_ensemble_is_the_average_of_its_members(table, kind):
    both = make_forecaster(kind, table, seeds=(3, 4))
    alone = [make_forecaster(kind, table, seeds=(seed,)) for seed in (3, 4)]
    means = [one.predict(table, WINDOWS, samples=400).mean for one in alone]
    found = both.predict(table, WINDOWS, samples=400)
    np.testing.assert_allclose(found.mean, np.mean(means, axis=0), atol=1e-9 if kind == "direct" else 1.0)


@kinds
def test_what_cannot_be_forecast_is_said(forecasters, table, kind):
    forecaster = forecasters[kind]
    for horizon in (0, -3, 1.5, True, "2"):
        with pytest.raises(ValueError, match=f"whole steps, at least 1. Received: {horizon!r}"):
            forecaster.predict(table, WINDOWS, horizon)
    if kind == "direct":
        with pytest.raises(ValueError, match=r"forecasts 6 steps at once and no more\. Received: a horizon of 7"):
            forecaster.predict(table, WINDOWS, 7)
    else:
        assert forecaster.predict(table, window(0, 20), 11, samples=2).mean.shape == (1, 11)
        with pytest.raises(ValueError, match=r"at least one sample path\. Received: 0"):
            forecaster.predict(table, WINDOWS, samples=0)
    with pytest.raises(ValueError, match=r"Covariate 'promo' must be known for the 6 steps after.*'s1'; it is for 2"):
        forecaster.predict(table, Windows(np.asarray([0, 1]), np.asarray([20, 23])), samples=2)
    blind = changed(table, observed=table.observed & (np.arange(len(table.observed)) >= 15))
    with pytest.raises(ValueError, match="Series 's0' has no observed value in the 8 steps before its forecast"):
        forecaster.predict(blind, window(0, 15), samples=2)
    with pytest.raises(TableError, match="no covariate 'promo'"):
        forecaster.predict(changed(table, covariates={}), WINDOWS, samples=2)
    with pytest.raises(TableError, match="no static column 'size'"):
        forecaster.predict(changed(table, static={}), WINDOWS, samples=2)
    hours = changed(table, frequency=table_of({"a": []}, "h", "2024-01-01").frequency)
    with pytest.raises(TableError, match=r"frequency h\. Expected D"):
        forecaster.predict(hours, WINDOWS, samples=2)


@kinds
def test_a_network_that_gives_no_numbers_is_an_error(table, kind):
    forecaster = make_forecaster(kind, table)
    model = forecaster.networks[0]._predictor.model if kind == "direct" else forecaster.networks[0].model
    model.set_weights([np.full(weight.shape, np.nan) for weight in model.get_weights()])
    with pytest.raises(ValueError, match="finite"):
        forecaster.predict(table, WINDOWS, samples=2).quantiles(LEVELS)


@kinds
def test_series_of_no_training_are_forecast_too(forecasters, table, kind):
    forecaster = forecasters[kind]
    renamed = changed(table, ids=["x", "y", "z"])
    assert np.isfinite(numbers(forecaster.predict(renamed, WINDOWS, samples=3))).all()
