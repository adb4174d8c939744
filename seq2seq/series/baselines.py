"""Forecasts without learning: naive, seasonal naive, Naive2, and Theta as in the M4 competition.

All take the readings of many series side by side: `(rows, time)`, aligned at their ends, and a mask of what was
observed. `forecast_table` calls them for all series of a table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from seq2seq.series.forecast import SpreadForecast
from seq2seq.series.table import Booleans, Floats, Integers, SeriesTable
from seq2seq.series.windows import Windows, cut_windows, last_observed

_BLOCK = 1 << 20
"""Readings that are worked on together."""
_TEST = 1.645
"""How many standard deviations an autocorrelation must exceed for a season: M4's 90 %."""
_FEWEST = 3
"""Seasons that a series needs to be tested for one."""
_LOW, _HIGH, _POINTS, _ZOOMS = 1e-4, 0.9999, 16, 3
"""The range of the smoothing factor, as in R's forecast::ets; points of a search, and searches around the best."""


Method = Callable[[Floats, Booleans, int, int], SpreadForecast]
"""Of readings `(rows, time)`, what of them was observed, the horizon and the season, in steps."""


def naive(values: Floats, observed: Booleans, horizon: int, season: int = 1) -> SpreadForecast:
    """The last observed value. Errors grow with the square root of the step, as those of a random walk."""
    mean = np.repeat(last_observed(values, observed)[:, None], horizon, axis=1)
    return SpreadForecast(mean, _differences(values, observed, 1)[:, None] * np.sqrt(np.arange(1, horizon + 1)))


def seasonal_naive(values: Floats, observed: Booleans, horizon: int, season: int) -> SpreadForecast:
    """The last observed value of the same phase of the season; without one, the last observed of all."""
    rows, time = values.shape
    cycles = -(-time // season)
    shape = (rows, cycles, season)
    cells = _ahead(values, cycles * season).reshape(shape)
    known = _ahead(observed, cycles * season).reshape(shape)
    last = cycles - 1 - known[:, ::-1].argmax(axis=1)
    found = np.take_along_axis(cells, last[:, None], axis=1)[:, 0]
    phases = np.where(known.any(axis=1), found, last_observed(values, observed)[:, None])
    steps = np.arange(horizon)
    growth = np.sqrt(steps // season + 1)
    return SpreadForecast(phases[:, steps % season], _differences(values, observed, season)[:, None] * growth)


def naive2(values: Floats, observed: Booleans, horizon: int, season: int) -> SpreadForecast:
    """The last value without its season, and the season again: M4's benchmark, by which OWA is 1."""
    values, known = _filled(values, observed), _since_first(observed)
    rest, future = _deseasoned(values, known, season, horizon)
    found = naive(rest.values, known, horizon)
    return SpreadForecast(rest.back(found.mean, future), rest.spread(found.deviation, future))


def theta(values: Floats, observed: Booleans, horizon: int, season: int) -> SpreadForecast:
    """The Theta method (Assimakopoulos and Nikolopoulos 2000) as M4 has it.

    A season that passes the test is taken out; the mean of the linear trend and of exponential smoothing of twice the
    series less the trend is the forecast. Series of positive values get a multiplicative season and no forecast below
    0, as in M4; others an additive one. Holes are filled in a straight line first.

    The deviation is that of exponential smoothing with drift, which Theta is (Hyndman and Billah 2003).
    """
    values, known = _filled(values, observed), _since_first(observed)
    rest, future = _deseasoned(values, known, season, horizon)
    counts = known.sum(axis=1)
    level, slope = _trend(rest.values, known)
    places = np.arange(values.shape[1]) - (values.shape[1] - counts)[:, None]
    trend = level[:, None] + slope[:, None] * places
    smoothed = _smooth(2 * rest.values - trend, known)
    steps = np.arange(horizon)
    line = level[:, None] + slope[:, None] * (counts[:, None] + steps)
    mean = (line + smoothed.level[:, None]) / 2
    if rest.positive.any():
        mean = np.where(rest.positive[:, None], np.maximum(mean, 0), mean)
    deviation = smoothed.deviation[:, None] / 2 * np.sqrt(1 + steps * smoothed.factor[:, None] ** 2)
    return SpreadForecast(rest.back(mean, future), rest.spread(deviation, future))


METHODS: dict[str, Method] = {"naive": naive, "seasonal naive": seasonal_naive, "naive2": naive2, "theta": theta}
"""By the names of their rows in tables of scores."""


def forecast_table(
    table: SeriesTable, method: Method, horizon: int, season: int, windows: Windows | None = None, context: int = 0
) -> SpreadForecast:
    """Returns the forecasts of all series, from their ends on.

    Args:
        table: The series.
        method: One of `METHODS`.
        horizon: Steps, at least 1.
        season: Steps, at least 1.
        windows: Where to forecast from instead.
        context: Steps before that to take into account; 0: all.

    Raises:
        ValueError: a series has no observed value to forecast from.
    """
    if min(horizon, season) < 1:
        raise ValueError(f"Expected a horizon and a season of at least 1. Received: {horizon} and {season}")
    if windows is None:
        windows = Windows(np.arange(len(table)), table.lengths)
    lengths = np.minimum(windows.cuts, context) if context else windows.cuts
    mean, deviation = np.zeros((len(lengths), horizon)), np.zeros((len(lengths), horizon))
    for rows in _alike(lengths):
        some = Windows(windows.series[rows], windows.cuts[rows])
        cut = cut_windows(table, some, int(lengths[rows].max()), 0)
        if not (known := cut.context_observed.any(axis=1)).all():
            name = table.ids[some.series[int((~known).argmax())]]
            raise ValueError(f"Series {name!r} has no observed value to forecast from. Leave it out.")
        mean[rows], deviation[rows], _ = method(cut.context, cut.context_observed, horizon, season)
    return SpreadForecast(mean, deviation)


def _alike(lengths: Integers) -> list[Integers]:
    """Groups rows of like lengths, so that a block of them side by side stays small."""
    order = np.argsort(lengths, kind="stable")
    groups, start = [], 0
    while start < len(order):
        widest = lengths[order[start:]]
        fits = np.maximum(widest, 1) * np.arange(1, len(widest) + 1) <= _BLOCK
        stop = start + max(1, int(fits.sum()))  # the products grow
        groups.append(order[start:stop])
        start = stop
    return groups


def _ahead(array: Any, width: int) -> Any:
    """Returns rows with zeros before them, up to a width."""
    return np.pad(array, ((0, 0), (width - array.shape[1], 0)))


def _differences(values: Floats, observed: Booleans, lag: int) -> Floats:
    """Returns the root mean square of differences of observed values `lag` steps apart, `(rows,)`; 0 without any."""
    if values.shape[1] <= lag:
        return np.zeros(len(values))
    pair = observed[:, lag:] & observed[:, :-lag]
    squares = np.where(pair, values[:, lag:] - values[:, :-lag], 0.0) ** 2
    return np.sqrt(squares.sum(axis=1) / np.maximum(pair.sum(axis=1), 1))


def _since_first(observed: Booleans) -> Booleans:
    """Returns True from the first observed step of each row on."""
    return np.maximum.accumulate(observed, axis=1)


def _filled(values: Floats, observed: Booleans) -> Floats:
    """Returns values with holes filled in a straight line, those at the end with the last observed value."""
    filled = np.where(observed, values, 0.0)
    places = np.arange(values.shape[1])
    for row in np.flatnonzero((_since_first(observed) & ~observed).any(axis=1)):
        known = observed[row]
        filled[row] = np.where(_since_first(known[None])[0], np.interp(places, places[known], values[row, known]), 0.0)
    return filled


class _Deseasoned(NamedTuple):
    values: Floats
    """`(rows, time)`."""
    positive: Booleans
    """`(rows,)`: the season was a factor, not a summand."""

    def back(self, forecast: Floats, season: Floats) -> Floats:
        return np.where(self.positive[:, None], forecast * season, forecast + season)

    def spread(self, deviation: Floats, season: Floats) -> Floats:
        return np.where(self.positive[:, None], deviation * season, deviation)


def _deseasoned(values: Floats, known: Booleans, season: int, horizon: int) -> tuple[_Deseasoned, Floats]:
    """Returns values without their season, where they pass the test for one, and the season of the horizon."""
    time = values.shape[1]
    positive = np.asarray(((values > 0) | ~known).all(axis=1))
    neutral = np.where(positive, 1.0, 0.0)[:, None]
    figure = np.repeat(neutral, season, axis=1)
    if season > 1:
        tested = _seasonal(values, known, season)
        if tested.any():
            figure[tested] = _figure(values[tested], known[tested], season, positive[tested])
    # Phase 0 is the first step of the horizon, so the last reading has the last phase.
    past = figure[:, (np.arange(time) - time) % season]
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(positive[:, None], values / past, values - past)
    return _Deseasoned(np.where(known, rest, 0.0), positive), figure[:, np.arange(horizon) % season]


def _seasonal(values: Floats, known: Booleans, season: int) -> Booleans:
    """M4's test: whether the autocorrelation at the season exceeds what chance and the shorter lags explain."""
    counts = known.sum(axis=1)
    centred = np.where(known, values - (values * known).sum(axis=1, keepdims=True) / counts[:, None], 0.0)
    power = (centred**2).sum(axis=1)
    usable = (counts >= _FEWEST * season) & (power > 0)
    if not usable.any():
        return usable
    lags = [(centred[:, lag:] * centred[:, :-lag]).sum(axis=1) for lag in range(1, season + 1)]
    shares = np.stack(lags, axis=1) / np.where(power > 0, power, 1.0)[:, None]
    limit = _TEST / np.sqrt(counts) * np.sqrt(1 + 2 * (shares[:, :-1] ** 2).sum(axis=1))
    return usable & (np.abs(shares[:, -1]) > limit)


def _figure(values: Floats, known: Booleans, season: int, positive: Booleans) -> Floats:
    """Returns the season by classical decomposition, `(rows, season)`: means over a centred moving average."""
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    half, width = len(weights) // 2, len(weights)
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    middle = (sums[:, width:] - sums[:, :-width]) if season % 2 else _even_sums(values, sums, season)
    inside = slice(half, values.shape[1] - half)
    average, whole = middle / season, known[:, : values.shape[1] - 2 * half]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(positive[:, None], values[:, inside] / average, values[:, inside] - average)
    phase = (np.arange(values.shape[1])[inside] - values.shape[1]) % season
    figure = np.zeros((len(values), season))
    for one in range(season):
        mine = phase == one
        count = np.maximum(whole[:, mine].sum(axis=1), 1)
        figure[:, one] = np.where(whole[:, mine], share[:, mine], 0.0).sum(axis=1) / count
    mean = figure.mean(axis=1, keepdims=True)
    return np.where(positive[:, None], figure / np.where(mean == 0, 1.0, mean), figure - mean)


def _even_sums(values: Floats, sums: Floats, season: int) -> Floats:
    """Returns sums over season + 1 values of which the first and the last count half."""
    whole = sums[:, season + 1 :] - sums[:, : -season - 1]
    return whole - (values[:, : values.shape[1] - season] + values[:, season:]) / 2


def _trend(values: Floats, known: Booleans) -> tuple[Floats, Floats]:
    """Returns level and slope of the straight line of least squares; places count from 0 at the first known step."""
    counts = known.sum(axis=1)
    places = np.where(known, np.arange(values.shape[1]) - (values.shape[1] - counts)[:, None], 0)
    middle, mean = (counts - 1) / 2, (values * known).sum(axis=1) / counts
    deviation = np.where(known, places - middle[:, None], 0.0)
    power = (deviation**2).sum(axis=1)
    slope = (deviation * values).sum(axis=1) / np.where(power > 0, power, 1.0)
    return mean - slope * middle, slope


class _Smoothed(NamedTuple):
    factor: Floats
    """`(rows,)`."""
    level: Floats
    """`(rows,)`: after the last value."""
    deviation: Floats
    """`(rows,)`: of the errors one step ahead."""


def _smooth(values: Floats, known: Booleans) -> _Smoothed:
    """Exponential smoothing with the factor and the first level of least squares.

    Errors are linear in the first level, so for each factor the best one is known in closed form; the factor is
    searched for on a grid that closes in.
    """
    first = values[np.arange(len(values)), known.argmax(axis=1)]
    values = np.where(known, values - first[:, None], 0.0)
    grid = np.repeat(np.linspace(_LOW, _HIGH, _POINTS)[None], len(values), axis=0)
    for zoom in range(_ZOOMS + 1):
        squares, levels = _smoothing_errors(values, known, grid)
        best = squares.argmin(axis=1)[:, None]
        if zoom == _ZOOMS:
            break
        around = [np.take_along_axis(grid, np.clip(best + d, 0, _POINTS - 1), axis=1) for d in (-1, 1)]
        grid = around[0] + (around[1] - around[0]) * np.linspace(0, 1, _POINTS)
    square = np.take_along_axis(squares, best, axis=1)[:, 0]
    level = np.take_along_axis(levels, best, axis=1)[:, 0]
    deviation = np.sqrt(np.maximum(square, 0) / known.sum(axis=1))
    return _Smoothed(np.take_along_axis(grid, best, axis=1)[:, 0], level + first, deviation)


def _smoothing_errors(values: Floats, known: Booleans, factors: Floats) -> tuple[Floats, Floats]:
    """Returns the sum of squared errors and the last level for each factor, `(rows, factors)` both."""
    level, weight = np.zeros_like(factors), np.ones_like(factors)
    own, mixed, lone = np.zeros_like(factors), np.zeros_like(factors), np.zeros_like(factors)
    rest = 1 - factors
    begun = known.argmax(axis=1)
    for step in range(values.shape[1]):
        on = slice(None) if step >= begun.max() else begun <= step
        error, seen = values[on, step, None] - level[on], weight[on]
        own[on] += error**2
        mixed[on] += error * seen
        lone[on] += seen**2
        level[on] += factors[on] * error
        weight[on] = seen * rest[on]
    start = mixed / lone
    return own - mixed * start, level + weight * start
