"""Reads a table as `series.reading` does, and goes on behind errors: each is a finding, in the reader's words."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.doctor.listed import Listing
from seq2seq.series import cells
from seq2seq.series.cells import Columns, Numbers, Place
from seq2seq.series.frames import parquet_rows
from seq2seq.series.gluonts import gluonts_rows
from seq2seq.series.grid import Rows, TableError
from seq2seq.series.reading import READABLE
from seq2seq.text.json_text import json_lines
from seq2seq.text.opening import CorpusError, plain_name
from seq2seq.text.tables import HeaderError, csv_rows, named_tsv

Cells = tuple[int, Mapping[str, Any]]
Arrays = tuple[NDArray[Any], ...]

USUAL = {
    "id": ("unique_id", "item_id", "series_id", "series", "id", "name", "store", "shop", "sensor", "key"),
    "time": ("ds", "timestamp", "date", "datetime", "time", "stamp"),
    "target": ("y", "target", "value", "values", "sales", "demand", "load"),
}
"""Names under which a column is often found."""
_BLOCK = 1 << 16
_FEW = 16
"""Cells that are converted one by one where one of them is wrong."""


@dataclass(frozen=True)
class Read:
    """What could be read."""

    rows: Rows | None
    columns: Columns
    """Those that were looked at, possibly others than were asked for."""
    left_out: int = 0
    """Rows that are not among `rows`."""


def read_rows(path: Path, columns: Columns, frequency: str | None, found: Listing) -> Read:
    """Returns the rows of a table, without those whose id or stamp is wrong; wrong numbers are missing in them.

    Args:
        path: As for `read_table`.
        columns: Those that are asked for.
        frequency: An alias; needed for GluonTS.
        found: Takes the errors.

    Raises:
        TableError: there is no such file, or it is of a kind that is not read.
    """
    name = plain_name(path)
    if not path.exists():
        raise TableError(f"{path}: no such file.")
    if not name.endswith((".parquet", ".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".tab")):
        raise TableError(f"{path}: expected a table as {READABLE}.")
    try:
        if name.endswith(".parquet"):
            return _parquet(path, columns, found)
        if name.endswith((".jsonl", ".json", ".ndjson")):
            lines: Iterator[Cells] = json_lines(path)
            head = list(islice(lines, 1))
            if head and "target" in head[0][1] and "start" in head[0][1]:
                return _gluonts(_until_error(chain(head, lines), found), path, columns, frequency, found)
            known = _known(columns, list(head[0][1]), f"{path}:{head[0][0]}", found) if head else columns
            return _collect(chain(head, lines), known, path, found) if known else Read(None, columns)
        return _delimited(path, columns, csv_rows if name.endswith(".csv") else named_tsv, found)
    except (TableError, CorpusError) as error:
        found.add("unreadable", str(error))
        return Read(None, columns)


def _delimited(path: Path, columns: Columns, read: Any, found: Listing) -> Read:
    skipped = 0

    def skip(error: CorpusError) -> None:
        nonlocal skipped
        skipped += 1
        found.add("records", str(error))

    for _ in range(2):
        lines: Iterator[Cells] = read(path, columns.needed, skip)
        try:
            head = list(islice(lines, 1))
        except HeaderError as error:
            known = _known(columns, error.names, str(path), found)
            if known is None or known == columns:  # known: a column that is there twice
                if known:
                    found.add("columns", str(error))
                return Read(None, columns)
            columns = known
            continue
        result = _collect(chain(head, lines), columns, path, found)
        return replace(result, left_out=result.left_out + skipped)
    return Read(None, columns)


def _parquet(path: Path, columns: Columns, found: Listing) -> Read:
    try:
        return Read(parquet_rows(path, columns), columns)
    except TableError as error:
        from pyarrow import ArrowInvalid, ArrowNotImplementedError, parquet

        before = found.counts.total()

        try:
            names = parquet.read_schema(path).names
            known = _known(columns, names, str(path), found)
            if known is None:
                return Read(None, columns)
            # Cell by cell, for one of them is wrong, or a column is another.
            read = _collect(_parquet_cells(path, names), known, path, found, ": row ")
            if found.counts.total() == before:
                found.add("unreadable", str(error))
            return read
        except (ArrowInvalid, ArrowNotImplementedError, OSError):
            pass
        raise


def _parquet_cells(path: Path, names: Sequence[str]) -> Iterator[Cells]:
    """Yields the rows of a file, from 0."""
    from pyarrow import parquet

    number = 0
    for batch in parquet.ParquetFile(path).iter_batches(_BLOCK):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield number, dict(zip(names, row, strict=True))
            number += 1


def _gluonts(lines: Iterator[Cells], path: Path, columns: Columns, frequency: str | None, found: Listing) -> Read:
    """Reads series, without those whose line is wrong; wrong numbers are missing in them."""
    skipped = 0

    def skip(error: TableError) -> None:
        nonlocal skipped
        skipped += 1
        found.add("records", str(error))

    def numbers(given: Sequence[Any], name: str, place: Place) -> NDArray[np.float64]:
        def wrong(step: int, error: TableError, cell: Any) -> None:
            found.add(_kind_of(error, cell), f"{error} It is step {step:,} of the list, from 0.")

        return _each(lambda part, at: (cells.floats(part, name, at),), given, place, (np.nan,), wrong)[0]

    try:
        return Read(gluonts_rows(lines, path, frequency, skip, numbers), columns, skipped)
    except TableError:
        if not skipped:
            raise
        return Read(None, columns, skipped)


def _known(columns: Columns, names: Sequence[str], place: str, found: Listing) -> Columns | None:
    """Returns the columns to look at instead of those that are missing; None where there are none to look at."""
    needed = columns.needed
    free = [name for name in names if name not in needed]
    own = {"time": columns.time, **({"id": columns.id} if columns.id != Columns.id or columns.id in names else {})}
    chosen: dict[str, Any] = {}
    stop = False

    def look(kind: str, name: str, usual: Sequence[str] = (), must: bool = False) -> str | None:
        nonlocal stop
        if name in names:
            return name
        folded = {one.casefold(): one for one in free}
        near = difflib.get_close_matches(name.casefold(), folded, n=1) or [one for one in usual if one in folded][:1]
        other = folded[near[0]] if near else None
        hint = f" Did you mean {other!r}? It was looked at." if other else ""
        found.add("columns", f"{place}: there is no column {name!r}. The columns are: {', '.join(names)[:300]}.{hint}")
        if other:
            free.remove(other)
        stop = stop or (must and not other)
        return other

    for kind, name in own.items():
        chosen[kind] = look(kind, name, USUAL[kind], must=True)
    targets = [look("target", name, USUAL["target"], must=len(columns.targets) == 1) for name in columns.targets]
    present = [name for name in targets if name]
    chosen["target"] = present[0] if isinstance(columns.target, str) and present else tuple(present)
    for kind in ("covariates", "static"):
        chosen[kind] = tuple(name for name in (look(kind, one) for one in getattr(columns, kind)) if name)
    if "id" not in chosen:
        near_id = difflib.get_close_matches(columns.id, [name.casefold() for name in free], n=1)
        if near_id:
            chosen["id"] = look("id", columns.id)
        elif usual := [name for name in free if name.casefold() in USUAL["id"]]:
            found.add("id_column", f"{place}: column {usual[0]!r}")
    return None if stop or not present else replace(columns, **chosen)


def _until_error(lines: Iterator[Cells], found: Listing) -> Iterator[Cells]:
    try:
        yield from lines
    except (TableError, CorpusError) as error:
        found.add("unreadable", str(error))


class _Columns:
    """Converts cells block by block, as `series.reading` does: in memory are flat arrays and the cells of one block.

    Args:
        columns: Those to convert.
        single: The table has no ids.
        found: Takes the errors.
        mark: Stands between the file and the number of a row.
    """

    def __init__(self, columns: Columns, single: bool, found: Listing, mark: str = ":"):
        self.columns, self.single, self.found, self.mark = columns, single, found, mark
        self.ids = Numbers()
        self.statics = {name: Numbers() for name in columns.static}
        self.parts: dict[str, list[NDArray[Any]]] = {}
        self.left_out = 0

    def add(self, block: Sequence[Cells], path: Path) -> None:
        """Converts a block."""
        columns, numbers = self.columns, np.asarray([number for number, _ in block], np.int64)
        rows, place = [row for _, row in block], self.place_in(path, numbers)
        bad = np.zeros(len(rows), bool)

        def drop(kind: str, row: int, error: TableError) -> None:
            bad[row] = True
            self.found.add(kind, str(error))

        def late(row: int, error: TableError, _: Any) -> None:
            drop("stamps", row, error)

        def blank(row: int, error: TableError, cell: Any) -> None:
            self.found.add(_kind_of(error, cell), str(error))

        times = [row.get(columns.time) for row in rows]
        walls, zones = _each(lambda part, at: cells.stamps(part, columns.time, at), times, place, (0, 0), late)
        names: list[str] | None = None
        if not self.single:
            names = []
            for i, row in enumerate(rows):
                try:
                    names.append(cells.name_of(row.get(columns.id), columns.id, place, i))
                except TableError as error:
                    names.append("")
                    drop("names", i, error)
        keep = ~bad
        kept = np.flatnonzero(keep)
        self.left_out += len(rows) - len(kept)
        shared = {"walls": walls[keep], "zones": zones[keep], "lines": numbers[keep]}
        for name in columns.covariates:
            shared[f"covariate {name}"] = self._floats(rows, name, place, blank)[keep]
        for name, known in self.statics.items():
            try:
                own = [cells.plain(rows[i].get(name), name, place, int(i)) for i in kept]
            except TableError as error:
                self.found.add("text", str(error))
                own = [str(rows[i].get(name)) for i in kept]
            shared[f"static {name}"] = known.of(own)
        if names is not None:
            names = [names[i] for i in kept] if bad.any() else names
        for target in columns.targets:
            full = cells.full_names(names, target, len(columns.targets) > 1, len(kept))
            values = self._floats(rows, target, place, blank)[keep]
            for key, array in {**shared, "codes": self.ids.of(full), "values": values}.items():
                self.parts.setdefault(key, []).append(array)

    def _floats(
        self, rows: Sequence[Mapping[str, Any]], name: str, place: Place, wrong: Callable[[int, TableError, Any], None]
    ) -> NDArray[np.float64]:
        def convert(part: Sequence[Any], at: Place) -> Arrays:
            return (cells.floats(part, name, at),)

        return _each(convert, [row.get(name) for row in rows], place, (np.nan,), wrong)[0]

    def place_in(self, path: Path, numbers: NDArray[np.int64]) -> Place:
        """Returns the place of rows of these numbers."""
        return lambda row: f"{path}{self.mark}{numbers[row]}"

    def rows(self, path: Path) -> Rows | None:
        """Returns all rows; None where there are none."""
        if not self.parts:
            return None
        whole = {key: np.concatenate(self.parts.pop(key)) for key in list(self.parts)}
        one = self.single and len(self.columns.targets) == 1
        return Rows(
            list(self.ids.found),
            whole["codes"],
            whole["walls"],
            whole["zones"],
            whole["values"],
            self.place_in(path, whole["lines"]),
            {name: whole[f"covariate {name}"] for name in self.columns.covariates},
            {name: (whole[f"static {name}"], list(self.statics[name].found)) for name in self.statics},
            notes=(f"There is no column {self.columns.id}: took the table as one series.",) if one else (),
        )


def _collect(lines: Iterator[Cells], columns: Columns, path: Path, found: Listing, mark: str = ":") -> Read:
    lines = _until_error(lines, found)
    columns_: _Columns | None = None
    while block := list(islice(lines, _BLOCK)):
        if columns_ is None:
            names = list(block[0][1])
            if columns.id not in names and (known := _known(columns, names, f"{path}:{block[0][0]}", found)):
                columns = known
            columns_ = _Columns(columns, columns.id not in names, found, mark)
        columns_.add(block, path)
    rows = columns_.rows(path) if columns_ else None
    if rows is not None and not len(rows.codes):
        rows = None
    if rows is None and not found.counts:
        found.add("unreadable", f"{path} has no rows. Expected at least one reading.")
    return Read(rows, columns, columns_.left_out if columns_ else 0)


def _each(
    convert: Callable[[Sequence[Any], Place], Arrays],
    given: Sequence[Any],
    place: Place,
    blank: Sequence[float],
    wrong: Callable[[int, TableError, Any], None],
) -> Arrays:
    """Converts cells together; where that fails, in halves, down to the wrong cell, which becomes `blank`."""

    def part(first: int, last: int) -> Arrays:
        try:
            return convert(given[first:last], lambda row: place(first + row))
        except TableError as error:
            size = last - first
            if size == 1:
                wrong(first, error, given[first])
                return tuple(np.asarray([one], np.int64 if isinstance(one, int) else np.float64) for one in blank)
            step = 1 if size <= _FEW else size // 2
            parts = [part(begin, min(begin + step, last)) for begin in range(first, last, step)]
            return tuple(map(np.concatenate, zip(*parts, strict=True)))

    return part(0, len(given))


def _kind_of(error: TableError, cell: Any) -> str:
    """Returns the kind of finding that a wrong number is."""
    return "infinite" if "finite number" in str(error) and _is_number(cell) else "text"


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True
