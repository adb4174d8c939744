"""Detectors see the past alone, in constant memory, and miss nothing by what a missing reading holds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seq2seq.series.anomaly import RangeRule, WindowedGaussian, detect

DETECTORS = {"gaussian": lambda: WindowedGaussian(20, 4), "range": RangeRule}


def readings(size=100):
    return np.random.default_rng(0).normal(size=size) * 3 + 10


@pytest.mark.parametrize("name", DETECTORS)
def test_the_future_changes_no_score(name):
    values = readings()
    whole = detect(DETECTORS[name](), values)
    np.testing.assert_array_equal(detect(DETECTORS[name](), values[:60]), whole[:60])
    values[60:] = 1e9
    np.testing.assert_array_equal(detect(DETECTORS[name](), values)[:60], whole[:60])


@pytest.mark.parametrize("name", DETECTORS)
def test_a_missing_reading_has_score_0_and_changes_no_other(name):
    values, present = readings(), np.random.default_rng(1).random(100) < 0.7
    found = detect(DETECTORS[name](), np.where(present, values, np.nan))
    np.testing.assert_array_equal(found[present], detect(DETECTORS[name](), values[present]))
    assert (found[~present] == 0).all()


@pytest.mark.parametrize("name", DETECTORS)
def test_shifting_and_scaling_change_no_score(name):
    values = readings()
    found = detect(DETECTORS[name](), values)
    np.testing.assert_allclose(detect(DETECTORS[name](), 1000 * values - 5), found, atol=1e-9)
    assert found.max() > 0.9


def test_the_gaussian_is_that_of_the_window():
    values = readings()
    found = detect(WindowedGaussian(window=20, step=1), values)
    for place in (1, 2, 10, 20, 21, 57, 99):
        past = values[max(0, place - 20) : place]
        z = abs(values[place] - past.mean()) / (past.std() or 1e-6)
        assert found[place] == pytest.approx(1 - 0.5 * math.erfc(z / math.sqrt(2)))
    assert found[0] == 0


def test_a_full_window_moves_by_steps():
    values = readings()
    found = detect(WindowedGaussian(window=20, step=7), values)
    for place in (20, 26, 27, 33, 34, 90):
        end = 20 + (place - 20) // 7 * 7
        past = values[end - 20 : end]
        z = abs(values[place] - past.mean()) / past.std()
        assert found[place] == pytest.approx(1 - 0.5 * math.erfc(z / math.sqrt(2)))


def test_a_change_of_a_constant_is_certain():
    assert detect(WindowedGaussian(), np.array([5.0, 5, 5, 5.1]))[3] == 1


def test_the_range_leaves_room():
    values = np.array([0.0, 10, 10.4, 10.6, 10.6, -0.5, -2, 5])
    assert detect(RangeRule(), values).tolist() == [0, 0, 0, 0, 0, 0, 1, 0]
    assert detect(RangeRule(margin=0.0), values).tolist() == [0, 0, 1, 1, 0, 1, 1, 0]


@pytest.mark.parametrize(("window", "step"), [(0, 1), (5, 0), (5, 6)])
def test_a_window_holds_a_reading_and_a_step(window, step):
    with pytest.raises(ValueError, match="step from 1 to the window"):
        WindowedGaussian(window, step)
