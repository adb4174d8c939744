"""`seq2seq translate RUN`: lines in, translations out, by a run folder or its LiteRT export."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import dataclass

from seq2seq.cli.alignment_files import (
    AlignmentOptions,
    add_alignment_arguments,
    check_attention,
    open_alignment_files,
)
from seq2seq.cli.arguments import add_batch_size, add_search_arguments, options_from, positive
from seq2seq.cli.bulk_translation import BulkOptions, add_bulk_arguments, check_bulk, run_bulk
from seq2seq.cli.common import EXIT_MISTAKE
from seq2seq.cli.line_progress import LineProgress
from seq2seq.cli.line_translator import Counts, TranslationOptions
from seq2seq.cli.model_arguments import add_ensemble_arguments
from seq2seq.cli.request_input import add_input_arguments
from seq2seq.cli.simultaneous import check_simultaneous, translate_words
from seq2seq.cli.text_io import output
from seq2seq.inference.alignments import align_pieces
from seq2seq.messages import say
from seq2seq.outputs import STDIN, STDOUT, check_outputs


@dataclass(frozen=True)
class TranslateOptions:
    """The options of the verb."""

    translation: TranslationOptions
    wait_k: int | None
    output: str | None
    alignment: AlignmentOptions
    bulk: BulkOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the verb."""
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
        help="write for each unknown token the source word that it attends to most",
    )
    parser.add_argument(
        "--dictionary", metavar="FILE", help="with --replace-unknown: a TSV of source and target word, to write that"
    )
    parser.add_argument(
        "--wait-k",
        type=positive,
        metavar="K",
        help="simultaneous translation: read words as they come and write K words behind them; needs a run trained "
        "with training.wait_k, or its LiteRT folder",
    )
    add_input_arguments(parser)
    add_alignment_arguments(parser)
    add_bulk_arguments(parser)
    add_search_arguments(parser)
    add_batch_size(parser, "lines searched together")


def run(arguments: argparse.Namespace) -> int:
    """Translates the input.

    Returns:
        The exit code: that of a mistake if outputs were left empty by errors.

    Raises:
        ValueError: a mistake in the arguments or in the input.
    """
    options = options_from(TranslateOptions, arguments)
    translation, source = options.translation, options.translation.input
    read = [*translation.model.runs, source.input or STDIN, translation.dictionary, source.terms, source.exclude_file]
    check_outputs(read, {"--output": options.output or STDOUT, **options.alignment.outputs})
    for flag, path in options.alignment.outputs.items():
        if path and options.bulk.workers:
            raise ValueError(f"{flag} is not for --workers: align what comes out with seq2seq align.")
    check_bulk(options.bulk, translation, options.output)
    if options.wait_k:
        check_simultaneous(translation, {**options.alignment.outputs, "--workers": options.bulk.workers})
        counts = translate_words(translation, options.wait_k, options.output)
    elif options.bulk.workers and options.output:
        counts = run_bulk(options.bulk, translation, options.output)
    else:
        counts = _translate(options)
    for warning in counts.warnings():
        say(warning)
    return EXIT_MISTAKE if counts.has_errors else 0


def _translate(options: TranslateOptions) -> Counts:
    """Translates the input in this process, chunk by chunk."""
    translation = options.translation
    with ExitStack() as stack:
        progress = LineProgress(translation.input.input)

        def notify(message: str) -> None:
            progress.clear()
            say(message)

        translator = translation.translator(notify)
        chunks = translator.read()
        generator = translator.load()
        out = stack.enter_context(output(options.output))
        alignments = stack.enter_context(open_alignment_files(options.alignment))
        if alignments.has_writers:
            check_attention(translation.model.run, generator)
        stack.enter_context(progress)
        done = 0
        for chunk in chunks:
            alignments.check_room(len(chunk))
            results = translator.translate(chunk, done)
            progress.clear()
            out.write(translator.format(chunk, done, results))
            out.flush()
            if alignments.has_writers:
                tokens = [hypotheses[0].pieces if hypotheses else () for hypotheses in results]
                texts = [line.request.text if found else "" for line, found in zip(chunk, results, strict=True)]
                alignments.add(align_pieces(generator, texts, tokens, translation.batch_size))
            done += len(chunk)
            progress.show(done)
        return translator.counts
