"""`seq2seq average RUN [RUN ...]`: the mean of the weights of runs, or of the last epochs of one, as a new run."""

from __future__ import annotations

import argparse
from pathlib import Path

from seq2seq.cli.text_io import positive
from seq2seq.messages import show
from seq2seq.outputs import Folder, check_outputs


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
    """Does the verb's work; ValueError for a mistake in the arguments."""
    check_outputs(arguments.runs, {}, Folder("--output", arguments.output))
    from seq2seq.run.average import average_runs
    from seq2seq.tasks import task_of

    runs, task = [Path(path) for path in arguments.runs], task_of(arguments.runs[0])
    show(average_runs(runs, Path(arguments.output), task, arguments.last))
