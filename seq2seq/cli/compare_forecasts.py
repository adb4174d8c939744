"""`seq2seq compare RUN RUN …` of forecasters: scores side by side, with tests of significance over series."""

from __future__ import annotations

import argparse
from pathlib import Path

from seq2seq.cli.arguments import options_from
from seq2seq.cli.compare_options import CompareOptions, add_compare_arguments, check_runs, compare_with_baselines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    add_compare_arguments(
        parser,
        "finished run folders, or tables of losses by evaluate --output and backtest --losses (one alone is compared "
        "with its own baselines)",
        "test set (default: the first that all runs have)",
        "series",
    )


def run(arguments: argparse.Namespace) -> None:
    """Compares the runs. Raises ValueError if they cannot be compared."""
    options = options_from(CompareOptions, arguments)
    check_runs(options)
    from seq2seq.evaluation.forecast_comparison import as_text, compare, find_losses, read_losses

    tables = find_losses([Path(path) for path in options.run], options.test)
    found = {path: read_losses(table) for path, table in zip(options.run, tables, strict=True)}
    compare_with_baselines(options, found, compare, as_text)
