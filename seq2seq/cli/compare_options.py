"""What `seq2seq compare` takes, whatever kind of runs it is given, and how it prints."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.cli.arguments import positive
from seq2seq.messages import show
from seq2seq.outputs import STDOUT, check_outputs


@dataclass(frozen=True)
class CompareOptions:
    """The options that all kinds of runs have."""

    run: tuple[str, ...]
    test: str
    json: bool
    examples: int
    samples: int | None

    @property
    def shown(self) -> int:
        """Examples to show each way."""
        return max(0, self.examples)

    @property
    def draws(self) -> Mapping[str, int]:
        """Draws of the bootstrap and of approximate randomization, by the name of the method."""
        from seq2seq.evaluation.significance import SAMPLES

        return {"bs": self.samples, "ar": 10 * self.samples} if self.samples else SAMPLES


def add_compare_arguments(parser: argparse.ArgumentParser, runs: str, test: str, examples: str) -> None:
    """Declares the options.

    Args:
        parser: Of the verb.
        runs: What can be compared, for the help.
        test: What `--test` names, and its default.
        examples: What is shown each way.
    """
    parser.add_argument("run", nargs="+", help=f"{runs}; baseline first")
    parser.add_argument("--test", default="", metavar="NAME", help=test)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--examples", type=int, default=5, metavar="N", help=f"{examples} shown each way (default 5)")
    parser.add_argument(
        "--samples", type=positive, metavar="N", help="of bootstrap (default 1000); trials 10 times that"
    )


def check_runs(options: CompareOptions, fewest: int = 1) -> None:
    """Checks the runs of a command that prints and writes no file.

    Raises:
        ValueError: there are too few runs, one is given twice, or one would be overwritten.
    """
    check_outputs(options.run, {"standard output": STDOUT})
    if len(options.run) < fewest or len({*options.run}) < len(options.run):
        expected = "two or more different runs" if fewest > 1 else "different runs"
        raise ValueError(f"Expected {expected} to compare. Received: {', '.join(options.run)}")


def show_comparisons(comparisons: Sequence[Any], as_text: Callable[[Any], str], as_json: bool) -> None:
    """Prints comparisons, as text or as the list of their JSON."""
    if as_json:
        show(json.dumps([one.as_json() for one in comparisons], ensure_ascii=False, indent=2))
    else:
        show("\n\n".join(map(as_text, comparisons)))


def compare_with_baselines(
    options: CompareOptions,
    models: Mapping[str, Mapping[str, Any]],
    compare: Callable[[Mapping[str, Any], int, Mapping[str, int]], Any],
    as_text: Callable[[Any], str],
) -> None:
    """Compares and prints the first model of each run; of a run alone all of its models, its own baselines among them.

    Args:
        options: Of the command.
        models: By run what each of its models did, the run itself first.
        compare: Takes what is compared by name, `shown` and `draws` of the options.
        as_text: Makes text of what it gives.
    """
    own: Mapping[str, Any] = {path: next(iter(found.values())) for path, found in models.items()}
    if len(models) == 1:
        [own] = models.values()
    found = compare(own, options.shown, options.draws)
    show(json.dumps(found.as_json(), ensure_ascii=False, indent=2) if options.json else as_text(found))
