"""The series of GluonTS, one per line of JSON, to rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq.series.cells import SINGLE, Floats, Integers, Place, floats, place_in, plain, shown, stamps
from seq2seq.series.frequency import Frequency, parse_frequency
from seq2seq.series.grid import Rows, TableError

Numbers = Callable[[Sequence[Any], str, Place], Floats]
"""Cells, the name of their column and the place of each to numbers, as `cells.floats`."""


class _Line(NamedTuple):
    """A series."""

    id: str
    walls: Integers
    zones: Integers
    values: Floats
    dynamic: list[Floats]
    static: dict[str, list[Any]]
    shape: tuple[int, int, int]
    """How many dynamic features, and static ones of both kinds."""


def gluonts_rows(
    rows: Iterable[tuple[int, Mapping[str, Any]]],
    path: Path,
    frequency: str | Frequency | None,
    skip: Callable[[TableError], None] | None = None,
    numbers: Numbers = floats,
) -> Rows:
    """Reads a series per line. Steps that only the covariates have, behind the end of the target, are its future.

    Args:
        rows: Lines by their numbers.
        path: For messages.
        frequency: An alias.
        skip: Is called with the error of each line that is wrong, which is left out; None: it is raised.
        numbers: Makes numbers of the cells of a list.
    """
    if frequency is None:
        raise TableError(f"{path}: series of GluonTS do not hold their frequency. Give it, for instance as h or D.")
    spacing = parse_frequency(frequency) if isinstance(frequency, str) else frequency
    found: dict[str, tuple[int, _Line]] = {}
    for number, row in rows:
        try:
            line = _line(row, f"{path}:{number}", spacing, f"{SINGLE}_{number}", numbers)
            _check_line(line, f"{path}:{number}", path, found)
        except TableError as error:
            if skip is None:
                raise
            skip(error)
            continue
        found[line.id] = number, line
    if not found:
        raise TableError(f"{path} has no rows. Expected at least one series.")
    lines = [line for _, line in found.values()]
    lengths = [len(line.walls) for line in lines]
    codes = np.repeat(np.arange(len(lines)), lengths)
    return Rows(
        list(found),
        codes,
        np.concatenate([line.walls for line in lines]),
        np.concatenate([line.zones for line in lines]),
        np.concatenate([line.values for line in lines]),
        place_in(path, np.repeat([number for number, _ in found.values()], lengths)),
        {
            f"feat_dynamic_real_{i}": np.concatenate([line.dynamic[i] for line in lines])
            for i in range(lines[0].shape[0])
        },
        {
            f"{kind}_{i}": (codes, [line.static[kind][i] for line in lines])
            for kind, cells in lines[0].static.items()
            for i in range(len(cells))
        },
    )


def _line(row: Mapping[str, Any], where: str, spacing: Frequency, name: str, numbers: Numbers) -> _Line:
    target = _target(row.get("target"), "target", where, numbers)
    real = [_target(one, "feat_dynamic_real", where, numbers) for one in _list(row, "feat_dynamic_real", where)]
    static = {
        kind: [plain(value, kind, lambda _: where, 0) for value in _list(row, kind, where)]
        for kind in ("feat_static_cat", "feat_static_real")
    }
    length = max([len(target), *map(len, real)])
    if any(len(one) < len(target) for one in real):
        raise TableError(
            f"{where}: feat_dynamic_real has {min(map(len, real))} steps, target {len(target)}. Expected as many."
        )
    if not length:
        raise TableError(f"{where}: target is empty. Expected at least one value.")
    wall, offset = stamps([row.get("start")], "start", lambda _: where)
    return _Line(
        str(row.get("item_id", name)),
        spacing.stamps(int(wall[0]), np.arange(length)),
        np.full(length, offset[0]),
        _longer(target, length),
        [_longer(one, length) for one in real],
        static,
        (len(real), *map(len, static.values())),  # type: ignore[arg-type]
    )


def _check_line(line: _Line, where: str, path: Path, before: Mapping[str, tuple[int, _Line]]) -> None:
    """Raises TableError where a line does not go with those before it."""
    shape, known = line.shape, next((one.shape for _, one in before.values()), line.shape)
    if shape != known:
        raise TableError(
            f"{where}: {shape[0]} dynamic and {shape[1]} + {shape[2]} static features; the first line has "
            f"{known[0]} and {known[1]} + {known[2]}. Expected equally many in all series."
        )
    if line.id in before:
        raise TableError(f"{path}: two series have the item_id {line.id!r}. Expected one line for each.")


def _list(row: Mapping[str, Any], name: str, where: str) -> list[Any]:
    found = row.get(name)
    if found is not None and not isinstance(found, list):
        raise TableError(f"{where}: {name}: expected a list. Received: {shown(found)}")
    return found or []


def _target(cells: Any, name: str, where: str, numbers: Numbers) -> Floats:
    if not isinstance(cells, list) or (cells and isinstance(cells[0], list)):
        what = "a list of lists" if isinstance(cells, list) else shown(cells)
        raise TableError(f"{where}: {name}: expected a list of numbers. Received: {what}")
    return numbers(cells, name, lambda _: where)


def _longer(values: Floats, length: int) -> Floats:
    return np.concatenate([values, np.full(length - len(values), np.nan)])
