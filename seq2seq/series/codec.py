"""What a forecaster has learned of its table: which columns there are, how they become numbers, which series are known.

Kept in the run folder as JSON. Imports no framework.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from seq2seq.files import read_json, write_text
from seq2seq.series.calendar import calendar_features, feature_names
from seq2seq.series.cells import MISSING, Columns, as_text, as_texts, columns_of
from seq2seq.series.frequency import parse_frequency
from seq2seq.series.grid import Irregular, TableError
from seq2seq.series.results import as_series_table
from seq2seq.series.stamps import zone
from seq2seq.series.table import Floats, Integers, SeriesTable
from seq2seq.series.windows import Cut, Windows

CODEC_FILE = "series.json"
_FLOOR = 1e-12


@dataclass(frozen=True)
class SeriesCodec:
    """Turns a table into the numbers that a network reads beside the readings."""

    columns: Columns
    future: tuple[str, ...]
    """Covariates that are known for the steps of a horizon too; the others are historic."""
    frequency: str
    """An alias."""
    irregular: Irregular
    time_zone: str
    calendar: bool
    """Whether clock and calendar are features."""
    ids: tuple[str, ...]
    """The series of training."""
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Mean and deviation of each covariate and each static number, over the training part."""
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The values of each static column of strings."""
    standard: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Mean and deviation of each series in the training part, where series are standardised."""

    @property
    def historic(self) -> tuple[str, ...]:
        """Covariates that are known up to the cut alone."""
        return tuple(name for name in self.columns.covariates if name not in self.future)

    @property
    def calendar_width(self) -> int:
        """Features of the calendar."""
        return len(feature_names(parse_frequency(self.frequency))) if self.calendar else 0

    @property
    def static_width(self) -> int:
        """Features of a series as a whole; the first is that of the scale."""
        return 1 + sum(len(self.categories.get(name, " ")) for name in self.columns.static)

    def read(self, data: Any) -> SeriesTable:
        """Returns a file, a frame or a table by the columns and the frequency of training.

        Raises:
            TableError: names what is wrong where.
        """
        return as_series_table(data, self.columns, self.frequency, self.irregular, self.time_zone)

    def future_of(self, data: Any) -> SeriesTable:
        """Returns the covariates of steps to come, of a file, a frame or a table; it needs no readings.

        Raises:
            TableError: this run has no covariates that are known ahead of time, or the table is wrong.
        """
        if not self.future:
            raise TableError("This run has no covariates that are known ahead of time (data.future): leave them out.")
        if isinstance(data, SeriesTable):
            return data
        # The first covariate is read in the place of the readings.
        first, *others = self.future
        columns = dataclasses.replace(self.columns, target=first, covariates=tuple(others), static=())
        table = as_series_table(data, columns, self.frequency, self.irregular, self.time_zone)
        covariates = {**table.covariates, first: np.where(table.observed, table.values, np.nan)}
        nothing = np.zeros(len(table.values))
        return dataclasses.replace(table, values=nothing, observed=nothing > 0, covariates=covariates)

    def numbers(self, table: SeriesTable) -> Integers:
        """Returns the number of each series of a table from 1, as in training, `(series,)`; 0 for unknown ones."""
        known = {name: number for number, name in enumerate(self.ids, 1)}
        return np.asarray([known.get(name, 0) for name in table.ids], np.int64)

    def standards(self, table: SeriesTable) -> tuple[Floats, Floats]:
        """Returns mean and deviation of each series of a table, `(series,)`: 0 and 1 where they are not standardised.

        Raises:
            TableError: the run standardises its series, and one of them is not known.
        """
        if self.standard is None:
            return np.zeros(len(table)), np.ones(len(table))
        numbers = self.numbers(table)
        if (unknown := numbers == 0).any():
            raise TableError(
                f"Series {table.ids[int(unknown.argmax())]!r} was not in training, and this run standardises each "
                f"series by its training part (data.standardize). Known series: {', '.join(self.ids)[:200]}."
            )
        mean, deviation = (np.asarray(part)[numbers - 1] for part in self.standard)
        return mean, deviation

    def standardized(self, table: SeriesTable) -> SeriesTable:
        """Returns a table in the units that the network is trained in; the same one where it is not standardised."""
        if self.standard is None:
            return table
        mean, deviation = (np.repeat(part, table.lengths) for part in self.standards(table))
        values = np.where(table.observed, (table.values - mean) / deviation, 0.0)
        return dataclasses.replace(table, values=values)

    def covariates(self, table: SeriesTable, cut: Cut, names: Sequence[str]) -> Floats:
        """Returns covariates of windows, normalised, `(rows, time, names)`; 0, the mean, where they are missing."""
        rows = np.where(cut.inside, cut.positions, 0)
        found = []
        for name in names:
            mean, deviation = self.ranges[name]
            column = np.where(cut.inside, (table.covariates[name][rows] - mean) / deviation, 0.0)
            found.append(np.nan_to_num(column, nan=0.0))
        return np.stack(found, axis=-1) if found else np.zeros((*cut.positions.shape, 0))

    def clock(self, table: SeriesTable, windows: Windows, cut: Cut) -> Floats:
        """Returns the features of the calendar, `(rows, time, features)`; none where it is not used."""
        if not self.calendar:
            return np.zeros((*cut.positions.shape, 0))
        return calendar_features(table, windows, cut)

    def static(self, table: SeriesTable, series: Integers) -> Floats:
        """Returns the static features of rows, `(rows, static_width - 1)`; zeros for a string that is not known.

        Raises:
            TableError: there is a word where training had numbers.
        """
        found = [np.zeros((len(series), 0))]
        for name in self.columns.static:
            column = table.static[name]
            if name in self.categories:
                found.append(_is_category(column[series], self.categories[name]))
            else:
                mean, deviation = self.ranges[name]
                found.append(np.nan_to_num((_numbers(table, name)[series] - mean) / deviation)[:, None])
        return np.concatenate(found, axis=1)

    def check(self, table: SeriesTable) -> None:
        """Raises TableError for a table that was not read as those of training were: a column, the frequency."""
        expected = parse_frequency(self.frequency)
        if (table.frequency.unit, table.frequency.multiple) != (expected.unit, expected.multiple):
            raise TableError(
                f"The table has the frequency {table.frequency}. Expected {self.frequency}, as in training."
            )
        for names, columns, what in (
            (self.columns.covariates, table.covariates, "covariate"),
            (self.columns.static, table.static, "static column"),
        ):
            if missing := [name for name in names if name not in columns]:
                has = ", ".join(columns) or "none"
                raise TableError(f"The table has no {what} {missing[0]!r}, which training had. It has: {has}.")

    def save(self, path: Path) -> None:
        """Writes the codec as JSON."""
        write_text(path, json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> SeriesCodec:
        """Reads what `save` wrote; ValueError names a file that is missing or damaged."""
        try:
            return _codec_of(read_json(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise ValueError(f"{path}: missing or damaged ({error}).") from error


def _codec_of(entry: dict[str, Any]) -> SeriesCodec:
    """Returns the codec of the contents of a file; raises where they are none."""
    if more := set(entry) - {field.name for field in dataclasses.fields(SeriesCodec)}:
        raise ValueError(f"unknown: {', '.join(sorted(more))}")
    standard = entry["standard"]
    codec = SeriesCodec(
        columns_of(entry["columns"]),
        as_texts(entry["future"]),
        as_text(entry["frequency"]),
        entry["irregular"],
        as_text(entry["time_zone"]),
        entry["calendar"],
        as_texts(entry["ids"]),
        {as_text(name): _mean_and_deviation(*pair) for name, pair in entry["ranges"].items()},
        {as_text(name): as_texts(values) for name, values in entry["categories"].items()},
        None if standard is None else (tuple(map(float, standard[0])), tuple(map(float, standard[1]))),
    )
    parse_frequency(codec.frequency)
    if codec.time_zone:
        zone(codec.time_zone)
    if codec.irregular not in get_args(Irregular) or not isinstance(codec.calendar, bool):
        raise ValueError("the rules for stamps are not known")
    if len(set(codec.ids)) < max(1, len(codec.ids)) or not set(codec.future) <= set(codec.columns.covariates):
        raise ValueError("the names of series or covariates do not fit together")
    if set(codec.ranges) | set(codec.categories) != {*codec.columns.covariates, *codec.columns.static}:
        raise ValueError("the ranges do not belong to the columns")
    if set(codec.ranges) & set(codec.categories) or set(codec.columns.covariates) & set(codec.categories):
        raise ValueError("a column of numbers has categories")
    if codec.standard is not None:
        for pair in zip(*codec.standard, codec.ids, strict=True):
            _mean_and_deviation(*pair[:2])
    return codec


def _mean_and_deviation(mean: float, deviation: float) -> tuple[float, float]:
    mean, deviation = float(mean), float(deviation)
    if not (math.isfinite(mean) and 0 < deviation < math.inf):
        raise ValueError(f"expected a mean and a deviation, received {mean} and {deviation}")
    return mean, deviation


def learn_codec(
    table: SeriesTable, columns: Columns, future: Sequence[str], irregular: Irregular, calendar: bool, standardize: bool
) -> SeriesCodec:
    """Returns the codec of a training part."""
    ranges: dict[str, tuple[float, float]] = {}
    categories: dict[str, tuple[str, ...]] = {}
    for name in columns.covariates:
        ranges[name] = _range(table.covariates[name])
    for name in columns.static:
        column = table.static[name]
        if column.dtype.kind in "OUS":
            categories[name] = tuple(sorted(set(column.astype(str).tolist())))
        else:
            ranges[name] = _range(column.astype(np.float64))
    standard = None
    if standardize:
        pairs = [_range(one.values[one.observed]) for one in table]
        standard = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    return SeriesCodec(
        columns,
        tuple(future),
        str(table.frequency),
        irregular,
        table.time_zone,
        calendar,
        tuple(table.ids),
        ranges,
        categories,
        standard,
    )


def _range(values: Floats) -> tuple[float, float]:
    """Returns mean and standard deviation of what is there; 0 and 1 where nothing is, or all is the same."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    mean, deviation = float(known.mean()), float(known.std())
    return mean, deviation if deviation > _FLOOR * max(1.0, abs(mean)) else 1.0


def _is_category(values: NDArray[Any], categories: Sequence[str]) -> Floats:
    """Returns which of the categories each value is, `(rows, categories)`.

    A table all of whose values look like numbers holds numbers, where in training some did not.
    """
    if values.dtype.kind in "OUS":
        return (values.astype(str)[:, None] == np.asarray(categories)[None]).astype(np.float64)
    return (values.astype(np.float64)[:, None] == np.asarray([_number(text) for text in categories])).astype(np.float64)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _numbers(table: SeriesTable, name: str) -> Floats:
    column = table.static[name]
    if column.dtype.kind in "OUS":
        found = np.asarray([_number(text) for text in column.astype(str).tolist()])
        if (odd := np.isnan(found) & ~np.isin(np.char.lower(column.astype(str)), list(MISSING))).any():
            number = int(odd.argmax())
            raise TableError(
                f"The static column {name!r} of series {table.ids[number]!r} is {str(column[number])!r}. Expected a "
                "number, as in training."
            )
        return found
    return column.astype(np.float64)
