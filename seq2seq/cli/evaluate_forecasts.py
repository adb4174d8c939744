"""`seq2seq evaluate RUN` of a forecaster: its scores on its test, or on a file, beside those of baselines."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seq2seq.cli.arguments import options_from, positive
from seq2seq.cli.forecast_arguments import (
    SampleOptions,
    add_input,
    add_run,
    add_scoring,
    inputs_of,
    levels_of,
    load_forecaster,
    measure,
    show_scores,
    table_of,
    warn_of_known,
)
from seq2seq.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from seq2seq.series.table import SeriesTable
    from seq2seq.series.windows import Windows


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of the verb."""

    run: tuple[str, ...]
    test: str | None
    input: str | None
    windows: int | None
    level: tuple[float, ...] | None
    baselines: tuple[str, ...]
    output: str | None
    pit: str | None
    json: bool
    sampling: SampleOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    add_run(parser)
    parser.add_argument("--test", metavar="NAME", help="test set of the run's recipe (default: its first)")
    add_input(parser, "the run's test set")
    parser.add_argument(
        "--windows",
        type=positive,
        metavar="N",
        help="with --input: forecast the last N horizons of each series (default 1)",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="write what is lost on each window there, CSV, which compare takes"
    )
    add_scoring(parser)


def run(arguments: argparse.Namespace) -> None:
    """Scores the run. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(EvaluateOptions, arguments)
    if options.test and options.input:
        raise ValueError("Give either --test or --input, not both.")
    if options.windows and not options.input:
        raise ValueError("--windows is for --input FILE: a test set has its own.")
    check_outputs(
        inputs_of(options.run, options.input),
        {"--output": options.output, "--pit": options.pit, "standard output": STDOUT},
    )
    from seq2seq.evaluation.forecast_baselines import check_extra
    from seq2seq.series.plots import check_figure

    if options.pit:
        check_figure(options.pit)
    if options.baselines:
        check_extra(options.baselines)
    forecaster, table, windows, past = _windows(options)
    level = levels_of(forecaster, options.level)
    found = measure(
        forecaster, table, windows, forecaster.horizon, level, options.baselines, options.sampling, past=past
    )
    show_scores(found, options.json, options.pit, options.output, table.frequency.unit)


def _windows(options: EvaluateOptions) -> tuple[Any, SeriesTable, Windows, SeriesTable | None]:
    """Returns a forecaster, the series to score it on in its units, their windows, and what a ridge learns from."""
    from seq2seq.series.windows import rolling_origins

    forecaster = load_forecaster(options.run)
    if options.input:
        table = table_of(forecaster, options.input)
        warn_of_known(options.run, options.input)
        horizon = forecaster.horizon
        return forecaster, table, rolling_origins(table, horizon, options.windows or 1, horizon), None
    tests = forecaster.own_tests()
    if not tests:
        raise ValueError(f"{options.run[0]} has no test set. Give a file: --input FILE.")
    name = options.test or next(iter(tests))
    if name not in tests:
        raise ValueError(f"No test set {name!r}. Expected one of: {', '.join(tests)}")
    return tests[name]
