"""JSON to objects, with the lines they begin on, in constant memory: a line each, or one array of any length."""

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
"""The number of the line that an object begins on, and the object."""

_BLOCK = 1 << 16
_BLANKS = re.compile(r"[ \t\r\n]*")
_NEAR_END = 16
"""Characters: an error so close to the end of what has been read may be due to the end."""


def field_of(row: Mapping[str, Any], name: str) -> Any:
    """The value of a field; of `a.b` that of b within a, unless one is called just so. None where there is none."""
    if name in row or "." not in name:
        return row.get(name)
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def with_field(row: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Returns a row with another value where `field_of` finds that of `name`."""
    if name in row or "." not in name:
        return row | {name: value}
    first, _, rest = name.partition(".")
    return row | {first: with_field(row.get(first, {}), rest, value)}


def field_names(row: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The names of all fields, as `field_of` takes them."""
    for name, value in row.items():
        if isinstance(value, Mapping) and value and before.count(".") < 3:
            yield from field_names(value, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def json_lines(path: Path) -> Iterator[Row]:
    """Yields the objects of a file with one a line; CorpusError for a line that is none."""
    for number, line in enumerate(read_lines(path), 1):
        try:
            row = parse_json(line)
        except ValueError as error:
            raise CorpusError(f"{path}:{number}: not valid JSON ({error}).") from None
        if not isinstance(row, dict):
            raise CorpusError(f"{path}:{number}: expected a JSON object. Received: {line[:60]!r}")
        yield number, row


def json_objects(path: Path) -> Iterator[Row]:
    """Yields the objects of a JSON array, or of a file in which they follow each other.

    Raises:
        CorpusError: anything else; it names the line.
    """
    with reading(path) as file:
        text = _Text(file, path)
        if text.peek() != "[":
            if text.peek() != "{":
                raise text.error("expected a JSON array of objects, or an object a line")
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
                    raise text.error("expected a comma or the end of the array behind an object")
                text.skip()
                text.peek()
                yield text.object()
            text.skip()
        if text.peek():
            raise text.error("expected nothing behind the end of the array")


class _Text:
    """Text that is read block by block, with a place in it.

    Args:
        file: The open file.
        path: Its name, for messages.
    """

    def __init__(self, file: IO[bytes], path: Path):
        self._file, self._path = file, path
        self._decoder = json.JSONDecoder()
        self._bytes = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at = "", 0
        self._line, self._counted = 1, 0  # the number of the line of a place behind us
        self._began = self._ended = False

    def peek(self) -> str:
        """Goes to the next character that is no blank and returns it; "" at the end."""
        while True:
            found = _BLANKS.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self) -> None:
        """Goes past a character."""
        self._at += 1

    def object(self) -> Row:
        """Goes past the object that begins here and returns it."""
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
        """What to raise where something else than `expected` stands here."""
        rest = self._text[self._at : self._at + 40]
        return CorpusError(
            f"{self._path}:{self._number(self._at)}: {expected}. "
            f"Received: {repr(rest) if rest else 'the end of the file, which may have been cut'}"
        )

    def _number(self, place: int) -> int:
        """The number of the line of a place in what is in memory."""
        return self._line + self._text.count("\n", self._counted, place)

    def _more(self) -> bool:
        """Reads a further block; what is behind us goes. False at the end."""
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
