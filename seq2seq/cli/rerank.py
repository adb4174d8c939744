"""`seq2seq rerank`: sorts an n-best list by the scores of several runs, with given or tuned weights."""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import SearchChanges, add_batch_size, add_input_limits, options_from
from seq2seq.cli.text_io import output
from seq2seq.inference.nbest import Candidate, format_n_best, read_n_best
from seq2seq.metrics.tokenization import TOKENIZERS, Tokenization, advice
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.text.corpus import read_lines

if TYPE_CHECKING:
    import numpy as np

    from seq2seq.tasks.text_to_text.recipe import Recipe

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RerankOptions:
    """The options of the verb."""

    source: str
    n_best: str
    score: tuple[str, ...]
    reverse: tuple[str, ...]
    weights: str | None
    normalize: str
    tune_on: str | None
    score_tokenizer: str
    seed: int
    output: str | None
    n_best_output: str | None
    search: SearchChanges
    batch_size: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("--source", metavar="FILE", required=True, help="what was translated, a line each")
    parser.add_argument(
        "--n-best", metavar="FILE", required=True, help="'id ||| hypothesis ||| score', as translate --n-best prints it"
    )
    parser.add_argument(
        "--score",
        metavar="RUN",
        action="append",
        default=[],
        help="a run that scores hypotheses: of the list's task, or a language model; may come again",
    )
    parser.add_argument(
        "--reverse",
        metavar="RUN",
        action="append",
        default=[],
        help="a run of the other direction, which scores the source given the hypothesis; may come again",
    )
    parser.add_argument(
        "--weights",
        metavar="W,W,…",
        help="of the list's own score, of each --score and of each --reverse, in this order (default: 1 each)",
    )
    parser.add_argument(
        "--normalize",
        choices=["length", "none"],
        default="length",
        help="the runs' scores: log-probability a piece (default), or of the whole text",
    )
    parser.add_argument(
        "--tune-on",
        metavar="REFERENCES",
        help="find weights that raise BLEU on this list and print them, and no text unless --output names a file",
    )
    parser.add_argument(
        "--score-tokenizer",
        choices=TOKENIZERS,
        default="auto",
        help="how the BLEU of --tune-on splits text into words (default: auto, by the runs' data.target_language)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of --tune-on: where it starts (default 1)")
    parser.add_argument("--output", metavar="FILE", help="where to write the best lines (default: standard output)")
    parser.add_argument("--n-best-output", metavar="FILE", help="write the whole list there, sorted, with all features")
    add_input_limits(parser)
    add_batch_size(parser, "pairs scored together")


def run(arguments: argparse.Namespace) -> None:
    """Sorts the lists. Raises ValueError for a mistake in the options or in the input."""
    options = options_from(RerankOptions, arguments)
    from seq2seq.inference.reranking import OWN
    from seq2seq.tasks import recipe_of
    from seq2seq.tasks.text_to_text.recipe import Recipe

    read = [options.source, options.n_best, options.tune_on, *options.score, *options.reverse]
    check_outputs(read, {"--output": options.output or STDOUT, "--n-best-output": options.n_best_output})
    runs = [(f"score{n}", path, False) for n, path in enumerate(options.score, 1)]
    runs += [(f"reverse{n}", path, True) for n, path in enumerate(options.reverse, 1)]
    names = [OWN, *(name for name, _, _ in runs)]
    weights = _weights(options.weights, names)
    sources = list(read_lines(Path(options.source)))
    lists = read_n_best(Path(options.n_best), len(sources))
    references = list(read_lines(Path(options.tune_on))) if options.tune_on else []
    if options.tune_on and len(references) != len(sources):
        raise ValueError(
            f"{options.source} has {len(sources):,} lines, {options.tune_on} has {len(references):,}: "
            "they must run in parallel."
        )
    # A wrong run is named before the others have worked.
    loaded = [(recipe_of(Path(path)), path, reverse) for _, path, reverse in runs]
    if blind := [path for recipe, path, reverse in loaded if reverse and not isinstance(recipe, Recipe)]:
        raise ValueError(f"--reverse takes runs that read a source. Received: {blind[0]}, a language model.")
    recipes = [(recipe, reverse) for recipe, _, reverse in loaded if isinstance(recipe, Recipe)]
    if options.tune_on and not sources:
        raise ValueError(f"{options.source}: there is nothing to tune on.")
    from seq2seq.inference.reranking import rerank

    tokenization = _tokenization(options, recipes)
    if warning := advice(tokenization, references):
        _log.warning("%s", warning)
    features = _features(options, runs, sources, lists)
    if options.tune_on:
        weights = _tune(options, lists, features, references, names, weights, tokenization)
    lists = rerank(lists, features, names, weights)
    if options.n_best_output:
        with output(options.n_best_output) as stream:
            stream.writelines(format_n_best(lists))
    if options.output or not options.tune_on:
        with output(options.output) as stream:
            stream.writelines(candidates[0].text + "\n" for candidates in lists)


def _tokenization(options: RerankOptions, recipes: Sequence[tuple[Recipe, bool]]) -> Tokenization:
    """That of the language of the list, which the first run that scores it knows."""
    for recipe, reverse in sorted(recipes, key=lambda pair: pair[1]):
        language = recipe.data.source_language if reverse else recipe.data.target_language
        name = "auto" if reverse else recipe.data.score_tokenizer
        return Tokenization.of(language, name if options.score_tokenizer == "auto" else options.score_tokenizer)
    return Tokenization.of("en", options.score_tokenizer)


def _weights(text: str | None, names: list[str]) -> list[float]:
    if text is None:
        return [1.0] * len(names)
    try:
        weights = [float(word) for word in text.split(",")]
    except ValueError:
        weights = [math.nan]
    if len(weights) != len(names) or not all(map(math.isfinite, weights)):
        raise ValueError(f"--weights takes {len(names)} numbers, for {', '.join(names)}. Received: {text!r}")
    return weights


def _features(
    options: RerankOptions,
    runs: list[tuple[str, str, bool]],
    sources: list[str],
    lists: list[list[Candidate]],
) -> list[np.ndarray]:
    """Of each list `(hypotheses, features)`: its own score, then those of the runs, loaded one after the other."""
    import numpy as np

    from seq2seq.inference.reranking import TooLong, score_lists
    from seq2seq.tasks import load, recipe_of
    from seq2seq.tasks.text_to_text.recipe import Recipe

    columns = [[np.asarray([c.score for c in candidates]) for candidates in lists]]
    for _, path, reverse in runs:
        searches = isinstance(recipe_of(Path(path)), Recipe)
        scorer = load(Path(path), (), **(options.search.values if searches else {}))
        _log.info("Scoring with %s%s", path, ", reverse" if reverse else "")
        try:
            columns.append(score_lists(scorer, sources, lists, reverse, options.normalize, options.batch_size))
        except TooLong as error:
            file, line = options.source, error.source + 1
            if reverse:
                file, line = options.n_best, error.candidate.line
            raise ValueError(f"{file}:{line}: {error}") from error
    return [np.stack(parts, axis=1) for parts in zip(*columns, strict=True)]


def _tune(
    options: RerankOptions,
    lists: list[list[Candidate]],
    features: list[np.ndarray],
    references: list[str],
    names: list[str],
    start: list[float],
    tokenization: Tokenization,
) -> list[float]:
    """Prints the tuned weights and returns them."""
    from seq2seq.inference.reranking import Tuning

    tuning = Tuning(lists, features, references, tokenization)
    weights, score = tuning.search(start, options.seed)
    before = tuning.bleu([1.0] + [0.0] * (len(names) - 1))
    _log.info(
        "BLEU on %s: %.2f by the list's own score, %.2f at the start, %.2f tuned (%s)",
        *(options.tune_on, before, tuning.bleu(start), score),
        ", ".join(f"{name} {weight:.6g}" for name, weight in zip(names, weights, strict=True)),
    )
    with output(None) as stream:
        stream.write(",".join(f"{weight:.9g}" for weight in weights) + "\n")
    return weights
