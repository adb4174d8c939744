"""Series as streams of readings: which columns of a table they are, and how long their days are.

Kept in the run folder of a detector as JSON. Imports no framework.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from seq2seq.files import read_json, write_text
from seq2seq.series.cells import Columns, as_text, columns_of
from seq2seq.series.frequency import DAY, Frequency, parse_frequency
from seq2seq.series.grid import Irregular
from seq2seq.series.results import as_series_table
from seq2seq.series.stamps import zone
from seq2seq.series.stream_features import MOST_DAY, readings_of_day
from seq2seq.series.table import CALENDAR, Floats, SeriesTable

STREAMS_FILE = "streams.json"


class Stream(NamedTuple):
    """The readings of one series."""

    id: str
    values: Floats
    """`(time,)`; NaN where they are missing."""
    times: NDArray[Any]
    """`(time,)`: datetime64, or whole numbers; possibly repeated or backward."""
    day: int
    """Readings of a day; 0: none."""
    utc: bool = False
    """Whether the stamps are UTC rather than a wall clock."""


@dataclass(frozen=True)
class StreamCodec:
    """Turns a table into streams."""

    columns: Columns = Columns()
    frequency: str = ""
    """An alias; empty: inferred from each table."""
    irregular: Irregular = "error"
    time_zone: str = ""
    day: int = 0
    """Readings of a day, or of another season; 0: by the frequency."""

    def read(self, data: Any, frequency: str = "") -> SeriesTable:
        """Returns a file, a frame or a table by the columns of the run.

        Args:
            data: What to read.
            frequency: An alias, in place of that of the run.

        Raises:
            TableError: names what is wrong where.
        """
        given = frequency or self.frequency or None
        return as_series_table(data, self.columns, given, self.irregular, self.time_zone)

    def streams(self, table: SeriesTable) -> list[Stream]:
        """Returns the series of a table."""
        day = self.day_of(table.frequency)
        utc = bool(table.time_zone) and table.frequency.unit not in CALENDAR
        return [Stream(one.id, np.where(one.observed, one.values, np.nan), one.times, day, utc) for one in table]

    def day_of(self, frequency: Frequency | None) -> int:
        """Returns the readings of a day, of a table or a live stream; 0 where the frequency is not known."""
        return self.day or (readings_of_day(frequency) if frequency else 0)

    def save(self, path: Path) -> None:
        """Writes the codec as JSON."""
        write_text(path, json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> StreamCodec:
        """Reads what `save` wrote; ValueError names a file that is missing or damaged."""
        try:
            return _codec_of(read_json(path))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: missing or damaged ({error}).") from error


def _codec_of(entry: dict[str, Any]) -> StreamCodec:
    """Returns the codec of the contents of a file; raises where they are none."""
    if more := set(entry) - {field.name for field in dataclasses.fields(StreamCodec)}:
        raise ValueError(f"unknown: {', '.join(sorted(more))}")
    frequency, irregular, time_zone, day = (entry[name] for name in ("frequency", "irregular", "time_zone", "day"))
    if as_text(frequency):
        parse_frequency(frequency)
    if as_text(time_zone):
        zone(time_zone)
    if irregular not in get_args(Irregular):
        raise ValueError("the rules for stamps are not known")
    if type(day) is not int or not 0 <= day <= MOST_DAY:
        raise ValueError(f"day: {day}")
    return StreamCodec(columns_of(entry["columns"]), frequency, irregular, time_zone, day)


def stamp_texts(stream: Stream) -> list[str]:
    """Returns the stamps of a stream as people write them: dates where all are at midnight."""
    if stream.times.dtype.kind != "M":
        return [str(time) for time in stream.times.tolist()]
    counted = stream.times.astype("datetime64[us]").astype(np.int64)
    end = "+00:00" if stream.utc else ""
    unit: Literal["D", "s", "us"] = "us" if (counted % 1_000_000).any() else "s"
    if not (counted % DAY).any() and not end:
        unit = "D"
    return [text.replace("T", " ") + end for text in np.datetime_as_string(stream.times, unit).tolist()]
