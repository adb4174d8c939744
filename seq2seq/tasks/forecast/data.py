"""From the data section of a recipe to its series: the catalogue, or the user's own table."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq.messages import counted
from seq2seq.series.advice import fields_named
from seq2seq.series.cells import Columns
from seq2seq.series.grid import TableError
from seq2seq.series.joining import joined
from seq2seq.series.reading import read_table
from seq2seq.series.table import SeriesTable
from seq2seq.series.windows import Windows, cut_windows, ends, rolling_origins
from seq2seq.tasks.forecast.recipe import Data, Recipe, Window

_log = logging.getLogger(__name__)


class WindowSet(NamedTuple):
    """Windows whose horizons are forecast and compared with what came."""

    table: SeriesTable
    windows: Windows


@dataclass(frozen=True)
class Corpus:
    """The series of a run, in their own units."""

    columns: Columns
    train: SeriesTable
    """The training part, whose horizons are learned."""
    validation: WindowSet
    known: SeriesTable
    """All that comes before the tests: what a forecast goes on from."""
    tests: Mapping[str, WindowSet]
    apart: bool
    """Whether the tables of the tests hold no more of the past than the contexts of their windows."""
    files: tuple[Path, ...]
    """The user's own."""


def columns_of(data: Data) -> Columns:
    """Returns the columns that a recipe names."""
    targets = data.target_columns
    return Columns(
        data.id_column,
        data.time_column,
        targets[0] if len(targets) == 1 else targets,
        (*data.future, *data.historic),
        data.static,
    )


def find_corpus(recipe: Recipe, level: int = logging.INFO) -> Corpus:
    """Returns the series that a recipe names, fetched if need be; what was decided is logged at a level.

    Raises:
        ValueError: a file is missing or damaged, or its series are too short or empty.
    """
    data, window = recipe.data, recipe.window
    horizon, context = window.horizon, window.context
    if data.corpus == "etth1":
        etth1 = _catalogue("etth1")
        train, validation, test = (etth1.load(split, context) for split in etth1.SPLITS)
        parts = [
            WindowSet(table, rolling_origins(table, horizon, int(table.lengths[0]) - context - horizon + 1, 1, context))
            for table in (validation, test)
        ]
        return Corpus(Columns(), train, parts[0], validation, {"test": parts[1]}, True, ())
    files: tuple[Path, ...] = ()
    columns, later = columns_of(data), None
    if data.corpus == "files":
        files = tuple(Path(name) for name in (data.train, data.test) if name)
        known = _read(files[0], data, columns, None, level)
        if data.test:
            later = _read(files[1], data, columns, str(known.frequency), level)
    elif data.corpus == "seasons":
        known, later = (_catalogue("seasons").load(split) for split in ("train", "test"))
        columns = Columns(covariates=tuple(known.covariates), static=tuple(known.static))
    else:
        group = data.corpus.removeprefix("m4_")
        known, later = (_catalogue("m4").load(split, group) for split in ("train", "test"))
    tests = {} if later is None else {"test": _continued(known, later, horizon, str(data.test or data.corpus))}
    held = data.validation_windows * horizon
    validation = WindowSet(known, rolling_origins(known, horizon, data.validation_windows, horizon))
    future = data.future if data.corpus == "files" else ()
    validation = forecastable(validation, window, future, "validation")
    tests = {name: forecastable(one, window, future, name) for name, one in tests.items()}
    return Corpus(columns, known.cut(0, -held), validation, known, tests, False, files)


def forecastable(held: WindowSet, window: Window, future: Sequence[str], name: str) -> WindowSet:
    """Returns windows with a reading in their context and all covariates of their horizon; the log counts the others.

    Raises:
        ValueError: there is none.
    """
    table, windows = held
    cut = cut_windows(table, windows, window.context, window.horizon)
    blind = ~np.asarray(cut.context_observed.any(axis=1))
    rows = np.where(cut.inside, cut.positions, 0)[:, window.context :]
    lacking = np.zeros(len(windows.cuts), np.bool_)
    for column in future:
        lacking |= ~np.asarray(np.isfinite(table.covariates[column][rows]).all(axis=1))
    kept = ~blind & ~lacking
    for which, why in (
        (blind, f"no reading in the {window.context} steps before them"),
        (lacking, f"no {' or '.join(future)} for all of their {window.horizon} steps"),
    ):
        if not kept.any() and which.any():
            raise ValueError(f"No window of {name} can be forecast: {counted(int(which.sum()), 'window')} with {why}.")
        if which.any():
            _log.info("Left out %s of %s with %s", counted(int(which.sum()), "window"), name, why)
    if not cut.target_observed[kept].any():
        raise ValueError(f"No window of {name} has a reading in its {window.horizon} steps: there is nothing to score.")
    return WindowSet(table, Windows(windows.series[kept], windows.cuts[kept]))


def _catalogue(name: str) -> Any:
    return importlib.import_module(f"seq2seq.catalogue.{name}")


def _continued(known: SeriesTable, later: SeriesTable, horizon: int, name: str) -> WindowSet:
    """Returns the windows of a test: the first begins where the past of its series ends, each other a horizon on."""
    table = joined(known, later, name)
    first = ends(known)
    counts = np.maximum((table.lengths - known.lengths) // horizon, 0)
    if not counts.any():
        raise ValueError(
            f"{name}: no series goes on for a horizon of {horizon} steps behind the training table. The longest has "
            f"{int((table.lengths - known.lengths).max(initial=0))}: choose a shorter window.horizon."
        )
    series = np.repeat(first.series, counts)
    place = np.arange(len(series)) - np.repeat(np.cumsum(counts) - counts, counts)
    return WindowSet(table, Windows(series, known.lengths[series] + horizon * place))


def _read(path: Path, data: Data, columns: Columns, frequency: str | None, level: int) -> SeriesTable:
    with fields_named():
        table = read_table(path, columns, data.frequency or frequency or None, data.irregular, data.time_zone)
    if not table.observed.any():
        targets = ", ".join(columns.targets)
        raise TableError(f"{path}: no row has a number in column {targets}: there is nothing to learn from.")
    for note in table.notes:
        _log.log(level, "%s: %s", path, note)
    _log.log(level, "%s: %s, frequency %s", path, counted(len(table), "series", "series"), table.frequency)
    return table
