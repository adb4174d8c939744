"""The folder that an experiment leaves: the page, the numbers as CSV, what it was run with. Imports no framework."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from seq2seq import __version__
from seq2seq.folders import whole_folder
from seq2seq.lab.page import page_of
from seq2seq.lab.report import Bars, Cell, Coloured, Curve, HeatMap, Item, Plot, Report, Table

KIND = "seq2seq lab"
"""The command that makes such folders, as their marker names it."""
PAGE = "index.html"


def write_report(report: Report, name: str, seconds: float, folder: Path) -> Path:
    """Writes the folder, whole or not at all; returns its page.

    Raises:
        ValueError: the folder holds something else.
        MissingPackage: matplotlib is not installed.
    """
    with whole_folder(folder, KIND) as partial:
        (partial / PAGE).write_text(page_of(report), "utf-8")
        for item in (item for part in report.parts for item in part.items):
            if rows := list(rows_of(item)):
                with open(partial / f"{item.name}.csv", "w", newline="", encoding="utf-8") as file:  # type: ignore[union-attr]
                    csv.writer(file, lineterminator="\n").writerows(rows)
        made = {
            "experiment": name,
            "answer": report.answer,
            "quick": report.settings.quick,
            "seeds": list(report.settings.seeds),
            "seconds": round(seconds, 1),
            "machine": f"{platform.machine()}, {platform.system()}",
            "version": __version__,
        }
        (partial / "experiment.json").write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return folder / PAGE


def rows_of(item: Item) -> Iterator[Sequence[Cell]]:
    """Yields the rows of an item's CSV file, its header first; of what has no numbers, nothing."""
    if isinstance(item, Plot):
        yield ("curve", item.x, item.y, "low", "high")
        for curve in item.curves:
            for x, y, low, high in zip(curve.x, curve.y, *_ranges(curve), strict=True):
                yield (curve.name, x, y, low, high)
    elif isinstance(item, Bars):
        yield ("name", item.x, "low", "high")
        for label, value, low, high in zip(item.labels, item.values, *_ranges(item), strict=True):
            yield (label, value, low, high)
    elif isinstance(item, HeatMap):
        yield (item.y, item.x, "value")
        for row, values in zip(item.rows, item.values, strict=True):
            for column, value in zip(item.columns, values, strict=True):
                yield (row, column, value)
    elif isinstance(item, Coloured):
        yield ("piece", "value")
        yield from zip(item.pieces, item.values, strict=True)
    elif isinstance(item, Table):
        yield item.columns
        yield from item.rows


def _ranges(item: Curve | Bars) -> tuple[Sequence[Cell], Sequence[Cell]]:
    count = len(item.y if isinstance(item, Curve) else item.values)
    return (item.low, item.high) if item.low else ([""] * count, [""] * count)
