import io

import pytest

from seq2seq.clock import clock
from seq2seq.progress import ProgressLine, time_left


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def now(monkeypatch):
    """A clock that the test sets."""
    times = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: times[0])
    return times


@pytest.mark.parametrize(("stream", "pause"), [(io.StringIO(), 30), (_Terminal(), 1)], ids=["log", "terminal"])
def test_a_line_is_due_after_its_pause(stream, pause, now):
    line = ProgressLine(terminal_pause=1, log_pause=30, stream=stream)
    now[0] += pause - 0.5
    assert not line.is_due()
    now[0] += 0.5
    assert line.is_due()
    line.show("half")
    assert not line.is_due()


def test_a_terminal_is_rewritten_and_cleared_and_a_log_keeps_its_lines():
    log, terminal = io.StringIO(), _Terminal()
    for stream in (log, terminal):
        line = ProgressLine(1, 30, stream)
        line.clear()
        for text in ("one", "two"):
            line.show(text)
        line.clear()
        line.clear()
    assert log.getvalue() == "one\ntwo\n"
    assert terminal.getvalue() == "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K"


def test_the_rest_takes_as_long_as_the_pace_says():
    assert time_left(30.0, 0.25, 1.0) == "1:30"


def test_spans_are_written_as_people_read_them():
    assert [clock(s) for s in (0, 59.6, 61, 3600, 3661)] == ["0:00", "1:00", "1:01", "1:00:00", "1:01:01"]
