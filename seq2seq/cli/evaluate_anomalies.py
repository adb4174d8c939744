"""`seq2seq evaluate RUN` of a detector: what it finds of labelled anomalies, beside detectors without learning."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from, utf8
from seq2seq.cli.detect import add_level
from seq2seq.cli.forecast_arguments import inputs_of
from seq2seq.cli.text_io import output
from seq2seq.messages import say, show
from seq2seq.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from seq2seq.inference.anomalies import AnomalyDetector
    from seq2seq.tasks.anomaly.data import Corpus


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of the verb."""

    run: str
    input: str | None
    labels: str | None
    label_column: str | None
    rate: float | None
    threshold: float | None
    output: str | None
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", metavar="RUN", help="run folder of a detector, or its LiteRT folder")
    parser.add_argument(
        "--input",
        metavar="FILE",
        help="series with the columns of the run's table: .csv, .tsv, .jsonl or .parquet (default: those of the run)",
    )
    known = parser.add_mutually_exclusive_group()
    known.add_argument(
        "--labels",
        metavar="FILE",
        help="windows of the anomalies: the column of the ids, start and end, as `detect` writes alarms; .csv, .tsv or "
        ".jsonl",
    )
    known.add_argument(
        "--label-column", type=utf8, metavar="NAME", help="column of the input that is 1 within anomalies, 0 elsewhere"
    )
    add_level(parser)
    parser.add_argument(
        "--output", metavar="FILE", help="write what is found in each series there, CSV, which compare takes"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(arguments: argparse.Namespace) -> None:
    """Scores the run. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(EvaluateOptions, arguments)
    if options.input and not options.labels and not options.label_column:
        raise ValueError("--input needs --labels FILE, windows of its anomalies, or --label-column NAME.")
    if options.label_column and not options.input:
        raise ValueError("--label-column names a column of --input FILE. Windows of the run's own: --labels FILE.")
    read = [*inputs_of([options.run], options.input), *([options.labels] if options.labels else [])]
    check_outputs(read, {"--output": options.output, "standard output": STDOUT})
    from seq2seq.tasks import load
    from seq2seq.tasks.anomaly.comparison import write_counts
    from seq2seq.tasks.anomaly.evaluation import as_text, evaluate

    detector: AnomalyDetector = load(Path(options.run))
    learned = _own(options, detector)
    data = _read(options, detector) if options.input else _labelled(options, detector, learned)
    found = evaluate(detector, data, learned, options.rate, options.threshold)
    if options.output:
        with output(options.output) as stream:
            write_counts(found.ids, found.counts, stream)
    show(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if options.json else as_text(found))


def _own(options: EvaluateOptions, detector: AnomalyDetector) -> Corpus | None:
    """Returns what the run has learned from; None where the input is scored and that is not there any more."""
    from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
    from seq2seq.tasks.anomaly.loading import own

    try:
        if not (Path(options.run) / "recipe.json").is_file():
            if not options.input:
                detector.own_streams()  # says that the folder holds none
            raise ValueError(f"{options.run} holds none.")
        return own(AnomalyRunFolder(options.run))
    except ValueError as error:
        if not options.input:
            raise
        if options.threshold is None:
            say(f"No baselines: their thresholds are learned from the series of the run. {error}")
        return None


def _labelled(options: EvaluateOptions, detector: AnomalyDetector, own: Corpus | None) -> Corpus:
    """Returns the run's own series with their labels, or with those of a file."""
    from seq2seq.series.labels import read_windows
    from seq2seq.tasks.anomaly.data import Labelled

    assert own is not None
    if options.labels:
        codec = detector.codec
        windows = read_windows(Path(options.labels), own.streams, codec.columns.id, codec.time_zone)
        # What was learned from does not count, unless nothing else is there.
        whole = all(rows >= len(stream.values) for rows, stream in zip(own.train, own.streams, strict=True))
        if whole:
            say("The run has learned from all of these series: --input FILE with later readings says more.")
        first = [0 if whole else rows for rows in own.train]
        labels = [Labelled(start, tuple(spans)) for start, spans in zip(first, windows, strict=True)]
        own = replace(own, labels=labels)
    if own.labels is None:
        raise ValueError(
            f"Nothing is labelled in the series of {options.run}. Give windows of their anomalies, --labels FILE, or "
            "other readings, --input FILE."
        )
    return own


def _read(options: EvaluateOptions, detector: AnomalyDetector) -> Corpus:
    """Returns the series of a file with their labels."""
    from seq2seq.series.labels import read_windows, windows_of_column
    from seq2seq.tasks.anomaly.data import Corpus, Labelled

    codec, path = detector.codec, Path(options.input or "")
    if options.label_column:
        codec = replace(codec, columns=replace(codec.columns, covariates=(options.label_column,)))
    table = codec.read(path)
    for note in table.notes:
        say(f"{path}: {note}")
    streams = codec.streams(table)
    if options.labels:
        windows = read_windows(Path(options.labels), streams, codec.columns.id, codec.time_zone)
    else:
        windows = windows_of_column(table, options.label_column or "")
    labels = [Labelled(0, tuple(spans)) for spans in windows]
    return Corpus(codec, streams, [0] * len(streams), labels, (path,))
