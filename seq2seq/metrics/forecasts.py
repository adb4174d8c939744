"""Scores of forecasts: of single numbers, of quantiles, of samples and of intervals. Imports no framework.

Arrays are `(rows, horizon)`; a row is a series, or a window of one. Points that were not observed have weight 0: what
stands there, in the forecast too, changes no score. A forecast that is not finite at an observed point is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq import __version__
from seq2seq.metrics.score import Score

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


def mean_absolute_error(forecast: Floats, actual: Floats, observed: Booleans | None = None) -> Score:
    """The mean of |forecast - actual| over all observed points."""
    errors, known = _errors(forecast, actual, observed)
    return _over_points(np.abs(errors), known, "mae")


def mean_squared_error(forecast: Floats, actual: Floats, observed: Booleans | None = None) -> Score:
    """The mean of (forecast - actual)² over all observed points."""
    errors, known = _errors(forecast, actual, observed)
    return _over_points(errors**2, known, "mse")


def smape(forecast: Floats, actual: Floats, observed: Booleans | None = None) -> Score:
    """200 |forecast - actual| / (|forecast| + |actual|), 0 where both are 0; the mean of rows' means, as in M4."""
    forecast, actual, known = _checked(forecast, actual, observed)
    return _over_rows(smape_losses(forecast, actual), known, "smape|200|0/0:0")


def smape_losses(forecast: Floats, actual: Floats) -> Floats:
    """Returns what `smape` averages, of each point."""
    size = np.abs(forecast) + np.abs(actual)
    return np.divide(200 * np.abs(forecast - actual), size, out=np.zeros_like(size), where=size > 0)


def mase(forecast: Floats, actual: Floats, scales: Floats, observed: Booleans | None = None, season: int = 1) -> Score:
    """Hyndman and Koehler's (2006) mean absolute scaled error, the mean of the means of rows.

    Args:
        forecast: `(rows, horizon)`.
        actual: `(rows, horizon)`.
        scales: `(rows,)` from `seasonal_scales`; rows with the scale 0 or NaN are left out: the signature counts them.
        observed: `(rows, horizon)`; None: all.
        season: For the signature.
    """
    errors, known = _errors(forecast, actual, observed)
    scaled, known, left_out = _scaled(np.abs(errors), known, scales)
    return _over_rows(scaled, known, f"mase|season:{season}|scale:in-sample{left_out}")


def owa(smape: Score, mase: Score, naive_smape: Score, naive_mase: Score) -> Score:
    """The overall weighted average of M4: both scores in relation to those of Naive2, averaged. Naive2 has 1."""
    score = (smape.score / naive_smape.score + mase.score / naive_mase.score) / 2
    return Score(score, f"owa|by:naive2|{mase.signature}|{smape.signature}")


def quantile_losses(quantiles: Floats, levels: Sequence[float], actual: Floats) -> Floats:
    """Returns the pinball loss of each quantile, `(rows, horizon, levels)`.

    Args:
        quantiles: `(rows, horizon, levels)`.
        levels: Each between 0 and 1.
        actual: `(rows, horizon)`.
    """
    chosen = _levels(levels)
    below = actual[..., None] - quantiles
    return np.maximum(chosen * below, (chosen - 1) * below)


def crps_from_quantiles(
    quantiles: Floats, levels: Sequence[float], actual: Floats, observed: Booleans | None = None
) -> Score:
    """The continuous ranked probability score by quantiles: twice the mean pinball loss of evenly spaced levels."""
    quantiles, actual, known = _checked(quantiles, actual, observed)
    losses = 2 * quantile_losses(quantiles, levels, actual).mean(axis=-1)
    return _over_points(losses, known, f"crps|quantiles:{_shown(levels)}")


def weighted_quantile_loss(
    quantiles: Floats, levels: Sequence[float], actual: Floats, observed: Booleans | None = None
) -> Score:
    """Twice the pinball loss of all points over the sum of their |actual|, the mean over the levels, as in GluonTS."""
    quantiles, actual, known = _checked(quantiles, actual, observed)
    total = float(np.abs(actual[known]).sum())
    losses = 2 * quantile_losses(quantiles, levels, actual)[known].sum(axis=0).mean()
    score = float(losses) / total if total else float("nan")
    return Score(score, signed(f"wql|quantiles:{_shown(levels)}|by:sum-of-absolute-values"))


def crps_of_samples(samples: Floats, actual: Floats, fair: bool = False) -> Floats:
    """Returns the CRPS of each point, `(rows, horizon)`: E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007).

    Args:
        samples: `(rows, horizon, samples)`.
        actual: `(rows, horizon)`.
        fair: Estimate the second term without bias, from pairs of different samples; needs two.
    """
    count = samples.shape[-1]
    if count < 1 + fair:
        raise ValueError(f"Expected at least {1 + fair} samples for each point. Received: {count}")
    ordered = np.sort(samples, axis=-1)
    places = 2 * np.arange(1, count + 1) - count - 1
    pairs = count * (count - 1) if fair else count * count
    spread = (ordered * places).sum(axis=-1) / pairs
    return np.abs(samples - actual[..., None]).mean(axis=-1) - spread


def crps_from_samples(samples: Floats, actual: Floats, observed: Booleans | None = None, fair: bool = False) -> Score:
    """The mean of `crps_of_samples` over all observed points."""
    samples, actual, known = _checked(samples, actual, observed)
    how = "fair" if fair else "energy"
    return _over_points(crps_of_samples(samples, actual, fair), known, f"crps|samples:{samples.shape[-1]}|{how}")


def msis(
    lower: Floats,
    upper: Floats,
    actual: Floats,
    scales: Floats,
    level: float = 0.95,
    observed: Booleans | None = None,
    season: int = 1,
) -> Score:
    """The mean scaled interval score of M4: width, and 2 / (1 - level) times what lies outside, by `scales`."""
    lower, _, _ = _checked(lower, actual, observed)
    upper, actual, known = _checked(upper, actual, observed)
    scaled, known, left_out = _scaled(interval_losses(lower, upper, actual, level), known, scales)
    return _over_rows(scaled, known, f"msis|level:{level:g}|season:{season}|scale:in-sample{left_out}")


def interval_losses(lower: Floats, upper: Floats, actual: Floats, level: float) -> Floats:
    """Returns what `msis` scales and averages, of each point."""
    outside = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return upper - lower + 2 / (1 - level) * outside


def coverage(lower: Floats, upper: Floats, actual: Floats, level: float, observed: Booleans | None = None) -> Score:
    """The percentage of observed points in the interval, ends included; `level` is its nominal share."""
    lower, _, _ = _checked(lower, actual, observed)
    upper, actual, known = _checked(upper, actual, observed)
    inside = (lower <= actual) & (actual <= upper)
    return _over_points(np.where(inside, 100.0, 0.0), known, f"coverage|level:{level:g}")


class PIT(NamedTuple):
    """The histogram of the probability integral transform: where in its distribution each actual value lies."""

    edges: Floats
    """`(bins + 1,)`, from 0 to 1."""
    shares: Floats
    """`(bins,)`: of the observed points; of a calibrated forecast the widths of the bins, but for chance."""
    score: Score
    """The percentage of points that lie in another bin than they would under calibration; lower is better."""


def pit_of_samples(samples: Floats, actual: Floats, seed: int = 0) -> Floats:
    """Returns the share of samples below each value, `(rows, horizon)`, at random within its step: uniform if right."""
    below = (samples < actual[..., None]).sum(axis=-1)
    equal = (samples == actual[..., None]).sum(axis=-1)
    draw = np.random.default_rng(seed).random(actual.shape)
    return (below + draw * (equal + 1)) / (samples.shape[-1] + 1)


def pit_histogram_from_samples(
    samples: Floats, actual: Floats, observed: Booleans | None = None, bins: int = 10, seed: int = 0
) -> PIT:
    """The PIT histogram with even bins; ties are broken at random, by the seed."""
    samples, actual, known = _checked(samples, actual, observed)
    edges = np.linspace(0, 1, bins + 1)
    counts, _ = np.histogram(pit_of_samples(samples, actual, seed)[known], edges)
    return _pit(edges, counts, f"pit|samples:{samples.shape[-1]}|bins:{bins}|seed:{seed}")


def pit_histogram_from_quantiles(
    quantiles: Floats, levels: Sequence[float], actual: Floats, observed: Booleans | None = None
) -> PIT:
    """The PIT histogram between the levels of quantiles, which lie in ascending order."""
    quantiles, actual, known = _checked(quantiles, actual, observed)
    chosen = _levels(levels)
    if (np.diff(chosen) <= 0).any():
        raise ValueError(f"Expected levels in ascending order. Received: {_shown(levels)}")
    above = (actual[..., None] > quantiles).sum(axis=-1)[known]
    return pit_of_counts(np.bincount(above, minlength=len(chosen) + 1), levels)


def pit_of_counts(counts: NDArray[np.int64], levels: Sequence[float]) -> PIT:
    """As `pit_histogram_from_quantiles`, given how many observed points lie below, between and above the quantiles."""
    return _pit(np.concatenate([[0.0], _levels(levels), [1.0]]), counts, f"pit|quantiles:{_shown(levels)}")


def seasonal_scales(values: Floats, observed: Booleans, offsets: NDArray[np.int64], season: int) -> Floats:
    """Returns the mean absolute difference of values a season apart, of each series: the scale of MASE and MSIS.

    Args:
        values: `(time of all,)`: of the training part, series end to end.
        observed: `(time of all,)`: only pairs of observed values count.
        offsets: `(series + 1,)`: where each begins.
        season: Steps.

    Returns:
        `(series,)`; NaN where there is no pair.
    """
    if len(values) <= season:
        return np.full(len(offsets) - 1, np.nan)
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    pair = observed[season:] & observed[:-season] & (owner[season:] == owner[:-season])
    sums = np.bincount(owner[season:][pair], np.abs(values[season:] - values[:-season])[pair], len(offsets) - 1)
    counts = np.bincount(owner[season:][pair], minlength=len(offsets) - 1)
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def _checked(forecast: Floats, actual: Floats, observed: Booleans | None) -> tuple[Floats, Floats, Booleans]:
    """Returns float64 arrays that hold 0 where nothing was observed, and what was."""
    forecast, actual = np.asarray(forecast, np.float64), np.asarray(actual, np.float64)
    known = np.ones(actual.shape, bool) if observed is None else np.asarray(observed, bool)
    if forecast.shape[: actual.ndim] != actual.shape or known.shape != actual.shape:
        shapes = f"{forecast.shape}, {actual.shape} and {known.shape}"
        raise ValueError(f"Expected forecast, actual and observed of the same rows and horizon. Received: {shapes}")
    if not known.any():
        raise ValueError("Expected at least one observed value to score. Received none.")
    wide = known.reshape(known.shape + (1,) * (forecast.ndim - actual.ndim))
    for name, array, where in (("forecast", forecast, wide), ("actual", actual, known)):
        if not np.isfinite(np.where(where, array, 0.0)).all():
            bad = int((~np.isfinite(np.where(where, array, 0.0))).reshape(len(actual), -1).any(axis=1).argmax())
            raise ValueError(f"Expected finite numbers. The {name} of row {bad} holds NaN or an infinity.")
    return np.where(wide, forecast, 0.0), np.where(known, actual, 0.0), known


def _errors(forecast: Floats, actual: Floats, observed: Booleans | None) -> tuple[Floats, Booleans]:
    forecast, actual, known = _checked(forecast, actual, observed)
    return forecast - actual, known


def _scaled(losses: Floats, known: Booleans, scales: Floats) -> tuple[Floats, Booleans, str]:
    usable = np.isfinite(scales) & (np.nan_to_num(scales) > 0)
    if not usable.any():
        raise ValueError("Expected a series with a scale above 0. All are constant or too short: use mae instead.")
    left_out = int((~usable & known.any(axis=1)).sum())
    scaled = losses / np.where(usable, scales, 1.0)[:, None]
    return scaled, known & usable[:, None], f"|left-out:{left_out}" if left_out else ""


def _over_points(losses: Floats, known: Booleans, signature: str) -> Score:
    return Score(float(losses[known].mean()), signed(f"{signature}|mean:points"))


def _over_rows(losses: Floats, known: Booleans, signature: str) -> Score:
    counts = known.sum(axis=1)
    sums = np.where(known, losses, 0.0).sum(axis=1)
    return Score(float((sums[counts > 0] / counts[counts > 0]).mean()), signed(f"{signature}|mean:rows"))


def _pit(edges: Floats, counts: NDArray[np.int64], signature: str) -> PIT:
    shares = counts / counts.sum()
    distance = 100 * float(np.abs(shares - np.diff(edges)).sum()) / 2
    return PIT(edges, shares, Score(distance, signed(f"{signature}|distance:total-variation")))


def _levels(levels: Sequence[float]) -> Floats:
    chosen = np.asarray(levels, np.float64)
    if not len(chosen) or not ((chosen > 0) & (chosen < 1)).all():
        raise ValueError(f"Expected levels of quantiles between 0 and 1. Received: {_shown(levels)}")
    return chosen


def _shown(levels: Sequence[float]) -> str:
    return ",".join(f"{level:g}" for level in levels)


def signed(signature: str) -> str:
    """Returns a signature with the version of the package."""
    return f"{signature}|seq2seq|version:{__version__}"
