"""The calendar of a step is that of its wall clock, and cycles close."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.series.calendar import CYCLES, calendar_features, feature_names, phases
from seq2seq.series.frequency import parse_frequency
from seq2seq.series.reading import read_table
from seq2seq.series.table import table_of
from seq2seq.series.windows import Windows, cut_windows, ends


def at(text):
    return np.array([text], "datetime64[us]").astype(np.int64)


@pytest.mark.parametrize(
    ("text", "cycle", "phase"),
    [
        ("2024-01-01 00:45", "minute_of_hour", 0.75),
        ("2024-01-01 18:00", "hour_of_day", 0.75),
        ("2024-01-01 00:00", "day_of_week", 0.0),
        ("2024-01-07 12:00", "day_of_week", 6.5 / 7),
        ("1969-12-31 00:00", "day_of_week", 2 / 7),
        ("2024-02-29 00:00", "day_of_month", 28 / 29),
        ("2023-02-28 00:00", "day_of_month", 27 / 28),
        ("2024-12-31 00:00", "day_of_year", 365 / 366),
        ("2023-12-31 00:00", "day_of_year", 364 / 365),
        ("2024-07-31 00:00", "month_of_year", 0.5),
        ("1960-04-01 00:00", "month_of_year", 0.25),
    ],
)
def test_phases_by_hand(text, cycle, phase):
    assert phases(at(text), cycle)[0] == pytest.approx(phase)


@pytest.mark.parametrize("cycle", CYCLES)
def test_phases_lie_within_their_cycle(cycle):
    clock = at("1950-01-01") + np.arange(50_000) * 3_607_000_000 * 17
    found = phases(clock, cycle)
    assert found.min() >= 0
    assert found.max() < 1
    assert np.ptp(found) > 0.9


def test_an_unknown_cycle_is_named():
    with pytest.raises(ValueError, match="'tide'"):
        phases(at("2024-01-01"), "tide")


@pytest.mark.parametrize(
    ("alias", "count"), [("min", 13), ("h", 11), ("D", 9), ("W", 5), ("MS", 3), ("QE", 3), ("Y", 1), ("step", 1)]
)
def test_each_frequency_has_the_cycles_that_its_steps_move_on(alias, count):
    start = "step" if alias == "step" else "2024-01-01"
    table = table_of({"a": np.zeros(4)}, parse_frequency(alias), 0 if alias == "step" else start)
    cut = cut_windows(table, ends(table), 3, 2)
    found = calendar_features(table, ends(table), cut)
    assert found.shape == (1, 5, count)
    assert len(feature_names(table.frequency)) == count
    assert np.isfinite(found).all()


def test_the_future_has_a_calendar_and_others_change_none():
    table = table_of({"a": np.zeros(5), "b": np.zeros(50)}, "h", ["2024-01-01", "2024-02-02 03:00"])
    windows = Windows(np.array([0, 1]), np.array([5, 50]))
    found = calendar_features(table, windows, cut_windows(table, windows, 4, 30))
    alone = table_of({"b": np.zeros(50)}, "h", "2024-02-02 03:00")
    expected = calendar_features(alone, ends(alone), cut_windows(alone, ends(alone), 4, 30))
    np.testing.assert_array_equal(found[1], expected[0])
    hours = phases(at("2024-01-01 01:00") + 3_600_000_000 * np.arange(34), "hour_of_day")
    names = feature_names(table.frequency)
    np.testing.assert_allclose(found[0, :, names.index("hour_of_day_sin")], np.sin(2 * np.pi * hours))
    np.testing.assert_allclose(found[0, :3, 0], np.log([2, 3, 4]) / 10)


def test_the_clock_is_that_of_the_zone(tmp_path):
    rows = ["2024-03-31 00:30", "2024-03-31 01:30", "2024-03-31 03:30", "2024-03-31 04:30"]
    (tmp_path / "t.csv").write_text("ds,y\n" + "".join(f"{row},1\n" for row in rows))
    table = read_table(tmp_path / "t.csv", time_zone="Europe/Berlin")
    found = calendar_features(table, ends(table), cut_windows(table, ends(table), 4, 1))
    hour = feature_names(table.frequency).index("hour_of_day_cos")
    expected = np.cos(2 * np.pi * (np.array([0, 1, 3, 4, 5]) + 0.5) / 24)
    np.testing.assert_allclose(found[0, :, hour], expected, atol=1e-12)
