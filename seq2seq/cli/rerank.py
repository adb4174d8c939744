"""`seq2seq rerank`: an n-best list sorted anew by the scores of several runs, with weights given or found."""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.text_io import add_input_limits, input_limits, output, positive
from seq2seq.inference.nbest import Candidate, format_n_best, read_n_best
from seq2seq.metrics.tokenization import TOKENIZERS, Tokenization, advice
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.text.corpus import read_lines

if TYPE_CHECKING:
    import numpy as np

    from seq2seq.tasks.text_to_text.recipe import Recipe

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("--source", metavar="FILE", required=True, help="what was translated, a line each")
    parser.add_argument(
        "--n-best", metavar="FILE", required=True, help="'id ||| hypothesis ||| score', as translate --n-best prints it"
    )
    parser.add_argument(
        "--score", metavar="RUN", action="append", default=[], help="a run that scores hypotheses; may come again"
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
    parser.add_argument(
        "--batch-size", type=positive, default=64, metavar="N", help="pairs scored together (default 64)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the input."""
    from seq2seq.inference.reranking import OWN
    from seq2seq.tasks.text_to_text.folder import TextRunFolder

    read = [arguments.source, arguments.n_best, arguments.tune_on, *arguments.score, *arguments.reverse]
    check_outputs(read, {"--output": arguments.output or STDOUT, "--n-best-output": arguments.n_best_output})
    runs = [(f"score{n}", path, False) for n, path in enumerate(arguments.score, 1)]
    runs += [(f"reverse{n}", path, True) for n, path in enumerate(arguments.reverse, 1)]
    names = [OWN, *(name for name, _, _ in runs)]
    weights = _weights(arguments.weights, names)
    sources = list(read_lines(Path(arguments.source)))
    lists = read_n_best(Path(arguments.n_best), len(sources))
    references = list(read_lines(Path(arguments.tune_on))) if arguments.tune_on else []
    if arguments.tune_on and len(references) != len(sources):
        raise ValueError(
            f"{arguments.source} has {len(sources):,} lines, {arguments.tune_on} has {len(references):,}: "
            "they must run in parallel."
        )
    # A wrong run is named before the others have worked.
    recipes = [(TextRunFolder(path).load_recipe(), reverse) for _, path, reverse in runs]
    if arguments.tune_on and not sources:
        raise ValueError(f"{arguments.source}: there is nothing to tune on.")
    from seq2seq.inference.reranking import rerank

    how = _tokenization(arguments, recipes)
    if warning := advice(how, references):
        _log.warning("%s", warning)
    features = _features(arguments, runs, sources, lists)
    if arguments.tune_on:
        weights = _tune(arguments, lists, features, references, names, weights, how)
    lists = rerank(lists, features, names, weights)
    if arguments.n_best_output:
        with output(arguments.n_best_output) as stream:
            stream.writelines(format_n_best(lists))
    if arguments.output or not arguments.tune_on:
        with output(arguments.output) as stream:
            stream.writelines(candidates[0].text + "\n" for candidates in lists)


def _tokenization(arguments: argparse.Namespace, recipes: Sequence[tuple[Recipe, bool]]) -> Tokenization:
    """That of the language of the list, which the first run that scores it knows."""
    for recipe, reverse in sorted(recipes, key=lambda pair: pair[1]):
        language = recipe.data.source_language if reverse else recipe.data.target_language
        name = "auto" if reverse else recipe.data.score_tokenizer
        return Tokenization.of(language, name if arguments.score_tokenizer == "auto" else arguments.score_tokenizer)
    return Tokenization.of("en", arguments.score_tokenizer)


def _weights(text: str | None, names: list[str]) -> list[float]:
    if text is None:
        return [1.0] * len(names)
    try:
        weights = [float(word) for word in text.split(",")]
    except ValueError:
        weights = [math.nan]
    if len(weights) != len(names) or not all(map(math.isfinite, weights)):
        raise ValueError(f"--weights wants {len(names)} numbers, for {', '.join(names)}. Received: {text!r}")
    return weights


def _features(
    arguments: argparse.Namespace,
    runs: list[tuple[str, str, bool]],
    sources: list[str],
    lists: list[list[Candidate]],
) -> list[np.ndarray]:
    """Of each list `(hypotheses, features)`: its own score, then those of the runs, loaded one after the other."""
    import numpy as np

    from seq2seq.inference.reranking import TooLong, score_lists
    from seq2seq.tasks.text_to_text.loading import load_generator

    columns = [[np.asarray([c.score for c in candidates]) for candidates in lists]]
    for _, path, reverse in runs:
        generator = load_generator(Path(path), **input_limits(arguments))
        _log.info("Scoring with %s%s", path, ", reverse" if reverse else "")
        try:
            columns.append(score_lists(generator, sources, lists, reverse, arguments.normalize, arguments.batch_size))
        except TooLong as error:
            file, line = arguments.source, error.source + 1
            if reverse:
                file, line = arguments.n_best, error.candidate.line
            raise ValueError(f"{file}:{line}: {error}") from error
    return [np.stack(parts, axis=1) for parts in zip(*columns, strict=True)]


def _tune(
    arguments: argparse.Namespace,
    lists: list[list[Candidate]],
    features: list[np.ndarray],
    references: list[str],
    names: list[str],
    start: list[float],
    how: Tokenization,
) -> list[float]:
    """Prints the weights found and returns them."""
    from seq2seq.inference.reranking import Tuning

    tuning = Tuning(lists, features, references, how)
    weights, score = tuning.search(start, arguments.seed)
    before = tuning.bleu([1.0] + [0.0] * (len(names) - 1))
    _log.info(
        "BLEU on %s: %.2f by the list's own score, %.2f at the start, %.2f found (%s)",
        *(arguments.tune_on, before, tuning.bleu(start), score),
        ", ".join(f"{name} {weight:.6g}" for name, weight in zip(names, weights, strict=True)),
    )
    with output(None) as stream:
        stream.write(",".join(f"{weight:.9g}" for weight in weights) + "\n")
    return weights
