"""`seq2seq forecast RUN`: what comes after the end of series, with intervals."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import dataclass

from seq2seq.cli.arguments import options_from, positive
from seq2seq.cli.forecast_arguments import (
    Progress,
    SampleOptions,
    add_input,
    add_level,
    add_run,
    add_samples,
    check_horizon,
    inputs_of,
    levels_of,
    load_forecaster,
    table_of,
)
from seq2seq.cli.text_io import output
from seq2seq.outputs import STDOUT, check_outputs

FORMATS = ("csv", "tsv", "jsonl", "parquet")


@dataclass(frozen=True)
class ForecastOptions:
    """The options of the verb."""

    run: tuple[str, ...]
    input: str | None
    horizon: int | None
    level: tuple[float, ...] | None
    future: str | None
    output: str | None
    format: str | None
    plot: str | None
    sampling: SampleOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    add_run(parser)
    add_input(parser, "the series that the run learned from")
    parser.add_argument("--horizon", type=positive, metavar="N", help="steps to forecast (default: as in training)")
    add_level(parser)
    parser.add_argument(
        "--future", metavar="FILE", help="covariates of the steps to forecast, in the columns of the run's table"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where to write: .csv, .tsv, .jsonl or .parquet (default: standard output)"
    )
    parser.add_argument("--format", choices=FORMATS, help="whatever the name of --output is (default there: csv)")
    parser.add_argument("--plot", metavar="FILE", help="draw the first 12 forecasts to a .png or .svg")
    add_samples(parser)


def run(arguments: argparse.Namespace) -> None:
    """Forecasts. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(ForecastOptions, arguments)
    read = [*inputs_of(options.run, options.input), options.future]
    check_outputs(read, {"--output": options.output or STDOUT, "--plot": options.plot})
    from seq2seq.inference.forecasting import rows_together
    from seq2seq.series.plots import PANELS, check_figure, plot_fan
    from seq2seq.series.result_files import format_of, results_file, text_writer
    from seq2seq.series.results import forecast_results
    from seq2seq.series.windows import blocks, ends

    form = format_of(options.output, options.format)
    if options.plot:
        check_figure(options.plot)
    forecaster = load_forecaster(options.run)
    horizon = check_horizon(forecaster, options.horizon)
    level = levels_of(forecaster, options.level)
    table = table_of(forecaster, options.input)
    future = forecaster.read_future(options.future) if options.future else None
    windows, sampling = ends(table), options.sampling
    size = rows_together(horizon, sampling.samples if forecaster.samples else 1)
    size = max(size, PANELS) if options.plot else size
    progress = Progress(len(table))
    with ExitStack() as stack:
        if options.output is None:
            write = text_writer(stack.enter_context(output(None)), form)
        else:
            write = stack.enter_context(results_file(options.output, form))
        for place, some in enumerate(blocks(windows, size)):
            found = forecaster.predict(
                table, some, horizon, samples=sampling.samples, seed=sampling.seed, future=future
            )
            results = forecast_results(table, some, found, level, forecaster.columns)
            if options.plot and place == 0:  # first: a reader of standard output may end, as `head` does
                plot_fan(options.plot, table, some, found, level, total=len(table))
            write(results)
            progress.add(len(some.cuts))
        progress.line.clear()
