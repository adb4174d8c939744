"""`seq2seq compare RUN RUN …` of recognisers: error rates side by side, with tests of significance."""

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
    test: str | None
    json: bool
    examples: int
    samples: int | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument(
        "run", nargs="+", help="finished run folders, or tables of `seq2seq evaluate --output`; baseline first"
    )
    parser.add_argument("--test", metavar="NAME", help="test set (default: all that they share)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--examples", type=int, default=5, metavar="N", help="utterances shown each way (default 5)")
    parser.add_argument(
        "--samples", type=positive, metavar="N", help="of bootstrap (default 1000); trials 10 times that"
    )


def run(arguments: argparse.Namespace) -> None:
    """Compares the runs. Raises ValueError if they cannot be compared."""
    options = options_from(CompareOptions, arguments)
    check_outputs(options.run, {"standard output": STDOUT})
    from seq2seq.evaluation.recognition import as_text, compare, read_table
    from seq2seq.evaluation.significance import SAMPLES
    from seq2seq.tasks.speech.folder import SpeechRunFolder

    if len(options.run) < 2 or len({*options.run}) < len(options.run):
        raise ValueError(f"Expected two or more different runs to compare. Received: {', '.join(options.run)}")
    systems = {}
    for path in options.run:
        rows = read_table(SpeechRunFolder(path).samples_file if Path(path).is_dir() else Path(path))
        systems[path] = [row for row in rows if not options.test or options.test == row.test]
    samples = {"bs": options.samples, "ar": 10 * options.samples} if options.samples else SAMPLES
    found = compare(systems, max(0, options.examples), samples)
    if options.json:
        show(json.dumps([comparison.as_json() for comparison in found], ensure_ascii=False, indent=2))
    else:
        show("\n\n".join(map(as_text, found)))
