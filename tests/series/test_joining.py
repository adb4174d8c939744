"""A later table follows the past of its series, on their grid, or is refused with the place and the reason."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.series.cells import Columns
from seq2seq.series.grid import TableError
from seq2seq.series.joining import joined
from seq2seq.series.reading import read_table
from seq2seq.series.table import table_of
from tests.forecasters import changed

nan = np.nan
PAST = table_of({"a": [1.0, 2, nan, 4], "b": [5.0, 6]}, "D", ["2024-01-01", "2024-03-01"])


def values_of(table):
    return {one.id: np.where(one.observed, one.values, nan).tolist() for one in table}


def assert_values(table, **expected):
    found = values_of(table)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_what_comes_next_stands_behind_the_past():
    later = table_of({"b": [7.0], "a": [5.0, nan, 7]}, "D", ["2024-03-03", "2024-01-05"])
    whole = joined(PAST, later)
    assert_values(whole, a=[1, 2, nan, 4, 5, nan, 7], b=[5, 6, 7])
    np.testing.assert_array_equal(whole.starts, PAST.starts)
    assert [str(one.times[-1])[:10] for one in whole] == ["2024-01-07", "2024-03-03"]
    assert PAST.cut(0).values.tolist() == PAST.values.tolist()


def test_series_that_the_later_table_lacks_stay_as_they_are():
    assert_values(joined(PAST, table_of({"b": [7.0]}, "D", "2024-03-03")), a=[1, 2, nan, 4], b=[5, 6, 7])


def test_steps_between_the_two_are_missing():
    assert_values(joined(PAST, table_of({"b": [9.0]}, "D", "2024-03-06")), a=[1, 2, nan, 4], b=[5, 6, nan, nan, nan, 9])


def test_where_both_have_a_step_the_later_reading_counts_if_there_is_one():
    later = table_of({"a": [20.0, 30, nan, 50]}, "D", "2024-01-02")
    assert_values(joined(PAST, later), a=[1, 20, 30, 4, 50], b=[5, 6])
    assert_values(joined(PAST, table_of({"a": [20.0]}, "D", "2024-01-02")), a=[1, 20, nan, 4], b=[5, 6])


def test_a_table_joined_with_its_own_parts_is_itself():
    for cut in range(5):
        whole = joined(PAST.cut(0, cut), PAST.cut(max(cut - 2, 0)))
        np.testing.assert_array_equal(whole.values, PAST.values)
        np.testing.assert_array_equal(whole.observed, PAST.observed)
        np.testing.assert_array_equal(whole.offsets, PAST.offsets)


def test_covariates_go_on_too_and_missing_ones_stay():
    past = changed(PAST, covariates={"x": np.arange(6.0), "y": np.arange(6.0)})
    later = changed(table_of({"a": [nan, nan, nan]}, "D", "2024-01-04"), covariates={"x": np.asarray([nan, 8, nan])})
    whole = joined(past, later)
    np.testing.assert_array_equal(whole.covariates["x"], [0, 1, 2, 3, 8, nan, 4, 5])
    np.testing.assert_array_equal(whole.covariates["y"], [0, 1, 2, 3, nan, nan, 4, 5])
    assert_values(whole, a=[1, 2, nan, 4, nan, nan], b=[5, 6])


@pytest.mark.parametrize(
    ("later", "message"),
    [
        (table_of({"a": [1.0]}, "h", "2024-01-05"), "new.csv has the frequency h. Expected D, as before."),
        (table_of({"a": [1.0]}), "new.csv has the frequency step. Expected D, as before."),
        (table_of({"c": [1.0]}, "D", "2024-01-05"), "new.csv has the series 'c', which the past lacks."),
        (
            table_of({"b": [1.0], "a": [1.0]}, "D", ["2024-03-03", "2024-01-05T12:00"]),
            "new.csv: series 'a' begins at 2024-01-05 12:00:00. Expected a step of D after 2024-01-01, where its past",
        ),
        (table_of({"b": [1.0]}, "D", "2024-02-28"), "series 'b' begins at 2024-02-28. Expected a step of D after"),
    ],
)
def test_what_does_not_fit_is_refused(later, message):
    with pytest.raises(TableError) as error:
        joined(PAST, later, "new.csv")
    assert message in str(error.value)


def test_instants_and_a_wall_clock_do_not_mix():
    hours = [table_of({"a": [1.0]}, "h", f"2024-01-0{day}") for day in (1, 2)]
    zoned = changed(hours[1], time_zone="Europe/Berlin")
    with pytest.raises(TableError, match=r"stamps of the time zone Europe/Berlin\. Expected stamps without a zone, as"):
        joined(hours[0], zoned)
    # Days are days on any clock.
    days = table_of({"a": [5.0]}, "D", "2024-01-05")
    assert_values(joined(PAST, changed(days, time_zone="UTC")), a=[1, 2, nan, 4, 5], b=[5, 6])


def test_an_empty_past_takes_what_comes():
    past = PAST.cut(0, 0)
    assert_values(joined(past, PAST), a=[1, 2, nan, 4], b=[5, 6])


def csv(tmp_path, name, stamps):
    path = tmp_path / name
    path.write_text("ds,y\n" + "".join(f"{stamp},{number}\n" for number, stamp in enumerate(stamps)))
    return path


@pytest.mark.parametrize("day", [1, 15, 28, 30, 31])
def test_months_go_on_whatever_their_day(tmp_path, day):
    def stamps(first, last):
        lengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return [f"2024-{month:02}-{min(day, lengths[month - 1]):02}" for month in range(first, last + 1)]

    past = read_table(csv(tmp_path, "past.csv", stamps(1, 8)))
    for first, last in ((9, 9), (9, 12), (11, 11)):
        later = read_table(csv(tmp_path, "later.csv", stamps(first, last)), Columns(), str(past.frequency))
        assert len(joined(past, later).values) == last


def test_rows_that_are_taken_as_they_come_go_on_behind_the_last(tmp_path):
    # Trading days: not on any grid.
    past = read_table(csv(tmp_path, "past.csv", ["2024-01-02", "2024-01-03", "2024-01-08"]), Columns(), "D", "rows")
    later = read_table(csv(tmp_path, "later.csv", ["2024-01-09", "2024-01-12"]), Columns(), "D", "rows")
    whole = joined(past, later)
    assert_values(whole, series=[0, 1, 2, 0, 1])
    assert [str(time)[8:10] for time in whole[0].times] == ["02", "03", "08", "09", "12"]
    again = read_table(csv(tmp_path, "again.csv", ["2024-01-08", "2024-01-12"]), Columns(), "D", "rows")
    with pytest.raises(TableError, match=r"begins at 2024-01-08\. Expected a stamp after 2024-01-08, where"):
        joined(past, again, "again.csv")
