"""`seq2seq evaluate RUN` of a model of music: its negative log-likelihood a frame on a test set or other pieces."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from, positive
from seq2seq.messages import show
from seq2seq.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from seq2seq.metrics.score import Score


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of the verb."""

    run: str
    test: str | None
    files: str | None
    ngram: int | None
    mix: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a model of music")
    parser.add_argument(
        "--test", metavar="NAME", help="test set of the run's recipe, or validation (default: its first test set)"
    )
    parser.add_argument("--files", metavar="FOLDER", help="instead of --test: a folder of pieces, or files: A,B")
    parser.add_argument(
        "--ngram",
        type=positive,
        default=None,
        metavar="N",
        help="also score an N-gram model (Kneser-Ney) of the run's training pieces in all transpositions",
    )
    parser.add_argument(
        "--mix",
        action="store_true",
        help="with --ngram: also the mixture of both, its weight chosen on the validation pieces",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(arguments: argparse.Namespace) -> None:
    """Scores the run. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(EvaluateOptions, arguments)
    if options.test and options.files:
        raise ValueError("Give either --test or --files, not both.")
    if options.mix and not options.ngram:
        raise ValueError("--mix mixes the model with an n-gram model: give --ngram N too.")
    check_outputs([options.run, *([options.files] if options.files else [])], {"standard output": STDOUT})
    from seq2seq.tasks import load
    from seq2seq.tasks.music.evaluation import VALIDATION, Baseline, open_pieces

    pieces, folder = open_pieces(Path(options.run), options.test, options.files), Path(options.run)
    if not pieces:
        raise ValueError("There are no pieces to score.")
    model = load(folder)
    if options.mix and not model.predicts_tokens:
        raise ValueError("--mix mixes the probabilities of tokens, and this run predicts 88 keys, each by itself.")
    from seq2seq.evaluation.language import best_weight
    from seq2seq.evaluation.music import mixed
    from seq2seq.inference.music import likelihood

    scored = model.score(pieces)
    tables: dict[str, dict[str, Score]] = {"model": likelihood(scored).scores()}
    if options.ngram:
        baseline, name = Baseline(folder, options.ngram), f"{options.ngram}-gram"
        others = baseline.score(pieces)
        tables[name] = likelihood(others).scores(baseline.conditions)
        if options.mix:
            held_out = open_pieces(folder, VALIDATION, None)
            weight = round(best_weight(model.score(held_out), baseline.score(held_out)), 3)
            found = likelihood(mixed(scored, others, weight))
            tables[f"model and {name}"] = found.scores(f"{baseline.conditions}|weight:{weight:g}")
    if options.json:
        plain = {name: {measure: asdict(score) for measure, score in table.items()} for name, table in tables.items()}
        show(json.dumps(plain, indent=2))
        return
    for name, table in tables.items():
        show(name)
        for measure, score in table.items():
            show(f"{measure:20} {score.score:10.3f}   {score.signature}")
