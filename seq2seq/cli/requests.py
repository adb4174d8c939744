"""What is asked of a line: its text, alone or in a JSON object, with constraints on the output."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.cli.live_input import in_chunks
from seq2seq.cli.text_io import input_lines, utf8
from seq2seq.files import parse_json
from seq2seq.inference.constraints import Constraints, Terminology
from seq2seq.text.characters import encodable
from seq2seq.text.corpus import CorpusError, read_lines


@dataclass(frozen=True)
class Request:
    """One line of input."""

    text: str
    constraints: Constraints
    record: dict[str, Any]
    """The JSON object that it came in; empty for plain text."""


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of what is read, and of what is asked of all outputs."""
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
    group.add_argument("--prefix", type=utf8, default="", metavar="TEXT", help="every output begins so")
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


def read_requests(
    arguments: argparse.Namespace, size: int, lines: Iterable[tuple[int, str]] | None = None
) -> Iterator[list[Request]]:
    """Returns what is asked, `size` lines at a time, fewer where the input pauses.

    `lines` are some lines of --input with their numbers; without, it is all of them.

    Raises:
        CorpusError: a line is no text, or no JSON object with such fields; it names the line.
    """
    asked = {"prefix": arguments.prefix, "include": arguments.include, "exclude": arguments.exclude}
    if arguments.exclude_file:
        words = [line.strip() for line in read_lines(Path(arguments.exclude_file))]
        asked["exclude"] = asked["exclude"] + [word for word in words if word]
    for_all = Constraints.parse(asked)
    terms = Terminology.load(Path(arguments.terms)) if arguments.terms else Terminology({})

    def request(number: int, line: str) -> Request:
        if not arguments.json:
            return Request(line, for_all + terms.for_line(line), {})
        place = f"{arguments.input or 'standard input'}:{number}"
        try:
            record = parse_json(line, finite=True)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{place}: expected a JSON object. Received: {line[:60]!r} ({error})") from None
        text = record.get(arguments.field) if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise CorpusError(
                f"{place}: expected a JSON object with text in its field {arguments.field!r} (see --field). "
                f"Received: {line[:80]!r}"
            )
        try:
            own = Constraints.parse(record)
        except ValueError as error:
            raise CorpusError(f"{place}: {error}") from error
        text = encodable(" ".join(text.splitlines()))  # a line for a line
        return Request(text, own + for_all + terms.for_line(text), record)

    if lines is not None:
        return in_chunks((request(number, line) for number, line in lines), size)
    texts, at_hand = input_lines(arguments.input)
    return in_chunks((request(number, line) for number, line in enumerate(texts, 1)), size, at_hand)
