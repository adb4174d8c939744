"""Alarms are intervals of scores, the same from a stream, at a rate that was stated."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from seq2seq.series.alarm_plot import draw_alarms
from seq2seq.series.alarms import Alarm, AlarmIntervals, intervals, threshold_for


def scores(size=400, seed=0):
    return np.random.default_rng(seed).exponential(size=size).round(2)


def test_an_alarm_ends_when_the_gap_is_exceeded():
    found = intervals(np.array([0, 3, 0, 0, 5, 0, 0, 0, 4, 4.0]), 3, gap=2)
    assert found == [Alarm(1, 4, 5.0), Alarm(8, 9, 4.0)]
    assert intervals(np.array([3, 0, 3.0]), 3, gap=0) == [Alarm(0, 0, 3.0), Alarm(2, 2, 3.0)]
    assert intervals(np.zeros(5), 1) == []
    assert intervals(np.zeros(0), 1) == []


def test_alarms_hold_all_high_scores_and_end_with_one():
    values = scores()
    found = intervals(values, 2.0, gap=3)
    inside = np.zeros(len(values), bool)
    for alarm in found:
        part = values[alarm.start : alarm.end + 1]
        inside[alarm.start : alarm.end + 1] = True
        assert min(part[0], part[-1]) >= 2
        assert alarm.severity == part.max()
    assert len(found) > 5
    assert inside[values >= 2].all()
    for before, after in itertools.pairwise(found):
        assert after.start - before.end - 1 > 3


def test_a_stream_tells_an_end_as_soon_as_it_is_known():
    values = scores()
    stream, found = AlarmIntervals(2.0, gap=3), []
    for row, score in enumerate(values.tolist()):
        ended = stream.advance(score)
        if ended:
            assert row == ended.end + 4
            found.append(ended)
        assert bool(stream.open) == bool((values[max(0, row - 3) : row + 1] >= 2).any())
    last = stream.finish()
    assert found + [last] * bool(last) == intervals(values, 2.0, gap=3)
    assert stream.finish() is None


@pytest.mark.parametrize("gap", [0, 3, 20])
@pytest.mark.parametrize("rate", [25, 100, 400])
def test_a_threshold_keeps_the_stated_rate(rate, gap):
    bursts = np.convolve(scores(302, seed=2), [0.4, 0.2, 0.4], "valid").round(2)
    normal = [scores(seed=0), np.repeat(scores(100, seed=1), 4) + np.tile([0, -0.4, 0.1, -0.2], 100), bursts]
    allowed = rate * 1100 / 10_000

    def alarms(threshold):
        return sum(len(intervals(values, threshold, gap)) for values in normal)

    found = threshold_for(normal, rate, gap)
    levels = np.unique(np.concatenate(normal))
    assert all(alarms(level) <= allowed for level in levels[levels >= found])
    below = levels[levels < found]
    assert not len(below) or alarms(below[-1]) > allowed


def test_normal_data_without_a_score_gives_no_alarm_at_its_threshold():
    assert threshold_for([np.zeros(3000)], 10) == 0  # one alarm of all rows
    values = np.tile([0.0] * 49 + [1.0], 60)
    assert intervals(values, threshold_for([values], 10)) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals(np.zeros(3), np.nan), "threshold of alarms"),
        (lambda: intervals(np.zeros(3), 1, -1), "gap of at least 0"),
        (lambda: intervals(np.array([0, np.nan]), 1), "Row 1 has nan"),
        (lambda: threshold_for([scores()], 0), "more than 0 alarms"),
        (lambda: threshold_for([scores()], 1), "at least 10,000 readings.* Received: 400"),
        (lambda: threshold_for([], 1), "Received: 0"),
        (lambda: threshold_for([np.full(400, np.nan)], 100), "without nan"),
    ],
)
def test_bad_numbers_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", ["alarms.png", "alarms.svg"])
def test_a_plot_is_the_same_each_time(tmp_path, name):
    pytest.importorskip("matplotlib")
    values = scores()
    values[5] = np.nan
    times = np.datetime64("2026-01-01") + np.arange(400) * np.timedelta64(1, "h")
    found = [Alarm(3, 3, 2.0), Alarm(50, 90, 9.0), Alarm(398, 399, np.inf)]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        draw_alarms(
            tmp_path / folder / name, values, found, scores=scores(), threshold=2.0, times=times, title="$1 a_b"
        )
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    draw_alarms(tmp_path / name, values, [])


@pytest.mark.parametrize(
    ("name", "values", "options", "message"),
    [
        ("alarms.pdf", scores(), {}, r"written as \.png or \.svg"),
        ("alarms.png", scores(0), {}, "no readings"),
        ("alarms.png", scores(), {"scores": scores(5)}, "scores of all 400"),
        ("alarms.png", scores(), {"alarms": [Alarm(390, 400, 1.0)]}, "alarms within the 400"),
    ],
)
def test_nothing_is_drawn_of_what_does_not_fit(tmp_path, name, values, options, message):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match=message):
        draw_alarms(tmp_path / name, values, **{"alarms": [], **options})
    assert not any(tmp_path.iterdir())


def test_what_is_held_keeps_an_alarm_open_and_begins_none():
    scores = np.array([0, 0, 2.0, 0, 0, 0, 0, 0, 3, 0])
    held = np.array([5, 0, 2.0, 1, 0, 4, 0, 0, 3, 0])
    assert intervals(scores, 1.0, gap=1, held=held) == [(2, 5, 2.0), (8, 8, 3.0)]
    assert intervals(scores, 1.0, gap=1) == [(2, 2, 2.0), (8, 8, 3.0)]
