"""Tables of forecasts to files and streams: CSV, TSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from seq2seq.extras import require
from seq2seq.files import format_json, output_file, output_text
from seq2seq.series.results import NAME, Results, shortened
from seq2seq.series.table import Integers
from seq2seq.text.opening import plain_name

FORMATS = ("csv", "tsv", "jsonl", "parquet")
Write = Callable[[Results], None]
"""Writes the next rows of a table."""

_BLOCK = 1 << 15
"""Rows that are made text together."""


def format_of(path: str | Path | None, given: str | None = None) -> str:
    """Returns the format of a file by its name, or the one that is given; CSV where there is neither.

    Raises:
        ValueError: the name says none of `FORMATS`, or the text of a Parquet file is asked for.
        MissingPackage: pyarrow is not installed.
    """
    ending = {"ndjson": "jsonl", "json": "jsonl", "tab": "tsv"}
    found = given
    if found is None and path is not None:
        extension = plain_name(Path(path)).rpartition(".")[2].lower()
        found = ending.get(extension, extension)
        if Path(path).suffix.lower() != f".{extension}" or found not in FORMATS:
            shown = ", ".join(f".{name}" for name in FORMATS)
            raise ValueError(f"{path}: expected a name that ends with one of {shown}.")
    found = found or "csv"
    if found == "parquet":
        if path is None:
            raise ValueError("Parquet is written to a file. Give its name.")
        require("pyarrow")
    return found


def write_results(results: Results, path: str | Path, form: str | None = None) -> None:
    """Writes rows to a file, whole or not at all; errors as `results_file`."""
    with results_file(path, form) as write:
        write(results)


def write_rows(results: Results, stream: TextIO, form: str = "csv") -> None:
    """Writes rows as text; see `text_writer`."""
    text_writer(stream, form)(results)


@contextmanager
def results_file(path: str | Path, form: str | None = None) -> Iterator[Write]:
    """Yields what writes rows, part by part, to a file that appears when all are written.

    Raises:
        ValueError: as `format_of` and `text_writer`.
    """
    form = format_of(path, form)
    if form == "parquet":
        with output_file(path) as partial, _parquet_writer(partial) as write:
            yield write
        return
    with output_text(path) as stream:
        yield text_writer(stream, form)


def text_writer(stream: TextIO, form: str = "csv") -> Write:
    """Returns what writes rows as text, part by part, the names of the columns first.

    Forecasts have the digits of float32, readings all of theirs. A missing value is an empty cell, null in JSON.

    Raises:
        ValueError: when rows are written: a name has a tab or a line break, which a TSV cannot hold.
    """
    writer = csv.writer(stream, lineterminator="\n")
    begun = False

    def write(results: Results) -> None:
        nonlocal begun
        names = results.names
        if form == "tsv":
            _check_tsv([results.ids[code] for code in np.unique(results.codes)])
            _check_tsv(names)
        if not begun and form != "jsonl":
            stream.write("\t".join(names) + "\n") if form == "tsv" else writer.writerow(names)
        begun = True
        for block in _blocks(results, None if form == "jsonl" else ""):
            if form == "jsonl":
                stream.writelines(format_json(dict(zip(names, row, strict=True))) + "\n" for row in block)
            elif form == "tsv":
                stream.writelines("\t".join(map(str, row)) + "\n" for row in block)
            else:
                writer.writerows(block)

    return write


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Write]:
    from pyarrow import parquet

    writer: Any = None

    def write(results: Results) -> None:
        nonlocal writer
        table = _arrow_table(results)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


def _arrow_table(results: Results) -> Any:
    import pyarrow as pa

    def times(stamps: Integers) -> Any:
        if results.frequency.unit == "step":
            return pa.array(stamps)
        zoned = results.time_zone if results.has_offset else None
        instants = results.instants(stamps) if zoned else stamps
        return pa.array(instants.astype("datetime64[us]"), pa.timestamp("us", tz=zoned))

    arrays = [pa.array([results.ids[code] for code in results.codes], pa.string()), times(results.stamps)]
    arrays += [] if results.cutoffs is None else [times(results.cutoffs)]
    arrays += [pa.array(column, from_pandas=True) for column in results.values.values()]
    return pa.Table.from_arrays(arrays, names=list(results.names))


def _check_tsv(names: Iterable[str]) -> None:
    for name in names:
        if any(mark in name for mark in "\t\n\r"):
            raise ValueError(f"A TSV cannot hold the name {name[:80]!r}. Write .csv or .jsonl instead.")


def _blocks(results: Results, missing: Any) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, len(results), _BLOCK):
        rows = slice(start, start + _BLOCK)
        cells: list[list[Any]] = [[results.ids[code] for code in results.codes[rows]]]
        cells.append(results.texts(results.stamps[rows]))
        if results.cutoffs is not None:
            cells.append(results.texts(results.cutoffs[rows]))
        for name, column in results.values.items():
            part = shortened(column[rows]) if name.startswith(NAME) else column[rows]
            cells.append([missing if cell != cell else cell for cell in part.tolist()])
        yield list(zip(*cells, strict=True))
