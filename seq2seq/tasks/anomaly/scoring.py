"""Scores of detectors on streams whose anomalies are labelled. Imports no framework."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seq2seq import __version__
from seq2seq.inference.anomalies import AnomalyDetector, Detected, SeriesScores, learned_threshold, score_stream
from seq2seq.metrics.nab import PROFILES, Scored, nab_earned, nab_score
from seq2seq.metrics.score import Score
from seq2seq.series.alarms import RATE_OF, intervals
from seq2seq.series.anomaly import Detector, RangeRule, WindowedGaussian, detect
from seq2seq.series.streams import Stream
from seq2seq.series.table import Floats
from seq2seq.tasks.anomaly.data import Corpus, Labelled

OWN, RULE = "run", "run with the range rule"
"""Rows of the model in tables of scores."""
BASELINES: Mapping[str, Callable[[], Detector]] = {"windowed Gaussian": WindowedGaussian, "range rule": RangeRule}
"""Detectors without learning, which are in every table."""


class Count(NamedTuple):
    """What alarms found in one stream."""

    windows: int
    found: int
    """Windows with a reading of an alarm."""
    false: int
    """Alarms without a reading in a window."""
    readings: int
    """Observed ones outside of windows."""
    earned: float
    """Points of NAB's standard profile, see `nab_earned`."""
    counted: int
    """Windows that NAB counts."""


@dataclass(frozen=True)
class AtRate:
    """How a detector does at the threshold of a stated rate."""

    threshold: float
    counts: list[Count]
    """Of each stream."""

    def scores(self, how: str) -> dict[str, Score]:
        """Returns the share of windows that were found, in percent, and false alarms per 10,000 readings.

        Args:
            how: What gave the threshold, for the signature.
        """
        windows, found, false, readings, *_ = (sum(part) for part in zip(*self.counts, strict=True))
        signature = f"{how}|windows:{windows}|seq2seq|version:{__version__}"
        return {
            "found": Score(100 * found / max(windows, 1), f"found|{signature}"),
            "false_alarms": Score(RATE_OF * false / max(readings, 1), f"false_alarms|{signature}"),
        }


def run_scores(detector: AnomalyDetector, streams: Sequence[Stream], rule: bool = True) -> dict[str, list[Detected]]:
    """Returns the scores of the run for each stream: as it is and, with `rule`, with the range rule if it has none."""
    makes = {OWN: detector.make}
    if rule and not detector.make.range_rule:
        makes[RULE] = dataclasses.replace(detector.make, range_rule=True)
    surprises = detector.surprises(streams)
    # Scores alone: alarms are made of them when a threshold is known.
    return {
        name: [
            score_stream(stream.values, *surprise, SeriesScores(make, float("inf"), 0))
            for stream, surprise in zip(streams, surprises, strict=True)
        ]
        for name, make in makes.items()
    }


def baseline_scores(streams: Sequence[Stream]) -> dict[str, list[Detected]]:
    """Returns the scores of simple detectors for each stream, by the names of their rows."""
    rows = {}
    for name, make in BASELINES.items():
        scores = [detect(make(), stream.values) for stream in streams]
        rows[name] = [Detected(own, own, []) for own in scores]
    return rows


def normal_scores(corpus: Corpus, found: Sequence[Detected]) -> list[Floats]:
    """Returns the scores of the observed readings of the training parts."""
    parts = zip(corpus.streams, corpus.train, found, strict=True)
    return [own.scores[:rows][~np.isnan(stream.values[:rows])] for stream, rows, own in parts]


def at_rate(corpus: Corpus, found: Sequence[Detected], rate: float, gap: int) -> AtRate:
    """Returns how scores do at the threshold that the training parts give for a rate of false alarms."""
    return at_threshold(corpus, found, learned_threshold(normal_scores(corpus, found), rate, gap), gap)


def at_threshold(corpus: Corpus, found: Sequence[Detected], threshold: float, gap: int) -> AtRate:
    """Returns how scores do at a threshold."""
    labels = corpus.labels or [Labelled(rows, ()) for rows in corpus.train]
    parts = zip(corpus.streams, labels, found, strict=True)
    return AtRate(threshold, [count(stream.values, known, own, threshold, gap) for stream, known, own in parts])


def count(values: Floats, labels: Labelled, detected: Detected, threshold: float, gap: int) -> Count:
    """Counts what the alarms of a stream found; those of the first rows do not count."""
    there = ~np.isnan(values)
    rows = np.flatnonzero(there)
    alarms = [
        (int(rows[alarm.start]), int(rows[alarm.end]))
        for alarm in intervals(detected.scores[there], threshold, gap, detected.held[there])
        if rows[alarm.start] >= labels.first
    ]
    windows = [window for window in labels.windows if window[1] >= labels.first]
    found = sum(any(start <= last and first <= end for start, end in alarms) for first, last in windows)
    false = sum(not any(start <= last and first <= end for first, last in windows) for start, end in alarms)
    outside = there.copy()
    outside[: labels.first] = False
    for first, last in windows:
        outside[first : last + 1] = False
    earned = nab_earned(Scored(detected.scores, labels.windows), threshold)
    return Count(len(windows), found, false, int(outside.sum()), *earned)


def nab_scores(corpus: Corpus, found: Sequence[Detected], threshold: float) -> dict[str, Score]:
    """Returns the scores of NAB by profile, each at its best threshold, as NAB takes it, and that at a given one."""
    labels = corpus.labels or []
    scored = [Scored(own.scores, known.windows) for own, known in zip(found, labels, strict=True)]
    best = {f"nab_{profile}": nab_score(scored, profile).score for profile in PROFILES}
    return {**best, "nab_at_rate": nab_score(scored, threshold=threshold).score}


def as_text(rows: Mapping[str, Mapping[str, Score]]) -> str:
    """Returns a table of scores, a row for each detector."""
    measures = list(dict.fromkeys(measure for row in rows.values() for measure in row))
    width = max(map(len, rows))
    lines = [f"{'':{width}}  " + "  ".join(measures)]
    for name, row in rows.items():
        cells = [f"{row[one].score:{len(one)}.2f}" if one in row else " " * len(one) for one in measures]
        lines.append(f"{name:{width}}  " + "  ".join(cells))
    return "\n".join(lines)
