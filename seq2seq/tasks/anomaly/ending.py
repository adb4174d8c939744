"""The end of a run: the threshold, and scores of the finished run folder, as any user loads it, beside baselines."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq.files import output_text
from seq2seq.inference.anomalies import (
    AlarmSettings,
    AnomalyDetector,
    Detected,
    SeriesScores,
    learned_threshold,
    score_stream,
)
from seq2seq.messages import show
from seq2seq.metrics.score import Score
from seq2seq.run.exports import write_exports
from seq2seq.run.report import read_history, versions
from seq2seq.series.alarm_plot import draw_alarms
from seq2seq.series.alarms import intervals
from seq2seq.tasks.anomaly import scoring
from seq2seq.tasks.anomaly.data import Corpus
from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
from seq2seq.tasks.anomaly.loading import load_detector
from seq2seq.tasks.anomaly.network import score_parts
from seq2seq.tasks.anomaly.readme import write_readme
from seq2seq.tasks.anomaly.recipe import Alarms, Recipe

OWN, RULE = "run", "run with the range rule"
"""Rows of the model in tables of scores."""

_log = logging.getLogger(__name__)


def finish(folder: AnomalyRunFolder, recipe: Recipe, data: Corpus) -> None:
    """Learns the threshold, exports and scores the run, and writes README and, last of all, scores.json."""
    detector, alarms = load_detector(folder.path), recipe.alarms
    _log.info("Scoring %s series", f"{len(data.streams):,}")
    found = _scores(detector, data, alarms)
    normal = scoring.normal_scores(data, found[OWN])
    threshold = learned_threshold(normal, alarms.rate, alarms.gap)
    _log.info("Threshold of %g false alarms per 10,000 readings: %.4g", alarms.rate, threshold)
    folder.save_alarms(AlarmSettings(alarms.rate, alarms.gap, threshold), normal)
    export_run(folder, recipe)
    _draw(folder, data, found[OWN], threshold, alarms.gap)
    rows: dict[str, dict[str, Any]] = {}
    if data.labels is not None:
        name = recipe.data.corpus
        rows = _rows({**found, **scoring.baseline_scores(data)}, data, recipe)
        show(f"{name}\n{scoring.as_text(rows)}")
        _write_losses(folder, data, found[OWN], recipe)
    write_readme(folder, recipe, threshold, rows, read_history(folder))
    plain = {row: {measure: asdict(one) for measure, one in own.items()} for row, own in rows.items()}
    tests = {recipe.data.corpus: plain.pop(OWN)} if plain else {}
    others = {recipe.data.corpus: plain} if plain else {}
    # Last of all: a run with scores is a finished run.
    folder.write_json(
        folder.scores_file, {"tests": tests, "baselines": others, "threshold": threshold, "versions": versions()}
    )


def export_run(folder: AnomalyRunFolder, recipe: Recipe) -> None:
    """Writes the exports that the recipe names, unless they are there and made of these weights."""

    def write(form: str, path: Path) -> Path:
        from seq2seq.export.anomaly_litert import export_anomaly_litert

        return export_anomaly_litert(load_detector(folder.path), path)

    write_exports(folder, recipe.exports, write)


def _scores(detector: AnomalyDetector, data: Corpus, alarms: Alarms) -> dict[str, list[Detected]]:
    """Returns the scores of each stream, `(time,)`: as the recipe has it, and with the range rule where labels are."""
    surprises = detector.surprises(data.streams)
    options = {OWN: alarms}
    if data.labels is not None and not alarms.range_rule:
        options[RULE] = alarms.model_copy(update={"range_rule": True})
    found = {}
    for name, chosen in options.items():
        make = score_parts(chosen)
        found[name] = [
            # Scores alone: no threshold is known yet.
            score_stream(stream.values, *surprise, SeriesScores(make, float("inf"), alarms.gap))
            for stream, surprise in zip(data.streams, surprises, strict=True)
        ]
    return found


def _rows(found: Mapping[str, list[Detected]], data: Corpus, recipe: Recipe) -> dict[str, dict[str, Score]]:
    """Returns the scores of each detector by measure."""
    alarms, rows = recipe.alarms, {}
    for name, scores in found.items():
        at = scoring.at_rate(data, scores, alarms.rate, alarms.gap)
        rows[name] = scoring.nab_scores(data, scores, at.threshold) if recipe.data.corpus == "nab" else {}
        rows[name] |= at.scores(alarms.rate)
    return rows


def _write_losses(folder: AnomalyRunFolder, data: Corpus, found: list[Detected], recipe: Recipe) -> None:
    """Writes what the alarms found in each series."""
    at = scoring.at_rate(data, found, recipe.alarms.rate, recipe.alarms.gap)
    with output_text(folder.inside(folder.path / f"losses-{recipe.data.corpus}.csv")) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([data.codec.columns.id, "windows", "found", "false_alarms", "readings"])
        writer.writerows([one.id, *own] for one, own in zip(data.streams, at.counts, strict=True))


def _draw(folder: AnomalyRunFolder, data: Corpus, found: list[Detected], threshold: float, gap: int) -> None:
    """Draws the series with the highest score."""
    number = max(range(len(found)), key=lambda place: found[place].scores.max(initial=0))
    stream, own = data.streams[number], found[number]
    if not len(stream.values):
        return
    alarms = intervals(own.scores, threshold, gap, own.held)
    draw_alarms(
        folder.inside(folder.plot_file),
        stream.values,
        alarms,
        scores=own.scores,
        threshold=threshold,
        times=stream.times,
        title=stream.id,
    )
