"""Rows of a forecast are read back as they were, in every form, with the stamps that follow the series."""

from __future__ import annotations

import io
import json
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from seq2seq.extras import MissingPackage
from seq2seq.metrics.forecasts import pit_histogram_from_quantiles
from seq2seq.series.cells import Columns
from seq2seq.series.forecast import LevelError, SampleForecast, SpreadForecast
from seq2seq.series.plots import check_figure, plot_fan, plot_pit
from seq2seq.series.reading import from_frame, read_table
from seq2seq.series.result_files import format_of, results_file, write_results, write_rows
from seq2seq.series.results import as_series_table, forecast_results, shortened, to_frame
from seq2seq.series.table import table_of
from seq2seq.series.windows import Windows, ends, rolling_origins

FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def forecast_of(windows, horizon, seed=0):
    rng = np.random.default_rng(seed)
    shape = len(windows.cuts), horizon
    return SpreadForecast(100 * rng.normal(size=shape), rng.random(shape) + 0.1)


def hourly(time_zone="Europe/Berlin"):
    """Ends at 01:00 in the night in which the clock is put back, and in that in which it is put forward."""
    rows = [('a, "b"', f"2024-10-27 0{hour}:00" if hour < 2 else "2024-10-27 02:00", hour) for hour in (0, 1)]
    rows += [("ü", f"2024-03-31 0{hour}:00", hour) for hour in (0, 1)]
    frame = pd.DataFrame(rows, columns=["unique_id", "ds", "y"])
    return from_frame(frame, frequency="h", time_zone=time_zone)


def results_of(table, horizon=4, columns=Columns(), **options):
    windows = ends(table)
    return forecast_results(table, windows, forecast_of(windows, horizon), columns=columns, **options)


TABLES = {
    "steps": table_of({"a": [1.0, 2], "b": [3.0]}, "step", [5, 0]),
    "hours": table_of({"a": [1.0, 2], "b": [3.0]}, "h", "2024-02-28T23:00"),
    "fine": table_of({"a": [1.0, 2]}, "100ms", "2024-02-28T23:00:00.1"),
    "days": table_of({"a": [1.0, 2], "b": [3.0]}, "D", "2024-02-28"),
    "business": table_of({"a": [1.0, 2]}, "B", "2024-02-29"),
    "month ends": table_of({"a": [1.0, 2]}, "ME", "2023-12-31"),
    "zone": hourly(),
}


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("name", TABLES)
def test_what_is_written_is_read_as_it_was(name, kind, tmp_path):
    table, columns = TABLES[name], Columns(id="sensor", time="when")
    results = results_of(table, columns=columns)
    write_results(results, tmp_path / f"out.{kind}")
    for column, values in results.values.items():
        own = Columns("sensor", "when", column)
        again = read_table(tmp_path / f"out.{kind}", own, table.frequency, time_zone=table.time_zone)
        assert list(again.ids) == list(table.ids)
        if kind == "parquet":
            np.testing.assert_array_equal(again.values, values)  # to the last bit
        np.testing.assert_array_equal(again.values.astype(np.float32), values.astype(np.float32))
        np.testing.assert_array_equal(again.starts, table.frequency.stamps(table.starts, table.lengths))
    assert again.time_zone == table.time_zone


def test_numbers_have_the_digits_of_float32_while_it_has_decimals():
    numbers = np.array([0.1, 1 / 3, 64.0422650443282, -2e-9, 0, np.nan, 123_456.789, 12_345_678.912_345])
    shown = [repr(number) for number in shortened(numbers).tolist()]
    assert shown == ["0.1", "0.33333334", "64.04227", "-2e-09", "0.0", "nan", "123456.79", "12345678.912345"]
    np.testing.assert_array_equal(shortened(np.array([1e300, np.inf])), [1e300, np.inf])


def lines(results, form="csv"):
    stream = io.StringIO()
    write_rows(results, stream, form)
    return stream.getvalue().splitlines()


def test_the_clock_of_the_zone_is_written_with_its_offset():
    found = [line.rpartition(",")[0] for line in lines(results_of(hourly(), level=()))]
    assert found == [
        "unique_id,ds",
        '"a, ""b""",2024-10-27 02:00:00+02:00',
        '"a, ""b""",2024-10-27 02:00:00+01:00',
        '"a, ""b""",2024-10-27 03:00:00+01:00',
        '"a, ""b""",2024-10-27 04:00:00+01:00',
        "ü,2024-03-31 03:00:00+02:00",
        "ü,2024-03-31 04:00:00+02:00",
        "ü,2024-03-31 05:00:00+02:00",
        "ü,2024-03-31 06:00:00+02:00",
    ]


def test_days_of_a_zone_keep_their_clock_and_its_offset():
    days = pd.DataFrame({"unique_id": "a", "ds": ["2024-03-29", "2024-03-30"], "y": [1.0, 2]})
    found = lines(results_of(from_frame(days, frequency="D", time_zone="Europe/Berlin"), 2, level=()))
    assert [line.split(",")[1] for line in found[1:]] == ["2024-03-31 00:00:00+01:00", "2024-04-01 00:00:00+02:00"]
    assert [line.split(",")[1] for line in lines(results_of(from_frame(days, frequency="D"), 2))[1:]] == [
        "2024-03-31",
        "2024-04-01",
    ]


def test_columns_have_the_names_that_are_known():
    results = results_of(TABLES["days"], columns=Columns("sensor", "when"), level=[80, 97.5, 80])
    assert results.names == (
        "sensor", "when", "forecast", "forecast-lo-80", "forecast-hi-80", "forecast-lo-97.5", "forecast-hi-97.5"
    )  # fmt: skip
    order = ["forecast-lo-97.5", "forecast-lo-80", "forecast", "forecast-hi-80", "forecast-hi-97.5"]
    assert (np.diff([results.values[name] for name in order], axis=0) > 0).all()


def test_a_backtest_has_the_last_known_stamp_and_the_actual_value():
    table = table_of({"a": [1, 2, 3, np.nan, 5, 6], "b": [7.0, 8, 9]}, "D", "2024-01-01")
    windows = rolling_origins(table, 2, 2, 2)
    results = forecast_results(table, windows, forecast_of(windows, 2), (), Columns(target="load"), backtest=True)
    assert results.names == ("unique_id", "ds", "cutoff", "load", "forecast")
    cells = [line.split(",")[:4] for line in lines(results)[1:]]
    assert cells == [
        ["a", "2024-01-03", "2024-01-02", "3.0"],
        ["a", "2024-01-04", "2024-01-02", ""],
        ["a", "2024-01-05", "2024-01-04", "5.0"],
        ["a", "2024-01-06", "2024-01-04", "6.0"],
        ["b", "2024-01-02", "2024-01-01", "8.0"],
        ["b", "2024-01-03", "2024-01-01", "9.0"],
    ]
    assert json.loads(lines(results, "jsonl")[1])["load"] is None
    wide = forecast_results(table, windows, forecast_of(windows, 2), (), Columns(target=("u", "v")), backtest=True)
    assert "y" in wide.names


def test_a_table_of_rows_as_they_come_goes_on_from_its_last_stamp():
    rows = pd.DataFrame({"ds": ["2024-01-01 00:00", "2024-01-01 01:00", "2024-01-01 07:00"], "y": [1.0, 2, 3]})
    table = from_frame(rows, frequency="h", irregular="rows")
    assert [line.split(",")[1] for line in lines(results_of(table, 2))[1:]] == [
        "2024-01-01 08:00:00",
        "2024-01-01 09:00:00",
    ]
    windows = rolling_origins(table, 1, 1, 1)
    results = forecast_results(table, windows, forecast_of(windows, 1), backtest=True)
    assert lines(results)[1].startswith("series,2024-01-01 07:00:00,2024-01-01 01:00:00,3.0,")


@pytest.mark.parametrize("kind", FRAMES)
def test_the_frame_is_of_the_users_kind_and_joins_with_it(kind):
    data = {"unique_id": [7, 7, 8], "ds": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-01"]), "y": [1.0, 2, 3]}
    if kind != "pandas":
        data["ds"] = [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 1)]
    like = FRAMES[kind](data)
    table = from_frame(like, frequency="D")
    windows = rolling_origins(table, 1, 2, 1)
    found = to_frame(forecast_results(table, windows, forecast_of(windows, 1), backtest=True), like)
    assert type(found) is type(like)
    if kind == "pandas":
        assert len(found.merge(like, on=["unique_id", "ds", "y"])) == 1
    elif kind == "polars":
        assert found.schema["ds"] == found.schema["cutoff"] == pl.Date
        assert len(found.join(like, on=["unique_id", "ds", "y"])) == 1
    else:
        assert found.schema.field("ds").type == like.schema.field("ds").type
        assert found.schema.field("unique_id").type == pa.int64()
        assert len(found.join(like, ["unique_id", "ds", "y"], join_type="inner")) == 1


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_with_a_zone_gets_one_and_one_without_gets_none(kind):
    stamps = pd.date_range("2024-10-27 00:00", periods=3, freq="h", tz="Europe/Berlin")
    like = FRAMES[kind]({"ds": stamps, "y": [1.0, 2, 3]})
    found = to_frame(results_of(from_frame(like), 2), like)
    own = {"pandas": lambda f: f["ds"].dt.tz_convert("UTC").tolist(), "polars": lambda f: f["ds"].to_list()}
    times = own.get(kind, lambda f: f["ds"].to_pylist())(found)
    assert [time.timestamp() for time in times] == [1729990800, 1729994400]
    assert "Europe/Berlin" in str(found.schema if kind != "pandas" else found.dtypes)
    naive = FRAMES[kind]({"ds": stamps.tz_localize(None)[:2], "y": [1.0, 2]})
    plain = to_frame(results_of(from_frame(naive, time_zone="Europe/Berlin"), 2), naive)
    assert "Berlin" not in str(plain.schema if kind != "pandas" else plain.dtypes)


def test_missing_actual_values_are_missing_in_frames_too():
    table = table_of({"a": [1, 2, np.nan]}, "D", "2024-01-01")
    windows = rolling_origins(table, 2, 1, 1)
    results = forecast_results(table, windows, forecast_of(windows, 2), backtest=True)
    assert to_frame(results, pl.DataFrame())["y"].to_list() == [2.0, None]
    assert to_frame(results, pa.table({}))["y"].to_pylist() == [2.0, None]
    assert to_frame(results, pd.DataFrame())["y"].isna().tolist() == [False, True]
    assert to_frame(results, pl.LazyFrame()).shape == (2, 9)
    assert type(to_frame(results)).__name__ == "DataFrame"


def test_what_cannot_be_written_is_refused(tmp_path, monkeypatch):
    table = table_of({"a\tb": [1.0]}, "D", "2024-01-01")
    with pytest.raises(ValueError, match="TSV cannot hold the name"):
        write_results(results_of(table), tmp_path / "x.tsv")
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"x.txt: expected a name that ends with one of .csv, .tsv, .jsonl, .parquet"):
        format_of("x.txt")
    with pytest.raises(ValueError, match="ends with one of"):
        format_of("x.csv.gz")
    assert [format_of(name) for name in ("a.CSV", "b.ndjson", None)] == ["csv", "jsonl", "csv"]
    with pytest.raises(ValueError, match="Parquet is written to a file"):
        format_of(None, "parquet")
    with pytest.raises(LevelError, match="percent"):
        results_of(TABLES["days"], level=[100])
    with pytest.raises(ValueError, match="called 'forecast'"):
        results_of(TABLES["days"], columns=Columns(id="forecast"))
    windows = ends(TABLES["days"])
    broken = forecast_of(windows, 2)
    broken.deviation[1, 0] = np.nan
    with pytest.raises(ValueError, match=r"forecast-lo-80 holds NaN or an infinity. Series: 'b'"):
        forecast_results(TABLES["days"], windows, broken)
    monkeypatch.setattr("seq2seq.extras.is_installed", lambda name: False)
    for refused in (lambda: format_of("x.parquet"), lambda: to_frame(results_of(TABLES["days"]))):
        with pytest.raises(MissingPackage, match=r"keras-seq2seq-rnn\[series\]"):
            refused()


def test_files_frames_and_tables_are_taken_as_tables(tmp_path):
    (tmp_path / "x.csv").write_text("ds,y\n2024-01-01,1\n2024-01-02,2\n")
    table = as_series_table(tmp_path / "x.csv")
    assert as_series_table(table) is table
    assert len(as_series_table(pd.DataFrame({"ds": [1, 2], "y": [1.0, 2]}))[0]) == 2


@pytest.mark.parametrize("name", TABLES)
def test_fans_are_drawn_of_any_table(name, tmp_path):
    table = TABLES[name]
    plot_fan(tmp_path / "fan.svg", table, ends(table), forecast_of(ends(table), 4))
    assert "<svg" in (tmp_path / "fan.svg").read_text()


def test_fans_of_many_series_odd_names_and_one_step(tmp_path):
    table = table_of({f"{n} $x$ \x1b[2J": np.arange(30.0) + n for n in range(20)}, "h", "2024-01-01")
    windows = rolling_origins(table, 5, 1, 1)
    plot_fan(tmp_path / "many.svg", table, windows, forecast_of(windows, 5), [50, 95], history=8)
    text = (tmp_path / "many.svg").read_text()
    assert "The first 12 of 20 forecasts" in text.replace("\n", " ")
    plot_fan(tmp_path / "one.png", table, ends(table), forecast_of(ends(table), 1))
    rng = np.random.default_rng(0)
    actual, draws = rng.normal(size=(40, 3)), rng.normal(size=(40, 3, 100))
    levels = [0.1, 0.5, 0.9]
    pit = pit_histogram_from_quantiles(SampleForecast(draws).quantiles(levels), levels, actual)
    plot_pit(tmp_path / "pit.png", {"run $": pit, "naive": pit, "theta": pit, "ridge": pit})
    with pytest.raises(ValueError, match=r"A figure is a .png or .svg file. Received: x.pdf"):
        check_figure("x.pdf")
    assert {path.name for path in tmp_path.iterdir()} == {"many.svg", "one.png", "pit.png"}


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_file_written_part_by_part_is_that_written_at_once(kind, tmp_path):
    table = table_of({name: [1.0, 2] for name in "abc"}, "D", ["2024-01-01", "2024-01-01 12:00", "2024-01-01"])
    windows = ends(table)
    forecast = forecast_of(windows, 3)
    write_results(forecast_results(table, windows, forecast), tmp_path / f"whole.{kind}")
    with results_file(tmp_path / f"parts.{kind}") as write:
        for row in range(3):
            some = Windows(windows.series[row : row + 1], windows.cuts[row : row + 1])
            part = SpreadForecast(forecast.mean[row : row + 1], forecast.deviation[row : row + 1])
            write(forecast_results(table, some, part))
    if kind == "parquet":
        assert pl.read_parquet(tmp_path / "parts.parquet").equals(pl.read_parquet(tmp_path / "whole.parquet"))
    else:
        assert (tmp_path / f"parts.{kind}").read_text() == (tmp_path / f"whole.{kind}").read_text()


def test_a_file_appears_when_it_is_whole_and_not_before(tmp_path):
    for kind in ("csv", "parquet"):
        with pytest.raises(ValueError, match="percent"), results_file(tmp_path / f"x.{kind}") as write:
            [write(results_of(TABLES["days"], level=[level])) for level in (80, 100)]
    assert not list(tmp_path.iterdir())
