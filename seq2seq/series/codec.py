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

from seq2seq.files import read_json, write_text
from seq2seq.series.calendar import calendar_features, feature_names
from seq2seq.series.cells import Columns
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
        """Returns the static features of rows, `(rows, static_width - 1)`; zeros for a string that is not known."""
        found = [np.zeros((len(series), 0))]
        for name in self.columns.static:
            column = table.static[name]
            if name in self.categories:
                found.append(column[series].astype(str)[:, None] == np.asarray(self.categories[name])[None])
            else:
                mean, deviation = self.ranges[name]
                found.append(np.nan_to_num((column[series].astype(np.float64) - mean) / deviation)[:, None])
        return np.concatenate(found, axis=1).astype(np.float64)

    def save(self, path: Path) -> None:
        """Writes the codec as JSON."""
        write_text(path, json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> SeriesCodec:
        """Reads what `save` wrote; ValueError names a file that is missing or damaged."""
        try:
            entry = read_json(path)
            columns = entry.pop("columns")
            for name in ("covariates", "static"):
                columns[name] = tuple(columns[name])
            standard = entry.pop("standard")
            codec = cls(
                Columns(**columns),
                tuple(entry.pop("future")),
                ids=tuple(map(str, entry.pop("ids"))),
                ranges={str(k): (float(v[0]), float(v[1])) for k, v in entry.pop("ranges").items()},
                categories={str(k): tuple(map(str, v)) for k, v in entry.pop("categories").items()},
                standard=standard and tuple(tuple(float(one) for one in part) for part in standard),
                **entry,
            )
            _check(codec)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise ValueError(f"{path}: missing or damaged ({error}).") from error
        return codec


def _check(codec: SeriesCodec) -> None:
    """Raises ValueError for what `learn_codec` cannot have made."""
    columns, ranges, categories = codec.columns, codec.ranges, codec.categories
    parse_frequency(codec.frequency)
    if not isinstance(codec.time_zone, str):
        raise ValueError("the time zone is no string")
    if codec.time_zone:
        zone(codec.time_zone)
    names = (columns.id, columns.time, *columns.targets, *columns.covariates, *columns.static)
    if not all(isinstance(name, str) for name in names):
        raise ValueError("the name of a column is no string")
    if codec.irregular not in get_args(Irregular) or type(codec.calendar) is not bool:
        raise ValueError("irregular or calendar is not one of its values")
    if not set(codec.future) <= set(columns.covariates):
        raise ValueError("a column of the future is no covariate")
    if set(ranges) & set(categories) or set(ranges) | set(categories) != {*columns.covariates, *columns.static}:
        raise ValueError("ranges and categories are of other columns")
    if set(columns.covariates) & set(categories):
        raise ValueError("a covariate has categories")
    pairs = list(ranges.values())
    if codec.standard is not None:
        if [len(part) for part in codec.standard] != [len(codec.ids)] * 2:
            raise ValueError("standard has not a mean and a deviation for each series")
        pairs += zip(*codec.standard, strict=True)
    if not all(math.isfinite(mean) and 0 < deviation < math.inf for mean, deviation in pairs):
        raise ValueError("a mean is not finite, or a deviation not above 0")


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
