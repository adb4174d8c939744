"""`seq2seq backtest RUN`: forecasts of what is already known, from rolling origins, and their scores."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from, positive
from seq2seq.cli.forecast_arguments import (
    SampleOptions,
    add_input,
    add_run,
    add_scoring,
    check_horizon,
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
    from seq2seq.series.forecast import Forecast
    from seq2seq.series.windows import Windows


@dataclass(frozen=True)
class BacktestOptions:
    """The options of the verb."""

    run: tuple[str, ...]
    input: str | None
    windows: int
    step: int | None
    horizon: int | None
    level: tuple[float, ...] | None
    baselines: tuple[str, ...]
    output: str | None
    losses: str | None
    plot: str | None
    pit: str | None
    json: bool
    sampling: SampleOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    add_run(parser)
    add_input(parser, "the series that the run learned from, which makes its scores too good")
    parser.add_argument(
        "--windows", type=positive, default=12, metavar="N", help="forecasts of each series (default 12)"
    )
    parser.add_argument(
        "--step", type=positive, metavar="N", help="steps from one to the next (default: the horizon, so none overlap)"
    )
    parser.add_argument("--horizon", type=positive, metavar="N", help="steps to forecast (default: as in training)")
    parser.add_argument(
        "--output", metavar="FILE", help="write the forecasts, cutoffs and actual values: .csv, .tsv, .jsonl, .parquet"
    )
    parser.add_argument("--losses", metavar="FILE", help="write what is lost on each window, CSV, which compare takes")
    parser.add_argument("--plot", metavar="FILE", help="draw the last forecasts of 12 series to a .png or .svg")
    add_scoring(parser)


def run(arguments: argparse.Namespace) -> None:
    """Scores forecasts from the past. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(BacktestOptions, arguments)
    check_outputs(
        inputs_of(options.run, options.input),
        {
            "--output": options.output,
            "--losses": options.losses,
            "--plot": options.plot,
            "--pit": options.pit,
            "standard output": STDOUT,
        },
    )
    import numpy as np

    from seq2seq.evaluation.forecast_baselines import check_extra
    from seq2seq.series.plots import PANELS, check_figure, plot_fan
    from seq2seq.series.result_files import format_of, results_file
    from seq2seq.series.results import forecast_results
    from seq2seq.series.windows import Windows, rolling_origins

    for figure in filter(None, (options.plot, options.pit)):
        check_figure(figure)
    if options.output:
        format_of(options.output)
    if options.baselines:
        check_extra(options.baselines)
    forecaster = load_forecaster(options.run)
    horizon = check_horizon(forecaster, options.horizon)
    level = levels_of(forecaster, options.level)
    table = table_of(forecaster, options.input)
    warn_of_known(options.run, options.input)
    windows = rolling_origins(table, horizon, options.windows, options.step or horizon)
    with ExitStack() as stack:
        write = stack.enter_context(results_file(options.output)) if options.output else None

        def seen(some: Windows, forecast: Forecast) -> None:
            if write:
                write(forecast_results(table, some, forecast, level, forecaster.columns, backtest=True))

        found = measure(forecaster, table, windows, horizon, level, options.baselines, options.sampling, seen)
    if options.plot:
        series = np.unique(windows.series)
        last = Windows(series[:PANELS], table.lengths[series[:PANELS]] - horizon)
        sampling = options.sampling
        forecast = forecaster.predict(table, last, horizon, samples=sampling.samples, seed=sampling.seed)
        plot_fan(options.plot, table, last, forecast, level, total=len(series))
    show_scores(found, options.json, options.pit, options.losses, table.frequency.unit)
