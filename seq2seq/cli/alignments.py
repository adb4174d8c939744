"""Alignments as files: the options that `translate` and `align` share, and what they write."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from seq2seq.cli.text_io import output
from seq2seq.files import output_file
from seq2seq.inference.alignments import UNITS, ArrayFile, as_json, as_pharaoh
from seq2seq.inference.heatmap import check_heatmap, draw_heatmap

if TYPE_CHECKING:
    from collections.abc import Callable

    from seq2seq.inference.alignments import Alignment
    from seq2seq.inference.lines import LineGenerator


ALIGNMENT_FILES = ("alignments", "hard_alignments", "heatmap")
"""The arguments of `add_alignment_arguments` that name files."""


def add_alignment_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the files that an alignment can be written to."""
    group = parser.add_argument_group("alignments (by attention)")
    group.add_argument(
        "--alignments",
        metavar="FILE",
        help="write the weights, EOS included: a .npz with weights_N, source_N, target_N for each line N from 0; "
        "under other names JSON lines of source, target, weights",
    )
    group.add_argument("--hard-alignments", metavar="FILE", help="write links i-j, source-target from 0, a line a line")
    group.add_argument("--alignment-units", choices=UNITS, default="words", help="what links count (default words)")
    group.add_argument("--heatmap", metavar="FILE", help="draw the weights of a single line to a .png or .svg")


def alignment_outputs(arguments: argparse.Namespace) -> dict[str, str | None]:
    """Returns the files that `add_alignment_arguments` asked for, by their options."""
    return {f"--{name.replace('_', '-')}": getattr(arguments, name) for name in ALIGNMENT_FILES}


class AlignmentFiles:
    """Takes alignments in the order of the lines. Made by `alignment_files`.

    Args:
        writers: What takes each alignment.
        one: Whether there may be but one, as a picture wants it.
    """

    def __init__(self, writers: Sequence[Callable[[Alignment], object]], one: bool):
        self._writers = writers
        self._one = one
        self._count = 0

    @property
    def wanted(self) -> bool:
        """Whether any file was asked for."""
        return bool(self._writers)

    def expect(self, count: int) -> None:
        """Raises ValueError if no `count` alignments more can be taken; to be asked before the work."""
        if self._one and self._count + count > 1:
            raise ValueError("--heatmap draws a single line. Received: more than one. Give it a line of its own.")

    def add(self, alignments: Sequence[Alignment]) -> None:
        for alignment in alignments:
            for write in self._writers:
                write(alignment)
            self._count += 1

    def end(self) -> None:
        """Raises ValueError if a picture was asked for and there was no line."""
        if self._one and not self._count:
            raise ValueError("--heatmap draws a single line. Received: none.")


@contextmanager
def alignment_files(arguments: argparse.Namespace, fallback: bool = False) -> Iterator[AlignmentFiles]:
    """Opens the files that `add_alignment_arguments` asked for; each appears only when it is whole.

    With `fallback`, where none was asked for, the links go to standard output.

    Raises:
        ValueError: a picture of another kind, or of more or less than one line.
    """
    if arguments.heatmap:
        check_heatmap(Path(arguments.heatmap))
    writers: list[Callable[[Alignment], object]] = []
    units = arguments.alignment_units
    with ExitStack() as stack:
        if arguments.alignments and arguments.alignments.endswith(".npz"):
            arrays = ArrayFile(stack.enter_context(output_file(arguments.alignments)))
            stack.callback(arrays.close)
            writers.append(arrays.add)
        elif arguments.alignments:
            soft = stack.enter_context(output(arguments.alignments))
            writers.append(lambda alignment: _write_line(soft, as_json(alignment)))
        nothing = not (arguments.alignments or arguments.hard_alignments or arguments.heatmap)
        if arguments.hard_alignments or (fallback and nothing):
            links = stack.enter_context(output(arguments.hard_alignments))
            writers.append(lambda alignment: _write_line(links, as_pharaoh(alignment, units)))
        if arguments.heatmap:
            writers.append(lambda alignment: draw_heatmap(alignment, Path(arguments.heatmap)))
        files = AlignmentFiles(writers, bool(arguments.heatmap))
        yield files
        files.end()


def _write_line(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


def check_attention(run: str, generator: LineGenerator) -> None:
    """Raises ValueError if the model of `run` has nothing to align by."""
    if not generator.has_attention:
        raise ValueError(f"{run} has no attention, so it has no alignments.")
