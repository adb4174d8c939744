"""One table after the other: the future of series, or of their covariates, behind their past."""

from __future__ import annotations

import dataclasses

import numpy as np

from seq2seq.series.grid import TableError
from seq2seq.series.table import CALENDAR, Integers, SeriesTable, offsets_of, show_stamp


def joined(past: SeriesTable, later: SeriesTable, what: str = "the later table") -> SeriesTable:
    """Returns the series of `past` with the steps of `later` behind them; steps between them are missing.

    Where both have a step, `later` counts: its readings and covariates where they are there. Rows that were taken as
    they come stand behind the last of their past.

    Args:
        past: The series. Those that `later` lacks stay as they are.
        later: Of the same frequency.
        what: How messages call it.

    Raises:
        TableError: a series of `later` is not in `past`, its stamps are not on the grid of the past, or begin before;
            frequency or time zone differ.
    """
    _check_clock(past, later, what)
    number = {name: i for i, name in enumerate(past.ids)}
    if unknown := [name for name in later.ids if name not in number]:
        raise TableError(f"{what} has the series {unknown[0]!r}, which the past lacks.")
    owner = np.asarray([number[name] for name in later.ids], np.int64)
    ordered = past.stamps is not None and later.stamps is not None
    begin = _behind(past, later, owner, what) if ordered else _on_grid(past, later, owner, what)
    lengths = past.lengths.copy()
    lengths[owner] = np.maximum(lengths[owner], begin + later.lengths)
    offsets = offsets_of(lengths)
    old = np.repeat(offsets[:-1] - past.offsets[:-1], past.lengths) + np.arange(past.offsets[-1])
    new = np.repeat(offsets[owner] + begin - later.offsets[:-1], later.lengths) + np.arange(later.offsets[-1])
    values, observed = np.zeros(offsets[-1]), np.zeros(offsets[-1], bool)
    values[old], observed[old] = past.values, past.observed
    values[new] = np.where(later.observed, later.values, values[new])
    observed[new] |= later.observed
    covariates = {}
    for name, column in past.covariates.items():
        whole = np.full(offsets[-1], np.nan)
        whole[old] = column
        if name in later.covariates:
            found = later.covariates[name]
            whole[new] = np.where(np.isfinite(found), found, whole[new])
        covariates[name] = whole
    stamps = None
    if past.stamps is not None and later.stamps is not None:
        stamps = np.zeros(offsets[-1], np.int64)
        stamps[old], stamps[new] = past.stamps, later.stamps
    return dataclasses.replace(
        past, offsets=offsets, values=values, observed=observed, covariates=covariates, stamps=stamps
    )


def _check_clock(past: SeriesTable, later: SeriesTable, what: str) -> None:
    # The day of months is not compared: a few stamps do not tell it, and the grid does.
    own, other = past.frequency, later.frequency
    if (own.unit, own.multiple) != (other.unit, other.multiple):
        raise TableError(f"{what} has the frequency {other}. Expected {own}, as before.")
    if own.unit not in CALENDAR and past.time_zone != later.time_zone:
        zones = [f"of the time zone {one}" if one else "without a zone" for one in (later.time_zone, past.time_zone)]
        raise TableError(f"{what} has stamps {zones[0]}. Expected stamps {zones[1]}, as before.")


def _on_grid(past: SeriesTable, later: SeriesTable, owner: Integers, what: str) -> Integers:
    """Returns the step of its past at which each later series begins."""
    begin, exact = past.frequency.steps(past.starts[owner], later.starts)
    for row in np.flatnonzero(~exact | (begin < 0)).tolist():
        unit = past.frequency.unit
        raise TableError(
            f"{what}: series {later.ids[row]!r} begins at {show_stamp(int(later.starts[row]), unit)}. Expected a step "
            f"of {past.frequency} after {show_stamp(int(past.starts[owner[row]]), unit)}, where its past begins."
        )
    return begin


def _behind(past: SeriesTable, later: SeriesTable, owner: Integers, what: str) -> Integers:
    """As `_on_grid`, where rows are taken as they come: each series begins behind the last row of its past."""
    assert past.stamps is not None
    for row, number in enumerate(owner.tolist()):
        stamps = past.stamps[past.offsets[number] : past.offsets[number + 1]]
        if len(stamps) and later.starts[row] <= stamps[-1]:
            unit = past.frequency.unit
            raise TableError(
                f"{what}: series {later.ids[row]!r} begins at {show_stamp(int(later.starts[row]), unit)}. Expected a "
                f"stamp after {show_stamp(int(stamps[-1]), unit)}, where its past ends."
            )
    return past.lengths[owner]
