"""Windows are pure functions of numbers, every one comes once, and nothing of a horizon reaches its context."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.series.table import table_of
from seq2seq.series.windows import (
    TrainingWindows,
    Windows,
    carried_forward,
    cut_windows,
    ends,
    last_observed,
    rolling_origins,
    scale_of,
    shuffled,
)

SCALINGS = ["none", "last", "mean_absolute", "standard", "last_mean_absolute"]
nan = np.nan


@pytest.fixture
def table():
    draw = np.random.default_rng(0)
    return table_of({name: draw.normal(size=size) for name, size in (("a", 40), ("b", 3), ("c", 11), ("d", 1))})


def all_of(plan, epoch):
    return [tuple(pair) for step in range(plan.steps) for pair in np.transpose(plan.at(epoch, step)).tolist()]


@pytest.mark.parametrize(("horizon", "context", "batch"), [(1, 1, 1), (3, 1, 7), (8, 2, 100), (39, 1, 4)])
def test_an_epoch_takes_every_window_once(table, horizon, context, batch):
    plan = TrainingWindows(table, horizon, batch, seed=1, min_context=context)
    expected = [(s, cut) for s, n in enumerate(table.lengths) for cut in range(context, n - horizon + 1)]
    assert sorted(all_of(plan, 0)) == sorted(all_of(plan, 1)) == expected
    assert plan.size == len(expected)


def test_the_order_is_that_of_the_seed_and_the_epoch(table):
    plans = [TrainingWindows(table, 2, 4, seed=seed) for seed in (1, 1, 2)]
    assert all_of(plans[0], 3) == all_of(plans[1], 3)
    assert all_of(plans[0], 3) != all_of(plans[2], 3)
    assert all_of(plans[0], 3) != all_of(plans[0], 4)
    assert all_of(plans[0], 3) != sorted(all_of(plans[0], 3))


def test_a_step_needs_no_step_before_it(table):
    plan = TrainingWindows(table, 2, 4, seed=1)
    later = plan.at(5, plan.steps - 1)
    all_of(plan, 5)
    np.testing.assert_array_equal(later, TrainingWindows(table, 2, 4, seed=1).at(5, plan.steps - 1))
    with pytest.raises(IndexError, match="step from 0 to"):
        plan.at(0, plan.steps)


def test_places_are_evenly_spread():
    table = table_of({"a": np.zeros(1001)})
    plan = TrainingWindows(table, 1, 100, seed=3)
    first = np.concatenate([plan.at(epoch, 0).cuts for epoch in range(100)])
    counts, _ = np.histogram(first, 10, (1, 1001))
    assert abs(counts - 1000).max() < 150  # five deviations


def test_windows_per_series_give_each_series_its_share(table):
    plan = TrainingWindows(table, 2, 5, seed=1, per_series=50)
    windows = all_of(plan, 0)
    assert np.bincount([series for series, _ in windows]).tolist() == [50, 50, 50]
    assert {cut for series, cut in windows if series == 1} == {1}
    assert {cut for series, cut in windows if series == 2} == set(range(1, 10))
    assert windows != all_of(plan, 1)


def test_a_permutation_of_a_trillion_numbers_takes_no_memory():
    places = np.concatenate([np.arange(1000), 10**12 - 1 - np.arange(1000)])
    found = shuffled(places, 10**12, np.arange(4, dtype=np.uint64))
    assert len(set(found.tolist())) == 2000
    assert (found >= 0).all()
    assert (found < 10**12).all()


@pytest.mark.parametrize("numbers", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_numbers_below_1_are_refused(table, numbers):
    horizon, batch, context = numbers
    with pytest.raises(ValueError, match="at least 1"):
        TrainingWindows(table, horizon, batch, seed=1, min_context=context)
    with pytest.raises(ValueError, match="at least 1"):
        rolling_origins(table, horizon, batch, 1, context)


def test_too_short_series_are_named_by_what_a_window_needs(table):
    with pytest.raises(ValueError, match=r"needs 2 \+ 40 steps\. The longest series has 40"):
        TrainingWindows(table, 40, 1, seed=1, min_context=2)
    with pytest.raises(ValueError, match=r"needs 2 \+ 40 steps\. The longest series has 40"):
        rolling_origins(table, 40, 3, 1, 2)


def test_rolling_origins_end_with_the_series(table):
    found = rolling_origins(table, horizon=2, windows=3, step=4)
    assert list(zip(*found, strict=True)) == [(0, 30), (0, 34), (0, 38), (1, 1), (2, 1), (2, 5), (2, 9)]


def test_a_window_is_what_stands_before_and_after_its_cut():
    table = table_of({"a": [1, nan, 3, 4, 5], "b": [7, 8]})
    cut = cut_windows(table, Windows(np.array([0, 1, 1]), np.array([3, 1, 2])), context=4, horizon=2)
    np.testing.assert_array_equal(cut.context, [[0, 1, 0, 3], [0, 0, 0, 7], [0, 0, 7, 8]])
    np.testing.assert_array_equal(cut.context_observed, [[0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 1, 1]])
    np.testing.assert_array_equal(cut.target, [[4, 5], [8, 0], [0, 0]])
    np.testing.assert_array_equal(cut.target_observed, [[1, 1], [1, 0], [0, 0]])
    np.testing.assert_array_equal(table.values[cut.positions[cut.inside]], [1, 0, 3, 4, 5, 7, 8, 7, 8])
    assert list(zip(*ends(table), strict=True)) == [(0, 5), (1, 2)]


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_future_changes_neither_context_nor_scale(scaling):
    draw = np.random.default_rng(1)
    past, futures = draw.normal(size=20), (np.zeros(5), np.full(5, 1e9), np.full(5, nan), draw.normal(size=50))
    found = []
    for future in futures:
        table = table_of({"x": [5.0], "a": np.concatenate([past, future]), "b": future})
        cut = cut_windows(table, Windows(np.array([1]), np.array([20])), 8, 3)
        found.append((cut.context, *scale_of(cut.context, cut.context_observed, scaling)))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_what_a_hole_holds_changes_no_scale(scaling):
    draw = np.random.default_rng(2)
    context, observed = draw.normal(size=(6, 9)), draw.random((6, 9)) < 0.6
    filled = np.where(observed, context, 1e12)
    for one, two in zip(scale_of(context, observed, scaling), scale_of(filled, observed, scaling), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("scaling", ["mean_absolute", "last_mean_absolute", "standard"])
def test_scaling_a_series_leaves_its_scaled_context_as_it_was(scaling):
    draw = np.random.default_rng(3)
    context, observed = draw.normal(size=(4, 12)) + 5, np.ones((4, 12), bool)
    before = scale_of(context, observed, scaling)
    factor, shift = 1000.0, 0.0 if scaling == "mean_absolute" else -300.0
    after = scale_of(factor * context + shift, observed, scaling)
    scaled = after.forward(factor * context + shift, observed)
    np.testing.assert_allclose(scaled, before.forward(context, observed), atol=1e-9)
    np.testing.assert_allclose(after.back(scaled), factor * context + shift)


def test_by_hand():
    context, observed = np.array([[9.0, 1, 2, 6]]), np.array([[False, True, True, True]])
    for scaling, location, scale in (
        ("none", 0, 1),
        ("last", 6, 1),
        ("mean_absolute", 0, 3),
        ("standard", 3, np.sqrt(14 / 3)),
        ("last_mean_absolute", 6, 3),
    ):
        found = scale_of(context, observed, scaling)
        np.testing.assert_allclose(found, ([[location]], [[scale]]))
        assert found.forward(context, observed)[0, 0] == 0


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("value", [0.0, 7.0, -1e-9, 1e9])
def test_a_constant_context_is_scaled_to_a_constant(scaling, value):
    scale = scale_of(np.full((1, 5), value), np.ones((1, 5), bool), scaling)
    scaled = scale.forward(np.full((1, 5), value), np.ones((1, 5), bool))
    assert np.isfinite(scaled).all()
    assert (scaled == scaled[0, 0]).all()
    np.testing.assert_allclose(scale.back(scaled), value)


@pytest.mark.parametrize("scaling", ["standard", "last_mean_absolute"])
def test_rounding_is_no_signal(scaling):
    context, observed = np.array([[0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2]]), np.ones((1, 4), bool)
    assert abs(scale_of(context, observed, scaling).forward(context, observed)).max() < 1e-9


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_context_without_readings_has_a_scale(scaling):
    found = scale_of(np.zeros((1, 3)), np.zeros((1, 3), bool), scaling)
    assert (found.location.item(), found.scale.item()) == (0, 1)


def test_an_unknown_scaling_is_named():
    with pytest.raises(ValueError, match="'median'"):
        scale_of(np.zeros((1, 3)), np.ones((1, 3), bool), "median")


def test_holes_are_filled_from_the_past():
    values, observed = np.array([[5.0, 1, 5, 2], [5, 5, 5, 5]]), np.array([[0, 1, 0, 1], [0, 0, 0, 0]], bool)
    np.testing.assert_array_equal(carried_forward(values, observed), [[1, 1, 1, 2], [0, 0, 0, 0]])
    np.testing.assert_array_equal(last_observed(values[:, :3], observed[:, :3]), [1, 0])
