"""`seq2seq translate RUN`: lines in, translations out, by a run folder or its LiteRT export."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from seq2seq.cli.alignments import add_alignment_arguments, alignment_files, alignment_outputs, check_attention
from seq2seq.cli.bulk import add_bulk_arguments, check_bulk, run_bulk
from seq2seq.cli.common import EXIT_MISTAKE
from seq2seq.cli.ensembles import add_ensemble_arguments
from seq2seq.cli.line_progress import LineProgress
from seq2seq.cli.requests import add_request_arguments, read_requests
from seq2seq.cli.text_io import add_search_arguments, output, positive
from seq2seq.cli.translation import Counts, Translation
from seq2seq.inference.alignments import align_pieces
from seq2seq.messages import say
from seq2seq.outputs import STDIN, STDOUT, check_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made, or a LiteRT folder that export made")
    add_ensemble_arguments(parser)
    parser.add_argument("--output", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument(
        "--n-best",
        type=positive,
        default=1,
        metavar="N",
        help="print up to N hypotheses a line, no two of the same text, as 'id ||| hypothesis ||| score'",
    )
    parser.add_argument(
        "--replace-unknown",
        action="store_true",
        help="write for each unknown piece the source word that it attends to most",
    )
    parser.add_argument(
        "--dictionary", metavar="FILE", help="with --replace-unknown: a TSV of source and target word, to write that"
    )
    add_request_arguments(parser)
    add_alignment_arguments(parser)
    add_bulk_arguments(parser)
    add_search_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Does the verb's work; ValueError for a mistake in the input.

    Returns:
        The exit code: a mistake's where lines were too long, whose output was left empty.
    """
    read = [arguments.run, *arguments.others, arguments.input or STDIN]
    read += [arguments.dictionary, arguments.terms, arguments.exclude_file]
    check_outputs(read, {"--output": arguments.output or STDOUT, **alignment_outputs(arguments)})
    check_bulk(arguments)
    if arguments.workers:
        return finish(run_bulk(arguments))
    with ExitStack() as stack:
        progress = LineProgress(arguments.input)

        def tell(message: str) -> None:
            progress.clear()
            say(message)

        translation = Translation(arguments, tell)
        requests = read_requests(arguments, translation.chunk_lines)
        generator = translation.load()
        out = stack.enter_context(output(arguments.output))
        files = stack.enter_context(alignment_files(arguments))
        if files.wanted:
            check_attention(arguments.run, generator)
        stack.enter_context(progress)
        number = 0
        for chunk in requests:
            files.expect(len(chunk))
            results = translation.results(chunk, number)
            progress.clear()
            out.write(translation.text(chunk, number, results))
            out.flush()
            if files.wanted:
                pieces = [hypotheses[0].pieces if hypotheses else () for hypotheses in results]
                texts = [request.text if found else "" for request, found in zip(chunk, results, strict=True)]
                files.add(align_pieces(generator, texts, pieces, arguments.batch_size))
            number += len(chunk)
            progress.show(number)
    return finish(translation.counts)


def finish(counts: Counts) -> int:
    """Says what the user should know of the lines, and returns the exit code."""
    for warning in counts.warnings():
        say(warning)
    return EXIT_MISTAKE if counts.too_long or counts.refused else 0
