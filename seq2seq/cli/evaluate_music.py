"""`seq2seq evaluate RUN` of a model of music: its negative log-likelihood a frame on a test set or other pieces."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from
from seq2seq.cli.token_evaluation import add_baseline, add_test, joined, show_tables
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
    add_test(parser)
    parser.add_argument("--files", metavar="FOLDER", help="instead of --test: a folder of pieces, or files: A,B")
    add_baseline(parser, "the run's training pieces in all transpositions", "pieces")


def run(arguments: argparse.Namespace) -> None:
    """Scores the run. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(EvaluateOptions, arguments)
    if options.test and options.files:
        raise ValueError("Give either --test or --files, not both.")
    if options.mix and not options.ngram:
        raise ValueError("--mix mixes the model with an n-gram model: give --ngram N too.")
    check_outputs([options.run, *([options.files] if options.files else [])], {"standard output": STDOUT})
    from seq2seq.tasks.music.evaluation import Baseline, open_pieces
    from seq2seq.tasks.music.loading import load_model
    from seq2seq.tasks.token_model import VALIDATION

    pieces, folder = open_pieces(Path(options.run), options.test, options.files), Path(options.run)
    if not pieces:
        raise ValueError("There are no pieces to score.")
    model = load_model(folder)
    from seq2seq.evaluation.language import best_weight
    from seq2seq.evaluation.music import mixed
    from seq2seq.inference.music import Composer, likelihood

    if options.mix and not isinstance(model, Composer):
        raise ValueError("--mix mixes the probabilities of tokens, and this run predicts 88 keys, each by itself.")
    scored = model.score(pieces)
    tables: dict[str, dict[str, Score]] = {"model": likelihood(scored).scores(model.conditions)}
    if options.ngram:
        baseline, name = Baseline(folder, options.ngram), f"{options.ngram}-gram"
        others = baseline.score(pieces)
        tables[name] = likelihood(others).scores(baseline.conditions)
        if options.mix:
            held_out = open_pieces(folder, VALIDATION, None)
            weight = round(best_weight(model.score(held_out), baseline.score(held_out)), 3)
            how = joined(model.conditions, baseline.conditions, f"weight:{weight:g}")
            tables[f"model and {name}"] = likelihood(mixed(scored, others, weight)).scores(how)
    show_tables(tables, options.json)
