"""`seq2seq compare RUN RUN …`: scores side by side, with tests of significance."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from seq2seq.cli import compare_anomalies, compare_forecasts, compare_speech
from seq2seq.cli.arguments import options_from
from seq2seq.cli.compare_options import CompareOptions, add_compare_arguments, show_comparisons
from seq2seq.cli.text_io import output
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.text.corpus import read_lines


@dataclass(frozen=True)
class TextOptions(CompareOptions):
    """The options of the verb."""

    html: str | None
    curves: str | None
    train: str | None
    buckets: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    add_compare_arguments(
        parser,
        "finished run folders, or folders of `seq2seq evaluate --output-folder`",
        "test set (default: all that they share)",
        "lines",
    )
    parser.add_argument("--html", metavar="FILE", help="write one page with plots there")
    parser.add_argument("--curves", metavar="FILE", help="draw the validation curves of the runs, .png or .svg")
    parser.add_argument("--train", metavar="FILE", help="source text in which rare words are counted")
    parser.add_argument("--buckets", metavar="FILE", help="a label for each line of the test set, to score them apart")


def run(arguments: argparse.Namespace) -> None:
    """Compares the runs. Raises ValueError if they cannot be compared."""
    options = options_from(TextOptions, arguments)
    if all(Path(path).is_file() for path in options.run):
        _comparer_of_tables(options).run(arguments)
        return
    from seq2seq.evaluation.pages import as_html, as_text
    from seq2seq.tasks.text_to_text.compare import compare_runs, draw_curves, files_of_runs

    paths = [Path(path) for path in options.run]
    check_outputs(
        [*paths, *files_of_runs(paths), options.train, options.buckets],
        {"--html": options.html, "--curves": options.curves, "standard output": STDOUT},
    )
    counted_text = list(read_lines(Path(options.train))) if options.train else None
    labels = [line.strip() for line in read_lines(Path(options.buckets))] if options.buckets else []
    comparisons, histories = compare_runs(paths, options.test, counted_text, labels, options.shown, options.draws)
    if options.curves:
        draw_curves(histories, Path(options.curves))
    if options.html:
        with output(options.html) as stream:
            stream.write(as_html(comparisons, histories))
    show_comparisons(comparisons, as_text, options.json)


def _comparer_of_tables(options: TextOptions) -> ModuleType:
    """Returns the module for tables of what recognisers heard, forecasters lost, or detectors found.

    Raises:
        ValueError: an option is given that is for runs.
    """
    from seq2seq.evaluation.forecast_comparison import is_losses
    from seq2seq.tasks.anomaly.comparison import is_counts

    first = Path(options.run[0])
    kind = "recognisers"
    module: ModuleType = compare_speech
    if is_losses(first):
        kind, module = "forecasters", compare_forecasts
    elif is_counts(first):
        kind, module = "detectors", compare_anomalies
    given = {"--html": options.html, "--curves": options.curves, "--train": options.train, "--buckets": options.buckets}
    if module is not compare_speech:
        given["--test"] = options.test
    if wrong := [flag for flag, value in given.items() if value]:
        raise ValueError(f"{wrong[0]} is for runs, and tables of {kind} are compared: leave it out.")
    return module
