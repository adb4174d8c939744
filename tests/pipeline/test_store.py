"""Rows of sequences on disk: whole or not there."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from seq2seq.pipeline.store import CHUNK, DTYPES, Column, ColumnReader, Store

COLUMNS = {"frames": Column("float32", (3,)), "labels": Column("int32")}


def random_rows(count, longest=12):
    """Rows of readings, in which 0.0 is common, and of labels; both may be empty."""
    random = np.random.default_rng(count)
    return [
        {
            "frames": (random.random((random.integers(0, longest), 3)) * random.integers(0, 2, 3)).astype("f4"),
            "labels": random.integers(-9, 9, random.integers(0, longest)),
        }
        for _ in range(count)
    ]


@pytest.fixture
def small(tmp_path):
    """The folder of a store of three rows."""
    rows = [
        {"frames": [[0.0, 1.0, 2.0]], "labels": [4, 5]},
        {"frames": [], "labels": [0]},
        {"frames": [], "labels": []},
    ]
    return Store.write(tmp_path / "store", rows, COLUMNS, {"dropped": 7}).folder


@pytest.mark.parametrize("count", [0, 1, 2 * ColumnReader.STRIDE + 3, CHUNK, CHUNK + 1])
def test_rows_are_read_as_they_were_written(tmp_path, count):
    rows = random_rows(count)
    written = Store.write(tmp_path / "store", iter(rows), COLUMNS, {"dropped": 7})
    for store in (written, Store(tmp_path / "store")):
        assert len(store) == count
        assert store.columns.keys() == COLUMNS.keys()
        assert store.metadata == {"dropped": 7}
        for name, column in COLUMNS.items():
            assert name in store
            assert store[name].column == column
            assert store.lengths(name).tolist() == [len(row[name]) for row in rows]
            assert len(store[name]) == count
    chosen = {*range(min(count, 40)), *range(max(0, count - 40), count)} | {n for n in (1023, 1024, 2048) if n < count}
    for i in chosen:
        for name, column in COLUMNS.items():
            found = store[name][i]
            assert (found.dtype, found.shape[1:]) == (np.dtype(column.dtype), column.shape)
            np.testing.assert_array_equal(found, rows[i][name])


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_keeps_its_extremes(tmp_path, dtype):
    kind = np.dtype(dtype).kind
    limits = [0, 1] if kind == "b" else np.finfo(dtype) if kind == "f" else np.iinfo(dtype)
    values = np.asarray(limits if kind == "b" else [limits.min, 0, limits.max], dtype)
    store = Store.write(tmp_path / "store", [{"x": values}], {"x": Column(dtype)})
    assert store["x"][0].dtype == dtype
    np.testing.assert_array_equal(store["x"][0], values)


def test_lists_and_arrays_may_be_mixed(tmp_path):
    rows = [{"x": [(1, 2)]}, {"x": np.array([[3, 4], [5, 6]])}, {"x": np.zeros((0, 2))}, {"x": []}]
    store = Store.write(tmp_path / "store", rows, {"x": Column("uint16", (2,))})
    assert [store["x"][i].tolist() for i in range(4)] == [[[1, 2]], [[3, 4], [5, 6]], [], []]


def test_metadata_may_be_counted_while_the_rows_are_made(tmp_path):
    counts = {"odd": 0}

    def rows():
        for i in range(9):
            counts["odd"] += i % 2
            if i % 2 == 0:
                yield {"x": [i]}

    store = Store.write(tmp_path / "store", rows(), {"x": Column("int8")}, counts)
    assert (len(store), store.metadata) == (5, {"odd": 4})


@pytest.mark.parametrize(
    ("column", "row", "message"),
    [
        (Column("int32"), [1.5], "expected int32. Received: float64"),
        (Column("int32"), [2**31], "expected int32, -2,147,483,648 to 2,147,483,647. Received: 2,147,483,648 to"),
        (Column("uint8"), [3, -1], "expected uint8, 0 to 255. Received: -1 to 3"),
        (Column("float32"), ["a"], "expected float32. Received: <U1"),
        (Column("float32"), np.array([None]), "expected float32. Received: object"),
        (Column("bool"), [2], "expected bool. Received: int64"),
        (Column("float32", (3,)), [[1.0, 2.0]], r"expected entries of shape \(3,\). Received: \(2,\)"),
        (Column("float32", (3,)), [1.0], r"expected entries of shape \(3,\). Received: \(\)"),
        (Column("int32"), np.zeros((2, 2), int), r"expected entries of shape \(\). Received: \(2,\)"),
    ],
)
def test_values_that_a_column_cannot_hold_are_refused_and_leave_nothing(tmp_path, column, row, message):
    with pytest.raises(ValueError, match=f"Column x: {message}"):
        Store.write(tmp_path / "store", [{"x": row}], {"x": column})
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("row", [{}, {"y": [1]}, {"x": [1], "y": [1]}])
def test_rows_with_other_columns_are_refused(tmp_path, row):
    with pytest.raises(ValueError, match=r"expected the columns \['x'\] in each row"):
        Store.write(tmp_path / "store", [{"x": [1]}, row], {"x": Column("int32")})
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\0b"])
def test_a_column_is_not_named_by_a_path(tmp_path, name):
    with pytest.raises(ValueError, match="name of a file"):
        Store.write(tmp_path / "store", [], {name: Column("int32")})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("object",), "dtype must be one of bool, .* Received: 'object'"),
        (("O",), "dtype must be one of"),
        ((5,), "dtype must be one of"),
        (("int32", (0,)), "shape must hold whole numbers above 0"),
        (("int32", (-1,)), "shape must hold whole numbers above 0"),
        (("int32", (True,)), "shape must hold whole numbers above 0"),
        (("int32", (2.0,)), "shape must hold whole numbers above 0"),
    ],
)
def test_a_column_of_something_else_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Column(*options)


def test_a_column_or_a_row_that_is_not_there_is_named(small):
    store = Store(small)
    with pytest.raises(ValueError, match=r"has no column 'target'\. It has: frames, labels"):
        store["target"]
    for row in (3, -1):
        with pytest.raises(IndexError, match=f"labels has 3 rows, counted from 0. Received: {row}"):
            store["labels"][row]


def test_an_interrupted_write_leaves_what_was_there(tmp_path):
    def endless():
        for i in range(2 * CHUNK):
            if i > CHUNK:
                raise KeyboardInterrupt
            yield {"x": [i]}

    for before in (None, 5):
        if before:
            Store.write(tmp_path / "store", [{"x": [before]}], {"x": Column("int32")})
        with pytest.raises(KeyboardInterrupt):
            Store.write(tmp_path / "store", endless(), {"x": Column("int32")})
        assert [path.name for path in tmp_path.iterdir()] == ["store"] * bool(before)
    assert Store(tmp_path / "store")["x"][0].tolist() == [5]


def _edit(change):
    def damage(folder):
        values = json.loads((folder / "store.json").read_text())
        change(values)
        (folder / "store.json").write_text(json.dumps(values))

    return damage


def _column(**changes):
    return _edit(lambda values: values["columns"]["frames"].update(changes))


DAMAGES = {
    "no description": lambda folder: (folder / "store.json").unlink(),
    "no JSON": lambda folder: (folder / "store.json").write_text("{"),
    "a list": lambda folder: (folder / "store.json").write_text("[]"),
    "no values": lambda folder: (folder / "frames.values").unlink(),
    "no lengths": lambda folder: (folder / "labels.lengths").unlink(),
    "fewer values": lambda folder: np.zeros(1, "<i4").tofile(folder / "labels.values"),
    "more values": lambda folder: np.zeros(99, "<i4").tofile(folder / "labels.values"),
    "part of a value": lambda folder: (folder / "labels.values").write_bytes(b"\0" * 13),
    "part of a length": lambda folder: (folder / "labels.lengths").write_bytes(b"\0" * 13),
    "more rows in a column": lambda folder: np.asarray([2, 1, 0, 0], "<u4").tofile(folder / "labels.lengths"),
    "fewer rows in a column": lambda folder: np.asarray([3], "<u4").tofile(folder / "labels.lengths"),
    "rows as text": _edit(lambda values: values.update(rows="3")),
    "rows below 0": _edit(lambda values: values.update(rows=-3)),
    "other rows": _edit(lambda values: values.update(rows=4)),
    "no columns": _edit(lambda values: values.pop("columns")),
    "columns as a list": _edit(lambda values: values.update(columns=["frames"])),
    "no metadata": _edit(lambda values: values.pop("metadata")),
    "another dtype": _column(dtype="float64"),
    "objects": _column(dtype="object"),
    "a structure": _column(dtype=[["a", "i4"]]),
    "another shape": _column(shape=[2]),
    "a shape beyond all memory": _column(shape=[2**70]),
    "no shape": _column(shape=None),
    "a column outside": _edit(lambda values: values["columns"].update({"../x": {"dtype": "int8", "shape": []}})),
    "an older version": lambda folder: (folder / "store.json").write_text('{"pairs": 3, "empty": 0, "too_long": 0}'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_store_that_is_not_whole_is_refused_in_one_sentence(small, damage):
    DAMAGES[damage](small)
    with pytest.raises(ValueError, match=r"store is not a whole store \(.*\)\. Delete it: the same command") as caught:
        Store(small)
    assert "\n" not in str(caught.value)
    if damage == "an older version":
        assert "another version of the toolkit wrote it" in str(caught.value)


def test_a_store_never_runs_code(small):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (small / "run",))

    for name in ("frames.values", "labels.lengths", "store.json"):
        (small / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(ValueError, match="not a whole store"):
            Store(small)
    assert not (small / "run").exists()


def test_numbers_out_of_range_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr("seq2seq.pipeline.store.BLOCK", 4)
    rows = [{"x": [0, 3, 7]}, {"x": [5]}, {"x": [9, 1]}]
    store = Store.write(tmp_path / "store", rows, {"x": Column("int32")})
    store.check_below("x", 10)
    with pytest.raises(ValueError, match=r"x holds 9, expected 0 to 8\). Delete it"):
        store.check_below("x", 9)
    rows[1]["x"] = [-5]
    with pytest.raises(ValueError, match="x holds -5, expected 0 to 9"):
        Store.write(tmp_path / "store", rows, {"x": Column("int32")}).check_below("x", 10)
    Store.write(tmp_path / "store", [], {"x": Column("int32")}).check_below("x", 1)
