"""Long work shows how far it is, holds no more than it needs, and says so when there is no room."""

from __future__ import annotations

import shutil
import sys
from collections import namedtuple

import pytest

from seq2seq.doctor import diagnose as module
from seq2seq.doctor import overlap
from seq2seq.doctor.progress import StageProgress


@pytest.fixture
def clock(monkeypatch):
    """Sets the time."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, seconds)


def test_a_line_a_minute_with_the_time_left_where_there_is_no_terminal(clock, capsys):
    progress = StageProgress()
    progress("counting", 0.0)
    for seconds in range(1, 120):
        clock(float(seconds))
        progress("counting", seconds / 400)
    progress.clear()
    assert capsys.readouterr().err == "counting 15 %, 5:40 left\n"


def test_a_terminal_sees_each_step_at_once_and_a_clean_line_at_the_end(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    progress = StageProgress()
    progress("counting", 0.0)
    clock(10.0)
    progress("examining", 0.0)
    clock(20.0)
    progress("examining", 0.25)
    progress.clear()
    assert capsys.readouterr().err.split("\r\x1b[K") == [
        "",
        "counting …",
        "examining …",
        "examining 25 %, 0:30 left",
        "",
    ]


def test_counting_shows_the_share_of_the_file_that_is_read(write, tmp_path):
    shares = []
    layout = write([("x" * 50, "y" * 50)] * 20_000)
    module.survey(layout, tmp_path, shares.append)
    assert shares == sorted(shares)
    assert shares[0] < 0.5 < 1.0 == shares[-1]


def test_too_little_room_is_said_before_the_work(write, tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(3 * module.BYTES_PER_PAIR - 1))
    module.check_space(tmp_path, 2)
    with pytest.raises(OSError, match=r"3 pairs need .* set TMPDIR"):
        module.check_space(tmp_path, 3)


def test_a_test_is_held_up_to_a_limit(pairs, write, look, monkeypatch):
    monkeypatch.setattr(overlap, "MOST_LINES", 10)
    report = look(write(pairs), tests={"long": write(pairs[:20], "test")}).report
    assert report.tests["long"].lines == 10
    assert any("lines of long were looked up" in note for note in report.notes)
