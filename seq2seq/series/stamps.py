"""Time stamps as text to microseconds since 1970.

A stamp is ISO 8601 (`2016-07-01`, `2016-07-01 00:15`, `2016-07-01T00:15:00.5+02:00`, also with `/` for `-`), or a whole
number, which counts steps. An offset right behind a date is that of its midnight.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

NO_OFFSET = np.iinfo(np.int64).min
"""Stands for the offset of a stamp that has none."""
NUMBER = NO_OFFSET + 1
"""Stands for the offset of a whole number."""

_PLAIN = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DATE_WITH_OFFSET = re.compile(r"(\d{4}-\d\d-\d\d)(Z|[+-]\d\d(?::?\d\d)?)", re.ASCII)
"""Of which Python would take the offset for a time of day, and its sign for what parts it from the date."""
_ODD_SEPARATOR = re.compile(r"\d{4}-\d\d-\d\d[^ Tt]", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_QUARTER = 900
"""Seconds; no zone changes its offset within a quarter of an hour."""
_FIRST, _LAST = ((datetime(year, 1, 2) - _EPOCH) // timedelta(seconds=_QUARTER) for year in (1, 9999))
"""Quarters of an hour that Python knows offsets for; before and after, those at the ends hold."""


class StampError(ValueError):
    """A stamp is not one. `place` is its index among those given."""

    def __init__(self, message: str, place: int):
        super().__init__(message)
        self.place = place


def parse_stamps(texts: Sequence[str]) -> tuple[Integers, Integers]:
    """Returns the wall clock of each stamp in microseconds since 1970, and its offset from UTC, likewise.

    Instead of an offset stands `NO_OFFSET` where there is none, `NUMBER` for a whole number.

    Raises:
        StampError: a text is no time stamp.
    """
    if all(map(_PLAIN.fullmatch, texts)):
        try:
            times = np.array(texts, "datetime64[us]").astype(np.int64)
            return times, np.full(len(texts), NO_OFFSET)
        except ValueError:
            pass  # the 30th of February: named below
    parsed = np.empty((2, len(texts)), np.int64)
    for place, text in enumerate(texts):
        parsed[:, place] = _parse(text.strip(), place)
    return parsed[0], parsed[1]


def _parse(text: str, place: int) -> tuple[int, int]:
    if _NUMBER.fullmatch(text):
        return int(text), NUMBER
    text, given = re.sub(r"^(\d{4})/(\d\d?)/(\d\d?)", _dashes, text), text
    if date := _DATE_WITH_OFFSET.fullmatch(text):
        text = f"{date[1]}T00:00{date[2]}"
    try:
        if _ODD_SEPARATOR.match(text):
            raise ValueError
        time = datetime.fromisoformat(text)
    except ValueError:
        raise StampError(
            f"expected a time stamp as 2016-07-01 or 2016-07-01 00:15:00, or a whole number. Received: {given[:60]!r}",
            place,
        ) from None
    offset = time.utcoffset()
    wall = (time.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
    return wall, NO_OFFSET if offset is None else offset // _MICROSECOND


def _dashes(found: re.Match[str]) -> str:
    return "-".join(part.zfill(2) for part in found.groups())


def zone(name: str) -> tzinfo:
    """Returns a time zone by its IANA name, such as Europe/Berlin.

    Raises:
        ValueError: the name is unknown.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"Expected the name of a time zone, such as Europe/Berlin. Received: {name!r}") from None


def to_utc(walls: Integers, time_zone: str, again: NDArray[np.bool_]) -> Integers:
    """Returns the instants of wall-clock times of a zone, in microseconds of UTC.

    Args:
        walls: `(rows,)`: in microseconds since 1970.
        time_zone: An IANA name.
        again: `(rows,)`: of the two instants of an hour that is repeated in autumn, take the second.
    """
    return walls - _offsets(walls, time_zone, again)


def to_wall(instants: Integers, time_zone: str) -> Integers:
    """Returns the wall clock of a zone at instants in microseconds of UTC."""
    if time_zone in ("", "UTC"):
        return np.asarray(instants, np.int64)
    place = zone(time_zone)
    quarters, back = np.unique(_quarters(instants), return_inverse=True)
    offsets = [_time(quarter).replace(tzinfo=UTC).astimezone(place).utcoffset() for quarter in quarters]
    return instants + _microseconds(offsets)[back].reshape(np.shape(instants))


def _offsets(walls: Integers, time_zone: str, again: NDArray[np.bool_]) -> Integers:
    place = zone(time_zone)
    keys, back = np.unique(_quarters(walls) * 2 + again, return_inverse=True)
    offsets = [_time(key // 2).replace(tzinfo=place, fold=int(key % 2)).utcoffset() for key in keys]
    return _microseconds(offsets)[back]


def _quarters(stamps: Integers) -> Integers:
    return np.clip(stamps // (_QUARTER * 1_000_000), _FIRST, _LAST)


def _time(quarter: int) -> datetime:
    return _EPOCH + timedelta(seconds=_QUARTER * int(quarter))


def _microseconds(offsets: Sequence[timedelta | None]) -> Integers:
    return np.asarray([(offset or timedelta()) // _MICROSECOND for offset in offsets], np.int64)
