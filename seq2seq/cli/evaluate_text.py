"""`seq2seq evaluate RUN` of a language model: its perplexity on a test set or another text."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import options_from
from seq2seq.cli.token_evaluation import add_baseline, add_test, joined, show_tables
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.progress import ProgressLine

if TYPE_CHECKING:
    from seq2seq.inference.language import TextModel
    from seq2seq.inference.text_scoring import ScoredLine
    from seq2seq.metrics.score import Score


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of the verb."""

    run: str
    test: str | None
    text: str | None
    dynamic: float
    decay: float
    cache: int
    cache_weight: float
    cache_flatness: float
    ngram: int | None
    mix: bool
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder of a language model")
    add_test(parser)
    parser.add_argument("--text", metavar="FILE", help="instead of --test: a text; several: FILE,FILE")
    parser.add_argument(
        "--dynamic",
        type=float,
        default=0.0,
        metavar="RATE",
        help="dynamic evaluation: learn from each block of the text after scoring it, at this learning rate (0 is off)",
    )
    parser.add_argument(
        "--decay", type=float, default=0.002, metavar="X", help="with --dynamic: share of the way back at each step"
    )
    parser.add_argument(
        "--cache", type=int, default=0, metavar="N", help="neural cache: remember the last N tokens (0 is off)"
    )
    parser.add_argument("--cache-weight", type=float, default=0.1, metavar="X", help="share of the cache (default 0.1)")
    parser.add_argument(
        "--cache-flatness", type=float, default=0.3, metavar="X", help="what its dot products are multiplied with"
    )
    add_baseline(parser, "the run's training text, over the same tokens", "text")


def run(arguments: argparse.Namespace) -> None:
    """Scores the run. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(EvaluateOptions, arguments)
    if options.test and options.text:
        raise ValueError("Give either --test or --text, not both.")
    if options.dynamic and options.cache:
        raise ValueError("Give either --dynamic or --cache, not both.")
    if options.mix and (not options.ngram or options.dynamic):
        raise ValueError("--mix mixes the model with --ngram N, and not with --dynamic, which learns from one text.")
    check_outputs([options.run], {"standard output": STDOUT})
    from seq2seq.tasks.language_model.evaluation import Baseline, open_text

    lines = open_text(Path(options.run), options.test, options.text)
    from seq2seq.tasks import load
    from seq2seq.tasks.token_model import VALIDATION

    model, conditions = _model(options, load(Path(options.run)))
    from seq2seq.evaluation.language import add, best_weight, mixed
    from seq2seq.metrics.perplexity import Likelihood

    def scored(text: Iterable[str]) -> Iterator[ScoredLine]:
        progress = ProgressLine(terminal_pause=0.5, log_pause=30.0)
        for done, line in enumerate(model.score_text(text), 1):
            if progress.is_due():
                progress.show(f"{done:,} lines")
            yield line
        progress.clear()

    found = Likelihood()
    kept: list[ScoredLine] = []
    for line in scored(lines):
        add(found, line)
        kept += [line] if options.mix else []
    if not found.lines:
        raise ValueError(f"{options.text}: the text is empty: there is nothing to score.")
    tables: dict[str, dict[str, Score]] = {"model": found.scores(conditions)}
    if options.ngram:
        baseline, name, counted = Baseline(Path(options.run), options.ngram), f"{options.ngram}-gram", Likelihood()
        others = baseline.score(lines)
        for line in others:
            add(counted, line)
        tables[name] = counted.scores(f"kneser-ney:{options.ngram}")
        if options.mix:
            held_out = open_text(Path(options.run), VALIDATION, None)
            weight = round(best_weight(list(scored(held_out)), baseline.score(held_out)), 3)
            how = joined(conditions, f"kneser-ney:{options.ngram}", f"weight:{weight:g}")
            tables[f"model and {name}"] = mixed(kept, others, weight).scores(how)
    show_tables(tables, options.json)


def _model(options: EvaluateOptions, model: TextModel) -> tuple[TextModel, str]:
    """Returns what scores, and how the signature names it."""
    from seq2seq.evaluation.language import CachedModel, CacheOptions, DynamicModel

    if options.dynamic:
        return DynamicModel(model, options.dynamic, options.decay), f"dynamic:{options.dynamic:g},{options.decay:g}"
    if options.cache:
        cache = CacheOptions(options.cache, options.cache_weight, options.cache_flatness)
        return CachedModel(model, cache), f"cache:{cache.size},{cache.weight:g},{cache.flatness:g}"
    return model, ""
