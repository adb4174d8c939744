"""Lines in, lines out: standard streams or files, checked line by line, an output file whole or not at all."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from seq2seq.cli.live_input import LiveInput, standard_input
from seq2seq.files import output_text
from seq2seq.text.lines import lines_of, read_lines

STANDARD_INPUT = "standard input"
"""What messages call it."""


def input_lines(path: str | None) -> tuple[Iterator[str], Callable[[], bool]]:
    """Returns the lines of a file or of standard input, and a function that says whether the next line is at hand.

    Raises:
        CorpusError: a line is no text; the message names the line.
        ValueError: standard input is closed.
    """
    if path:
        return read_lines(Path(path)), lambda: True
    stream = standard_input()

    def read_line(size: int) -> bytes:
        try:
            return stream.readline(size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, STANDARD_INPUT) from error

    return lines_of(read_line, STANDARD_INPUT), stream.at_hand if isinstance(stream, LiveInput) else lambda: True


@contextmanager
def output(path: str | None) -> Iterator[TextIO]:
    """Opens standard output, or a file as `files.output_text` writes it: whole, and links, devices and pipes as such.

    Raises:
        ValueError: standard output is closed.
    """
    if path is None:
        if sys.stdout is None:
            raise ValueError("Standard output is closed, and no file is given to write to.")
        # UTF-8 in and out, whatever the locale is.
        stream = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n", write_through=False)
        try:
            yield stream
            stream.flush()
        finally:
            stream.detach()
        return
    with output_text(path) as file:
        yield file
