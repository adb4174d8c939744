"""Requests from lines of input: text alone or in a JSON object, with constraints on the output."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.cli.arguments import utf8
from seq2seq.cli.live_input import in_chunks
from seq2seq.cli.text_io import STANDARD_INPUT, input_lines
from seq2seq.files import parse_json
from seq2seq.inference.constraints import Constraints, Terminology
from seq2seq.inference.requests import Request
from seq2seq.text.characters import encodable
from seq2seq.text.corpus import CorpusError, read_lines


@dataclass(frozen=True)
class InputOptions:
    """What is read, and the constraints on all outputs."""

    input: str | None
    """A file; None is standard input."""
    json: bool
    field: str
    prefix: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    exclude_file: str | None
    terms: str | None

    @property
    def name(self) -> str:
        """What messages call the input."""
        return self.input or STANDARD_INPUT


@dataclass(frozen=True)
class InputLine:
    """One line of input."""

    request: Request
    record: dict[str, Any]
    """The JSON object that the line held; empty for plain text."""


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `InputOptions`."""
    parser.add_argument(
        "--input", metavar="FILE", help="text, a line each; or .gz, .xz, .bz2, .zip (default: standard input)"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="JSON objects in and out, one a line: the text is in --field; prefix (text), include and exclude (lists "
        "of texts) say what the output must begin with, hold and not hold; all fields come out again, with output, "
        "score, log_probability and confidence beside them",
    )
    parser.add_argument(
        "--field", type=utf8, default="text", metavar="NAME", help="where --json has the text (default text)"
    )
    group = parser.add_argument_group("constraints (with --json also line by line)")
    group.add_argument("--prefix", type=utf8, default="", metavar="TEXT", help="every output begins with this text")
    group.add_argument(
        "--include", type=utf8, action="append", default=[], metavar="TERM", help="every output holds this term"
    )
    group.add_argument(
        "--exclude", type=utf8, action="append", default=[], metavar="WORD", help="no output holds this word"
    )
    group.add_argument("--exclude-file", metavar="FILE", help="words and phrases, one a line, that no output holds")
    group.add_argument(
        "--terms", metavar="TSV", help="terminology: where the left term is in a line, the right one is in its output"
    )


class RequestReader:
    """Reads requests. When it is made it reads the files that constrain all of them.

    Args:
        options: What to read.

    Raises:
        CorpusError: a line of --exclude-file or --terms is wrong; the message names the line.
    """

    def __init__(self, options: InputOptions):
        self.options = options
        words = [line.strip() for line in read_lines(Path(options.exclude_file))] if options.exclude_file else []
        exclude = [*options.exclude, *filter(None, words)]
        self.common = Constraints.parse(
            {"prefix": options.prefix, "include": list(options.include), "exclude": exclude}
        )
        """The constraints on every output."""
        self._terms = Terminology.load(Path(options.terms)) if options.terms else Terminology({})

    def read(self, size: int, lines: Iterable[tuple[int, str]] | None = None) -> Iterator[list[InputLine]]:
        """Yields the lines, `size` at a time, fewer where the input pauses.

        Args:
            size: The largest number of lines at a time.
            lines: Some lines of the input with their numbers, from 1; None reads all of it.

        Raises:
            CorpusError: a line is no text, or no JSON object with such fields; the message names the line.
        """
        if lines is not None:
            return in_chunks((self._parse(number, line) for number, line in lines), size)
        texts, at_hand = input_lines(self.options.input)
        return in_chunks((self._parse(number, line) for number, line in enumerate(texts, 1)), size, at_hand)

    def _parse(self, number: int, line: str) -> InputLine:
        if not self.options.json:
            return InputLine(Request(line, self.common + self._terms.for_line(line)), {})
        place = f"{self.options.name}:{number}"
        try:
            record = parse_json(line, finite=True)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{place}: expected a JSON object. Received: {line[:60]!r} ({error})") from None
        text = record.get(self.options.field) if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise CorpusError(
                f"{place}: expected a JSON object with text in its field {self.options.field!r} (see --field). "
                f"Received: {line[:80]!r}"
            )
        try:
            own = Constraints.parse(record)
        except ValueError as error:
            raise CorpusError(f"{place}: {error}") from error
        text = encodable(" ".join(text.splitlines()))  # one line of output for each line of input
        return InputLine(Request(text, own + self.common + self._terms.for_line(text)), record)
