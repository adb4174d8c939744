"""`seq2seq score RUN`: how likely the model finds given translations."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.ensembles import add_ensemble_arguments, ensemble
from seq2seq.cli.text_io import add_input_limits, add_pair_arguments, input_limits, output, positive
from seq2seq.inference.confidence import confidence
from seq2seq.inference.requests import InputTooLong
from seq2seq.messages import say
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.symbols import EOS, NAMES
from seq2seq.text.corpus import files_of, text_at

if TYPE_CHECKING:
    import numpy as np

    from seq2seq.inference.generator import Generator


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
        help="the translations are pieces with blanks between, as a search wrote them, and not text to be cut anew",
    )
    add_input_limits(parser)
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument("--pieces", action="store_true", help="print the log-probability of every piece, EOS last")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print JSON lines: source, target, pieces with log_probabilities and probabilities, EOS last, "
        "log_probability (the sum), perplexity, and confidence (the geometric mean of the probabilities)",
    )
    parser.add_argument(
        "--batch-size", type=positive, default=64, metavar="N", help="lines scored together (default 64)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the input."""
    if arguments.json and arguments.pieces:
        raise ValueError("Give either --json, which has the pieces, or --pieces.")
    corpus = text_at(arguments.source, arguments.target or "", arguments.source_field, arguments.target_field)
    check_outputs([arguments.run, *arguments.others, *files_of(corpus)], {"--output": arguments.output or STDOUT})
    examples = list(corpus)  # read whole first: a bad line is reported before the work
    pairs = iter([(pair.source, pair.target) for pair in examples])
    from seq2seq.tasks.text_to_text.loading import load_generator

    generator = load_generator(Path(arguments.run), **ensemble(arguments), **input_limits(arguments))
    total, count, number = 0.0, 0, 0
    with output(arguments.output) as out:
        while chunk := list(islice(pairs, arguments.batch_size * 32)):
            targets = _targets(generator, chunk, arguments.target_pieces)
            try:
                found = generator.score_ids([source for source, _ in chunk], targets, arguments.batch_size)
            except InputTooLong as error:
                raise ValueError(f"{examples[number + error.index].place}: {error}") from error
            number += len(chunk)
            for (source, target), ids, gains in zip(chunk, targets, found, strict=True):
                total, count = total + float(gains.sum()), count + len(gains)
                if arguments.json:
                    text = generator.target_tokenizer.decode([ids])[0] if arguments.target_pieces else target
                    pieces = generator.target_tokenizer.pieces(ids)
                    row = json.dumps(_record(source, text, pieces, gains), ensure_ascii=False)
                else:
                    row = " ".join(f"{gain:.4f}" for gain in gains) if arguments.pieces else f"{gains.sum():.4f}"
                out.write(row + "\n")
    if count:
        say(f"{count:,} pieces, perplexity {math.exp(-total / count):.3f} a piece")


def _targets(generator: Generator, pairs: Sequence[tuple[str, str]], as_pieces: bool) -> list[list[int]]:
    if not as_pieces:
        return generator.target_ids(pairs)
    rows = [[piece for piece in line.split(" ") if piece] for _, line in pairs]
    rows = [row[:-1] if row[-1:] == [NAMES[EOS]] else row for row in rows]
    return [generator.target_tokenizer.ids(row) for row in rows]


def _record(source: str, target: str, pieces: Sequence[str], gains: np.ndarray) -> dict[str, object]:
    """A line of JSON; where the source is empty, nothing was scored and there are no pieces."""
    return {
        "source": source,
        "target": target,
        "pieces": [*pieces, NAMES[EOS]] if len(gains) else [],
        "log_probabilities": [round(float(gain), 6) for gain in gains],
        "probabilities": [round(math.exp(gain), 6) for gain in gains],
        "log_probability": round(float(gains.sum()), 6),
        "perplexity": round(1 / max(confidence(gains), 1e-300), 6),
        "confidence": round(confidence(gains), 6),
    }
