"""The arguments of verbs that use several runs as one model."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from seq2seq.tasks.text_to_text.loading import MIXINGS


@dataclass(frozen=True)
class ModelOptions:
    """The run, or the runs of an ensemble."""

    run: str
    others: tuple[str, ...]
    ensemble: str
    """What an ensemble takes the mean of, one of `MIXINGS`."""

    @property
    def runs(self) -> tuple[str, ...]:
        """All of them, the first one first."""
        return (self.run, *self.others)


def add_ensemble_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds further runs, which follow the first, and how they are mixed."""
    parser.add_argument("others", nargs="*", metavar="RUN", help="further runs with its target vocabulary: an ensemble")
    parser.add_argument(
        "--ensemble",
        choices=MIXINGS,
        default=MIXINGS[0],
        help=f"several runs: what they take the mean of (default {MIXINGS[0]})",
    )
