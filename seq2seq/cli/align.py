"""`seq2seq align RUN`: which pieces or words of given pairs belong together, by the attention of a run."""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

from seq2seq.cli.alignments import add_alignment_arguments, alignment_files, alignment_outputs, check_attention
from seq2seq.cli.text_io import add_input_limits, add_pair_arguments, input_limits, positive
from seq2seq.inference.requests import InputTooLong
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.text.corpus import files_of, text_at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made, or a LiteRT folder that export made")
    add_pair_arguments(parser, "source text, or a table or JSON of both sides", "its translation, line by line")
    add_alignment_arguments(parser)
    add_input_limits(parser)
    parser.add_argument(
        "--batch-size", type=positive, default=64, metavar="N", help="lines aligned together (default 64)"
    )


def run(arguments: argparse.Namespace) -> None:
    """Does the verb's work; where no file is named, the links go to stdout. ValueError for a mistake in the input."""
    text = text_at(arguments.source, arguments.target or "", arguments.source_field, arguments.target_field)
    outputs = alignment_outputs(arguments)
    check_outputs([arguments.run, *files_of(text)], outputs if any(outputs.values()) else {"standard output": STDOUT})
    pairs = list(text)  # read whole first: a bad line is reported before the work
    from seq2seq.inference.alignments import align_text
    from seq2seq.tasks.text_to_text.loading import load_translator

    generator = load_translator(Path(arguments.run), **input_limits(arguments))
    check_attention(arguments.run, generator)
    with alignment_files(arguments, fallback=True) as files:
        files.expect(len(pairs))
        rest = iter(pairs)
        while chunk := list(islice(rest, arguments.batch_size * 32)):
            try:
                files.add(align_text(generator, [(pair.source, pair.target) for pair in chunk], arguments.batch_size))
            except InputTooLong as error:
                raise ValueError(f"{chunk[error.index].place}: {error}") from error
