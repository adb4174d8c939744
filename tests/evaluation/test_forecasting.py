"""Scores of forecasts: those of the metrics, whatever the blocks; and nothing behind a cut takes part in what is made
before it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from seq2seq.evaluation import forecasting
from seq2seq.evaluation.forecast_baselines import baselines, before_first_cut
from seq2seq.evaluation.forecasting import NAIVE2, QUANTILES, as_text, evaluate, losses_of, scales_before, truth_of
from seq2seq.extras import MissingPackage, is_installed
from seq2seq.metrics import forecasts as metrics
from seq2seq.series.baselines import forecast_table, seasonal_naive
from seq2seq.series.forecast import QuantileForecast
from seq2seq.series.table import table_of
from seq2seq.series.windows import Windows, cut_windows, rolling_origins

SEASON, HORIZON = 4, 6
nan = np.nan


def wave(size, level=20.0, seed=0):
    rng, steps = np.random.default_rng(seed), np.arange(size)
    return level + 5 * np.sin(2 * np.pi * steps / SEASON) + rng.normal(size=size)


@pytest.fixture
def table():
    holes = wave(70, seed=3)
    holes[[5, 40, 60, 66]] = nan
    series = {"a": wave(80), "b": 1000 * wave(60, 30, 1), "c": wave(50, -3, 2), "holes": holes}
    return table_of({**series, "constant": np.full(60, 7.0)}, "h", "2024-01-01")


@pytest.fixture
def windows(table):
    return rolling_origins(table, HORIZON, 3, 5, 10)


def evaluation(table, windows, **options):
    models = baselines(table, windows, HORIZON, SEASON, 8)
    return evaluate(table, windows, HORIZON, SEASON, models, **options)


def changed_after_first_cut(table, windows):
    """Other values from the first cut of each series on."""
    values = table.values.copy()
    for number, offset in enumerate(table.offsets[:-1]):
        first = windows.cuts[windows.series == number].min()
        values[offset + first : table.offsets[number + 1]] = -777.0
    return dataclasses.replace(table, values=values)


def test_scores_are_those_of_the_metrics_of_all_windows_at_once(table, windows):
    found = evaluation(table, windows, level=(80, 95))
    truth = truth_of(table, windows, HORIZON, SEASON)
    forecast = forecast_table(table, seasonal_naive, HORIZON, SEASON, windows)
    known = truth.observed
    ends = {level: np.moveaxis(forecast.quantiles([0.5 - level / 2, 0.5 + level / 2]), -1, 0) for level in (0.8, 0.95)}
    quantiles = forecast.quantiles(QUANTILES)
    expected = {
        "mae": metrics.mean_absolute_error(forecast.mean, truth.actual, known),
        "mse": metrics.mean_squared_error(forecast.mean, truth.actual, known),
        "smape": metrics.smape(forecast.mean, truth.actual, known),
        "mase": metrics.mase(forecast.mean, truth.actual, truth.scales, known, SEASON),
        "crps": metrics.crps_from_quantiles(quantiles, QUANTILES, truth.actual, known),
        "wql": metrics.weighted_quantile_loss(quantiles, QUANTILES, truth.actual, known),
        "msis": metrics.msis(*ends[0.95], truth.actual, truth.scales, 0.95, known, SEASON),
        "coverage-80": metrics.coverage(*ends[0.8], truth.actual, 0.8, known),
        "coverage-95": metrics.coverage(*ends[0.95], truth.actual, 0.95, known),
        "pit": metrics.pit_histogram_from_quantiles(quantiles, QUANTILES, truth.actual, known).score,
    }
    own = found.scores["seasonal naive"]
    expected["owa"] = metrics.owa(
        own["smape"], own["mase"], *(found.scores[NAIVE2][name] for name in ("smape", "mase"))
    )
    assert {name: score.signature for name, score in own.items()} == {n: s.signature for n, s in expected.items()}
    for name, score in expected.items():
        assert own[name].score == pytest.approx(score.score, rel=1e-10), name
    assert "left-out:3" in own["mase"].signature  # the constant series
    assert found.scores[NAIVE2]["owa"].score == 1


def test_blocks_change_nothing(table, windows, monkeypatch):
    whole = evaluation(table, windows)
    monkeypatch.setattr(forecasting, "_BLOCK", 1)
    alone = evaluation(table, windows)
    for model, losses in whole.losses.items():
        for name, values in losses.means.items():
            np.testing.assert_allclose(alone.losses[model].means[name], values, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(alone.losses[model].pit, losses.pit)


def test_every_table_has_the_baselines(table, windows):
    found = evaluation(table, windows)
    assert list(found.scores) == ["naive", "seasonal naive", "naive2", "theta", "ridge"]
    text = as_text(found)
    assert all(f"\n{name} " in text for name in found.scores)
    assert text.splitlines()[0].split() == [
        "model", "mae", "mse", "mase", "smape", "owa", "crps", "wql", "msis", "in", "80", "in", "95", "pit"
    ]  # fmt: skip
    assert "15 windows of 5 series, horizon 6, season 4" in text
    assert "3 windows without a scale" in text


def test_a_scale_is_that_of_the_series_before_the_cut(table, windows):
    found = scales_before(table, windows, SEASON)
    for row, (number, cut) in enumerate(zip(*windows, strict=True)):
        part = slice(table.offsets[number], table.offsets[number] + cut)
        values, observed = table.values[part], table.observed[part]
        expected = metrics.seasonal_scales(values, observed, np.array([0, cut]), SEASON)[0]
        assert found[row] == pytest.approx(expected, rel=1e-12, nan_ok=True)
    short = table_of({"a": [1.0, 2, 3, 4, 9, 5], "b": [nan] * 5 + [1.0]})
    few = Windows(np.array([0, 0, 0, 1]), np.array([2, 4, 5, 6]))
    np.testing.assert_array_equal(scales_before(short, few, SEASON), [nan, nan, 8, nan])


def test_a_large_series_does_not_blur_the_scale_of_a_small_one():
    table = table_of({"large": 1e15 * wave(50), "small": 1e-6 * wave(50, seed=1)})
    windows = rolling_origins(table, 2, 2, 2)
    alone = table_of({"small": table[1].values})
    own = rolling_origins(alone, 2, 2, 2)
    np.testing.assert_array_equal(scales_before(table, windows, 4)[2:], scales_before(alone, own, 4))


def test_nothing_behind_the_first_cut_changes_a_scale_or_what_the_ridge_learns(table, windows):
    first = Windows(*(np.asarray(part)[::3] for part in windows))
    assert len(set(first.series)) == 5
    other = changed_after_first_cut(table, first)
    np.testing.assert_array_equal(scales_before(other, first, SEASON), scales_before(table, first, SEASON))
    own, changed = (baselines(one, windows, HORIZON, SEASON, 8) for one in (table, other))
    for name, predict in own.items():
        np.testing.assert_array_equal(predict(first).mean, changed[name](first).mean)
        np.testing.assert_array_equal(predict(first).quantiles([0.1]), changed[name](first).quantiles([0.1]))


def test_the_past_of_windows_ends_with_the_first_cut(table, windows):
    some = Windows(windows.series[:5], windows.cuts[:5])  # of a and b
    past = before_first_cut(table, some)
    assert past.lengths.tolist() == [80 - 6 - 10, 60 - 6 - 10, 0, 0, 0]
    np.testing.assert_array_equal(past[1].values, table[1].values[:44])
    whole = before_first_cut(table, Windows(np.array([1]), np.array([60])))
    assert whole.lengths.tolist() == [0, 60, 0, 0, 0]


def test_holes_have_weight_0(table, windows):
    whatever = dataclasses.replace(table, values=np.where(table.observed, table.values, 5.0))
    one, other = (evaluation(each, windows).scores for each in (table, whatever))
    for model, own in one.items():
        for name, score in own.items():
            assert other[model][name].score == pytest.approx(score.score, rel=1e-9), (model, name)


def test_windows_without_a_value_are_left_out_and_counted():
    table = table_of({"a": [1, 2, 3, 4, nan, nan], "b": [1.0, 2, 3, 5, 4, 6]})
    windows = rolling_origins(table, 2, 2, 2)
    found = evaluate(table, windows, 2, 1, baselines(table, windows, 2, 1, 4))
    assert found.ids == ["a", "b", "b"]
    assert "Left out 1 window without an observed value." in found.notes
    nothing = Windows(np.array([0]), np.array([4]))
    with pytest.raises(ValueError, match="at least one observed value"):
        evaluate(table, nothing, 2, 1, {})


def test_without_room_for_the_ridge_a_note_says_so():
    table = table_of({"a": [1.0, 2, 3, 4]})
    windows, notes = rolling_origins(table, 2, 1, 1), []
    assert "ridge" not in baselines(table, windows, 2, 1, 4, notes=notes)
    assert notes == ["No ridge: No series has more than 2 steps before its first cut."]


def test_what_a_forecast_does_not_cover_is_left_out_and_said(table, windows):
    truth = truth_of(table, windows, HORIZON, SEASON)
    naive = forecast_table(table, seasonal_naive, HORIZON, SEASON, windows)
    narrow = QuantileForecast(naive.mean, (0.1, 0.5, 0.9), naive.quantiles((0.1, 0.5, 0.9)))
    found = losses_of(narrow, truth)
    assert set(found.means) == {"mae", "mse", "mase", "smape", "crps", "coverage-80"}
    assert "No interval of 95 %" in found.notes[0]
    lone = losses_of(QuantileForecast(naive.mean, (0.5,), naive.quantiles((0.5,))), truth)
    assert set(lone.means) == {"mae", "mse", "mase", "smape"}
    assert lone.pit is None
    result = evaluate(table, windows, HORIZON, SEASON, {"narrow": lambda w: narrow})
    assert "narrow: No interval of 95 %" in as_text(result)
    assert "owa" not in result.scores["narrow"]


def test_a_forecast_that_is_no_number_is_an_error(table, windows):
    naive = forecast_table(table, seasonal_naive, HORIZON, SEASON, windows)
    naive.mean[4, 2] = nan
    with pytest.raises(ValueError, match="forecast of window 4 holds NaN"):
        evaluate(table, windows, HORIZON, SEASON, {"broken": lambda w: naive})


def test_a_series_without_scale_of_any_kind_has_no_mase():
    table = table_of({"a": np.full(20, 3.0)})
    windows = rolling_origins(table, 2, 2, 2)
    found = evaluate(table, windows, 2, 4, baselines(table, windows, 2, 4, 4))
    assert found.scores["naive"]["mae"].score == 0
    assert not {"mase", "msis", "owa"} & set(found.scores["naive"])
    as_text(found)


def test_the_pit_of_a_model_that_is_right_is_flat():
    rng = np.random.default_rng(0)
    table = table_of({"a": rng.normal(size=4000)})
    windows = rolling_origins(table, 4, 900, 4)
    from statistics import NormalDist

    points = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])
    right = lambda some: QuantileForecast(  # noqa: E731
        np.zeros((len(some.cuts), 4)), QUANTILES, np.broadcast_to(points, (len(some.cuts), 4, 9))
    )
    found = evaluate(table, windows, 4, 1, {"right": right})
    assert found.scores["right"]["pit"].score < 2.5
    assert found.pits["right"].shares.sum() == pytest.approx(1)
    assert found.as_json()["pit"]["right"]["edges"][1] == 0.1


def test_automatic_models_need_their_extra(table, windows):
    with pytest.raises(ValueError, match=r"one of autoets, autoarima. Received: 'ets'"):
        baselines(table, windows, HORIZON, SEASON, 8, ["ets"])
    if not is_installed("statsforecast"):
        with pytest.raises(MissingPackage, match=r"keras-seq2seq-rnn\[baselines\]"):
            baselines(table, windows, HORIZON, SEASON, 8, ["autoets"])


@pytest.mark.skipif(not is_installed("statsforecast"), reason="the extra 'baselines' is not installed")
@pytest.mark.parametrize("name", ["autoets", "autoarima"])
def test_automatic_models_forecast_each_window_from_its_own_past(table, windows, name):
    notes = []
    predict = baselines(table, windows, HORIZON, SEASON, 8, [name], notes)[name]
    some = Windows(windows.series[:3], windows.cuts[:3])
    found = predict(some)
    apart = np.abs(found.mean - cut_windows(table, some, 0, HORIZON).target).mean()
    assert apart < 2.5
    levels = found.quantiles([0.025, 0.1, 0.5, 0.9, 0.975])
    assert (np.diff(levels, axis=-1) > 0).all()
    changed = baselines(changed_after_first_cut(table, windows), windows, HORIZON, SEASON, 8, [name])[name]
    np.testing.assert_array_equal(changed(Windows(some.series[:1], some.cuts[:1])).mean, found.mean[:1])
    tiny = table_of({"a": [1.0, 2, 3]})
    lone = rolling_origins(tiny, 1, 1, 1)
    assert np.isfinite(baselines(tiny, lone, 1, 4, 1, [name], notes)[name](lone).mean).all()
