"""`seq2seq score RUN`: how likely the model finds given translations."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.arguments import (
    BATCHES,
    PairOptions,
    SearchChanges,
    add_batch_size,
    add_input_limits,
    add_pair_arguments,
    options_from,
)
from seq2seq.cli.model_arguments import ModelOptions, add_ensemble_arguments
from seq2seq.cli.text_io import output
from seq2seq.inference.confidence import confidence
from seq2seq.inference.requests import InputTooLong
from seq2seq.messages import say
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.symbols import EOS, NAMES
from seq2seq.text.corpus import files_of

if TYPE_CHECKING:
    import numpy as np

    from seq2seq.inference.generator import Generator


@dataclass(frozen=True)
class ScoreOptions:
    """The options of the verb."""

    model: ModelOptions
    pairs: PairOptions
    search: SearchChanges
    target_pieces: bool
    pieces: bool
    json: bool
    output: str | None
    batch_size: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made")
    add_ensemble_arguments(parser)
    add_pair_arguments(
        parser, "source text, or a table or JSON of both sides", "the translations to score, line by line"
    )
    parser.add_argument(
        "--target-pieces",
        action="store_true",
        help="the translations are tokens with blanks between, as a search wrote them, not text",
    )
    add_input_limits(parser)
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument("--pieces", action="store_true", help="print the log-probability of every token, EOS last")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON lines: source, target, pieces with log_probabilities and probabilities, EOS last, "
        "log_probability (the sum), perplexity, and confidence (the geometric mean of the probabilities)",
    )
    add_batch_size(parser, "lines scored together")


def run(arguments: argparse.Namespace) -> None:
    """Scores the pairs. Raises ValueError for a mistake in the arguments or in the input."""
    options = options_from(ScoreOptions, arguments)
    if options.json and options.pieces:
        raise ValueError("Give either --json, which has the tokens, or --pieces.")
    corpus = options.pairs.open()
    check_outputs([*options.model.runs, *files_of(corpus)], {"--output": options.output or STDOUT})
    examples = list(corpus)  # all of it, so that a bad line is reported before the work
    generator = _load(options)
    total, count, done = 0.0, 0, 0
    with output(options.output) as out:
        while chunk := examples[done : done + options.batch_size * BATCHES]:
            pairs = [(example.source, example.target) for example in chunk]
            targets = _targets(generator, pairs, options.target_pieces)
            try:
                scores = generator.score_ids([source for source, _ in pairs], targets, options.batch_size)
            except InputTooLong as error:
                raise ValueError(f"{chunk[error.index].place}: {error}") from error
            done += len(chunk)
            for pair, ids, log_probs in zip(pairs, targets, scores, strict=True):
                total, count = total + float(log_probs.sum()), count + len(log_probs)
                out.write(_format(options, generator, pair, ids, log_probs) + "\n")
    if count:
        say(f"{count:,} tokens, perplexity {math.exp(-total / count):.3f} per token")


def _load(options: ScoreOptions) -> Generator:
    from seq2seq.tasks.text_to_text.loading import load_generator

    model = options.model
    return load_generator(Path(model.run), model.others, model.ensemble, **options.search.values)


def _format(
    options: ScoreOptions, generator: Generator, pair: tuple[str, str], ids: Sequence[int], log_probs: np.ndarray
) -> str:
    """Returns the line for a pair, without its end."""
    if options.json:
        source, target = pair
        text = generator.target_tokenizer.decode([ids])[0] if options.target_pieces else target
        return json.dumps(_record(source, text, generator.target_tokenizer.pieces(ids), log_probs), ensure_ascii=False)
    return " ".join(f"{value:.4f}" for value in log_probs) if options.pieces else f"{log_probs.sum():.4f}"


def _targets(generator: Generator, pairs: Sequence[tuple[str, str]], are_pieces: bool) -> list[list[int]]:
    """Returns the ids of the targets, which are text, or the pieces of a search with blanks between."""
    if not are_pieces:
        return generator.target_ids(pairs)
    rows = [[piece for piece in line.split(" ") if piece] for _, line in pairs]
    rows = [row[:-1] if row[-1:] == [NAMES[EOS]] else row for row in rows]
    return [generator.target_tokenizer.ids(row) for row in rows]


def _record(source: str, target: str, pieces: Sequence[str], log_probs: np.ndarray) -> dict[str, object]:
    """Returns an object of JSON; of an empty source nothing was scored, so it has no tokens."""
    return {
        "source": source,
        "target": target,
        "pieces": [*pieces, NAMES[EOS]] if len(log_probs) else [],
        "log_probabilities": [round(float(value), 6) for value in log_probs],
        "probabilities": [round(math.exp(value), 6) for value in log_probs],
        "log_probability": round(float(log_probs.sum()), 6),
        "perplexity": round(1 / max(confidence(log_probs), 1e-300), 6),
        "confidence": round(confidence(log_probs), 6),
    }
