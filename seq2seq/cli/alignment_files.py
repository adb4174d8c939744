"""Alignments as files: the options that `translate` and `align` share, and what they write."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from seq2seq.cli.text_io import output
from seq2seq.files import output_file
from seq2seq.inference.alignments import UNITS, ArrayFile, as_json, as_pharaoh
from seq2seq.inference.heatmap import check_heatmap, draw_heatmap

if TYPE_CHECKING:
    from seq2seq.inference.alignments import Alignment
    from seq2seq.inference.lines import LineGenerator


@dataclass(frozen=True)
class AlignmentOptions:
    """The files that alignments are written to, and what hard ones count."""

    alignments: str | None
    hard_alignments: str | None
    alignment_units: str
    heatmap: str | None

    @property
    def outputs(self) -> dict[str, str | None]:
        """The files by their flags."""
        return {
            "--alignments": self.alignments,
            "--hard-alignments": self.hard_alignments,
            "--heatmap": self.heatmap,
        }


def add_alignment_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `AlignmentOptions`."""
    group = parser.add_argument_group("alignments (by attention)")
    group.add_argument(
        "--alignments",
        metavar="FILE",
        help="write the weights, EOS included: a .npz with weights_N, source_N, target_N for each line N from 0; "
        "under other names JSON lines of source, target, weights",
    )
    group.add_argument(
        "--hard-alignments", metavar="FILE", help="write pairs i-j, source-target from 0, a line for each line"
    )
    group.add_argument(
        "--alignment-units", choices=UNITS, default="words", help="what --hard-alignments counts (default words)"
    )
    group.add_argument("--heatmap", metavar="FILE", help="draw the weights of a single line to a .png or .svg")


class AlignmentFiles:
    """Takes alignments in the order of the lines. Made by `open_alignment_files`.

    Args:
        writers: Each is called with each alignment.
        single: Whether at most one alignment can be taken, as by a picture.
    """

    def __init__(self, writers: Sequence[Callable[[Alignment], object]], single: bool):
        self._writers = writers
        self._single = single
        self._count = 0

    @property
    def has_writers(self) -> bool:
        """Whether alignments are written at all."""
        return bool(self._writers)

    def check_room(self, count: int) -> None:
        """Raises ValueError if `count` more alignments cannot be taken; call it before the work."""
        if self._single and self._count + count > 1:
            raise ValueError("--heatmap draws a single line. Received: more than one. Give it a line of its own.")

    def add(self, alignments: Sequence[Alignment]) -> None:
        """Writes alignments."""
        for alignment in alignments:
            for write in self._writers:
                write(alignment)
            self._count += 1

    def check_end(self) -> None:
        """Raises ValueError if a picture was asked for and no line came."""
        if self._single and not self._count:
            raise ValueError("--heatmap draws a single line. Received: none.")


@contextmanager
def open_alignment_files(options: AlignmentOptions, fallback: bool = False) -> Iterator[AlignmentFiles]:
    """Opens the files of `options`; each appears only when it is whole.

    Args:
        options: Which files.
        fallback: Write hard alignments to standard output if there is no file.

    Raises:
        ValueError: the picture has another ending, or not exactly one line comes for it.
    """
    if options.heatmap:
        check_heatmap(Path(options.heatmap))
    writers: list[Callable[[Alignment], object]] = []
    with ExitStack() as stack:
        if options.alignments and options.alignments.endswith(".npz"):
            arrays = ArrayFile(stack.enter_context(output_file(options.alignments)))
            stack.callback(arrays.close)
            writers.append(arrays.add)
        elif options.alignments:
            soft = stack.enter_context(output(options.alignments))
            writers.append(lambda alignment: _write_line(soft, as_json(alignment)))
        has_files = any(options.outputs.values())
        if options.hard_alignments or (fallback and not has_files):
            hard = stack.enter_context(output(options.hard_alignments))
            writers.append(lambda alignment: _write_line(hard, as_pharaoh(alignment, options.alignment_units)))
        if options.heatmap:
            picture = Path(options.heatmap)
            writers.append(lambda alignment: draw_heatmap(alignment, picture))
        files = AlignmentFiles(writers, bool(options.heatmap))
        yield files
        files.check_end()


def _write_line(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


def check_attention(run: str, generator: LineGenerator) -> None:
    """Raises ValueError if the model of `run` has no attention to align by."""
    if not generator.has_attention:
        raise ValueError(f"{run} has no attention, so it has no alignments.")
