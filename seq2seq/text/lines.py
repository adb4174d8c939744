"""Bytes to lines: UTF-8, with or without a byte order mark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seq2seq.text.opening import CorpusError, reading

MAX_LINE_BYTES = 1 << 20
"""A file with a longer line is not taken for text."""

BOM = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, which some editors write; it is not part of the text."""

CONVERT = "Convert the file, for instance with iconv."
"""Advice for text in another encoding."""

_MARKS = {  # UTF-32 first: the mark of UTF-16 begins that of UTF-32
    b"\xff\xfe\0\0": "UTF-32LE",
    b"\0\0\xfe\xff": "UTF-32BE",
    b"\xff\xfe": "UTF-16LE",
    b"\xfe\xff": "UTF-16BE",
}
_MAGIC = {
    b"\x1f\x8b": "a gzip file; its name must end in .gz",
    b"\xfd7zXZ\0": "an xz file; its name must end in .xz",
    b"BZh91AY&SY": "a bzip2 file; its name must end in .bz2",
    b"PK\x03\x04": "a zip file; its name must end in .zip (if it is an office document, save it as text)",
    b"\x28\xb5\x2f\xfd": "a zstd file; unpack it first",
    b"%PDF-": "a PDF; save its text",
}


def read_lines(path: Path) -> Iterator[str]:
    """Yields the lines of a text file, compressed or not, without their ends. Only LF and CRLF end a line.

    Raises:
        CorpusError: as `reading` and `lines_of`.
    """
    with reading(Path(path)) as file:
        yield from lines_of(file.readline, str(path))


@dataclass(frozen=True)
class Lines:
    """The lines of text files, compressed or not, one file after the other; empty lines too."""

    files: tuple[Path, ...]
    stripped: bool = False
    """Whether blanks at both ends of a line are left out."""

    def __iter__(self) -> Iterator[str]:
        """Yields every line, as often as it is called; raises as `read_lines`."""
        for path in self.files:
            for line in read_lines(path):
                yield line.strip(" ") if self.stripped else line


def lines_of(read_line: Callable[[int], bytes], name: str) -> Iterator[str]:
    """Yields the lines of an open file, given its `readline`, without line ends and byte order mark.

    Raises:
        CorpusError: a line is too long or not text; the message names the file as `name`, and the line.
    """
    number = 0
    while line := read_line(MAX_LINE_BYTES + 2 if number else MAX_LINE_BYTES + 2 + len(BOM)):
        number += 1
        if number == 1 and not (line := without_mark(line, name)):
            return  # the file holds only the mark
        yield decode_line(line, f"{name}:{number}")


def without_mark(begin: bytes, name: str) -> bytes:
    """Returns the beginning of a file without the byte order mark of UTF-8.

    Raises:
        CorpusError: the file is in another encoding, or not text; the message names it as `name`.
    """
    if begin.startswith(BOM):
        return begin[len(BOM) :]
    for mark, encoding in _MARKS.items():
        if begin.startswith(mark):
            raise CorpusError(
                f"{name}: expected UTF-8. Received {encoding}, by its byte order mark. "
                f"Convert it: iconv -f {encoding[:-2]} -t UTF-8 OLD > NEW"
            )
    for magic, what in _MAGIC.items():
        if begin.startswith(magic):
            raise CorpusError(f"{name}: expected text. Received {what}.")
    return begin


def decode_line(line: bytes, place: str) -> str:
    """Returns the text of a line without its end.

    Raises:
        CorpusError: the line is too long or not UTF-8 text; the message names `place`.
    """
    line = line.rstrip(b"\n").removesuffix(b"\r")
    if len(line) > MAX_LINE_BYTES:
        raise CorpusError(
            f"{place}: the line is longer than {MAX_LINE_BYTES:,} bytes. Expected text with one sentence per line."
        )
    if b"\0" in line:
        raise CorpusError(f"{place}: the line holds a NUL byte. Expected UTF-8 text (not UTF-16, not a binary file).")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{place}: not valid UTF-8 (byte {error.start + 1} of the line is 0x{line[error.start]:02x}). {CONVERT}"
        ) from error


def one_line(text: str) -> str:
    """Returns the text with line breaks of any kind replaced by spaces."""
    return re.sub(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*", " ", text)
