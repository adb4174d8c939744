"""`seq2seq translate RUN`: lines in, translations out, by a run folder or its LiteRT export."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.cli.alignments import add_alignment_arguments, alignment_files, check_attention
from seq2seq.cli.text_io import add_search_arguments, input_chunks, output, positive, search_options
from seq2seq.search.options import InputTooLong

if TYPE_CHECKING:
    from seq2seq.types import Hypothesis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made, or a LiteRT folder that export made")
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
        "--replace-unknown",
        action="store_true",
        help="write for each unknown piece the source word that it attends to most",
    )
    parser.add_argument(
        "--dictionary", metavar="FILE", help="with --replace-unknown: a TSV of source and target word, to write that"
    )
    add_alignment_arguments(parser)
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; ValueError for a mistake in the input."""
    options = search_options(arguments)
    from seq2seq.generation.alignments import align_pieces
    from seq2seq.generation.unknown import read_dictionary, replace_unknown
    from seq2seq.recipe.loading import load_translator

    if arguments.dictionary and not arguments.replace_unknown:
        raise ValueError("--dictionary is for --replace-unknown.")
    dictionary = read_dictionary(Path(arguments.dictionary)) if arguments.dictionary else {}
    generator = load_translator(Path(arguments.run), **options)
    with ExitStack() as stack:
        out = stack.enter_context(output(arguments.output))
        files = stack.enter_context(alignment_files(arguments))
        if files.wanted or arguments.replace_unknown:
            check_attention(arguments.run, generator)
        number = 0
        for lines in input_chunks(arguments.input, arguments.batch_size * 32):
            files.expect(len(lines))
            try:
                results = generator.generate(lines, arguments.batch_size)
            except InputTooLong as error:
                place = f"{arguments.input or 'standard input'}:{number + error.index + 1}"
                raise ValueError(f"{place}: {error}") from error
            if arguments.replace_unknown:
                results = replace_unknown(generator, lines, results, dictionary, arguments.batch_size)
            for hypotheses in results:
                out.write(_format(number, hypotheses, arguments.n_best))
                number += 1
            out.flush()
            if files.wanted:
                pieces = [best[0].pieces for best in results]
                files.add(align_pieces(generator, lines, pieces, arguments.batch_size))


def _format(number: int, hypotheses: list[Hypothesis], n_best: int) -> str:
    if n_best == 1:
        return hypotheses[0].text + "\n"
    return "".join(f"{number} ||| {h.text} ||| {h.score:.6f}\n" for h in hypotheses)
