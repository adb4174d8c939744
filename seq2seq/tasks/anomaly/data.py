"""From the data section of a recipe to its streams: the catalogue, or the user's own table."""

from __future__ import annotations

import importlib
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq.series.advice import fields_named
from seq2seq.series.alarms import RATE_OF
from seq2seq.series.cells import Columns
from seq2seq.series.stream_features import readings_of_day_by_stamps
from seq2seq.series.streams import Stream, StreamCodec
from seq2seq.tasks.anomaly.recipe import Data, Recipe

LEAST = 20
"""Readings of a training part, of all series together."""

_log = logging.getLogger(__name__)


class Labelled(NamedTuple):
    """What is known of the anomalies of a stream."""

    first: int
    """The first row that counts: before it, the stream is normal."""
    windows: tuple[tuple[int, int], ...]
    """The first and the last row of each anomaly."""


@dataclass(frozen=True)
class Corpus:
    """The streams of a run."""

    codec: StreamCodec
    streams: list[Stream]
    train: list[int]
    """Rows of each that are learned from, from its first one on."""
    labels: list[Labelled] | None
    """Of each stream; None where nothing is known."""
    files: tuple[Path, ...]
    """The user's own."""

    @property
    def readings(self) -> int:
        """Observed readings that are learned from."""
        parts = zip(self.streams, self.train, strict=True)
        return sum(int((~np.isnan(one.values[:rows])).sum()) for one, rows in parts)


def find_corpus(recipe: Recipe) -> Corpus:
    """Returns the streams that a recipe names, fetched if need be.

    Raises:
        ValueError: a file is missing or damaged, or has too few readings.
    """
    data = recipe.data
    corpus = {"faults": _faults, "nab": _nab, "files": _files}[data.corpus](data)
    if corpus.readings < max(LEAST, math.ceil(RATE_OF / recipe.alarms.rate)):
        raise ValueError(
            f"{data.train or data.corpus}: the training part has {corpus.readings:,} readings. Expected at least "
            f"{max(LEAST, math.ceil(RATE_OF / recipe.alarms.rate)):,} to find the threshold of {recipe.alarms.rate:g} "
            f"false alarms per {RATE_OF:,}: give more readings, or state a higher alarms.rate."
        )
    return corpus


def _taken(data: Data, size: int) -> int:
    """Returns how many rows of a stream are learned from."""
    rows = math.floor(data.train_share * size)
    return min(rows, data.train_most) if data.train_most else rows


def _catalogue(name: str) -> Any:
    return importlib.import_module(f"seq2seq.catalogue.{name}")


def _nab(data: Data) -> Corpus:
    recordings: Mapping[str, Any] = _catalogue("nab").load()
    # Its files have these columns; repeated and backward stamps are taken as they come.
    codec = StreamCodec(Columns(time="timestamp", target="value"), irregular="rows", day=data.day)
    streams = [
        Stream(name, one.values, one.stamps, data.day or readings_of_day_by_stamps(one.stamps))
        for name, one in recordings.items()
    ]
    train = [_taken(data, len(one.values)) for one in streams]
    labels = [Labelled(rows, one.windows) for rows, one in zip(train, recordings.values(), strict=True)]
    return Corpus(codec, streams, train, labels, ())


def _faults(data: Data) -> Corpus:
    faults = _catalogue("faults")
    before, after = faults.load("train"), faults.load("test")
    streams, train, labels = [], [], []
    for name, known in before.items():
        later, begin = after[name], len(known.values)
        times = np.concatenate([known.stamps, later.stamps])
        day = data.day or readings_of_day_by_stamps(times)
        streams.append(Stream(name, np.concatenate([known.values, later.values]), times, day))
        train.append(_taken(data, begin))
        labels.append(Labelled(begin, tuple((begin + first, begin + last) for first, last in later.windows)))
    return Corpus(StreamCodec(frequency="h", day=data.day), streams, train, labels, ())


def _files(data: Data) -> Corpus:
    targets = data.target_columns
    columns = Columns(data.id_column, data.time_column, targets[0] if len(targets) == 1 else targets)
    codec = StreamCodec(columns, data.frequency, data.irregular, data.time_zone, data.day)
    path = Path(data.train)
    with fields_named():
        table = codec.read(path)
    for note in table.notes:
        _log.info("%s: %s", path, note)
    _log.info("%s: %s series, frequency %s", path, f"{len(table):,}", table.frequency)
    codec = StreamCodec(columns, str(table.frequency), data.irregular, data.time_zone, data.day)
    streams = codec.streams(table)
    return Corpus(codec, streams, [_taken(data, len(one.values)) for one in streams], None, (path,))
