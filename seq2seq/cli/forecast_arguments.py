"""What the verbs of forecasting share: their options, and scores beside those of baselines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.cli.arguments import positive
from seq2seq.cli.text_io import output
from seq2seq.messages import say, show
from seq2seq.progress import ProgressLine

if TYPE_CHECKING:
    from seq2seq.evaluation.forecasting import Evaluation
    from seq2seq.series.forecast import Forecast
    from seq2seq.series.table import SeriesTable
    from seq2seq.series.windows import Windows

    Seen = Callable[[Windows, Forecast], None]

BASELINES = ("autoets", "autoarima")
"""Of the extra `baselines`; the others are in every table."""
RUN_NAME = "run"
"""The row of the run in tables of scores."""


@dataclass(frozen=True)
class SampleOptions:
    """Sample paths of runs that forecast by them."""

    samples: int
    seed: int


def percent(text: str) -> float:
    """An argparse type: from 1 and below 100."""
    value = float(text)
    if not 1 <= value < 100:
        raise argparse.ArgumentTypeError(f"must be at least 1 and below 100 percent, such as 80, received {text[:40]}")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < 1 << 32:
        raise argparse.ArgumentTypeError(f"must be from 0 to {(1 << 32) - 1:,}, received {text[:40]}")
    return value


def add_run(parser: argparse.ArgumentParser) -> None:
    """Adds the run folders."""
    parser.add_argument(
        "run", nargs="+", metavar="RUN", help="run folder of a forecaster; of several the forecasts are averaged"
    )


def add_input(parser: argparse.ArgumentParser, otherwise: str) -> None:
    """Adds --input; `otherwise` says what is read without it."""
    parser.add_argument(
        "--input",
        metavar="FILE",
        help=f"series with the columns of the run's table: .csv, .tsv, .jsonl or .parquet (default: {otherwise})",
    )


def add_level(parser: argparse.ArgumentParser) -> None:
    """Adds --level."""
    parser.add_argument(
        "--level",
        type=percent,
        nargs="+",
        metavar="P",
        help="intervals that hold P percent of what comes (default: those of the run, else 80 95)",
    )


def add_samples(parser: argparse.ArgumentParser) -> None:
    """Adds --samples and --seed."""
    group = parser.add_argument_group("of runs that forecast by sample paths")
    group.add_argument("--samples", type=positive, default=100, metavar="N", help="paths of a series (default 100)")
    group.add_argument("--seed", type=_seed, default=0, metavar="N", help="the same number, the same paths (default 0)")


def add_scoring(parser: argparse.ArgumentParser) -> None:
    """Adds what verbs that score share."""
    add_level(parser)
    parser.add_argument(
        "--baselines",
        nargs="+",
        choices=BASELINES,
        default=[],
        metavar="NAME",
        help=f"rows besides naive, seasonal naive, naive2, theta and ridge: {', '.join(BASELINES)}, slow (extra "
        "baselines)",
    )
    parser.add_argument("--pit", metavar="FILE", help="draw where in its forecast each value lies to a .png or .svg")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_samples(parser)


def load_forecaster(runs: Sequence[str]) -> Any:
    """Returns the forecaster of a run, or of several that forecast together."""
    from seq2seq.tasks import load

    return load(Path(runs[0]), [Path(other) for other in runs[1:]])


def _tables_of(runs: Sequence[str], *parts: str) -> dict[str, str]:
    """Returns checksums by path of the user's tables that runs were made from; none for exports."""
    found: dict[str, str] = {}
    for run in runs:
        with suppress(OSError, ValueError, KeyError, TypeError):  # loading the run says what is wrong with it
            record = json.loads((Path(run) / "data.json").read_text("utf-8"))
            for part in parts:
                found.update(record[part])
    return found


def inputs_of(runs: Sequence[str], path: str | None) -> list[str]:
    """Returns what a verb reads: its runs, and --input or, without it, the tables that they were made from."""
    return [*runs, *(_tables_of(runs, "training", "test_files") if path is None else [path])]


def warn_of_known(runs: Sequence[str], path: str | None) -> None:
    """Says that scores are too good where a run has learned from the very series that it is scored on."""
    from seq2seq.run.environment import checksums

    digests = set(_tables_of(runs, "training").values()) - {None}
    if path is None or digests.intersection(checksums([Path(path)]).values()):
        say("The run has learned from these series: --input FILE with later readings gives scores to rely on.")


def table_of(forecaster: Any, path: str | None) -> SeriesTable:
    """Returns the series of a file, or those of the run, and says what was decided when they were read."""
    table: SeriesTable = forecaster.own_table() if path is None else forecaster.read(Path(path))
    for note in table.notes:
        say(f"{path or 'the table of the run'}: {note}")
    return table


def levels_of(forecaster: Any, given: Sequence[float] | None) -> tuple[float, ...]:
    """Returns the intervals that were asked for, or those of the run."""
    from seq2seq.series.results import LEVELS

    own: Sequence[float] = getattr(forecaster, "level", LEVELS)
    return tuple(dict.fromkeys(given or own))


def check_horizon(forecaster: Any, horizon: int | None) -> int:
    """Returns the horizon; ValueError if the run cannot forecast that far."""
    if horizon and forecaster.longest is not None and horizon > forecaster.longest:
        raise ValueError(
            f"Expected --horizon of at most {forecaster.longest}, which is how far this run can forecast. "
            f"Received: {horizon}"
        )
    return int(horizon or forecaster.horizon)


def measure(
    forecaster: Any,
    table: SeriesTable,
    windows: Windows,
    horizon: int,
    level: Sequence[float],
    extra: Sequence[str],
    sampling: SampleOptions,
    seen: Seen | None = None,
    past: SeriesTable | None = None,
) -> Evaluation:
    """Scores a forecaster beside the baselines; `seen` takes each block of its forecasts.

    The ridge learns from `past`, or from the table before the windows.
    """
    from seq2seq.evaluation.forecast_baselines import baselines
    from seq2seq.evaluation.forecasting import evaluate
    from seq2seq.inference.forecasting import rows_together

    progress = Progress(len(windows.cuts))
    rows = rows_together(horizon, sampling.samples if forecaster.samples else 1)

    def predict(some: Windows) -> Forecast:
        found: Forecast = forecaster.predict(table, some, horizon, samples=sampling.samples, seed=sampling.seed)
        progress.add(len(some.cuts))
        return found

    def watch(name: str, some: Windows, forecast: Forecast) -> None:
        if seen and name == RUN_NAME:
            seen(some, forecast)

    notes: list[str] = []
    others = baselines(
        table, windows, horizon, forecaster.season, forecaster.context, extra, notes, forecaster.scaling, past
    )
    models = {RUN_NAME: predict, **others}
    found = evaluate(table, windows, horizon, forecaster.season, models, level, watch, rows)
    progress.line.clear()
    found.notes.extend(notes)
    return found


class Progress:
    """Says how many windows are done."""

    def __init__(self, total: int):
        self.total, self.done = total, 0
        self.line = ProgressLine(terminal_pause=0.5, log_pause=30.0)

    def add(self, count: int) -> None:
        """Counts windows."""
        self.done += count
        if self.done < self.total and self.line.is_due():
            self.line.show(f"{self.done:,} of {self.total:,} forecasts")


def show_scores(found: Evaluation, as_json: bool, pit: str | None, losses: str | None, unit: str) -> None:
    """Prints scores, draws the histograms, and writes what is lost on each window."""
    from seq2seq.evaluation.forecast_comparison import write_losses
    from seq2seq.evaluation.forecasting import as_text

    if losses:
        with output(losses) as stream:
            write_losses(found, stream, unit)
    if pit:
        from seq2seq.series.plots import plot_pit

        plot_pit(pit, found.pits)
    show(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if as_json else as_text(found))
