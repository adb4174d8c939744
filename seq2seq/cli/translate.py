"""`seq2seq translate RUN`: lines in, translations out, by a run folder or its LiteRT export."""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from seq2seq.cli.ensembles import add_ensemble_arguments, ensemble
from seq2seq.cli.text_io import add_search_arguments, input_chunks, output, positive, search_options
from seq2seq.search.options import InputTooLong

if TYPE_CHECKING:
    from seq2seq.generation.lines import LineGenerator
    from seq2seq.types import Hypothesis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made, or a LiteRT folder that export made")
    add_ensemble_arguments(parser)
    parser.add_argument("--input", metavar="FILE", help="text, a line each, plain or .gz (default: standard input)")
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument(
        "--n-best",
        type=positive,
        default=1,
        metavar="N",
        help="print N hypotheses a line as 'id ||| hypothesis ||| score'",
    )
    parser.add_argument(
        "--alignments",
        metavar="FILE",
        help="write the attention of each best hypothesis as JSON lines: source, target, weights",
    )
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the input."""
    options = search_options(arguments)
    from seq2seq.recipe.loading import load_translator

    generator = load_translator(Path(arguments.run), **ensemble(arguments), **options)
    if arguments.alignments and not generator.has_attention:
        raise ValueError(f"{arguments.run} has no attention, so it has no alignments.")
    with ExitStack() as stack:
        out = stack.enter_context(output(arguments.output))
        alignments = stack.enter_context(output(arguments.alignments)) if arguments.alignments else None
        number = 0
        for lines in input_chunks(arguments.input, arguments.batch_size * 32):
            try:
                results = generator.generate(lines, arguments.batch_size)
            except InputTooLong as error:
                place = f"{arguments.input or 'standard input'}:{number + error.index + 1}"
                raise ValueError(f"{place}: {error}") from error
            for hypotheses in results:
                out.write(_format(number, hypotheses, arguments.n_best))
                number += 1
            out.flush()
            if alignments:
                _write_alignments(alignments, generator, lines, results, arguments.batch_size)


def _format(number: int, hypotheses: list[Hypothesis], n_best: int) -> str:
    if n_best == 1:
        return hypotheses[0].text + "\n"
    return "".join(f"{number} ||| {h.text} ||| {h.score:.6f}\n" for h in hypotheses)


def _write_alignments(
    stream: TextIO, generator: LineGenerator, lines: list[str], results: list[list[Hypothesis]], batch_size: int
) -> None:
    pairs = [(line, best[0].pieces) for line, best in zip(lines, results, strict=True)]
    sources = [ids[: generator.options.max_input] for ids in generator.source_tokenizer.encode(lines)]
    for (_, pieces), ids, weights in zip(pairs, sources, generator.align(pairs, batch_size), strict=True):
        row = {
            "source": [*generator.source_tokenizer.pieces(ids), "</s>"],
            "target": [*pieces, "</s>"],
            "weights": [[round(float(w), 5) for w in row] for row in weights],
        }
        stream.write(json.dumps(row if ids else {"source": [], "target": [], "weights": []}, ensure_ascii=False) + "\n")
    stream.flush()
