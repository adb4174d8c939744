"""`seq2seq align RUN`: which tokens or words of given pairs belong together, by the attention of a run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from seq2seq.cli.alignment_files import (
    AlignmentOptions,
    add_alignment_arguments,
    check_attention,
    open_alignment_files,
)
from seq2seq.cli.arguments import (
    BATCHES,
    PairOptions,
    SearchChanges,
    add_batch_size,
    add_input_limits,
    add_pair_arguments,
    options_from,
)
from seq2seq.inference.requests import InputTooLong
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.text.corpus import files_of


@dataclass(frozen=True)
class AlignOptions:
    """The options of the verb."""

    run: str
    pairs: PairOptions
    alignment: AlignmentOptions
    search: SearchChanges
    batch_size: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the verb takes."""
    parser.add_argument("run", help="run folder that a recipe made, or a LiteRT folder that export made")
    add_pair_arguments(parser, "source text, or a table or JSON of both sides", "its translation, line by line")
    add_alignment_arguments(parser)
    add_input_limits(parser)
    add_batch_size(parser, "lines aligned together")


def run(arguments: argparse.Namespace) -> None:
    """Aligns the pairs; hard alignments go to stdout if no file is named. Raises ValueError for a mistake."""
    options = options_from(AlignOptions, arguments)
    text = options.pairs.open()
    outputs = options.alignment.outputs
    check_outputs([options.run, *files_of(text)], outputs if any(outputs.values()) else {"standard output": STDOUT})
    pairs = list(text)  # all of it, so that a bad line is reported before the work
    from seq2seq.inference.alignments import align_text
    from seq2seq.tasks.text_to_text.loading import load_translator

    generator = load_translator(Path(options.run), **options.search.values)
    check_attention(options.run, generator)
    with open_alignment_files(options.alignment, fallback=True) as files:
        files.check_room(len(pairs))
        rest = iter(pairs)
        while chunk := list(islice(rest, options.batch_size * BATCHES)):
            try:
                files.add(align_text(generator, [(pair.source, pair.target) for pair in chunk], options.batch_size))
            except InputTooLong as error:
                raise ValueError(f"{chunk[error.index].place}: {error}") from error
