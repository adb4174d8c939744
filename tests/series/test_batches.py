"""What a forecaster reads: nothing of holes, of the future, or of other series; the same in training and forecasts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from seq2seq.series.batches import FixedPlan, WindowPlan, filled_before, seasonal_lags
from seq2seq.series.table import table_of
from seq2seq.series.windows import Scale, TrainingWindows, Windows, cut_windows, ends
from tests.forecasters import CONTEXT, HORIZON, changed, make_codec, make_inputs, make_table

kinds = pytest.mark.parametrize("kind", ["direct", "autoregressive"])
SHIFTING = ["last", "standard", "last_mean_absolute"]
SCALING = ["mean_absolute", "standard", "last_mean_absolute"]
WINDOWS = Windows(np.asarray([0, 0, 1, 2, 0, 1]), np.asarray([8, 3, 19, 2, 34, 12]))
"""In the middle, near the beginning, and with a horizon that ends with its series."""


def flat(batch_or_inputs):
    """Everything in a batch, or in inputs, by name."""
    if isinstance(batch_or_inputs, dict):
        return dict(batch_or_inputs)
    batch = batch_or_inputs
    parts = {"target_input": batch.target_input, "target": batch.target_output, "weights": batch.weights}
    return {**parts, **batch.extras}


def assert_equal(one, other, rtol=0.0, atol=0.0):
    one, other = flat(one), flat(other)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol, atol, err_msg=name)


def forecast_inputs(inputs, table, windows):
    return inputs.inputs(table, windows)[0]


@kinds
def test_holes_may_hold_anything(kind):
    table = make_table()
    inputs = make_inputs(kind, make_codec(table))
    expected = inputs.batch(table, WINDOWS)
    assert not table.observed.all()
    for anything in (1e9, -3.0, np.nan):
        odd = changed(table, np.where(table.observed, table.values, anything))
        assert_equal(inputs.batch(odd, WINDOWS), expected)
        assert_equal(forecast_inputs(inputs, odd, WINDOWS), forecast_inputs(inputs, table, WINDOWS))
    assert all(np.isfinite(part).all() for part in flat(expected).values())


@kinds
def test_what_comes_later_changes_no_input(kind):
    table = make_table()
    inputs = make_inputs(kind, make_codec(table))
    for series, cut in np.transpose(WINDOWS).tolist():
        window = Windows(np.asarray([series]), np.asarray([cut]))
        later = np.arange(table.offsets[-1]) >= table.offsets[series] + cut
        other = changed(
            table,
            np.where(later, 1e6, table.values),
            observed=table.observed | later,
            covariates={**table.covariates, "heat": np.where(later, -1e6, table.covariates["heat"])},
        )
        assert_equal(forecast_inputs(inputs, other, window), forecast_inputs(inputs, table, window))
        # Nor does it when it is not there at all.
        known = table.cut(0, cut + HORIZON)
        assert_equal(forecast_inputs(inputs, known, window), forecast_inputs(inputs, table, window))


@kinds
def test_future_covariates_are_read_and_historic_ones_are_not(kind):
    table = make_table()
    inputs = make_inputs(kind, make_codec(table))
    window = Windows(np.asarray([0]), np.asarray([20]))
    ahead = (np.arange(table.offsets[-1]) >= 20) & (np.arange(table.offsets[-1]) < 20 + HORIZON)
    batch = inputs.batch(table, window)
    for name, read in (("promo", True), ("heat", False)):
        other = changed(table, covariates={**table.covariates, name: table.covariates[name] + ahead})
        assert np.array_equal(inputs.batch(other, window).target_input, batch.target_input) != read


@kinds
def test_a_series_alone_equals_it_among_others(kind):
    table = make_table()
    inputs = make_inputs(kind, make_codec(table))
    whole = flat(inputs.batch(table, WINDOWS))
    for row, (number, cut) in enumerate(np.transpose(WINDOWS).tolist()):
        part = slice(int(table.offsets[number]), int(table.offsets[number + 1]))
        alone = changed(
            table,
            table.values[part],
            ids=[table.ids[number]],
            starts=table.starts[number : number + 1],
            offsets=np.asarray([0, part.stop - part.start]),
            observed=table.observed[part],
            covariates={name: column[part] for name, column in table.covariates.items()},
            static={name: column[number : number + 1] for name, column in table.static.items()},
        )
        found = flat(inputs.batch(alone, Windows(np.asarray([0]), np.asarray([cut]))))
        for name, values in whole.items():
            np.testing.assert_array_equal(found[name], values[row : row + 1], err_msg=name)


@kinds
def test_missing_rows_before_a_series_change_nothing(kind):
    table = make_table((5,), extras=False)
    inputs = make_inputs(kind, make_codec(table, calendar=False))
    longer = table_of({"s0": np.concatenate([np.full(9, np.nan), np.where(table.observed, table.values, np.nan)])})
    longer = changed(longer, frequency=table.frequency)
    for cut in (3, 4):
        one = inputs.batch(table, Windows(np.asarray([0]), np.asarray([cut])))
        assert_equal(inputs.batch(longer, Windows(np.asarray([0]), np.asarray([cut + 9]))), one)


@kinds
@pytest.mark.parametrize("scaling", ["none", "last", "mean_absolute", "standard", "last_mean_absolute"])
def test_a_shifted_or_scaled_series_gives_the_same_inputs(kind, scaling):
    table = make_table()
    inputs = make_inputs(kind, make_codec(table), scaling)
    expected = inputs.batch(table, WINDOWS)
    odd = {"scale": 0}
    for change, which in ((lambda v: v + 300.0, SHIFTING), (lambda v: v * 1e5, SCALING), (lambda v: v / 1e5, SCALING)):
        found = inputs.batch(changed(table, np.where(table.observed, change(table.values), 0)), WINDOWS)
        same = all(
            np.allclose(part, flat(expected)[name], rtol=1e-4, atol=1e-4)
            for name, part in flat(found).items()
            if name not in odd
        )
        assert same == (scaling in which)


def test_the_scale_is_a_feature_only_where_it_is_asked_for():
    table = make_table()
    for kind in ("direct", "autoregressive"):
        for asked in (False, True):
            inputs = make_inputs(kind, make_codec(table), "mean_absolute", scale_feature=asked)
            one, ten = inputs.batch(table, WINDOWS), inputs.batch(changed(table, table.values * 10), WINDOWS)
            differs = ten.extras["static"] - one.extras["static"]
            np.testing.assert_allclose(differs[:, 0], asked * np.log(10) / 10, atol=1e-6)
            np.testing.assert_array_equal(differs[:, 1:], 0)


@kinds
@pytest.mark.parametrize("calendar", [False, True])
@pytest.mark.parametrize("extras", [False, True])
def test_inputs_have_the_widths_that_are_said(kind, calendar, extras):
    table = make_table(extras=extras)
    codec = make_codec(table, calendar)
    inputs = make_inputs(kind, codec)
    batch = inputs.batch(table, WINDOWS)
    assert batch.extras["static"].shape == (6, codec.static_width)
    assert all(part.dtype in (np.float32, np.int32, bool) for part in flat(batch).values())
    if kind == "direct":
        assert batch.extras["source"].shape == (6, CONTEXT, inputs.source_width)
        assert batch.target_input.shape == (6, HORIZON, inputs.future_width)
        assert batch.target_output.shape == batch.weights.shape == (6, HORIZON)
    else:
        assert batch.target_input.shape == (6, CONTEXT + HORIZON, inputs.width)
        assert batch.target_output.shape == batch.weights.shape == (6, CONTEXT + HORIZON)


def test_lagged_readings_are_those_of_their_steps():
    table = table_of({"a": np.arange(1.0, 31.0)}, "D", "2024-01-01")
    inputs = make_inputs("autoregressive", make_codec(table, calendar=False), "none", lags=(1, 3, 12))
    batch = inputs.batch(table, Windows(np.asarray([0]), np.asarray([15])))
    steps = np.arange(7, 21)  # a context of 8 before step 15, and a horizon of 6; a reading is one more than its step
    np.testing.assert_array_equal(batch.target_output[0], steps + 1)
    for column, lag in enumerate((1, 3, 12)):
        np.testing.assert_array_equal(batch.target_input[0, :, column], np.maximum(steps - lag + 1, 0))
    np.testing.assert_array_equal(batch.target_input[0, :, 3], 1)


@pytest.mark.parametrize("lags", [(1,), (1, 2, 7, 11), (2, 5), (CONTEXT + HORIZON + 3,)])
def test_inputs_of_known_readings_equal_those_made_step_by_step(lags):
    table = make_table((40, 25))
    inputs = make_inputs("autoregressive", make_codec(table), lags=lags)
    windows = Windows(np.asarray([0, 1, 0]), np.asarray([20, 15, 5]))
    whole = inputs.batch(table, windows).target_input
    arrays, filled, observed, scale = inputs.inputs(table, windows)
    np.testing.assert_array_equal(arrays["target_input"], whole[:, : CONTEXT + 1])
    cut = cut_windows(table, windows, CONTEXT, HORIZON)
    rest, _ = inputs.rest(table, windows, HORIZON)
    past, known = filled[:, -inputs.reach :], observed[:, -inputs.reach :]
    for step in range(HORIZON):
        made = np.concatenate([inputs.lagged(past, known, 1), rest[:, [CONTEXT + step]]], axis=-1)
        np.testing.assert_array_equal(made.astype(np.float32), whole[:, [CONTEXT + step]])
        now, there = cut.target[:, [step]], cut.target_observed[:, [step]]
        past = np.concatenate([past[:, 1:], np.where(there, scale.forward(now, there), past[:, -1:])], axis=1)
        known = np.concatenate([known[:, 1:], there], axis=1)


@kinds
@pytest.mark.parametrize("scaling", ["standard", "last_mean_absolute", "last", "none"])
def test_a_context_without_a_scale_does_not_count(kind, scaling):
    values = np.concatenate([np.full(20, 7.0), 7 + np.random.default_rng(0).normal(size=20)])
    table = table_of({"a": values, "b": np.where(np.arange(40) < 20, np.nan, values)}, "D", "2024-01-01")
    inputs = make_inputs(kind, make_codec(table), scaling)
    cuts = np.tile([1, 15, 20, 21, 30], 2)
    batch = inputs.batch(table, Windows(np.repeat([0, 1], 5), cuts))
    counted = batch.weights.any(axis=1)
    # Of b nothing is known up to 20, and one reading at 21.
    assert counted.tolist() == [False, False, False, True, True, False, False, False, False, True]
    assert np.abs(batch.target_output * batch.weights).max() < 100


@kinds
def test_counts_stay_as_they_are_and_count_after_zeros(kind):
    table = table_of({"a": np.concatenate([np.zeros(20), np.arange(20.0)])}, "D", "2024-01-01")
    inputs = make_inputs(kind, make_codec(table), "mean_absolute", counts=True)
    batch = inputs.batch(table, Windows(np.asarray([0, 0]), np.asarray([18, 30])))
    np.testing.assert_array_equal(batch.target_output[:, -HORIZON:], [[0, 0, 0, 1, 2, 3], np.arange(10, 16)])
    assert batch.weights[:, -HORIZON:].all()


@kinds
def test_a_batch_is_a_function_of_seed_epoch_and_step(kind):
    table = make_table((40, 25, 17))
    inputs = make_inputs(kind, make_codec(table))

    def plan(epoch, seed=3, rank=0, size=1):
        return WindowPlan(inputs, table, TrainingWindows(table, HORIZON, 7, seed), epoch, rank, size)

    one = plan(2)
    assert len(one) == -(-(35 + 20 + 12 - 3 * 1 + 0) // 7)
    list(map(one.__getitem__, range(len(one))))
    assert_equal(plan(2)[4], one[4])
    for other in (plan(1)[4], plan(2, seed=4)[4], one[3]):
        assert not np.array_equal(other.target_output, one[4].target_output)
    assert sum(one.length(step) for step in range(len(one))) == TrainingWindows(table, HORIZON, 7, 3).size * HORIZON


@kinds
@pytest.mark.parametrize("size", [2, 3, 8])
def test_the_rows_of_all_processes_are_the_batch(kind, size):
    table = make_table((40, 25, 17))
    inputs = make_inputs(kind, make_codec(table))
    windows = TrainingWindows(table, HORIZON, 7, seed=3)
    for step in (0, windows.steps - 1):
        whole = flat(WindowPlan(inputs, table, windows, 1)[step])
        parts = [flat(WindowPlan(inputs, table, windows, 1, rank, size)[step]) for rank in range(size)]
        rows = len(whole["weights"])
        for name, values in whole.items():
            for rank, part in enumerate(parts[:rows]):
                np.testing.assert_array_equal(part[name], values[rank::size], err_msg=name)
        for part in parts[rows:]:  # there is something to compute for each, but it does not count
            assert len(part["weights"]) == 1
            assert not part["weights"].any()


@kinds
def test_validation_takes_its_windows_in_their_order(kind):
    table = make_table((40, 25, 17))
    inputs, windows = make_inputs(kind, make_codec(table)), Windows(np.repeat([0, 1], 5), np.tile(np.arange(10, 15), 2))
    plan, whole = FixedPlan(inputs, table, windows, 4), flat(inputs.batch(table, windows))
    assert (len(plan), [plan.length(step) for step in range(3)]) == (3, [4 * HORIZON, 4 * HORIZON, 2 * HORIZON])
    parts = [flat(plan[step]) for step in range(3)]
    for name, values in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), values, err_msg=name)


def test_a_forecast_reads_behind_the_end_of_its_series():
    table = make_table(extras=False)
    for kind in ("direct", "autoregressive"):
        found = forecast_inputs(make_inputs(kind, make_codec(table)), table, ends(table))
        assert all(np.isfinite(part).all() for part in found.values())


def test_holes_hold_the_reading_before_them():
    observed = np.asarray([[False, True, False, True, False]])
    values = np.asarray([[9.0, 4.0, 9.0, 8.0, 9.0]])
    found = filled_before(values, observed, Scale(np.full((1, 1), 2.0), np.full((1, 1), 2.0)))
    assert found.tolist() == [[0, 1, 1, 3, 3]]


def test_usual_lags_are_within_the_context():
    assert seasonal_lags(1, 10) == (1, 2, 3, 4)
    assert seasonal_lags(7, 100) == (1, 2, 3, 4, 6, 7, 8, 13, 14, 15)
    assert seasonal_lags(7, 7) == (1, 2, 3, 4, 6, 7)
    assert seasonal_lags(7, 2) == (1, 2)
    assert seasonal_lags(2, 1) == (1,)
    for season in range(1, 30):
        for context in (1, 5, 20):
            lags = seasonal_lags(season, context)
            assert lags == tuple(sorted(set(lags)))
            assert lags[0] == 1
            assert lags[-1] <= context


def test_unknown_series_have_the_number_0():
    table = make_table()
    inputs = make_inputs("direct", make_codec(table))
    renamed = dataclasses.replace(table, ids=["new", "s1", "s0"])
    found = inputs.batch(renamed, Windows(np.asarray([0, 1, 2]), np.asarray([9, 9, 4]))).extras["series"]
    assert found.tolist() == [0, 2, 1]


def test_a_step_reads_historic_covariates_of_the_step_before_it():
    """What is measured with a reading is not known when it is predicted."""
    table = make_table(holes=0)
    inputs, window = make_inputs("autoregressive", make_codec(table)), Windows(np.asarray([0]), np.asarray([20]))
    expected = inputs.batch(table, window).target_input[0]
    for step in range(20 - CONTEXT, 20):
        heat = table.covariates["heat"].copy()
        heat[step] = np.nan_to_num(heat[step]) + 50
        found = inputs.batch(changed(table, covariates={**table.covariates, "heat": heat}), window).target_input[0]
        differs = np.flatnonzero((found != expected).any(axis=-1)) + 20 - CONTEXT
        # The last one that is known serves the whole horizon.
        assert differs.tolist() == ([step + 1] if step < 19 else list(range(20, 20 + HORIZON)))


def test_readings_before_the_context_take_no_part_in_the_scale():
    table = make_table(holes=0)
    window = Windows(np.asarray([0]), np.asarray([20]))
    odd = changed(table, np.where(np.arange(len(table.values)) < 20 - CONTEXT, 1e4, table.values))
    scales = [
        make_inputs(kind, make_codec(table)).batch(one, window).extras["scale"]
        for kind in ("direct", "autoregressive")
        for one in (table, odd)
    ]
    assert len({float(scale[0, 0]) for scale in scales}) == 1
