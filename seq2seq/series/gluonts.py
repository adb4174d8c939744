"""The series of GluonTS, one per line of JSON, to rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.series.cells import SINGLE, Floats, floats, place_in, plain, shown, stamps
from seq2seq.series.frequency import Frequency, parse_frequency
from seq2seq.series.grid import Rows, TableError


def gluonts_rows(rows: Iterable[tuple[int, Mapping[str, Any]]], path: Path, frequency: str | Frequency | None) -> Rows:
    """Reads a series per line. Steps that only the covariates have, behind the end of the target, are its future."""
    if frequency is None:
        raise TableError(f"{path}: series of GluonTS do not hold their frequency. Give it, for instance as h or D.")
    spacing = parse_frequency(frequency) if isinstance(frequency, str) else frequency
    walls, zones, values, lines, lengths, ids = [], [], [], [], [], []
    dynamic: dict[str, list[Floats]] = {}
    static: dict[str, list[Any]] = {}
    shapes: tuple[int, int, int] | None = None
    for number, row in rows:
        where = f"{path}:{number}"
        target = _target(row.get("target"), "target", where)
        real = [_target(one, "feat_dynamic_real", where) for one in _list(row, "feat_dynamic_real", where)]
        features = [(kind, _list(row, kind, where)) for kind in ("feat_static_cat", "feat_static_real")]
        shape = (len(real), len(features[0][1]), len(features[1][1]))
        shapes = shapes or shape
        if shape != shapes:
            raise TableError(
                f"{where}: {shape[0]} dynamic and {shape[1]} + {shape[2]} static features; the first line has "
                f"{shapes[0]} and {shapes[1]} + {shapes[2]}. Expected equally many in all series."
            )
        length = max([len(target), *map(len, real)])
        if any(len(one) < len(target) for one in real):
            raise TableError(
                f"{where}: feat_dynamic_real has {min(map(len, real))} steps, target {len(target)}. Expected as many."
            )
        if not length:
            raise TableError(f"{where}: target is empty. Expected at least one value.")
        wall, offset = stamps([row.get("start")], "start", lambda _, where=where: where)  # type: ignore[misc]
        walls.append(spacing.stamps(int(wall[0]), np.arange(length)))
        zones.append(np.full(length, offset[0]))
        values.append(_longer(target, length))
        lines.append(np.full(length, number))
        lengths.append(length)
        ids.append(str(row.get("item_id", f"{SINGLE}_{number}")))
        for i, one in enumerate(real):
            dynamic.setdefault(f"feat_dynamic_real_{i}", []).append(_longer(one, length))
        for kind, cells in features:
            for i, value in enumerate(cells):
                static.setdefault(f"{kind}_{i}", []).append(plain(value, kind, lambda _, where=where: where, 0))  # type: ignore[misc]
    if not ids:
        raise TableError(f"{path} has no rows. Expected at least one series.")
    codes = np.repeat(np.arange(len(ids)), lengths)
    if len(set(ids)) < len(ids):
        double = next(i for i, name in enumerate(ids) if name in ids[:i])
        raise TableError(f"{path}: two series have the item_id {ids[double]!r}. Expected one line for each.")
    return Rows(
        ids,
        codes,
        np.concatenate(walls),
        np.concatenate(zones),
        np.concatenate(values),
        place_in(path, np.concatenate(lines)),
        {name: np.concatenate(parts) for name, parts in dynamic.items()},
        {name: (codes, each) for name, each in static.items()},
    )


def _list(row: Mapping[str, Any], name: str, where: str) -> list[Any]:
    found = row.get(name)
    if found is not None and not isinstance(found, list):
        raise TableError(f"{where}: {name}: expected a list. Received: {shown(found)}")
    return found or []


def _target(cells: Any, name: str, where: str) -> Floats:
    if not isinstance(cells, list) or (cells and isinstance(cells[0], list)):
        what = "a list of lists" if isinstance(cells, list) else shown(cells)
        raise TableError(f"{where}: {name}: expected a list of numbers. Received: {what}")
    return floats(cells, name, lambda _: where)


def _longer(values: Floats, length: int) -> Floats:
    return np.concatenate([values, np.full(length - len(values), np.nan)])
