"""What `seq2seq evaluate` shares between models that predict tokens: options, n-grams beside the model, tables."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import positive
from seq2seq.messages import show

if TYPE_CHECKING:
    from seq2seq.metrics.score import Score


def add_test(parser: argparse.ArgumentParser) -> None:
    """Declares which of the run's own test sets is scored."""
    parser.add_argument(
        "--test", metavar="NAME", help="test set of the run's recipe, or validation (default: its first test set)"
    )


def add_baseline(parser: argparse.ArgumentParser, learned: str, validation: str) -> None:
    """Declares the n-gram model beside the run, and the form of the tables.

    Args:
        parser: Of the verb.
        learned: What the n-grams learn from, and over what, for the help.
        validation: What the weight of the mixture is chosen on.
    """
    parser.add_argument(
        "--ngram",
        type=positive,
        default=None,
        metavar="N",
        help=f"also score an N-gram model (Kneser-Ney) of {learned}",
    )
    parser.add_argument(
        "--mix",
        action="store_true",
        help=f"with --ngram: also the mixture of both, its weight chosen on the validation {validation}",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def joined(*conditions: str) -> str:
    """Returns the conditions of a score as one, for its signature."""
    return "|".join(filter(None, conditions))


def show_tables(tables: Mapping[str, Mapping[str, Score]], as_json: bool) -> None:
    """Prints the scores of models by their names."""
    if as_json:
        plain = {name: {measure: asdict(score) for measure, score in table.items()} for name, table in tables.items()}
        show(json.dumps(plain, indent=2))
        return
    for name, table in tables.items():
        show(name)
        for measure, score in table.items():
            show(f"{measure:20} {score.score:10.3f}   {score.signature}")
