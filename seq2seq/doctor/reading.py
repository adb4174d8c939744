"""Reads files line by line as bytes; lines that training would refuse are counted, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from seq2seq.doctor.kinds import bit
from seq2seq.files import format_json, parse_json
from seq2seq.text.characters import encodable
from seq2seq.text.corpus import (
    MAX_LINE_BYTES,
    CorpusError,
    ParallelText,
    Records,
    kind_of,
    one_line,
    open_bytes,
)
from seq2seq.text.json_text import field_names, field_of, with_field
from seq2seq.text.lines import BOM, without_mark
from seq2seq.text.opening import bytes_read

CHUNK_LINES = 4096
CHUNK_BYTES = 1 << 20
"""A chunk ends when either is reached, so its memory does not depend on the corpus."""

Fault = tuple[str, str] | None
"""What is wrong with a whole file, and what to do."""


@dataclass
class Chunk:
    """Consecutive lines as bytes without LF; a line above the size limit is cut just after it."""

    first: int
    """Number of the first line, from 1."""
    left: list[bytes]
    right: list[bytes] | None
    """Lines of the target file; None if one file holds both sides."""

    def __len__(self) -> int:
        return len(self.left)


@dataclass
class Texts:
    """One side of a chunk."""

    lines: list[str]
    """Empty for lines with a fault."""
    faults: dict[int, tuple[int, str]] = field(default_factory=dict)
    """By index: the bit of the kind, and an excerpt."""
    crlf: list[int] = field(default_factory=list)
    """Places that end in CR LF."""


@dataclass(frozen=True)
class Layout:
    """How the lines of a corpus hold its two sides."""

    source: Path
    target: Path | None = None
    fields: tuple[str, str] | None = None
    """Names of the source and target fields; None: the first two columns."""
    columns: tuple[int, int, int] | None = None
    """For a TSV with a header line: the two column indices, and the number of columns."""

    @classmethod
    def of(cls, text: ParallelText | Records) -> Layout:
        """Returns the layout of a corpus; CorpusError if a file is missing or cannot be read twice."""
        for path in (text.source, text.target):
            if path is not None and not path.is_file():
                raise CorpusError(
                    f"{path}: "
                    + ("expected a regular file: the doctor reads it twice." if path.exists() else "no such file.")
                )
        if isinstance(text, ParallelText):
            return cls(text.source, text.target)
        names = text.source_field, text.target_field
        if is_json(text):
            return cls(text.source, None, names)
        with open_bytes(text.source) as file:
            head = file.readline(MAX_LINE_BYTES).removeprefix(BOM).rstrip(b"\r\n").decode("utf-8", "replace")
        header = head.split("\t")
        if missing := [name for name in names if name not in header]:
            raise CorpusError(
                f"{text.source}: its first line names no column {missing[0]!r}. It names: {', '.join(header)}"
            )
        return cls(text.source, None, names, (header.index(names[0]), header.index(names[1]), len(header)))

    @property
    def paths(self) -> list[Path]:
        """The file, or the two."""
        return [self.source] if self.target is None else [self.source, self.target]

    @property
    def one_sided(self) -> bool:
        """Whether one file was given for both sides: only its sources are examined."""
        return self.source == self.target

    @property
    def has_plain_lines(self) -> bool:
        """Whether the sides have no names: two text files, or the first two columns of a table."""
        return self.fields is None

    @property
    def first_line(self) -> int:
        """The number of the line that holds the first pair."""
        return 2 if self.header else 1

    @property
    def header(self) -> bool:
        """Whether the first line holds the names of columns."""
        return self.columns is not None

    def texts(self, chunk: Chunk) -> tuple[Texts, Texts]:
        """Returns the two sides of a chunk as text."""
        if chunk.right is not None:
            return decode(chunk.left), decode(chunk.right)
        whole = decode(chunk.left)
        sides = Texts([], {}, whole.crlf), Texts([])
        for place, line in enumerate(whole.lines):
            pair = ("", "")
            if place in whole.faults:
                sides[0].faults[place] = whole.faults[place]
            else:
                found = self.split(line)
                pair = found or pair
                if found is None:
                    sides[0].faults[place] = bit("record"), self._lacking(line)
            for side, text in zip(sides, pair, strict=True):
                side.lines.append(text)
        return sides

    def split(self, line: str) -> tuple[str, str] | None:
        """Returns source and target of a record; None if it holds none."""
        if self.fields is None or self.columns is not None:
            cells = line.split("\t")
            first, second, count = self.columns or (0, 1, 0)
            if len(cells) < 2 or (count and len(cells) != count):
                return None
            return cells[first], cells[second]
        row = _object(line)
        sides = [field_of(row, name) for name in self.fields]
        if not all(isinstance(side, str) for side in sides):
            return None
        source, target = (encodable(one_line(str(side))) for side in sides)
        return source, target

    def _lacking(self, line: str) -> str:
        """An excerpt of a bad record; for a JSON object, its field names."""
        row = {} if self.fields is None or self.columns is not None else _object(line)
        return f"its fields are {', '.join(field_names(row))}" if row else line[:200]

    def join(self, line: str, source: str, target: str) -> str:
        """Returns the record `line` with its two sides replaced."""
        if self.fields is None or self.columns is not None:
            cells = line.split("\t")
            first, second, _ = self.columns or (0, 1, 0)
            cells[first], cells[second] = source, target
            return "\t".join(cells)
        row = _object(line)
        for name, text in zip(self.fields, (source, target), strict=True):
            row = with_field(row, name, text)
        return format_json(row)


def is_json(text: ParallelText | Records) -> bool:
    """Whether these are JSON lines."""
    return isinstance(text, Records) and kind_of(text.source) == "jsonl"


def _object(line: str) -> dict[str, Any]:
    try:
        row = parse_json(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def decode(lines: list[bytes]) -> Texts:
    """Decodes lines, all at once if they are fine, otherwise one by one."""
    result = Texts([])
    if b"\r" in (joined := b"\n".join(lines)):
        result.crlf = [place for place, line in enumerate(lines) if line.endswith(b"\r")]
        lines = [line.removesuffix(b"\r") for line in lines]
        joined = b"\n".join(lines)
    if b"\0" not in joined and max(map(len, lines), default=0) <= MAX_LINE_BYTES:
        try:
            result.lines = joined.decode().split("\n") if lines else []
            return result
        except UnicodeDecodeError:
            pass
    for place, line in enumerate(lines):
        text = ""
        if len(line) > MAX_LINE_BYTES:
            result.faults[place] = bit("long_line"), line[:200].decode("utf-8", "backslashreplace")
        elif b"\0" in line:
            result.faults[place] = bit("nul"), line[:200].decode("utf-8", "backslashreplace")
        else:
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                begin = max(0, error.start - 30)
                result.faults[place] = (
                    bit("encoding"),
                    f"byte {error.start + 1}: " + line[begin : begin + 200].decode("utf-8", "backslashreplace"),
                )
        result.lines.append(text)
    return result


class Reader:
    """Iterates over the lines of one file; an error that stops it is kept in `fault`, not raised.

    Args:
        path: The file, gzipped or not.
        move: Called with the bytes of each line read.
    """

    def __init__(self, path: Path, move: Callable[[int], None] | None = None):
        self.path, self.move = path, move
        self.fault: Fault = None
        self.has_bom = False
        self.lines = self.bytes = self._read_all = 0
        self._open: Generator[bytes, None, None] | None = None
        self._file: IO[bytes] | None = None

    def position(self) -> int:
        """How many bytes of the file on disk have been read."""
        return bytes_read(self._file) if self._file and not self._file.closed else self._read_all

    def __iter__(self) -> Iterator[bytes]:
        """Yields each line without its LF; a second iteration goes on where the first stopped."""
        self._open = self._open or self._read()
        return self._open

    def drain(self, pause: Callable[[], None]) -> None:
        """Reads the remaining lines to count them; calls `pause` now and then."""
        for number, _ in enumerate(self, 1):
            if number % CHUNK_LINES == 0:
                pause()

    def close(self) -> None:
        """Closes the file if reading stopped before its end."""
        if self._open:
            self._open.close()

    def _read(self) -> Generator[bytes, None, None]:
        most = MAX_LINE_BYTES + 2
        try:
            with open_bytes(self.path) as file:
                self._file = file
                while line := file.readline(most):
                    if len(line) == most and line[-1] != 10:
                        # Too long: keep the beginning, skip the rest.
                        while (rest := file.readline(most)) and rest[-1] != 10:
                            pass
                    if not self.lines and not self.has_bom:
                        self.has_bom = line.startswith(BOM)
                        if not (line := without_mark(line, str(self.path))):
                            continue  # the file holds only the mark
                    self.lines += 1
                    self.bytes += len(line)
                    if self.move:
                        self.move(len(line))
                    yield line[:-1] if line[-1:] == b"\n" else line
                self._read_all = self.path.stat().st_size
        except CorpusError as error:
            what, _, advice = str(error).removeprefix(f"{self.path}: ").rpartition(". ")
            self.fault = (what if self.lines < 2 else f"{what}, after line {self.lines:,}", advice)


def chunks(layout: Layout, move: Callable[[int], None] | None = None) -> Iterator[Chunk]:
    """Yields the pairs of a corpus in chunks, without the header; ends with the shorter file."""
    readers = [Reader(path, move) for path in layout.paths]
    try:
        yield from chunks_of(layout, readers)
    finally:
        for reader in readers:
            reader.close()


def chunks_of(layout: Layout, readers: list[Reader]) -> Iterator[Chunk]:
    """As `chunks`, with given readers."""
    first, lines = 1, zip(*readers, strict=False)
    if layout.header:
        first += len([*islice(lines, 1)])
    while True:
        rows: list[tuple[bytes, ...]] = []
        size = 0
        for row in islice(lines, CHUNK_LINES):
            rows.append(row)
            size += sum(map(len, row))
            if size >= CHUNK_BYTES:
                break
        if not rows:
            return
        yield Chunk(first, [row[0] for row in rows], [row[1] for row in rows] if len(readers) > 1 else None)
        first += len(rows)


def lines_at(layout: Layout, wanted: set[int]) -> dict[int, tuple[str, str]]:
    """Returns a few pairs by line number; reads no further than the last."""
    found: dict[int, tuple[str, str]] = {}
    last = max(wanted, default=0)
    for chunk in chunks(layout):
        if chunk.first > last:
            break
        here = [n for n in wanted if chunk.first <= n < chunk.first + len(chunk)]
        for number in here:
            place = number - chunk.first
            one = Chunk(number, [chunk.left[place]], [chunk.right[place]] if chunk.right else None)
            source, target = layout.texts(one)
            found[number] = source.lines[0], target.lines[0]
    return found
