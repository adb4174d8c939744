import io
from types import SimpleNamespace

import pytest

from seq2seq import messages, progress
from seq2seq.cli import line_progress
from seq2seq.cli.line_progress import LineProgress


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal gets, and a clock that the test sets."""
    stream, now = io.StringIO(), [100.0]
    monkeypatch.setattr(stream, "isatty", lambda: True)
    for module in (progress, messages, line_progress):  # pytest puts its own stderr in place
        monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream, stdin=None))
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return stream, now


def test_lines_of_earlier_runs_are_done_but_say_nothing_about_the_speed(terminal):
    stream, now = terminal
    with LineProgress("file", total=1000, before=600) as lines:
        now[0] += 10
        lines.show(600)
        assert "600" not in stream.getvalue()
        lines.show(700)
    assert "700 lines of 1,000  time left 0:30  10 a second" in stream.getvalue()


def test_the_lines_of_a_file_are_counted_where_nobody_did(terminal, tmp_path):
    stream, now = terminal
    (tmp_path / "file").write_bytes(b"a\n" * 30)
    with LineProgress(str(tmp_path / "file")) as lines:
        now[0] += 2
        lines.show(10)
    assert "10 lines of 30  time left 0:04  5 a second" in stream.getvalue()
