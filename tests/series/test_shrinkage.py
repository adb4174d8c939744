"""Shares of a correction: the best of all that never rise, found against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.series.shrinkage import falling, groups_of, shares
from seq2seq.series.table import table_of
from seq2seq.series.windows import Windows


def test_what_never_rises_is_the_nearest_of_all():
    draw = np.random.default_rng(0)
    grid = np.linspace(-2, 2, 21)
    for _ in range(20):
        values, weights = draw.choice(grid, 4), draw.integers(1, 4, 4) * 1.0
        found = falling(values, weights)
        assert (np.diff(found) <= 1e-12).all()
        rest = np.stack(np.meshgrid(*[grid] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
        rest = rest[(np.diff(rest) <= 0).all(axis=1)]
        best = (weights * (rest - values) ** 2).sum(axis=1).min()
        assert (weights * (found - values) ** 2).sum() <= best + 1e-12


def test_a_share_is_that_of_least_squares_less_an_error_between_0_and_1():
    draw = np.random.default_rng(1)
    correction = draw.normal(size=(40, 500, 4))
    lacks = correction * [1.4, 0.6, 0.6, -0.3] + draw.normal(size=correction.shape)
    sums = (lacks * correction).sum(axis=1), (correction**2).sum(axis=1)
    found = shares(*sums)
    np.testing.assert_allclose(found, [1, 0.6, 0.6, 0], atol=0.05)
    assert (found[0], found[3]) == (1, 0)
    assert found[1] < sums[0][:, 1].sum() / sums[1][:, 1].sum()


def test_what_helped_in_one_group_alone_is_left_out():
    squares = np.ones((4, 1))
    assert shares(np.array([[4.0], [0], [0], [0]]), squares) == 0
    assert shares(np.array([[0.9], [1], [1], [1.1]]), squares) > 0.9
    np.testing.assert_allclose(shares(np.array([[0.5], [1.5]]), squares[:2]), 0.5)


def test_a_step_without_a_correction_has_the_share_beside_it():
    products = np.array([[0, 3.0, 0]] * 2)
    np.testing.assert_array_equal(shares(products, 2 * products), 0.5)
    np.testing.assert_array_equal(shares(0 * products, 0 * products), 1.0)


def test_groups_are_stretches_of_a_horizon_or_longer_else_series():
    table = table_of({"a": np.zeros(40), "b": np.zeros(20)})
    series = np.repeat([0, 1], 10)
    windows = Windows(series, np.concatenate([np.arange(29, 39), np.arange(9, 19)]))  # the last ten places of both
    found = groups_of(table, windows, 3)
    assert found.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2] * 2
    assert groups_of(table, windows, 4).tolist() == series.tolist()
    with pytest.raises(ValueError, match="needs validation windows of two series, or of 3 horizons"):
        groups_of(table, Windows(series[:10], windows.cuts[:10]), 4)
