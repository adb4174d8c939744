"""Words of a text as they come, not only when their line has ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seq2seq.cli.live_input import BLOCK, standard_input
from seq2seq.cli.text_io import STANDARD_INPUT
from seq2seq.text.lines import MAX_LINE_BYTES, decode_line, read_lines, without_mark

_WORD = re.compile(rb"([^ \t\r\n]*)([ \t\r]+|\n)")
"""A word and the blanks after it, or the end of its line."""


def input_words(path: str | None) -> Iterator[str | None]:
    """Yields the words of a file or of standard input, and None at the end of each line.

    A word of standard input comes as soon as a blank or the end of the line follows it.

    Raises:
        CorpusError: what is read is no text; the message names the line.
        ValueError: standard input is closed.
    """
    if not path:
        yield from _live_words()
        return
    for line in read_lines(Path(path)):
        yield from line.split()
        yield None


def _live_words() -> Iterator[str | None]:
    stream = standard_input()
    buffer, line, number = b"", bytearray(), 1
    while True:
        block = _read(stream)
        buffer += block
        end = 0
        while found := _WORD.match(buffer, end):
            end = found.end()
            yield from _take(line, found[1] + found[2], number)
            if found[2] == b"\n":
                yield None
                line.clear()
                number += 1
        buffer = buffer[end:]
        if len(buffer) > MAX_LINE_BYTES or not block:
            yield from _take(line, buffer, number)
        if not block:
            break
    if line:
        yield None


def _take(line: bytearray, part: bytes, number: int) -> list[str]:
    """Adds a word and the blanks after it to the beginning of its line. Returns the words that it holds, one at most.

    Raises:
        CorpusError: it is no text, or the line is too long.
    """
    place = f"{STANDARD_INPUT}:{number}"
    if number == 1 and not line:
        part = without_mark(part, STANDARD_INPUT)
    line += part
    if len(line) > MAX_LINE_BYTES or b"\0" in part:
        decode_line(bytes(line), place)  # raises
    try:
        return part.decode("utf-8").split()
    except UnicodeDecodeError:
        return decode_line(bytes(line), place).split()  # raises, with the place in the line


def _read(stream: Any) -> bytes:
    try:
        return bytes(stream.read1(BLOCK))
    except OSError as error:
        raise OSError(error.errno, error.strerror, STANDARD_INPUT) from error
