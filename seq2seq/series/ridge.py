"""The ridge regression from a context to all steps of a horizon, in closed form: seconds, and hard to beat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seq2seq.series.forecast import SpreadForecast
from seq2seq.series.table import Booleans, Floats, Integers, SeriesTable, offsets_of
from seq2seq.series.windows import Scale, Scaling, Windows, carried_forward, cut_windows, scale_of

_BLOCK = 4096
"""Windows that are worked on together."""
_FLOOR = 1e-3
"""The least unit of errors, in relation to the scale of the window."""
_MOST = 1_000_000
"""Windows that are learned from."""
_KEPT = 2000
"""Windows of training whose errors give the intervals."""


@dataclass(frozen=True)
class Ridge:
    """A fitted regression: forecast = location + scale x (scaled context @ weights)."""

    weights: Floats
    """`(context, horizon)`."""
    scaling: Scaling
    season: int
    """Steps; errors are in units of the mean absolute difference of readings of the context a season apart."""
    errors: Floats
    """`(samples, horizon)`: of training, in these units."""

    def forecast(self, table: SeriesTable, windows: Windows) -> SpreadForecast:
        """Returns forecasts of windows, `(rows, horizon)`; holes of a context hold the value before them."""
        context, horizon = self.weights.shape
        mean, deviation = np.zeros((len(windows.cuts), horizon)), np.zeros((len(windows.cuts), horizon))
        for start in range(0, len(mean), _BLOCK):
            rows = slice(start, start + _BLOCK)
            some = Windows(windows.series[rows], windows.cuts[rows])
            one = _scaled(table, some, context, 0, self.scaling, self.season)
            mean[rows], deviation[rows] = one.scale.back(one.context @ self.weights), one.spread[:, None]
        return SpreadForecast(mean, deviation, self.errors)


def fit_ridge(
    table: SeriesTable,
    context: int,
    horizon: int,
    strength: float = 0.1,
    scaling: Scaling = "last_mean_absolute",
    min_context: int = 0,
    season: int = 1,
) -> Ridge:
    """Fits one regression to all windows of all series, or to a million of them, evenly chosen.

    Windows whose horizon has a missing value are left out; holes of a context hold the value before them. There is no
    constant: with a scaling that takes the last value away, shifting a series shifts its forecast.

    Args:
        table: The training part.
        context: Steps.
        horizon: Steps.
        strength: Of the penalty, in relation to the mean square of the scaled context: 0 is least squares.
        scaling: Of each window, by its context.
        min_context: Steps that a window of training must have before its cut; 0: all of the context.
        season: Steps; for the width of the intervals.

    Raises:
        ValueError: no window is complete.
    """
    least = min_context or context
    gram, cross = np.zeros((context, context)), np.zeros((context, horizon))
    count = 0
    kept: list[_Scaled] = []
    counts = np.maximum(table.lengths - horizon - least + 1, 0)
    stride = -(-int(counts.sum()) // _MOST) or 1
    keep = max(1, int(counts.sum()) // stride // _KEPT)
    for windows in _windows(counts, least, stride):
        some = _scaled(table, windows, context, horizon, scaling, season)
        some = some.rows(some.whole)
        gram += some.context.T @ some.context
        cross += some.context.T @ some.target
        kept.append(some.rows(np.arange(-count % keep, len(some.context), keep)))
        count += len(some.context)
    if not count:
        raise ValueError(
            f"No window of {least} + {horizon} steps is complete. The longest series has "
            f"{int(table.lengths.max(initial=0))} steps: choose a shorter context."
        )
    penalty = strength * np.trace(gram) / context
    gram[np.diag_indices(context)] += penalty if penalty > 0 else 1e-12 * max(np.trace(gram), 1.0)
    weights = np.linalg.solve(gram, cross)
    errors = [(one.target - one.context @ weights) * (one.scale.scale / one.spread[:, None]) for one in kept]
    return Ridge(np.asarray(weights, np.float64), scaling, season, np.concatenate(errors, dtype=np.float64))


class _Scaled(NamedTuple):
    context: Floats
    """`(rows, context)`: scaled."""
    target: Floats
    """`(rows, horizon)`: scaled."""
    scale: Scale
    spread: Floats
    """`(rows,)`: the unit of errors, above 0."""
    whole: Booleans
    """`(rows,)`: the context has a reading, the target all."""

    def rows(self, chosen: Booleans | Integers) -> _Scaled:
        scale = Scale(self.scale.location[chosen], self.scale.scale[chosen])
        return _Scaled(self.context[chosen], self.target[chosen], scale, self.spread[chosen], self.whole[chosen])


def _windows(counts: Integers, least: int, stride: int) -> Iterator[Windows]:
    """Yields every stride-th window of series with these counts of them, in blocks."""
    ends = offsets_of(counts)
    for start in range(0, int(ends[-1]), stride * _BLOCK):
        chosen = np.arange(start, min(start + stride * _BLOCK, int(ends[-1])), stride)
        series = np.searchsorted(ends, chosen, side="right") - 1
        yield Windows(series, chosen - ends[series] + least)


def _scaled(table: SeriesTable, windows: Windows, context: int, horizon: int, scaling: Scaling, season: int) -> _Scaled:
    cut = cut_windows(table, windows, context, horizon)
    observed = cut.context_observed
    scale = scale_of(cut.context, observed, scaling)
    filled = carried_forward(cut.context, observed)
    known = np.asarray(observed.any(axis=1))
    scaled = scale.forward(filled, np.broadcast_to(known[:, None], filled.shape))
    lag = min(season, context - 1)
    pair = observed[:, lag:] & observed[:, : context - lag]
    apart = np.where(pair, np.abs(cut.context[:, lag:] - cut.context[:, : context - lag]), 0.0)
    spread = np.maximum(apart.sum(axis=1) / np.maximum(pair.sum(axis=1), 1), _FLOOR * scale.scale[:, 0])
    target = scale.forward(cut.target, cut.target_observed)
    return _Scaled(scaled, target, scale, spread, known & cut.target_observed.all(axis=1))
