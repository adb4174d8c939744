"""A frequency is a grid: its steps and its stamps are each other's inverse, for every unit."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.series.frequency import Frequency, infer_frequency, parse_frequency


def stamps(*texts):
    return np.array(texts, "datetime64[us]").astype(np.int64)


ALIASES = {
    "h": Frequency("h"),
    "H": Frequency("h"),
    "15min": Frequency("min", 15),
    "15T": Frequency("min", 15),
    "W-MON": Frequency("W"),
    "MS": Frequency("M", 1, 1),
    "2ME": Frequency("M", 2, 31),
    "QE-DEC": Frequency("Q", 1, 31),
    "YS-JAN": Frequency("Y", 1, 1),
    "B": Frequency("B"),
    "10step": Frequency("step", 10),
}


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_of_the_field_are_known(alias):
    assert parse_frequency(alias) == ALIASES[alias]


@pytest.mark.parametrize("text", ["", "5", "hourly", "0h", "-1h", "h5", "1.5h", "X"])
def test_another_alias_is_refused_by_name(text):
    with pytest.raises(ValueError, match="Expected a frequency: us, ms, s") as error:
        parse_frequency(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    "alias", ["250ms", "s", "7min", "h", "D", "W", "B", "M", "3MS", "ME", "QE", "Y", "2YS", "step"]
)
def test_steps_and_stamps_are_inverse(alias):
    frequency = parse_frequency(alias)
    start = {"step": 5, "ME": stamps("2016-01-31"), "QE": stamps("2015-12-31")}.get(alias, stamps("2016-01-01 00:00"))
    start = int(np.squeeze(start))
    steps = np.arange(-40, 100)
    found, on_grid = frequency.steps(start, frequency.stamps(start, steps))
    np.testing.assert_array_equal(found, steps)
    assert on_grid.all()
    assert (np.diff(frequency.stamps(start, steps)) > 0).all()


def test_a_month_ends_when_it_ends():
    grid = parse_frequency("ME").stamps(int(stamps("2016-01-31")[0]), np.arange(5))
    np.testing.assert_array_equal(grid, stamps("2016-01-31", "2016-02-29", "2016-03-31", "2016-04-30", "2016-05-31"))


def test_business_days_leave_out_the_weekend():
    grid = Frequency("B").stamps(int(stamps("2024-01-04 16:30")[0]), np.arange(4))
    np.testing.assert_array_equal(
        grid, stamps("2024-01-04 16:30", "2024-01-05 16:30", "2024-01-08 16:30", "2024-01-09 16:30")
    )


@pytest.mark.parametrize(
    ("texts", "alias"),
    [
        (["2016-01-01 00:00", "2016-01-01 01:00", "2016-01-01 02:00", "2016-01-01 09:00"], "h"),
        (["2016-01-01 00:00", "2016-01-01 00:30", "2016-01-01 01:00"], "30min"),
        (["2016-01-04", "2016-01-11", "2016-01-18"], "W"),
        (["2016-01-01", "2016-02-01", "2016-03-01", "2016-04-01"], "MS"),
        (["2016-01-31", "2016-02-29", "2016-03-31", "2016-04-30"], "ME"),
        (["2016-01-15", "2016-02-15", "2016-03-15", "2016-04-15"], "M"),
        (["2016-02-01", "2016-03-01", "2016-05-01"], "MS"),
        (["2016-03-31", "2016-06-30", "2016-09-30"], "QE"),
        (["2015-01-01", "2016-01-01", "2017-01-01"], "YS"),
        (["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09"], "B"),
        (["2024-01-05", "2024-01-06", "2024-01-07", "2024-01-10"], "D"),
        (["2024-01-05", "2024-02-02", "2024-03-01", "2024-03-29"], "4W"),
    ],
)
def test_the_frequency_is_that_of_the_most_frequent_distance(texts, alias):
    assert str(infer_frequency(stamps(*texts), np.zeros(len(texts), np.int64), False)) == alias


def test_distances_between_series_do_not_count():
    assert infer_frequency(stamps("2016-01-01", "2016-01-02", "2016-01-03"), np.arange(3), False) is None


def test_the_usual_season_is_in_steps():
    seasons = {
        alias: parse_frequency(alias).season for alias in ("h", "2h", "7h", "30min", "D", "MS", "QE", "step", "B")
    }
    assert seasons == {"h": 24, "2h": 12, "7h": 1, "30min": 48, "D": 7, "MS": 12, "QE": 4, "step": 1, "B": 5}
