"""Features of a stream: those of their definition, without units, the same however many streams there are."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.series.frequency import parse_frequency
from seq2seq.series.stream_features import (
    MOST,
    StreamFeatures,
    advance_block,
    readings_of_day,
    readings_of_day_by_stamps,
    whole_features,
)
from seq2seq.series.stream_windows import StreamWindows, TrainingPlan, ValidationPlan


def by_definition(values, day):
    """Features and scaled readings, written once more with all readings before at hand."""
    features, targets, before = [], [], 0.0
    for t, value in enumerate(values):
        past = values[:t]
        mean, deviation = (past.mean(), past.std()) if t else (0.0, 0.0)

        def scaled(number, mean=mean, deviation=deviation, t=t):
            if deviation <= 1e-9 * abs(mean):
                return 0.0 if not t or abs(number - mean) <= 1e-9 * abs(mean) else MOST * np.sign(number - mean)
            return np.clip((number - mean) / deviation, -MOST, MOST)

        last = np.arcsinh(targets[-1]) if t else 0.0
        row = [last, last - before, 0, 0, 0, 0]
        before = last
        if day and t >= day:
            h = max(1, day // 24)
            around = [
                values[max(t - lag - h, 0) : min(t - lag + h + 1, t)].mean() for lag in (day, 7 * day) if t >= lag
            ]
            week = around[1] if t >= 7 * day else values[t - day]
            row[2:] = [*(np.arcsinh(scaled(x)) for x in (values[t - day], around[0], week)), 1]
        features.append(row)
        targets.append(scaled(value))
    return np.array(features), np.array(targets)


@pytest.mark.parametrize("day", [0, 1, 6, 50])
def test_features_are_those_of_their_definition(day, rng):
    values = 5 + rng.normal(size=420)
    for found, expected in zip(whole_features([values], [day])[0], by_definition(values, day), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_shifting_and_scaling_a_series_changes_nothing(rng):
    values = rng.normal(size=300).cumsum()
    first, second = whole_features([values, 40 * values - 3000], [24, 24])
    for found, expected in zip(second, first, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-7)


def test_a_constant_has_no_surprise_and_its_change_is_as_far_as_can_be():
    for level in (0.0, 0.1, -1e9):
        values = np.r_[np.full(50, level), level + abs(level) + 1]
        targets = whole_features([values], [5])[0][1]
        assert not targets[:50].any()
        assert targets[50] == MOST


def test_missing_readings_change_nothing_and_streams_side_by_side_are_those_alone(rng):
    values = rng.normal(size=(3, 200))
    holed = values.copy()
    holed[rng.random(holed.shape) < 0.3] = np.nan
    streams = StreamFeatures(np.array([6, 24, 0]))
    features, targets = advance_block(streams, holed)
    assert not targets[np.isnan(holed)].any()
    for row, day in enumerate((6, 24, 0)):
        known = ~np.isnan(holed[row])
        alone = whole_features([holed[row][known]], [day])[0]
        np.testing.assert_array_equal(features[row, known], alone[0])
        np.testing.assert_array_equal(targets[row, known], alone[1])


def test_infinite_readings_and_impossible_days_are_refused():
    with pytest.raises(ValueError, match="finite readings"):
        StreamFeatures(np.array([0])).advance(np.array([np.inf]))
    with pytest.raises(ValueError, match=r"days of 0 to 100,000"):
        StreamFeatures(np.array([-1]))


@pytest.mark.parametrize(
    ("frequency", "day"), [("h", 24), ("5min", 288), ("D", 1), ("W", 0), ("MS", 0), ("step", 0), ("ms", 0), ("7h", 3)]
)
def test_a_day_follows_from_the_frequency_and_from_stamps(frequency, day):
    assert readings_of_day(parse_frequency(frequency)) == day
    stamps = np.datetime64("2024-01-01") + np.array([0, 5, 10, 10, 15, 20]).astype("timedelta64[m]")
    assert readings_of_day_by_stamps(stamps) == 288
    assert readings_of_day_by_stamps(stamps[:1]) == 0


def test_windows_follow_from_seed_epoch_and_step_and_keep_off_the_validation(rng):
    parts = whole_features([rng.normal(size=size) for size in (300, 90, 30)], [24, 24, 24])
    windows = StreamWindows(parts, rows=50, warmup=10, start=5)
    plan = TrainingPlan(windows, 8, 4, seed=1, epoch=2)
    batch = plan[3]
    np.testing.assert_array_equal(batch.target_input, TrainingPlan(windows, 8, 4, seed=1, epoch=2)[3].target_input)
    assert not np.array_equal(batch.target_input, TrainingPlan(windows, 8, 4, seed=1, epoch=3)[3].target_input)
    halves = [TrainingPlan(windows, 8, 4, 1, 2, rank, 2)[3] for rank in (0, 1)]
    for rank, half in enumerate(halves):
        np.testing.assert_array_equal(half.target_output, batch.target_output[rank::2])
    filler = TrainingPlan(windows, 1, 4, 1, 2, 1, 2)[0]
    assert not filler.weights.any()
    held = {value for _, targets in parts for value in targets[len(targets) - len(targets) // 10 :].astype(np.float32)}
    for step in range(4):
        one = plan[step]
        assert not held & set(one.target_output[one.weights > 0].tolist())
    check = ValidationPlan(windows, 4)
    found = [value for step in range(len(check)) for value in check[step].target_output[check[step].weights > 0]]
    assert sorted(found) == sorted(held)
