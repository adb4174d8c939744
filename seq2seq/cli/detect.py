"""`seq2seq detect RUN`: anomalies in series, or in readings as they come."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from seq2seq.cli.arguments import options_from
from seq2seq.cli.forecast_arguments import inputs_of
from seq2seq.cli.text_io import output
from seq2seq.messages import say
from seq2seq.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from seq2seq.inference.anomalies import AnomalyDetector, Detection

ALARM_NAMES = ("start", "end", "severity")


@dataclass(frozen=True)
class DetectOptions:
    """The options of the verb."""

    run: str
    input: str | None
    rate: float | None
    threshold: float | None
    frequency: str | None
    output: str | None
    scores: str | None
    plot: str | None
    series: str | None
    json: bool
    follow: bool


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < 10_000:
        raise argparse.ArgumentTypeError(f"must be above 0 and below 10,000, received {text[:40]}")
    return value


def _threshold(text: str) -> float:
    value = float(text)
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a finite number, received {text[:40]}")
    return value


def _frequency(text: str) -> str:
    from seq2seq.series.frequency import parse_frequency

    try:
        return str(parse_frequency(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_level(parser: argparse.ArgumentParser) -> None:
    """Adds --rate and --threshold, of which one may be given."""
    level = parser.add_mutually_exclusive_group()
    level.add_argument(
        "--rate", type=_rate, metavar="R", help="false alarms per 10,000 normal readings (default: as in training)"
    )
    level.add_argument("--threshold", type=_threshold, metavar="T", help="score at which an alarm begins")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", metavar="RUN", help="run folder of a detector, or its LiteRT folder")
    parser.add_argument(
        "--input",
        metavar="FILE",
        help="series with the columns of the run's table: .csv, .tsv, .jsonl or .parquet (default: those of the run)",
    )
    parser.add_argument(
        "--follow", action="store_true", help="read rows of CSV from standard input and answer each at once"
    )
    add_level(parser)
    parser.add_argument(
        "--frequency",
        type=_frequency,
        metavar="F",
        help="spacing of the readings (default: as in training)",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where to write alarms, or with --follow answers (default: standard output)"
    )
    parser.add_argument("--scores", metavar="FILE", help="write all readings with their scores as CSV")
    parser.add_argument("--plot", metavar="FILE", help="draw a series with its alarms to a .png or .svg")
    parser.add_argument("--series", metavar="ID", help="which one to draw (default: that with the severest alarm)")
    parser.add_argument("--json", action="store_true", help="write an object a line in place of CSV")


def run(arguments: argparse.Namespace) -> None:
    """Detects. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(DetectOptions, arguments)
    _check(options)
    written = {"--output": options.output or STDOUT, "--scores": options.scores, "--plot": options.plot}
    check_outputs([options.run] if options.follow else inputs_of([options.run], options.input), written)
    if options.plot:
        from seq2seq.series.alarm_plot import check_alarm_plot

        check_alarm_plot(Path(options.plot))
    from seq2seq.tasks import load

    detector: AnomalyDetector = load(Path(options.run))
    threshold = detector.threshold(options.rate) if options.threshold is None else options.threshold
    if options.follow:
        from seq2seq.cli.detect_follow import follow

        with output(options.output) as stream:
            follow(detector, threshold, options.frequency or "", stream, options.json)
        return
    found = _detect(detector, options, threshold)
    with output(options.output) as stream:
        _write(_alarm_rows(found), (found.columns.id, *ALARM_NAMES), stream, options.json)
    if options.scores:
        names = (found.columns.id, found.columns.time, "y", "score")
        with output(options.scores) as stream:
            _write(_score_rows(found), names, stream, options.json)
    if options.plot:
        _plot(found, options.plot, options.series)


def _check(options: DetectOptions) -> None:
    """Raises ValueError for options that exclude each other."""
    if options.follow:
        for name in ("input", "scores", "plot"):
            if getattr(options, name):
                raise ValueError(f"--follow answers rows of standard input: it goes without --{name}.")
    if options.series is not None and not options.plot:
        raise ValueError("--series names the series of --plot FILE.")


def _detect(detector: AnomalyDetector, options: DetectOptions, threshold: float) -> Detection:
    """Returns scores and alarms of the input, and says what was decided when it was read."""
    if options.input is None:
        return detector.detect(threshold=threshold)
    table = detector.codec.read(Path(options.input), options.frequency or "")
    for note in table.notes:
        say(f"{options.input}: {note}")
    return detector.detect(table, threshold=threshold)


def _alarm_rows(found: Detection) -> list[list[Any]]:
    from seq2seq.series.results import shortened
    from seq2seq.series.streams import stamp_texts

    rows = []
    for stream, own in zip(found.streams, found.found, strict=True):
        stamps = stamp_texts(stream) if own.alarms else []
        severities = shortened(np.asarray([one.severity for one in own.alarms])).tolist()
        parts = zip(own.alarms, severities, strict=True)
        rows += [[stream.id, stamps[one.start], stamps[one.end], severity] for one, severity in parts]
    return rows


def _score_rows(found: Detection) -> Any:
    from seq2seq.series.results import shortened
    from seq2seq.series.streams import stamp_texts

    for stream, own in zip(found.streams, found.found, strict=True):
        scores = shortened(own.scores).tolist()
        for stamp, value, score in zip(stamp_texts(stream), stream.values.tolist(), scores, strict=True):
            yield [stream.id, stamp, None if value != value else value, score]


def _write(rows: Any, names: Sequence[str], stream: TextIO, as_json: bool) -> None:
    write = row_writer(names, stream, as_json)
    for row in rows:
        write(row)


def row_writer(names: Sequence[str], stream: TextIO, as_json: bool) -> Callable[[Sequence[Any]], None]:
    """Returns what writes rows as CSV, with names above, or as JSON lines. None is an empty cell, or null."""
    if as_json:
        return lambda row: _put(stream, json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False))
    _put(stream, _as_csv(names))
    return lambda row: _put(stream, _as_csv(row))


def _put(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")


def _as_csv(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _plot(found: Detection, path: str, name: str | None) -> None:
    """Draws one series."""
    from seq2seq.series.alarm_plot import draw_alarms
    from seq2seq.series.alarms import Alarm
    from seq2seq.text.tables import did_you_mean

    ids = [stream.id for stream in found.streams]
    if name is None:
        severest = [max((one.severity for one in own.alarms), default=-1.0) for own in found.found]
        number = severest.index(max(severest))
        if len(ids) > 1:
            say(f"{path}: shows {ids[number]}, one of {len(ids):,} series; --series ID shows another.")
    elif name not in ids:
        raise ValueError(f"Expected --series of the input. Received: {name!r}.{did_you_mean(name, ids)}")
    else:
        number = ids.index(name)
    stream, own = found.streams[number], found.found[number]
    draw_alarms(
        Path(path),
        stream.values,
        [Alarm(*one) for one in own.alarms],
        scores=own.scores,
        threshold=found.threshold,
        times=stream.times,
        title=stream.id,
    )
