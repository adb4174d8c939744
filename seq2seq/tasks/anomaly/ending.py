"""The end of a run: the threshold, and scores of the finished run folder, as any user loads it, beside baselines."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seq2seq.extras import NUMERIC_EXPORTS
from seq2seq.files import output_text
from seq2seq.inference.anomalies import AlarmSettings, Detected, learned_threshold
from seq2seq.messages import show
from seq2seq.metrics.score import Score
from seq2seq.run.exports import write_exports
from seq2seq.run.report import read_history, versions
from seq2seq.series.alarm_plot import draw_alarms
from seq2seq.series.alarms import intervals
from seq2seq.tasks.anomaly import scoring
from seq2seq.tasks.anomaly.comparison import LOSSES_FILE, write_counts
from seq2seq.tasks.anomaly.data import Corpus
from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
from seq2seq.tasks.anomaly.loading import load_detector, own
from seq2seq.tasks.anomaly.readme import write_readme
from seq2seq.tasks.anomaly.recipe import Alarms, Recipe
from seq2seq.tasks.anomaly.scoring import OWN, AtRate

_log = logging.getLogger(__name__)


def finish(folder: AnomalyRunFolder, recipe: Recipe, data: Corpus) -> None:
    """Learns the threshold, exports and scores the run, and writes README and, last of all, scores.json."""
    detector, alarms = load_detector(folder.path), recipe.alarms
    _log.info("Scoring %s series", f"{len(data.streams):,}")
    found = scoring.run_scores(detector, data.streams, data.labels is not None)
    threshold = _save_alarms(folder, data, found[OWN], alarms)
    export_run(folder, recipe)
    _draw(folder, data, found[OWN], threshold, alarms.gap)
    rows: dict[str, dict[str, Any]] = {}
    if data.labels is not None:
        name = recipe.data.corpus
        found |= scoring.baseline_scores(data.streams)
        at = {row: scoring.at_rate(data, own, alarms.rate, alarms.gap) for row, own in found.items()}
        rows = _rows(found, at, data, recipe)
        show(f"{name}\n{scoring.as_text(rows)}")
        with output_text(folder.inside(folder.path / LOSSES_FILE.format(test=name))) as stream:
            write_counts([one.id for one in data.streams], {row: own.counts for row, own in at.items()}, stream)
    write_readme(folder, recipe, threshold, rows, read_history(folder))
    plain = {row: {measure: asdict(one) for measure, one in own.items()} for row, own in rows.items()}
    tests = {recipe.data.corpus: plain.pop(OWN)} if plain else {}
    others = {recipe.data.corpus: plain} if plain else {}
    # Last of all: a run with scores is a finished run.
    folder.write_json(
        folder.scores_file, {"tests": tests, "baselines": others, "threshold": threshold, "versions": versions()}
    )


def learn_alarms(folder: AnomalyRunFolder) -> None:
    """Learns the threshold of the weights of a run that was not trained, from the series of its recipe.

    Raises:
        ValueError: a table of the run is missing or has changed.
    """
    data, alarms = own(folder), folder.load_recipe().alarms
    _save_alarms(folder, data, scoring.run_scores(load_detector(folder.path), data.streams, False)[OWN], alarms)


def _save_alarms(folder: AnomalyRunFolder, data: Corpus, found: list[Detected], alarms: Alarms) -> float:
    """Keeps the threshold that scores of the training parts give, and returns it."""
    normal = scoring.normal_scores(data, found)
    threshold = learned_threshold(normal, alarms.rate, alarms.gap)
    _log.info("Threshold of %g false alarms per 10,000 readings: %.4g", alarms.rate, threshold)
    folder.save_alarms(AlarmSettings(alarms.rate, alarms.gap, threshold), normal)
    return threshold


def export_run(folder: AnomalyRunFolder, recipe: Recipe) -> None:
    """Writes the exports that the recipe names, unless they are there and made of these weights."""

    def write(form: str, path: Path) -> Path:
        from seq2seq.export.anomaly import export_anomaly

        return export_anomaly(form, load_detector(folder.path), path)

    write_exports(folder, recipe.exports, write, needs=NUMERIC_EXPORTS)


def _rows(
    found: Mapping[str, list[Detected]], at: Mapping[str, AtRate], data: Corpus, recipe: Recipe
) -> dict[str, dict[str, Score]]:
    """Returns the scores of each detector by measure."""
    rows = {}
    for name, scores in found.items():
        rows[name] = scoring.nab_scores(data, scores, at[name].threshold) if recipe.data.corpus == "nab" else {}
        rows[name] |= at[name].scores(f"rate:{recipe.alarms.rate:g}")
    return rows


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
