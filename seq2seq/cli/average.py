"""`seq2seq average RUN [RUN ...]`: the mean of the weights of runs, or of the last epochs of one, as a new run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from seq2seq.cli.arguments import options_from, positive
from seq2seq.messages import show
from seq2seq.outputs import Folder, check_outputs


@dataclass(frozen=True)
class AverageOptions:
    """The options of the verb."""

    runs: tuple[str, ...]
    output: str
    last: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders of one architecture and one vocabulary")
    parser.add_argument("--output", metavar="NEW_RUN", required=True, help="the run folder to make")
    parser.add_argument(
        "--last",
        type=positive,
        default=0,
        metavar="N",
        help="of each run the last N epochs that training.keep_epochs kept (default: its best weights)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Makes the run. Raises ValueError for a mistake in the arguments."""
    options = options_from(AverageOptions, arguments)
    check_outputs(options.runs, {}, Folder("--output", options.output))
    from seq2seq.run.average import average_runs
    from seq2seq.tasks import task_of

    runs, task = [Path(path) for path in options.runs], task_of(options.runs[0])
    show(average_runs(runs, Path(options.output), task, options.last))
