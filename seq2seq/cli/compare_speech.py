"""`seq2seq compare RUN RUN …` of recognisers: error rates side by side, with tests of significance."""

from __future__ import annotations

import argparse
from pathlib import Path

from seq2seq.cli.arguments import options_from
from seq2seq.cli.compare_options import CompareOptions, add_compare_arguments, check_runs, show_comparisons


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    add_compare_arguments(
        parser,
        "finished run folders, or tables of `seq2seq evaluate --output`",
        "test set (default: all that they share)",
        "utterances",
    )


def run(arguments: argparse.Namespace) -> None:
    """Compares the runs. Raises ValueError if they cannot be compared."""
    options = options_from(CompareOptions, arguments)
    check_runs(options, fewest=2)
    from seq2seq.evaluation.recognition import as_text, compare, read_table
    from seq2seq.tasks.speech.folder import SpeechRunFolder

    systems = {}
    for path in options.run:
        rows = read_table(SpeechRunFolder(path).samples_file if Path(path).is_dir() else Path(path))
        systems[path] = [row for row in rows if not options.test or options.test == row.test]
    show_comparisons(compare(systems, options.shown, options.draws), as_text, options.json)
