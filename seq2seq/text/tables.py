"""Tables to rows by column names: CSV as spreadsheets write it, and TSV with a header."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from seq2seq.text.header import is_header
from seq2seq.text.lines import MAX_LINE_BYTES, read_lines
from seq2seq.text.opening import CorpusError

Row = tuple[int, dict[str, str]]
"""The line number at which a row begins, and its cells by the names of their columns."""

Skip = Callable[[CorpusError], None]
"""Called with the error of a row that has another number of columns than the header."""


class HeaderError(CorpusError):
    """A header lacks a required column, or names it twice. `names` are those that it has."""

    def __init__(self, message: str, names: Sequence[str]):
        super().__init__(message)
        self.names = tuple(names)


DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
"""Delimiters of a CSV file."""

_HEAD = 50
"""Lines from which the delimiter is inferred."""


def named_tsv(path: Path, needed: Sequence[str], skip: Skip | None = None) -> Iterator[Row]:
    """Yields the lines of a TSV after its first, which names the columns. Quotes are ordinary characters.

    Args:
        path: The file.
        needed: Required columns.
        skip: Leaves out lines with another number of columns, and is called with the error of each.

    Raises:
        CorpusError: a required column is missing or named twice, or a line has another number of columns.
    """
    names: list[str] = []
    for number, line in enumerate(read_lines(path), 1):
        cells = line.split("\t")
        if number == 1:
            names = cells
            _check_names(names, needed, f"{path}:{number}")
        elif row := _row(names, cells, f"{path}:{number}", skip):
            yield number, row


def csv_rows(path: Path, needed: Sequence[str] = (), skip: Skip | None = None) -> Iterator[Row]:
    """Yields the records of a CSV file; a quoted cell may hold delimiters, line breaks and doubled quotes.

    The delimiter is the one that divides the first lines evenly, or the one in a first line `sep=;`. With `needed`,
    the first record names the columns. Without, it does if it looks like names (`en,de`; `source,target`); unless
    columns are called "source" and "target", the first two are. Blank lines are skipped.

    Args:
        path: The file.
        needed: Required columns.
        skip: Leaves out records with another number of columns, and is called with the error of each.

    Raises:
        CorpusError: the file has an error; the message names the line.
    """
    lines = read_lines(path)
    head = list(islice(lines, _HEAD))
    number = 0
    if head and head[0].casefold().startswith("sep=") and len(head[0]) == 5:
        delimiter, head, number = head[0][4], head[1:], 1
    else:
        delimiter = _delimiter(head, needed, path)
    begin = _divided(head, delimiter)
    names: list[str] = []
    for place, cells in _records(chain(head, lines), delimiter, path, number):
        if names:
            if row := _row(names, cells, f"{path}:{place}", skip):
                yield place, row
        elif needed:
            names = [cell.strip() for cell in cells]
            _check_names(names, needed, f"{path}:{place}")
        else:
            header = _begins_with_names(begin)
            names = _unnamed(cells, header, delimiter, f"{path}:{place}")
            if not header:
                yield place, dict(zip(names, cells, strict=True))


def _unnamed(cells: list[str], header: bool, delimiter: str, place: str) -> list[str]:
    """Returns names for the columns of a file without required columns."""
    if len(cells) < 2:
        raise CorpusError(
            f"{place}: expected source and target with a {DELIMITERS.get(delimiter, delimiter)} between them. "
            f"Received one column: {cells[0][:60]!r}"
        )
    names = [cell.strip() if header else f"column {number}" for number, cell in enumerate(cells, 1)]
    if not {"source", "target"} <= set(names):
        names[:2] = "source", "target"
    return names


def _begins_with_names(rows: list[list[str]]) -> bool:
    if not rows or len(rows[0]) < 2:
        return False
    sample = [(cells[0], cells[1]) for cells in rows[1:] if len(cells) > 1]
    return is_header((rows[0][0], rows[0][1]), sample)


def _records(lines: Iterable[str], delimiter: str, path: Path, before: int) -> Iterator[tuple[int, list[str]]]:
    """Yields each record with the line number at which it begins, after `before` earlier lines."""
    feed = _Feed(lines, before, path)
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_LINE_BYTES))  # the feed finds overlong records
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.start, feed.size = feed.number + 1, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _wrong(error, feed, delimiter, path) from None
        if cells:
            yield feed.start, cells


def _wrong(error: csv.Error, feed: _Feed, delimiter: str, path: Path) -> CorpusError:
    if "unexpected end" in str(error):
        return CorpusError(
            f"{path}:{feed.start}: a quote in this record is never closed. To write a quote as text, double it and put "
            'the cell in quotes: "5"" nails".'
        )
    if "expected after" in str(error):
        return CorpusError(
            f"{path}:{feed.number}: expected a {DELIMITERS.get(delimiter, delimiter)} or the end of the line after a "
            'closing quote. To write a quote as text, double it and put the cell in quotes: "5"" nails".'
        )
    return CorpusError(f"{path}:{feed.number}: a carriage return within a line. Expected lines that end in LF or CRLF.")


class _Feed:
    """Passes lines to a CSV reader, counts them, and stops at a record without an end."""

    def __init__(self, lines: Iterable[str], number: int, path: Path):
        self._lines, self._path = iter(lines), path
        self.number, self.start, self.size = number, number + 1, 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.size += len(line) + 1
        if self.size > MAX_LINE_BYTES + 1:
            raise CorpusError(
                f"{self._path}:{self.start}: the record that begins here is longer than {MAX_LINE_BYTES:,} characters. "
                "Is a quote never closed?"
            )
        return line + "\n"


def _delimiter(head: list[str], needed: Sequence[str], path: Path) -> str:
    """Returns the delimiter that divides the first lines into equally many cells, or into the required columns."""
    tables = {mark: _divided(head, mark) for mark in DELIMITERS}
    tables = {mark: rows for mark, rows in tables.items() if rows and len(rows[0]) > 1}
    if not tables:
        return ","
    for mark, rows in tables.items():
        names = {cell.strip() for cell in rows[0]}
        if set(needed) <= names if needed else _begins_with_names(rows):
            return mark
    even = [mark for mark, rows in tables.items() if len(set(map(len, rows))) == 1]
    if len(even) == 1 or len(tables) == 1:
        return (even or list(tables))[0]
    what = " and ".join(f"{DELIMITERS[mark]}s" for mark in tables)
    raise CorpusError(
        f"{path}:1: {what} could both separate the columns. Name the delimiter in a first line such as sep=; or quote "
        "the text."
    )


def _divided(head: list[str], delimiter: str) -> list[list[str]]:
    try:
        rows = [cells for cells in csv.reader((line + "\n" for line in head), delimiter=delimiter) if cells]
    except csv.Error:
        return []
    return rows[:-1] if len(head) == _HEAD and len(rows) > 1 else rows  # the last record may continue after the head


def _check_names(names: list[str], needed: Sequence[str], place: str) -> None:
    for name in needed:
        if names.count(name) != 1:
            what = f"has no column {name!r}" if name not in names else f"names the column {name!r} twice"
            hint = did_you_mean(name, names) if name not in names else ""
            raise HeaderError(
                f"{place}: the header {what}. It names: {', '.join(names)[:300]}{hint and f'.{hint}'}", names
            )


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Returns " Did you mean …?" with the name that is most like another, ignoring case; empty if none is."""
    folded = {one.casefold(): one for one in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""


def _row(names: list[str], cells: list[str], place: str, skip: Skip | None) -> dict[str, str] | None:
    if len(cells) == len(names):
        return dict(zip(names, cells, strict=True))
    error = CorpusError(f"{place}: expected {len(names)} columns, as in the header. Received: {len(cells)}")
    if skip is None:
        raise error
    skip(error)
    return None
