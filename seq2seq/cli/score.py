"""`seq2seq score RUN`: how likely the model finds given translations."""

from __future__ import annotations

import argparse
import math
import sys
from itertools import islice
from pathlib import Path

from seq2seq.cli.text_io import output, positive
from seq2seq.pipeline.corpus import text_at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made")
    parser.add_argument("--source", metavar="FILE", required=True, help="source text, or a TSV of both sides")
    parser.add_argument("--target", metavar="FILE", help="the translations to score, line by line")
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument("--pieces", action="store_true", help="print the log-probability of every piece, EOS last")
    parser.add_argument(
        "--batch-size", type=positive, default=64, metavar="N", help="lines scored together (default 64)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the input."""
    text = text_at(arguments.source, arguments.target or "")
    pairs = iter([(pair.source, pair.target) for pair in text])  # read whole first: a bad line is told before the work
    from seq2seq.recipe.loading import load_generator

    generator = load_generator(Path(arguments.run))
    total, pieces = 0.0, 0
    with output(arguments.output) as out:
        while chunk := list(islice(pairs, arguments.batch_size * 32)):
            for gains in generator.score(chunk, arguments.batch_size):
                total, pieces = total + float(gains.sum()), pieces + len(gains)
                row = " ".join(f"{gain:.4f}" for gain in gains) if arguments.pieces else f"{gains.sum():.4f}"
                out.write(row + "\n")
    if pieces:
        print(f"{pieces:,} pieces, perplexity {math.exp(-total / pieces):.3f} a piece", file=sys.stderr)
