"""The arguments of verbs that take several runs as one."""

from __future__ import annotations

import argparse
from typing import Any


def add_ensemble_arguments(parser: argparse.ArgumentParser) -> None:
    """Lets further runs follow the first, and says how they are mixed."""
    parser.add_argument("others", nargs="*", metavar="RUN", help="further runs with its target vocabulary: an ensemble")
    parser.add_argument(
        "--ensemble",
        choices=["probabilities", "log-probabilities"],
        default="probabilities",
        help="several runs: the mean of what (default probabilities)",
    )


def ensemble(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `load_translator` and `load_generator` want to know of `add_ensemble_arguments`."""
    return {"others": arguments.others, "ensemble": arguments.ensemble}
