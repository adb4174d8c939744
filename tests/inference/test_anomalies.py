"""A stream answers as a table does, however it is cut; the future, holes and units change no score."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.inference import anomalies
from seq2seq.inference.anomalies import Interval
from seq2seq.series.alarms import intervals
from seq2seq.series.streams import Stream
from tests.detectors import HOURS, in_memory, readings


@pytest.fixture(scope="module")
def detector():
    return in_memory(threshold=0.5)


def found(detector, *series, threshold=0.5):
    streams = [Stream(str(number), values, HOURS[: len(values)], 24) for number, values in enumerate(series)]
    return detector.detect_streams(streams, threshold)


def answers(detector, values, cuts):
    stream = detector.stream(threshold=0.5)
    got = [answer for part in np.split(values, cuts) for answer in stream.extend(part)]
    ended = [answer.ended for answer in got if answer.ended]
    last = stream.finish()
    return np.array([answer.score for answer in got]), [*ended, *([last] if last else [])], got


@pytest.mark.parametrize("cuts", [range(1, 400), [], [1, 7, 90, 91, 300], [200]], ids=["each", "whole", "some", "half"])
def test_a_stream_equals_the_table_for_every_cut(detector, cuts):
    values = readings()
    values[[3, 50, 51, 52, 299, 399]] = np.nan
    whole = found(detector, values)[0]
    scores, alarms, _ = answers(detector, values, cuts)
    assert whole.alarms
    np.testing.assert_allclose(scores, whole.scores, atol=1e-4)
    assert [alarm[:2] for alarm in alarms] == [alarm[:2] for alarm in whole.alarms]
    # Alarms are made of observed readings alone.
    rows = np.flatnonzero(~np.isnan(values))
    joined = intervals(whole.scores[rows], 0.5, 3, whole.held[rows])
    assert [alarm[:2] for alarm in whole.alarms] == [(rows[one.start], rows[one.end]) for one in joined]


def test_alarms_begin_once_stay_open_for_the_gap_and_end(detector):
    values = readings()
    _, alarms, got = answers(detector, values, range(1, 400))
    began = [row for row, answer in enumerate(got) if answer.began]
    assert began == [alarm.start for alarm in alarms]
    assert all(got[row].alarm for alarm in alarms for row in range(alarm.start, alarm.end + 1))
    for row, answer in enumerate(got):
        if answer.ended:
            assert answer.ended.end == row - 4  # more than the gap of 3
            assert answer.ended.severity == max(one.score for one in got[answer.ended.start : answer.ended.end + 1])


def test_the_future_changes_no_score_and_a_series_alone_is_one_of_many(detector, monkeypatch):
    first, second, third = readings(), readings(250, seed=1, jump=200), readings(400, seed=2)
    first[[20, 21, 60, 130, 290]] = np.nan
    together = found(detector, first, second, third)
    np.testing.assert_allclose(found(detector, second)[0].scores, together[1].scores, atol=1e-4)
    longer = found(detector, np.r_[second, 1000.0, readings(80, seed=5, jump=3)])[0]
    np.testing.assert_allclose(longer.scores[:250], together[1].scores, atol=1e-4)
    monkeypatch.setattr(anomalies, "BLOCK", 37)
    monkeypatch.setattr(anomalies, "ROWS", 2)
    for one, other in zip(found(detector, first, second, third), together, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)


def test_holes_and_units_change_no_score(detector):
    values = readings()
    whole = found(detector, values)[0]
    holed = np.insert(values, [10, 10, 120, 299, 301], np.nan)
    there = ~np.isnan(holed)
    with_holes = found(detector, holed)[0]
    np.testing.assert_allclose(with_holes.scores[there], whole.scores, atol=1e-4)
    assert not with_holes.scores[~there].any()
    rows = np.flatnonzero(there)
    assert [alarm[:2] for alarm in with_holes.alarms] == [(rows[one.start], rows[one.end]) for one in whole.alarms]
    np.testing.assert_allclose(found(detector, 1000 + 50 * values)[0].scores, whole.scores, atol=1e-4)


def test_labels_name_the_ends_of_alarms(detector):
    stream = detector.stream(threshold=0.5)
    values = readings(330)
    said = [stream.push(value, f"t{row}") for row, value in enumerate(values)]
    ended = [answer.ended for answer in said if answer.ended]
    assert all(isinstance(one, Interval) and one.start.startswith("t") for one in ended)


def test_an_infinite_reading_is_refused_and_the_stream_goes_on(detector):
    stream = detector.stream(threshold=0.5)
    with pytest.raises(ValueError, match="finite readings"):
        stream.push(np.inf)
    assert stream.push(1.0).score == 0


def test_a_stream_without_readings_has_no_scores(detector):
    nothing, missing = found(detector, np.zeros(0), np.full(5, np.nan))
    assert (len(nothing.scores), nothing.alarms, missing.scores.tolist()) == (0, [], [0.0] * 5)
    assert found(detector, np.zeros(0))[0].alarms == []
    assert detector.stream(threshold=1.0).extend([]) == []
