"""Labels of anomalies become windows of rows, from a table of windows and from a column alike."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seq2seq.series.cells import Columns
from seq2seq.series.labels import joined_spans, read_windows, windows_of_column
from seq2seq.series.reading import read_table
from seq2seq.series.streams import StreamCodec

CODEC = StreamCodec(Columns(covariates=("bad",)), "h")


@pytest.fixture
def table(tmp_path):
    """Two hourly series; rows 3 to 5 of the first are labelled, one of them without a label, and the last of both."""
    labels = {"a": "0001 10001", "b": "0000000001"}
    rows = [
        f"{name},2024-01-01 {hour:02}:00:00,{hour},{label.strip()}"
        for name, own in labels.items()
        for hour, label in enumerate(own)
    ]
    (tmp_path / "table.csv").write_text("unique_id,ds,y,bad\n" + "\n".join(rows) + "\n")
    return read_table(tmp_path / "table.csv", CODEC.columns)


def test_a_column_and_a_table_of_windows_give_the_same_rows(table, tmp_path):
    expected = [[(3, 5), (9, 9)], [(9, 9)]]
    assert windows_of_column(table, "bad") == expected
    rows = [
        ("b", "2024-01-01 09:00", "2024-01-01 10:30"),
        ("a", "2024-01-01 09:00", "2024-01-01 09:00"),
        ("a", "2024-01-01 02:30", "2024-01-01 05:00"),
        ("a", "2024-01-01 04:00", "2024-01-01 05:00"),
    ]
    text = "".join(f"{name},{start},{end},1.5\n" for name, start, end in rows)
    (tmp_path / "w.csv").write_text("unique_id,start,end,severity\n" + text)
    (tmp_path / "w.jsonl").write_text(
        "".join(json.dumps(dict(zip(("unique_id", "start", "end"), row, strict=True))) + "\n" for row in rows)
    )
    for name in ("w.csv", "w.jsonl"):
        assert read_windows(tmp_path / name, CODEC.streams(table), "unique_id") == expected


def test_stamps_of_windows_are_read_as_those_of_the_readings(tmp_path):
    def windows(stamps, start, zone=""):
        (tmp_path / "t.csv").write_text("ds,y\n" + "".join(f"{stamp},1\n" for stamp in stamps))
        (tmp_path / "w.csv").write_text(f"start,end\n{start},{start}\n")
        codec = StreamCodec(frequency="step" if stamps[0] == "0" else "h", time_zone=zone)
        return read_windows(tmp_path / "w.csv", codec.streams(codec.read(tmp_path / "t.csv")), "unique_id", zone)

    zoned = [f"2024-07-01 {hour:02}:00:00+02:00" for hour in range(4)]
    plain = [stamp.removesuffix("+02:00") for stamp in zoned]
    assert windows(zoned, "2024-07-01 01:00:00+01:00") == [[(2, 2)]]
    assert windows(plain, "2024-07-01 02:00:00") == [[(2, 2)]]
    assert windows(plain, "2024-07-01 02:00:00", "Europe/Berlin") == [[(2, 2)]]
    assert windows(["0", "1", "2"], "1") == [[(1, 1)]]
    with pytest.raises(ValueError, match=r"w\.csv:2: column 'start': expected a stamp with its offset from UTC"):
        windows(zoned, "2024-07-01 01:00:00")
    with pytest.raises(ValueError, match=r"w\.csv:2: column 'start': expected a whole number"):
        windows(["0", "1"], "2024-07-01")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("c,2024-01-01,2024-01-02", "the readings have no series 'c'"),
        ("a,2025-01-01,2025-01-02", "series 'a' has no reading from 2025-01-01 to 2025-01-02"),
        ("a,2024-01-02,2024-01-01", "expected an end that is not before its start"),
        ("a,noon,2024-01-01", "column 'start': expected a time stamp"),
    ],
)
def test_a_wrong_window_is_named_by_its_line(table, tmp_path, row, message):
    (tmp_path / "w.csv").write_text(f"unique_id,start,end\n{row}\n")
    with pytest.raises(ValueError, match=rf"w\.csv:2: {message}"):
        read_windows(tmp_path / "w.csv", CODEC.streams(table), "unique_id")


def test_labels_are_0_and_1(table):
    table.covariates["bad"][2] = 7
    with pytest.raises(ValueError, match=r"Column 'bad': expected labels of 0 and 1\. Received: 7"):
        windows_of_column(table, "bad")
    assert not np.isfinite(table.covariates["bad"][4])


def test_windows_that_overlap_are_one():
    assert joined_spans([(5, 9), (1, 2), (3, 3), (8, 12)]) == [(1, 2), (3, 3), (5, 12)]
