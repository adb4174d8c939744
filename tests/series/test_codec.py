"""A codec is the same when it is read again, refuses what is damaged, and names what it does not know."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from seq2seq.series.cells import Columns
from seq2seq.series.codec import SeriesCodec, learn_codec
from seq2seq.series.grid import TableError
from seq2seq.series.reading import read_table
from seq2seq.series.table import table_of
from seq2seq.series.windows import Windows, cut_windows
from tests.forecasters import COLUMNS, changed, make_codec, make_table

WINDOW = Windows(np.asarray([0]), np.asarray([10]))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("extras", [False, True])
def test_a_codec_that_was_saved_is_read_again(tmp_path, standardize, extras):
    codec = make_codec(make_table(extras=extras), standardize=standardize)
    codec.save(tmp_path / "codec.json")
    assert SeriesCodec.load(tmp_path / "codec.json") == codec


def test_the_columns_of_a_wide_table_are_read_again(tmp_path):
    codec = dataclasses.replace(make_codec(make_table(extras=False)), columns=Columns(target=("a", "b")))
    codec.save(tmp_path / "codec.json")
    assert SeriesCodec.load(tmp_path / "codec.json") == codec


def test_a_codec_that_is_damaged_anywhere_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "codec.json"
    codec = make_codec(make_table(), standardize=True)
    codec.save(path)
    whole = json.loads(path.read_text())
    damaged = [{name: part for name, part in whole.items() if name != left_out} for left_out in whole]
    for name in whole:
        damaged += [{**whole, name: odd} for odd in (5, "x", [1], {"a": 1}, [[None]], None) if (name, odd) != FINE]
    damaged += [
        {**whole, "ids": whole["ids"][:2]},
        {**whole, "ids": ["s0", "s0", "s1"]},
        {**whole, "ranges": {name: part for name, part in whole["ranges"].items() if name != "promo"}},
        {**whole, "categories": {}},
        {**whole, "future": ["heat", "cold"]},
        {**whole, "standard": [[0.0, 1.0], [1.0, 1.0]]},
        {**whole, "standard": [[0.0, 1.0, 2.0], [1.0, 0.0, 1.0]]},
        {**whole, "ranges": {**whole["ranges"], "heat": [1.0, float("nan")]}},
        {**whole, "more": 1},
    ]
    for entry in damaged:
        path.write_text(json.dumps(entry))
        with pytest.raises(ValueError, match=r"codec\.json: missing or damaged") as error:
            pytest.fail(f"read {SeriesCodec.load(path)} of {entry}")
        assert "\n" not in str(error.value)
    for text in ("", "{", "[]", "null", json.dumps(whole)[:-20]):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"codec\.json: missing or damaged"):
            SeriesCodec.load(path)
    with pytest.raises(ValueError, match="missing or damaged"):
        SeriesCodec.load(tmp_path / "none.json")


FINE = ("standard", None)


def test_series_that_were_not_in_training_are_refused_where_each_is_standardised():
    table = make_table()
    codec = make_codec(table, standardize=True)
    with pytest.raises(TableError, match=r"Series 'new' was not in training.*Known series: s0, s1, s2"):
        codec.standardized(changed(table, ids=["s0", "new", "s2"]))
    assert make_codec(table).standardized(changed(table, ids=["s0", "new", "s2"])) is not None


def test_standardised_series_have_mean_0_and_deviation_1_and_follow_their_names():
    table = make_table()
    codec = make_codec(table, standardize=True)
    for one in codec.standardized(table):
        np.testing.assert_allclose(one.values[one.observed].mean(), 0, atol=1e-9)
        np.testing.assert_allclose(one.values[one.observed].std(), 1, rtol=1e-9)
        assert (one.values[~one.observed] == 0).all()
    mean, deviation = codec.standards(changed(table, ids=["s2", "s1", "s0"]))
    np.testing.assert_array_equal(mean, np.asarray(codec.standard[0])[::-1])
    np.testing.assert_array_equal(deviation, np.asarray(codec.standard[1])[::-1])


def test_a_constant_or_missing_column_is_not_divided_by_0():
    table = table_of({"a": np.full(20, 3.0), "b": np.full(20, np.nan)}, "D", "2024-01-01")
    table = changed(table, covariates={"promo": np.full(40, np.nan), "heat": np.full(40, 5.0)})
    table = changed(table, static={"size": np.asarray([np.nan, np.nan]), "region": np.asarray(["x", "x"])})
    codec = make_codec(table, standardize=True)
    assert codec.standard == ((3.0, 0.0), (1.0, 1.0))
    cut = cut_windows(table, WINDOW, 5, 5)
    assert (codec.covariates(table, cut, ("promo", "heat")) == 0).all()
    np.testing.assert_array_equal(codec.static(table, np.asarray([0, 1])), [[0, 1], [0, 1]])


def test_unknown_categories_are_none_of_the_known_ones():
    table = make_table()
    codec = make_codec(table)
    assert codec.static_width == 1 + 1 + 2
    other = changed(table, static={**table.static, "region": np.asarray(["south", "east", "north"])})
    np.testing.assert_array_equal(codec.static(other, np.arange(3))[:, 1:], [[0, 1], [0, 0], [1, 0]])


def csv(tmp_path, rows, name="table.csv", head="unique_id,ds,y,kind"):
    path = tmp_path / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_categories_that_look_like_numbers_in_part_of_the_series_are_the_same(tmp_path):
    rows = [
        f"{name},2024-01-0{day},{day},{kind}" for name, kind in (("a", "1"), ("b", "X"), ("c", "02")) for day in (1, 2)
    ]
    columns = Columns(static=("kind",))
    codec = learn_codec(read_table(csv(tmp_path, rows), columns), columns, (), "error", False, False)
    expected = [[[0, 1, 0]], [[0, 0, 1]], [[1, 0, 0]]]
    for number, part in enumerate((rows[:2], rows[2:4], rows[4:])):
        table = codec.read(csv(tmp_path, part, "part.csv"))
        assert codec.static(table, np.asarray([0])).tolist() == expected[number]


def test_a_word_where_training_had_numbers_is_said(tmp_path):
    rows = [f"{name},2024-01-0{day},{day},{kind}" for name, kind in (("a", "1"), ("b", "2")) for day in (1, 2)]
    columns = Columns(static=("kind",))
    codec = learn_codec(read_table(csv(tmp_path, rows), columns), columns, (), "error", False, False)
    table = codec.read(csv(tmp_path, ["a,2024-01-01,1,big", "a,2024-01-02,1,big"], "odd.csv"))
    with pytest.raises(TableError, match=r"static column 'kind'.*series 'a'.*'big'.*number"):
        codec.static(table, np.asarray([0]))


def test_a_table_without_a_column_of_training_is_refused(tmp_path):
    table = make_table()
    codec = make_codec(table)
    path = csv(tmp_path, ["a,2024-01-01,1,2,3"], head="unique_id,ds,y,promo,heat")
    with pytest.raises(ValueError, match=r"table\.csv:1: the header has no column 'size'"):
        codec.read(path)
    for part, match in (({"covariates": {}}, "promo"), ({"static": {}}, "size")):
        with pytest.raises(TableError, match=match):
            codec.check(changed(table, **part))
    codec.check(table)


def test_a_table_of_another_frequency_is_refused():
    codec = make_codec(make_table(extras=False))
    with pytest.raises(TableError, match=r"frequency h\. Expected D"):
        codec.check(table_of({"a": np.zeros(5)}, "h", "2024-01-01"))
    with pytest.raises(TableError, match=r"frequency step\. Expected D"):
        codec.check(table_of({"a": np.zeros(5)}))


def test_covariates_of_a_window_are_normal_where_they_are_there_and_0_elsewhere():
    table = make_table(holes=0)
    codec = make_codec(table)
    heat = table.covariates["heat"]
    known = heat[np.isfinite(heat)]
    window = Windows(np.asarray([1]), np.asarray([2]))
    found = codec.covariates(table, cut_windows(table, window, 4, 3), ("heat",))[0, :, 0]
    expected = np.concatenate([[0, 0], np.nan_to_num((heat[40:45] - known.mean()) / known.std())])
    np.testing.assert_allclose(found, expected)


def test_the_codec_of_a_table_names_its_columns():
    codec = make_codec(make_table())
    assert codec.columns == COLUMNS
    assert (codec.future, codec.historic, codec.frequency) == (("promo",), ("heat",), "D")
    assert codec.categories == {"region": ("north", "south")}
