"""`seq2seq compare RUN RUN …` of detectors: what they found side by side, with tests of significance over series."""

from __future__ import annotations

import argparse
from pathlib import Path

from seq2seq.cli.arguments import options_from
from seq2seq.cli.compare_options import CompareOptions, add_compare_arguments, check_runs, compare_with_baselines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    add_compare_arguments(
        parser,
        "finished run folders, or tables by evaluate --output (one alone is compared with its own baselines)",
        "labelled corpus (default: that of the runs)",
        "series",
    )


def run(arguments: argparse.Namespace) -> None:
    """Compares the runs. Raises ValueError if they cannot be compared."""
    options = options_from(CompareOptions, arguments)
    check_runs(options)
    from seq2seq.tasks.anomaly.comparison import as_text, compare, find_counts, read_counts

    found = {path: read_counts(find_counts(Path(path), options.test)) for path in options.run}
    compare_with_baselines(options, found, compare, as_text)
