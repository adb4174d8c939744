"""`seq2seq compare RUN RUN …` of detectors: what they found side by side, with tests of significance over series."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from seq2seq.cli.arguments import options_from, positive
from seq2seq.messages import show
from seq2seq.outputs import STDOUT, check_outputs


@dataclass(frozen=True)
class CompareOptions:
    """The options of the verb."""

    run: tuple[str, ...]
    test: str
    json: bool
    examples: int
    samples: int | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument(
        "run",
        nargs="+",
        help="finished run folders, or tables by evaluate --output; baseline first. One alone is compared with its own "
        "baselines",
    )
    parser.add_argument("--test", default="", metavar="NAME", help="labelled corpus (default: that of the runs)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--examples", type=int, default=5, metavar="N", help="series shown each way (default 5)")
    parser.add_argument(
        "--samples", type=positive, metavar="N", help="of bootstrap (default 1000); trials 10 times that"
    )


def run(arguments: argparse.Namespace) -> None:
    """Compares the runs. Raises ValueError if they cannot be compared."""
    options = options_from(CompareOptions, arguments)
    check_outputs(options.run, {"standard output": STDOUT})
    from seq2seq.evaluation.significance import SAMPLES
    from seq2seq.tasks.anomaly.comparison import as_text, compare, find_counts, read_counts

    if len({*options.run}) < len(options.run):
        raise ValueError(f"Expected different runs to compare. Received: {', '.join(options.run)}")
    found = {path: read_counts(find_counts(Path(path), options.test)) for path in options.run}
    # The run itself is the first of the detectors in a table.
    detectors = {path: next(iter(own.values())) for path, own in found.items()}
    if len(found) == 1:
        [detectors] = found.values()
    samples = {"bs": options.samples, "ar": 10 * options.samples} if options.samples else SAMPLES
    comparison = compare(detectors, max(0, options.examples), samples)
    show(json.dumps(comparison.as_json(), ensure_ascii=False, indent=2) if options.json else as_text(comparison))
