"""JSON to objects with their line numbers, in constant memory: an object per line, or an array of any length."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from seq2seq.files import parse_json
from seq2seq.text.lines import CONVERT, MAX_LINE_BYTES, read_lines, without_mark
from seq2seq.text.opening import CorpusError, reading

Row = tuple[int, dict[str, Any]]
"""The line number at which an object begins, and the object."""

_BLOCK = 1 << 16
_BLANKS = re.compile(r"[ \t\r\n]*")
_NEAR_END = 16
"""Characters. An error this close to the end of the text read so far may only mean that more text is needed."""


def field_of(row: Mapping[str, Any], name: str) -> Any:
    """Returns the value of a field, None if there is none. `a.b` is b within a, unless a field is called "a.b"."""
    if name in row or "." not in name:
        return row.get(name)
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def with_field(row: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Returns a row with another value in the field that `field_of` reads for `name`."""
    if name in row or "." not in name:
        return row | {name: value}
    first, _, rest = name.partition(".")
    return row | {first: with_field(row.get(first, {}), rest, value)}


def field_names(row: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Yields the names of all fields, as `field_of` takes them."""
    for name, value in row.items():
        if isinstance(value, Mapping) and value and before.count(".") < 3:
            yield from field_names(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def json_lines(path: Path) -> Iterator[Row]:
    """Yields the objects of a file with one per line; CorpusError for a line that is not a JSON object."""
    for number, line in enumerate(read_lines(path), 1):
        try:
            row = parse_json(line)
        except ValueError as error:
            raise CorpusError(f"{path}:{number}: not valid JSON ({error}).") from None
        if not isinstance(row, dict):
            raise CorpusError(f"{path}:{number}: expected a JSON object. Received: {line[:60]!r}")
        yield number, row


def json_objects(path: Path) -> Iterator[Row]:
    """Yields the objects of a JSON array, or of a file with one object after another.

    Raises:
        CorpusError: the file holds anything else; the message names the line.
    """
    with reading(path) as file:
        text = _Text(file, path)
        if text.peek() != "[":
            if text.peek() != "{":
                raise text.error("expected a JSON array of objects, or an object per line")
            while text.peek():
                yield text.object()
            return
        text.skip()
        if text.peek() == "]":
            text.skip()
        else:
            yield text.object()
            while (mark := text.peek()) != "]":
                if mark != ",":
                    raise text.error("expected a comma or the end of the array after an object")
                text.skip()
                text.peek()
                yield text.object()
            text.skip()
        if text.peek():
            raise text.error("expected nothing after the end of the array")


class _Text:
    """Text that is read block by block, with a current position.

    Args:
        file: The open file.
        path: Its name, for messages.
    """

    def __init__(self, file: IO[bytes], path: Path):
        self._file, self._path = file, path
        self._decoder = json.JSONDecoder()
        self._bytes = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at = "", 0
        self._line, self._counted = 1, 0  # the line number of an earlier position
        self._began = self._ended = False

    def peek(self) -> str:
        """Moves to the next character that is not whitespace and returns it; "" at the end."""
        while True:
            found = _BLANKS.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self) -> None:
        """Moves past a character."""
        self._at += 1

    def object(self) -> Row:
        """Moves past the object that begins here and returns it."""
        if self.peek() != "{":
            raise self.error("expected a JSON object")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                break
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - _NEAR_END or error.msg.startswith("Unterminated")
                if len(self._text) - self._at > MAX_LINE_BYTES:
                    if cut:
                        what = f"the object that begins here is longer than {MAX_LINE_BYTES:,} characters"
                        raise CorpusError(f"{self._path}:{self._number(self._at)}: {what}.") from None
                elif self._more():
                    continue
                where = f"{self._path}:{self._number(error.pos)}"
                raise CorpusError(f"{where}: not valid JSON ({error.msg}).") from None
            except (ValueError, RecursionError) as error:
                what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
                raise CorpusError(f"{self._path}:{self._number(self._at)}: not valid JSON ({what}).") from None
        self._line, self._counted = self._number(self._at), self._at
        self._at = end
        return self._line, value

    def error(self, expected: str) -> CorpusError:
        """Returns the error for anything but `expected` at the current position."""
        rest = self._text[self._at : self._at + 40]
        return CorpusError(
            f"{self._path}:{self._number(self._at)}: {expected}. "
            f"Received: {repr(rest) if rest else 'the end of the file, which may be truncated'}"
        )

    def _number(self, place: int) -> int:
        """Returns the line number of a position in the text in memory."""
        return self._line + self._text.count("\n", self._counted, place)

    def _more(self) -> bool:
        """Reads another block and drops the text before the current position. Returns False at the end."""
        if self._ended:
            return False
        self._line = self._number(self._at)
        self._text, self._at, self._counted = self._text[self._at :], 0, 0
        block = self._file.read(_BLOCK)
        if not self._began:
            self._began, block = True, without_mark(block, str(self._path))
        self._ended = not block
        try:
            self._text += self._bytes.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            number = self._number(len(self._text)) + error.object.count(b"\n", 0, error.start)
            raise CorpusError(
                f"{self._path}:{number}: not valid UTF-8 (byte 0x{error.object[error.start]:02x}). {CONVERT}"
            ) from None
        return not self._ended
