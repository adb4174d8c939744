"""A finished detector on labelled readings, beside detectors without learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from seq2seq.inference.anomalies import AnomalyDetector, Detected, learned_threshold
from seq2seq.messages import counted
from seq2seq.metrics.score import Score
from seq2seq.series.streams import Stream
from seq2seq.tasks.anomaly import scoring
from seq2seq.tasks.anomaly.data import Corpus
from seq2seq.tasks.anomaly.scoring import OWN, Count


@dataclass(frozen=True)
class Evaluation:
    """Detectors on the same labelled series, the run first."""

    ids: list[str]
    rows: dict[str, dict[str, Score]]
    """By detector and measure."""
    counts: dict[str, list[Count]]
    """By detector, of each series."""
    thresholds: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """Returns scores and thresholds for JSON."""
        scores = {name: {one: asdict(score) for one, score in own.items()} for name, own in self.rows.items()}
        windows = sum(count.windows for count in self.counts[OWN])
        return {"series": len(self.ids), "windows": windows, "thresholds": self.thresholds, "scores": scores}


def evaluate(
    detector: AnomalyDetector,
    data: Corpus,
    learned: Corpus | None = None,
    rate: float | None = None,
    threshold: float | None = None,
) -> Evaluation:
    """Scores a detector on labelled readings.

    Args:
        detector: A finished one.
        data: The readings, with labels.
        learned: What the run has learned from: it gives the baselines thresholds of the same rate. None: no baselines.
        rate: False alarms per 10,000 readings of normal data; None: as in training.
        threshold: In place of a rate, of the run alone.

    Raises:
        ValueError: the run has no threshold yet, or too few normal readings for such a rate.
    """
    level = detector.threshold(rate) if threshold is None else threshold
    alarms = detector.alarms
    gap = alarms.gap if alarms else 10
    thresholds = {OWN: level}
    found = scoring.run_scores(detector, data.streams, learned is not None and threshold is None)
    how = f"threshold:{level:g}"
    if threshold is None:
        stated = rate or (alarms.rate if alarms else 0.0)
        how = f"rate:{stated:g}"
        if learned is not None:
            found |= scoring.baseline_scores(data.streams)
            before = found if learned.streams is data.streams else _without_labels(detector, learned.streams)
            for name, own in before.items():
                if name != OWN:
                    thresholds[name] = learned_threshold(scoring.normal_scores(learned, own), stated, gap)
    rows: dict[str, dict[str, Score]] = {}
    counts: dict[str, list[Count]] = {}
    for name, level in thresholds.items():
        at = scoring.at_threshold(data, found[name], level, gap)
        rows[name], counts[name] = at.scores(how), at.counts
        if sum(count.counted for count in at.counts):
            rows[name] |= scoring.nab_scores(data, found[name], level)
    return Evaluation([one.id for one in data.streams], rows, counts, thresholds)


def _without_labels(detector: AnomalyDetector, streams: Sequence[Stream]) -> Mapping[str, list[Detected]]:
    return {**scoring.run_scores(detector, streams), **scoring.baseline_scores(streams)}


def as_text(found: Evaluation) -> str:
    """Returns the scores as a table, a detector a line."""
    known = counted(sum(count.windows for count in found.counts[OWN]), "labelled anomaly", "labelled anomalies")
    lines = [
        scoring.as_text(found.rows),
        f"{known} in {len(found.ids):,} series; threshold {found.thresholds[OWN]:.4g}.",
        "found: percent of them with an alarm; false_alarms: per 10,000 readings outside of them.",
    ]
    if any("nab_at_rate" in own for own in found.rows.values()):
        lines.append(
            "nab: each profile at the best threshold for it; nab_at_rate: the standard one at the threshold above."
        )
    return "\n".join(lines)
