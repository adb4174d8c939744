"""One table after the other: the future of series, or of their covariates, behind their past."""

from __future__ import annotations

import dataclasses

import numpy as np

from seq2seq.series.grid import TableError
from seq2seq.series.table import SeriesTable, offsets_of, show_stamp


def joined(past: SeriesTable, later: SeriesTable, what: str = "the later table") -> SeriesTable:
    """Returns the series of `past` with the steps of `later` behind them; steps between them are missing.

    Where both have a step, `later` counts: its readings and covariates where they are there.

    Args:
        past: The series. Those that `later` lacks stay as they are.
        later: Of the same frequency.
        what: How messages call it.

    Raises:
        TableError: a series of `later` is not in `past`, its stamps are not on the grid of the past, or begin before.
    """
    if past.frequency != later.frequency:
        raise TableError(f"{what} has the frequency {later.frequency}. Expected {past.frequency}, as before.")
    number = {name: i for i, name in enumerate(past.ids)}
    if unknown := [name for name in later.ids if name not in number]:
        raise TableError(f"{what} has the series {unknown[0]!r}, which the past lacks.")
    owner = np.asarray([number[name] for name in later.ids], np.int64)
    begin, exact = past.frequency.steps(past.starts[owner], later.starts)
    for row in np.flatnonzero(~exact | (begin < 0)).tolist():
        unit = past.frequency.unit
        raise TableError(
            f"{what}: series {later.ids[row]!r} begins at {show_stamp(int(later.starts[row]), unit)}. Expected a step "
            f"of {past.frequency} after {show_stamp(int(past.starts[owner[row]]), unit)}, where its past begins."
        )
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
    return dataclasses.replace(
        past, offsets=offsets, values=values, observed=observed, covariates=covariates, stamps=None
    )
