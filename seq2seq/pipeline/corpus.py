"""Files to examples: parallel text read line by line, with its line numbers, in constant memory."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from seq2seq.files import parse_json
from seq2seq.text.characters import encodable
from seq2seq.text.links import parse_links
from seq2seq.types import Example

MAX_LINE_BYTES = 1 << 20
"""A line longer than this is taken for a file of another kind."""


class CorpusError(ValueError):
    """Something is wrong with a file of text. The message names the file and the line."""


@dataclass(frozen=True)
class ParallelText:
    """Where a parallel corpus stands: two files of equally many lines, or a TSV of two columns.

    Either may be gzipped (`.gz`). Text is UTF-8, lines end in LF or CRLF.
    """

    source: Path
    target: Path | None = None
    """None: `source` is a TSV with the source in its first column and the target in its second."""

    def __iter__(self) -> Iterator[Example]:
        """Yields every pair, empty lines too.

        Raises:
            CorpusError: a missing or damaged file, bad UTF-8, a NUL, an endless line, unequal line counts.
        """
        if self.target is None:
            for number, line in enumerate(read_lines(self.source), 1):
                columns = line.split("\t")
                if len(columns) < 2:
                    raise CorpusError(
                        f"{self.source}:{number}: expected source and target with a tab between them. "
                        f"Received a line without a tab: {line[:60]!r}. For two files name the other as target."
                    )
                yield Example(columns[0], columns[1], number)
            return
        pairs = zip_longest(read_lines(self.source), read_lines(self.target))
        for number, (source, target) in enumerate(pairs, 1):
            if source is None or target is None:
                raise CorpusError(self._unequal(self.target, number))
            yield Example(source, target, number)

    def _unequal(self, target: Path, first: int) -> str:
        counts = {path: sum(1 for _ in read_lines(path)) for path in (self.source, target)}
        longer = max(counts, key=lambda path: counts[path])
        return (
            f"{self.source} has {counts[self.source]:,} lines, {target} has {counts[target]:,}: "
            f"they must run in parallel. First line without a partner: {longer}:{first}."
        )


@dataclass(frozen=True)
class Records:
    """Where a corpus stands in one file with named fields: JSON lines (`.jsonl`), or a TSV whose first line names them.

    It may be gzipped (`.gz`). Line breaks within a field become spaces, lone surrogates U+FFFD.
    """

    source: Path
    source_field: str = "source"
    target_field: str = "target"
    reference_fields: tuple[str, ...] = ()
    """Further targets, for tests; a record may lack them."""

    target = None

    def __iter__(self) -> Iterator[Example]:
        """Yields every record; CorpusError as `ParallelText` has it, or a field that is missing or no text."""
        rows = self._json() if self.source.name.removesuffix(".gz").endswith(".jsonl") else self._tsv()
        for number, row in rows:
            sides = []
            for name in (self.source_field, self.target_field):
                if not isinstance(row.get(name), str):
                    raise CorpusError(
                        f"{self.source}:{number}: expected text in the field {name!r}. "
                        f"Received: {row.get(name)!r}. The fields are: {', '.join(map(str, row))}"
                    )
                sides.append(encodable(one_line(row[name])))
            more = (row.get(name) for name in self.reference_fields)
            references = tuple(encodable(one_line(text)) for text in more if isinstance(text, str))
            yield Example(sides[0], sides[1], number, references)

    def _json(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(read_lines(self.source), 1):
            try:
                row = parse_json(line)
            except (ValueError, RecursionError) as error:
                raise CorpusError(f"{self.source}:{number}: not valid JSON ({error}).") from None
            if not isinstance(row, dict):
                raise CorpusError(f"{self.source}:{number}: expected a JSON object. Received: {line[:60]!r}")
            yield number, row

    def _tsv(self) -> Iterator[tuple[int, dict[str, Any]]]:
        names: list[str] = []
        for number, line in enumerate(read_lines(self.source), 1):
            columns = line.split("\t")
            if number == 1:
                names = columns
            elif len(columns) != len(names):
                raise CorpusError(
                    f"{self.source}:{number}: expected {len(names)} columns, as the first line has. "
                    f"Received: {len(columns)}"
                )
            else:
                yield number, dict(zip(names, columns, strict=True))


def one_line(text: str) -> str:
    """Returns the text with its line breaks, of any kind, as spaces."""
    return re.sub(r"\s*[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]\s*", " ", text)


Text = ParallelText | Records
"""Where a corpus stands."""


def text_at(
    source: str, target: str = "", source_field: str = "", target_field: str = "", references: tuple[str, ...] = ()
) -> Text:
    """Returns the corpus at these paths: two files, a `.tsv` with both sides, or named fields of a `.jsonl` or `.tsv`.

    Fields are named "source" and "target" where nothing else is said; a `.tsv` has named ones only where it is.
    """
    name = source.removesuffix(".gz")
    named = name.endswith(".jsonl") or (name.endswith(".tsv") and (source_field or target_field))
    if named and not target:
        return Records(Path(source), source_field or "source", target_field or "target", references)
    return ParallelText(Path(source), Path(target) if target else None)


@dataclass(frozen=True)
class Linked:
    """A corpus with the words linked that belong together: a file of a line a pair, as Pharaoh writes them."""

    text: Text
    links: Path

    def __iter__(self) -> Iterator[Example]:
        """Yields every pair with its links; words are what blanks part.

        Raises:
            CorpusError: what the text raises, unequal line counts, and a line that is not `i-j i-j …` or whose numbers
                are outside of the sentence.
        """
        for number, (example, line) in enumerate(zip_longest(self.text, read_lines(self.links)), 1):
            if line is None:
                raise CorpusError(f"{self.links} ends before line {number}: it must have a line for each pair of text.")
            if example is None:
                raise CorpusError(f"{self.links}:{number}: the text has {number - 1:,} pairs, and no more.")
            try:
                links = parse_links(line, len(example.source.split()), len(example.target.split()))
            except ValueError as error:
                raise CorpusError(f"{self.links}:{number}: {error}") from None
            yield replace(example, links=tuple(links))


@dataclass(frozen=True)
class Part:
    """A fixed part of a corpus, told by line numbers: every `every`-th pair, `limit` at most, or all the others."""

    text: Text | Linked
    held_out: bool
    every: int = 50
    limit: int = 1000

    def __iter__(self) -> Iterator[Example]:
        for example in self.text:
            held_out = example.line % self.every == 0 and example.line <= self.every * self.limit
            if held_out == self.held_out:
                yield example


def files_of(text: object) -> list[Path]:
    """Returns the files that a text is read from; none for one that stands in no file."""
    if isinstance(text, Part):
        return files_of(text.text)
    if isinstance(text, Linked):
        return [*files_of(text.text), text.links]
    if isinstance(text, Records):
        return [text.source]
    return [path for path in (text.source, text.target) if path] if isinstance(text, ParallelText) else []


def read_lines(path: Path) -> Iterator[str]:
    """Yields the lines of a text file, gzipped or not, without their ends. Only LF and CRLF end a line.

    Raises:
        CorpusError: as `ParallelText.__iter__` says.
    """
    path = Path(path)
    with reading(path) as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 2):
            number += 1
            yield decode_line(line, f"{path}:{number}")


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Opens a text file, gzipped or not, to read its bytes.

    Raises:
        CorpusError: it cannot be opened, or a gzip file proves damaged on the way.
    """
    if "\0" in str(path):
        raise CorpusError(f"{str(path)!r} is no name of a file: it holds a NUL.")
    try:
        with open_bytes(path) as file:
            yield file
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise CorpusError(f"{path} is a folder; expected a text file.") from None
    except PermissionError:
        raise CorpusError(f"{path}: no permission to read it.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CorpusError(f"{path}: damaged gzip file ({error}). Fetch or make it again.") from error


def decode_line(line: bytes, place: str) -> str:
    """Returns a line's text without its end; CorpusError names `place` if it is no text."""
    line = line.rstrip(b"\n").removesuffix(b"\r")
    if len(line) > MAX_LINE_BYTES:
        raise CorpusError(
            f"{place}: the line is longer than {MAX_LINE_BYTES:,} bytes. Is this a text with a sentence a line?"
        )
    if b"\0" in line:
        raise CorpusError(f"{place}: the line holds a NUL byte. Expected UTF-8 text (not UTF-16, not a binary file).")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{place}: not valid UTF-8 (byte {error.start + 1} of the line is 0x{line[error.start]:02x}). "
            "Convert the file, for instance with iconv."
        ) from error


def open_bytes(path: Path) -> IO[bytes] | gzip.GzipFile:
    """Opens a file, gzipped where its name ends in `.gz`, to read its bytes."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")


def overlap(train: Iterable[Example], tests: Mapping[str, Iterable[Example]]) -> dict[str, int]:
    """Returns for each test how many of its sources stand in the training text too, case and spacing apart."""
    keys = {name: [_key(example.source) for example in text] for name, text in tests.items()}
    wanted = {key for those in keys.values() for key in those}
    found = {key for example in train if (key := _key(example.source)) in wanted}
    return {name: sum(key in found for key in those) for name, those in keys.items()}


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
