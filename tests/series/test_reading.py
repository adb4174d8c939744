"""A long table becomes the same series from every form, by stated rules; what breaks a rule is named by its line."""

from __future__ import annotations

import gzip
import json
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from seq2seq.extras import MissingPackage
from seq2seq.series.advice import fields_named
from seq2seq.series.cells import Columns
from seq2seq.series.grid import TableError
from seq2seq.series.reading import from_frame, read_table
from seq2seq.series.table import table_of

ROWS = [
    ("a", "2024-01-01 00:00", 1.5, 10, "x"),
    ("b", "2024-01-01 05:00", 7.0, 70, "y"),
    ("a", "2024-01-01 02:00", None, 12, "x"),
    ("a", "2024-01-01 01:00", 2.5, 11, "x"),
    ("b", "2024-01-01 08:00", 8.0, None, "y"),
]
NAMES = ("unique_id", "ds", "y", "load", "site")
COLUMNS = Columns(covariates=("load",), static=("site",))


def csv_text(rows=ROWS, names=NAMES):
    return ",".join(names) + "\n" + "".join(",".join("" if c is None else str(c) for c in row) + "\n" for row in rows)


def columns_of(rows=ROWS):
    return {name: [row[i] for row in rows] for i, name in enumerate(NAMES)}


def typed(rows=ROWS):
    columns = columns_of(rows)
    return {**columns, "ds": [np.datetime64(stamp, "us").item() for stamp in columns["ds"]]}


def from_csv(folder):
    (folder / "t.csv").write_text(csv_text())
    return read_table(folder / "t.csv", COLUMNS)


def from_compressed_csv(folder):
    (folder / "t.csv.gz").write_bytes(gzip.compress(csv_text().encode()))
    return read_table(folder / "t.csv.gz", COLUMNS)


def from_tsv(folder):
    (folder / "t.tsv").write_text(csv_text().replace(",", "\t"))
    return read_table(folder / "t.tsv", COLUMNS)


def from_json_lines(folder):
    lines = [json.dumps(dict(zip(NAMES, row, strict=True))) for row in ROWS]
    (folder / "t.jsonl").write_text("\n".join(lines))
    return read_table(folder / "t.jsonl", COLUMNS)


def from_parquet(folder):
    parquet.write_table(pa.table(typed()), folder / "t.parquet")
    return read_table(folder / "t.parquet", COLUMNS)


FORMS = {
    "csv": from_csv,
    "csv.gz": from_compressed_csv,
    "tsv": from_tsv,
    "json lines": from_json_lines,
    "parquet": from_parquet,
    "pandas": lambda _: from_frame(pd.DataFrame(typed()), COLUMNS),
    "pandas, text": lambda _: from_frame(pd.DataFrame(columns_of()), COLUMNS),
    "polars": lambda _: from_frame(pl.DataFrame(typed()), COLUMNS),
    "polars, lazy": lambda _: from_frame(pl.LazyFrame(typed()), COLUMNS),
    "pyarrow": lambda _: from_frame(pa.table(typed()), COLUMNS),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_series(form, tmp_path):
    table = FORMS[form](tmp_path)
    assert list(table.ids) == ["a", "b"]
    assert str(table.frequency) == "h"
    a, b = table
    np.testing.assert_array_equal(a.values, [1.5, 2.5, 0])
    np.testing.assert_array_equal(a.observed, [True, True, False])
    np.testing.assert_array_equal(b.values, [7, 0, 0, 8])
    np.testing.assert_array_equal(b.observed, [True, False, False, True])
    np.testing.assert_array_equal(a.covariates["load"], [10, 11, 12])
    np.testing.assert_array_equal(b.covariates["load"], [70, np.nan, np.nan, np.nan])
    assert (a.static, b.static) == ({"site": "x"}, {"site": "y"})
    assert [str(time) for time in b.times[[0, -1]]] == ["2024-01-01T05:00:00.000000", "2024-01-01T08:00:00.000000"]
    assert table.notes == (
        "Sorted the rows of 1 series by time.",
        "Inferred the frequency h.",
        "2 of 7 steps have no row; their values are missing.",
    )


def read(folder, text, columns=Columns(), name="t.csv", **options):
    (folder / name).write_text(text)
    return read_table(folder / name, columns, **options)


HEAD = "unique_id,ds,y\n"
WRONG = {
    "text": (HEAD + "a,2024-01-01,1\na,2024-01-02,abc\n", r"t\.csv:3: column 'y': expected a number.*Received: 'abc'"),
    "comma": (HEAD + 'a,2024-01-01,"1,5"\n', r"t\.csv:2: column 'y': .*'1,5'.*decimal point"),
    "underscore": (HEAD + "a,2024-01-01,1_0\n", r"t\.csv:2: column 'y': expected a number"),
    "infinity": (
        HEAD + "a,2024-01-01,1\na,2024-01-02,-inf\n",
        r"t\.csv:3: column 'y': expected a finite.*Received: -inf",
    ),
    "overflow": (HEAD + "a,2024-01-01,1e999\n", r"t\.csv:2: column 'y': expected a finite number"),
    "stamp": (
        HEAD + "a,2024-01-01,1\na,01.02.2024,1\n",
        r"t\.csv:3: column 'ds': expected a time stamp.*'01\.02\.2024'",
    ),
    "no such day": (HEAD + "a,2024-02-30,1\n", r"t\.csv:2: column 'ds': expected a time stamp.*'2024-02-30'"),
    "no stamp": (HEAD + "a,,1\n", r"t\.csv:2: column 'ds': expected a time stamp"),
    "no id": (HEAD + ",2024-01-01,1\n", r"t\.csv:2: column 'unique_id' has no name of a series"),
    "duplicate": (
        HEAD + "a,2024-01-01,1\nb,2024-01-01,1\na,2024-01-02,1\na,2024-01-01,5\n",
        r"t\.csv:5: series 'a' has the stamp 2024-01-01 a second time; the first is at .*t\.csv:2\.",
    ),
    "off the grid": (
        HEAD + "a,2024-01-01 00:00,1\na,2024-01-01 01:00,1\na,2024-01-01 02:00,1\na,2024-01-01 03:07,1\n",
        r"t\.csv:5: series 'a' has the stamp 2024-01-01 03:07:00, which is no multiple of h after .*25 %",
    ),
    "zones": (
        HEAD + "a,2024-01-01T00:00+01:00,1\na,2024-01-01T01:00-05:00,1\n",
        r"t\.csv:3: the offset from UTC is -05:00, and at .*t\.csv:2 it is \+01:00\. Expected one time zone",
    ),
    "zones in turn": (
        HEAD + "".join(f"a,2024-01-0{day}T00:00+0{1 + day % 2}:00,1\n" for day in range(1, 6)),
        r"t\.csv:4: the offset from UTC is \+02:00, and at .*t\.csv:3 it is \+01:00, where it had just changed",
    ),
    "no separator": (HEAD + "a,2024-01-01x02:00,1\n", r"t\.csv:2: column 'ds': expected a time stamp.*x02:00'"),
    "zone and none": (HEAD + "a,2024-01-01T00:00Z,1\na,2024-01-01T01:00,1\n", r"t\.csv:3: this stamp has none"),
    "number and time": (HEAD + "a,1,1\na,2024-01-01,1\n", r"t\.csv:3: this stamp has none.*is a whole number"),
    "dates as numbers": (HEAD + "a,20240101,1\na,20240102,1\na,20240103,1\n", r"t\.csv:2: .*looks like a date"),
    "one row": (HEAD + "a,2024-01-01,1\nb,2024-01-01,1\n", "cannot be inferred: no series has two rows. Give it"),
    "no rows": (HEAD, "has no rows"),
    "wrong name": ("unique_id,ds,Y\na,2024-01-01,1\n", r"t\.csv:1: the header has no column 'y'.*Did you mean 'Y'"),
    "wrong id": ("uniqueid,ds,y\na,2024-01-01,1\n", r"there is no column 'unique_id'.*Did you mean 'uniqueid'"),
    "too sparse": (
        HEAD + "a,1900-01-01 00:00:00,1\na,1900-01-01 00:00:01,1\na,2024-01-01 00:00:00,1\n",
        r"t\.csv:2: series 'a' has 3 rows, which span 3,913,\d{3},\d{3} steps of s",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_error_names_the_line_and_what_came(case, tmp_path):
    text, message = WRONG[case]
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)


def test_a_frequency_that_no_two_rows_have_is_refused_with_theirs(tmp_path):
    months = HEAD + "".join(f"a,2024-0{month}-01,1\n" for month in range(1, 6))
    with pytest.raises(TableError, match=r"t\.csv:2: the rows have the frequency MS: no two of a series"):
        read(tmp_path, months, frequency="h")
    with pytest.raises(TableError, match="Expected rows of 15min"):
        read(tmp_path, HEAD + "".join(f"a,2024-01-01 0{hour}:30,1\n" for hour in range(9)), frequency="15min")
    gaps = HEAD + "a,2024-01-01,1\na,2024-01-05,1\na,2024-01-09,1\na,2024-01-10,1\n"
    assert len(read(tmp_path, gaps, frequency="D")[0]) == 10


def test_an_offset_behind_a_date_is_that_of_its_midnight(tmp_path):
    with pytest.raises(TableError, match=r"t\.csv:3: series 'a' has the stamp .* a second time"):
        read(tmp_path, HEAD + "a,2024-10-27+02:00,1\na,2024-10-27 00:00+02:00,2\n", frequency="h")
    table = read(tmp_path, HEAD + "a,2024-10-26Z,1\na,2024-10-27+0000,2\na,2024/10/28+00,3\n")
    assert [str(time)[:16] for time in table[0].times] == [f"2024-10-{day}T00:00" for day in (26, 27, 28)]


def test_a_frame_names_the_row():
    frame = pd.DataFrame({"unique_id": ["a", "a"], "ds": ["2024-01-01", "2024-01-02"], "y": ["1", "x"]})
    with pytest.raises(ValueError, match=r"row 1: column 'y': expected a number.*Received: 'x'"):
        from_frame(frame)
    with pytest.raises(ValueError, match=r"The frame: there is no column 'y'.*Did you mean 'yy'"):
        from_frame(frame.rename(columns={"y": "yy"}))
    with pytest.raises(ValueError, match=r"Expected a frame of pandas, polars or pyarrow. Received: builtins.list"):
        from_frame([1, 2])


def test_a_static_column_of_lists_is_named():
    frame = pl.DataFrame({"unique_id": ["a", "a"], "ds": [1, 2], "y": [1, 2], "site": [[1], [2]]})
    with pytest.raises(ValueError, match=r"row 0: column 'site': expected a number or text\. Received: \[1\]"):
        from_frame(frame, Columns(static=("site",)))


def test_steps_may_be_floats_in_a_frame():
    table = from_frame(pd.DataFrame({"unique_id": "a", "ds": [1.0, 2.0, 4.0], "y": [1, 2, 3]}))
    assert list(table[0].values) == [1, 2, 0, 3]


def test_wrong_static_values_name_both_rows(tmp_path):
    text = "unique_id,ds,y,site\na,1,1,x\na,2,1,z\n"
    with pytest.raises(
        ValueError, match=r"t\.csv:3: the static column 'site' of series 'a' is 'z', and 'x' at .*t\.csv:2"
    ):
        read(tmp_path, text, Columns(static=("site",)))


@pytest.mark.parametrize(("module", "name"), [("pyarrow", "t.parquet"), ("narwhals", "t.parquet")])
def test_a_missing_package_is_named_with_its_extra(module, name, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackage, match=rf"needs the package {module}.*keras-seq2seq-rnn\[series\]"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_a_damaged_parquet_file_is_named(content, tmp_path):
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"t\.parquet is not a readable Parquet file"):
        read_table(tmp_path / "t.parquet")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"t\.xlsx: expected a table as \.csv"):
        read_table(tmp_path / "t.xlsx")


@pytest.mark.parametrize("cell", ["", "NaN", "NA", "null", "None", "n/a"])
def test_a_missing_value_has_many_names(cell, tmp_path):
    (series,) = read(tmp_path, HEAD + f"a,1,1\na,2,{cell}\na,3,3\n")
    assert list(series.observed) == [True, False, True]
    assert list(series.values) == [1, 0, 3]


def test_a_series_without_values_is_kept_and_said(tmp_path):
    table = read(tmp_path, HEAD + "a,1,\na,2,\nb,1,1\nc,1,1\nc,2,2\n")
    assert [list(series.observed) for series in table] == [[False, False], [True], [True, True]]
    assert "1 of 3 series have no observed value." in table.notes
    assert "1 of 3 series have a single observed value." in table.notes


def test_a_table_without_ids_is_one_series(tmp_path):
    table = read(tmp_path, "ds,y,other\n1,1,a\n2,2,b\n")
    assert list(table.ids) == ["series"]
    assert table.notes[0] == "There is no column unique_id: took the table as one series."


def test_a_wide_table_is_a_series_for_each_column(tmp_path):
    table = read(tmp_path, "when,HUFL,OT\n1,1,10\n2,2,\n", Columns(time="when", target=("HUFL", "OT")))
    assert list(table.ids) == ["HUFL", "OT"]
    assert [list(series.values) for series in table] == [[1, 2], [10, 0]]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_snapped_stamps_move_to_the_nearest_step_and_rows_that_meet_are_averaged(order, tmp_path):
    rows = ["a,2024-01-01 00:00,1", "a,2024-01-01 00:58,2", "a,2024-01-01 01:01,4", "a,2024-01-01 02:31,9"]
    text = HEAD + "".join(rows[i] + "\n" for i in order)
    (series,) = read(tmp_path, text, frequency="h", irregular="snap")
    assert list(series.values) == [1, 3, 0, 9]
    assert list(series.observed) == [True, True, False, True]


def test_rows_that_meet_leave_missing_values_out(tmp_path):
    text = HEAD + "a,2024-01-01 00:00,1\na,2024-01-01 00:59,\na,2024-01-01 01:01,4\na,2024-01-01 02:01,\n"
    (series,) = read(tmp_path, text, frequency="h", irregular="snap")
    assert list(series.values) == [1, 4, 0]
    assert list(series.observed) == [True, True, False]


@pytest.mark.parametrize(("order", "said"), [([1, 1, 2, 2, 3, 3], 0), ([1, 2, 3, 1, 2, 3], 2), ([1, 3, 2, 1, 3, 2], 1)])
def test_series_may_lie_among_each_other_and_only_their_own_order_counts(order, said, tmp_path):
    text = HEAD + "".join(f"{'ab'[row % 2]},{stamp},{stamp}\n" for row, stamp in enumerate(order))
    table = read(tmp_path, text)
    assert [list(series.values) for series in table] == [[1, 2, 3], [1, 2, 3]]
    assert [note for note in table.notes if "Sorted" in note] == [
        f"Sorted the rows of {said} series by time." for _ in range(min(said, 1))
    ]


def test_rows_as_they_come_keep_repeated_and_backward_stamps(tmp_path):
    text = (
        HEAD
        + "a,2024-01-01 00:00,1\nb,2024-01-01,5\na,2024-01-01 02:00,2\na,2024-01-01 02:00,3\na,2024-01-01 01:00,4\n"
    )
    a, b = read(tmp_path, text, frequency="h", irregular="rows")
    assert (list(a.values), list(b.values)) == ([1, 2, 3, 4], [5])
    assert [str(time)[11:13] for time in a.times] == ["00", "02", "02", "01"]


AUTUMN = ["2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"]


def test_an_hour_that_autumn_repeats_needs_the_zone(tmp_path):
    text = HEAD + "".join(f"a,{stamp},{i}\n" for i, stamp in enumerate(AUTUMN))
    with pytest.raises(ValueError, match="name the time zone if daylight saving repeats this hour"):
        read(tmp_path, text)
    table = read(tmp_path, text, time_zone="Europe/Berlin")
    (series,) = table
    assert list(series.values) == [0, 1, 2, 3]
    assert [str(time)[:13] for time in series.times] == [
        "2024-10-26T23",
        "2024-10-27T00",
        "2024-10-27T01",
        "2024-10-27T02",
    ]
    clock = table.clock(np.arange(4), np.zeros(4, np.int64)).astype("datetime64[us]")
    assert [str(time)[:16].replace("T", " ") for time in clock] == AUTUMN
    assert not any("Sorted" in note for note in table.notes)


def test_half_hours_of_the_repeated_hour_come_as_a_whole(tmp_path):
    clocks = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    text = HEAD + "".join(f"a,2024-10-27 {clock},{i}\n" for i, clock in enumerate(clocks))
    table = read(tmp_path, text, time_zone="Europe/Berlin")
    assert list(table[0].values) == [0, 1, 2, 3, 4, 5]
    assert not any("Sorted" in note for note in table.notes)


def test_spring_leaves_no_gap_where_the_zone_is_known(tmp_path):
    text = HEAD + "a,2024-03-31 01:00,1\na,2024-03-31 03:00,2\na,2024-03-31 04:00,3\n"
    assert list(read(tmp_path, text, frequency="h")[0].observed) == [True, False, True, True]
    assert list(read(tmp_path, text, time_zone="Europe/Berlin")[0].values) == [1, 2, 3]


def test_offsets_of_daylight_saving_are_one_zone(tmp_path):
    text = HEAD + "a,2024-03-31T01:00+01:00,1\na,2024-03-31T03:00+02:00,2\na,2024-03-31T04:00+02:00,3\n"
    assert list(read(tmp_path, text)[0].values) == [1, 2, 3]


def test_days_follow_the_wall_clock_through_daylight_saving(tmp_path):
    days = pd.date_range("2024-03-29", "2024-04-02", tz="Europe/Berlin")
    frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": np.arange(5.0)})
    for one in (frame, pl.from_pandas(frame)):
        table = from_frame(one)
        assert str(table.frequency) == "D"
        assert list(table[0].values) == [0, 1, 2, 3, 4]
        assert str(table[0].times[0])[:13] == "2024-03-29T00"


@pytest.mark.parametrize(("stamps", "frequency"), [((1, 2), "h"), (("2024-01-01", "2024-01-02"), "step")])
def test_numbers_count_steps_and_times_do_not(stamps, frequency, tmp_path):
    with pytest.raises(ValueError, match=rf"expected a frequency of .* Received: {frequency}"):
        read(tmp_path, HEAD + "".join(f"a,{stamp},1\n" for stamp in stamps), frequency=frequency)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_time_have_a_clock(day, tmp_path):
    table = read(tmp_path, HEAD + f"a,{day} 23:59,1\n", frequency="min", time_zone="Europe/Berlin")
    table.clock(table.offsets[:-1], np.zeros(1, np.int64))


def test_an_unknown_zone_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"name of a time zone, such as Europe/Berlin. Received: 'Berlin'"):
        read(tmp_path, HEAD + "a,2024-01-01,1\na,2024-01-02,1\n", time_zone="Berlin")


GLUON = (
    '{"item_id": "u", "start": "2024-01-01 00:00:00", "target": [1, "NaN", null, 4], '
    '"feat_dynamic_real": [[1, 2, 3, 4, 5, 6]], "feat_static_cat": [3]}\n'
    '{"item_id": "v", "start": "2024-02-01", "target": [5.5], "feat_dynamic_real": [[7]], "feat_static_cat": [4]}\n'
)


def test_series_of_gluonts(tmp_path):
    u, v = read(tmp_path, GLUON, name="t.jsonl", frequency="h")
    assert (u.id, list(u.values), list(u.observed)) == (
        "u",
        [1, 0, 0, 4, 0, 0],
        [True, False, False, True, False, False],
    )
    assert (v.id, list(v.values)) == ("v", [5.5])
    np.testing.assert_array_equal(u.covariates["feat_dynamic_real_0"], [1, 2, 3, 4, 5, 6])
    assert (u.static, v.static) == ({"feat_static_cat_0": 3.0}, {"feat_static_cat_0": 4.0})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"start": "2024-01-01", "target": [1, "x"]}', r"t\.jsonl:1: column 'target': expected a number"),
        ('{"start": "2024-01-01", "target": [[1], [2]]}', r"t\.jsonl:1: target: expected a list of numbers"),
        ('{"start": "noon", "target": [1]}', r"t\.jsonl:1: column 'start': expected a time stamp"),
        ('{"start": "2024-01-01", "target": []}', r"t\.jsonl:1: target is empty"),
        (
            '{"start": "2024-01-01", "target": [1, 2], "feat_dynamic_real": [[1]]}',
            "feat_dynamic_real has 1 steps, target 2",
        ),
        (
            '{"start": "2024-01-01", "target": [1], "feat_static_cat": 3}',
            "feat_static_cat: expected a list. Received: 3",
        ),
        ('{"start": "2024-01-01", "target": [1], "feat_dynamic_real": [1]}', "expected a list of numbers. Received: 1"),
        ('{"start": "2024-01-01", "target": [1], "feat_static_cat": [[3]]}', "expected a number or text"),
        (GLUON + '{"start": "2024-01-01", "target": [1]}', r"t\.jsonl:3: 0 dynamic"),
        (GLUON + GLUON, "two series have the item_id 'u'"),
    ],
)
def test_a_wrong_series_of_gluonts_is_named(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text, name="t.jsonl", frequency="h")


def test_gluonts_needs_a_frequency(tmp_path):
    with pytest.raises(ValueError, match="do not hold their frequency"):
        read(tmp_path, GLUON, name="t.jsonl")


def test_a_block_of_rows_ends_anywhere(tmp_path, monkeypatch):
    whole = from_csv(tmp_path)
    monkeypatch.setattr("seq2seq.series.reading._BLOCK", 2)
    cut = from_csv(tmp_path)
    np.testing.assert_array_equal(whole.values, cut.values)
    np.testing.assert_array_equal(whole.offsets, cut.offsets)
    assert [one.static for one in whole] == [other.static for other in cut]


def test_a_cut_keeps_steps_and_stamps():
    table = table_of({"a": [0, 1, 2, 3], "b": [10, 11]}, "D", "2024-01-01")
    tail = table.cut(-3, -1)
    assert [list(series.values) for series in tail] == [[1, 2], [10]]
    assert [str(series.times[0])[:10] for series in tail] == ["2024-01-02", "2024-01-01"]
    head = table.cut(1, 3)
    assert [list(series.values) for series in head] == [[1, 2], [11]]
    assert [list(series.values) for series in table.cut(3)] == [[3], []]


def test_arrays_in_memory_hold_no_infinity():
    with pytest.raises(ValueError, match="Series 'b' holds an infinite value"):
        table_of({"a": [1.0], "b": [1.0, np.inf]})


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("unique_id,date,y\na,2024-01-01,1\n", "t.csv", r"no column 'ds'. It names: .*, y\. Say .*--data.time_column"),
        ('{"unique_id": "a", "ds": 1, "z": 1}\n', "t.jsonl", r"no column 'y'. .*, z\. Say .*--data.target_columns"),
        (HEAD + "a,2024-01-01,1\n", "t.csv", r"Give it, .*The field is --data.frequency\."),
        (HEAD + "a,2024-01-01,x\n", "t.csv", r"Received: 'x'\.$"),
    ],
)
def test_the_error_of_a_table_names_the_field_of_a_recipe_that_mends_it(text, name, message, tmp_path):
    with pytest.raises(TableError, match=message) as error, fields_named():
        read(tmp_path, text, name=name)
    assert "\n" not in str(error.value)


def test_the_share_of_stamps_off_the_grid_is_a_plain_number(tmp_path):
    with pytest.raises(TableError, match=r"\(67 % of all stamps are not\)"):
        read(tmp_path, HEAD + "a,2024-01-01,1\na,2024-01-02,1\na,2024-01-03,1\n", frequency="W")
