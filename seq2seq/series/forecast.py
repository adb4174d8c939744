"""Forecasts as values: an expected value and quantiles for each step of the horizon of each window."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from statistics import NormalDist
from typing import NamedTuple, Protocol

import numpy as np

from seq2seq.series.distributions import Distribution
from seq2seq.series.table import Floats
from seq2seq.series.windows import Scale


class LevelError(ValueError):
    """A forecast does not say how its quantiles of a level lie."""


class Forecast(Protocol):
    """Distributions of the future. Rows are those of a `Windows`; all numbers are float64, in units of the series."""

    @property
    def mean(self) -> Floats:
        """`(rows, horizon)`."""

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """Returns `(rows, horizon, levels)`; they ascend with the level.

        Args:
            levels: Each between 0 and 1, in any order.

        Raises:
            LevelError: a level is not between 0 and 1, or the forecast does not cover it.
        """


class ModelForecast:
    """The distributions that a network gives for the steps of windows, in the units of the series.

    Args:
        distribution: What the parameters mean.
        parameters: `(rows, horizon, count)`.
        scale: Of each window: its width is 0 where the context is constant. Counts are not scaled: it is 1, or 0 for a
            series that never had any.

    Raises:
        ValueError: a number is not finite.
    """

    def __init__(self, distribution: Distribution, parameters: Floats, scale: Scale):
        check_finite(parameters)
        self.distribution, self.parameters, self.scale = distribution, parameters, scale

    @property
    def mean(self) -> Floats:
        """`(rows, horizon)`: the expected value; of quantiles the median."""
        return self._back(self.distribution.mean(self.parameters))

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """As `Forecast.quantiles`."""
        check_levels(levels)
        try:
            found = [self._back(self.distribution.quantile(self.parameters, level)) for level in levels]
        except ValueError as error:
            raise LevelError(str(error)) from None
        return np.stack(found, axis=-1)

    def _back(self, values: Floats) -> Floats:
        return self.scale.back(values)


class SpreadForecast(NamedTuple):
    """Expected values and how far the actual ones may lie from them."""

    mean: Floats
    """`(rows, horizon)`."""
    deviation: Floats
    """`(rows, horizon)`: a standard deviation; or what `errors` are multiplied by."""
    errors: Floats | None = None
    """`(samples, horizon)`: errors seen in training; None where they are taken as normal."""

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """As `Forecast.quantiles`."""
        check_levels(levels)
        if self.errors is None:
            points = np.asarray([NormalDist().inv_cdf(level) for level in levels])[None, None]
        else:
            points = np.moveaxis(np.quantile(self.errors, levels, axis=0), 0, -1)[None]
        return self.mean[..., None] + self.deviation[..., None] * points


class QuantileForecast:
    """Quantiles of some levels; those between them lie on straight lines.

    Args:
        mean: `(rows, horizon)`, finite. Models of quantiles give their median.
        levels: Ascending, each between 0 and 1.
        values: `(rows, horizon, levels)`, finite, ascending with the level.

    Raises:
        ValueError: shapes or the order are wrong, or a number is not finite.
    """

    def __init__(self, mean: Floats, levels: Sequence[float], values: Floats):
        self.mean, self.values = np.asarray(mean, np.float64), np.asarray(values, np.float64)
        self.levels = tuple(float(level) for level in levels)
        check_levels(self.levels)
        if (np.diff(self.levels) <= 0).any():
            raise ValueError(f"Expected levels in ascending order. Received: {_shown(self.levels)}")
        if self.mean.ndim != 2 or self.values.shape != (*self.mean.shape, len(self.levels)):
            raise ValueError(
                f"Expected a mean (rows, horizon) and quantiles (rows, horizon, {len(self.levels)}). "
                f"Received: {self.mean.shape} and {self.values.shape}"
            )
        check_finite(self.mean)
        check_finite(self.values)
        if (crossed := (np.diff(self.values, axis=-1) < 0).any(axis=(1, 2))).any():
            raise ValueError(f"Expected quantiles that ascend with the level. Those of row {crossed.argmax()} cross.")

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """As `Forecast.quantiles`."""
        check_levels(levels)
        low, high = self.levels[0], self.levels[-1]
        if outside := [level for level in levels if not low <= level <= high]:
            inner = 100 * min(1 - 2 * low, 2 * high - 1)
            most = f", so intervals of at most {inner:g} %" if inner > 0 else ""
            raise LevelError(
                f"The quantiles of this forecast cover {low:g} to {high:g}{most}. Asked for: {outside[0]:g}"
            )
        known, asked = np.asarray(self.levels), np.asarray(levels, np.float64)
        right = np.clip(np.searchsorted(known, asked), 1, max(len(known) - 1, 1))
        if len(known) == 1:
            return np.repeat(self.values, len(asked), axis=-1)
        left = right - 1
        share = (asked - known[left]) / (known[right] - known[left])
        # Both weights, not left + share x difference: at a known level its own value, to the last bit.
        return self.values[..., left] * (1 - share) + self.values[..., right] * share


class SampleForecast:
    """Sample paths: sample i of all steps of a row is one path.

    Args:
        samples: `(rows, horizon, samples)`, finite; at least one sample.

    Raises:
        ValueError: the shape is another, or a number is not finite.
    """

    def __init__(self, samples: Floats):
        self.samples = np.asarray(samples, np.float64)
        if self.samples.ndim != 3 or not self.samples.shape[2]:
            raise ValueError(f"Expected samples (rows, horizon, samples). Received: {self.samples.shape}")
        check_finite(self.samples)

    @cached_property
    def mean(self) -> Floats:
        """`(rows, horizon)`."""
        return np.asarray(self.samples.mean(axis=-1), np.float64)

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """As `Forecast.quantiles`: those of the samples, between two of which lies a straight line."""
        check_levels(levels)
        return np.moveaxis(np.quantile(self.samples, list(levels), axis=-1), 0, -1)


class AveragedForecast:
    """The mean of forecasts: of their means, and of their quantiles level by level."""

    def __init__(self, members: Sequence[Forecast]):
        self.members = tuple(members)

    @cached_property
    def mean(self) -> Floats:
        """`(rows, horizon)`."""
        return np.asarray(sum(one.mean for one in self.members) / len(self.members), np.float64)

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """As `Forecast.quantiles`."""
        return np.asarray(sum(one.quantiles(levels) for one in self.members) / len(self.members), np.float64)


def average_forecasts(members: Sequence[Forecast]) -> Forecast:
    """Returns the forecast of an ensemble, whose members have equal weights.

    Samples are pooled if all members have them, equally many. Otherwise quantiles are averaged level by level
    (Vincentization), which keeps the shape of the members' distributions where pooling widens it.

    Raises:
        ValueError: there is no member, their rows or horizons differ, or their numbers of samples.
    """
    shapes = [one.mean.shape for one in members]
    if not shapes or len(set(shapes)) > 1:
        raise ValueError(f"Expected forecasts of the same rows and horizon. Received: {shapes}")
    if len(members) == 1:
        return members[0]
    samples = [one.samples for one in members if isinstance(one, SampleForecast)]
    if len(samples) == len(members):
        if len(counts := {one.shape[2] for one in samples}) > 1:
            raise ValueError(f"Expected equally many samples of each member. Received: {sorted(counts)}")
        return SampleForecast(np.concatenate(samples, axis=2))
    quantiles = [one for one in members if isinstance(one, QuantileForecast)]
    if len(quantiles) == len(members) and len({one.levels for one in quantiles}) == 1:
        mean, values = (
            sum(parts) / len(members) for parts in zip(*((q.mean, q.values) for q in quantiles), strict=True)
        )
        return QuantileForecast(np.asarray(mean), quantiles[0].levels, np.asarray(values))
    return AveragedForecast(members)


def check_levels(levels: Sequence[float]) -> None:
    """Raises LevelError if a level of quantiles is not between 0 and 1, or there is none."""
    if not len(levels) or not all(0 < level < 1 for level in levels):
        raise LevelError(f"Expected levels of quantiles between 0 and 1. Received: {_shown(levels)}")


def interval_levels(level: float) -> tuple[float, float]:
    """Returns the levels of the quantiles at the ends of a central interval.

    Args:
        level: Percent that lies within, from 1 and below 100.

    Raises:
        LevelError: it is another number.
    """
    if not 1 <= level < 100:
        hint = f" Write {100 * level:g} for {100 * level:g} %." if 0 < level < 1 else ""
        raise LevelError(f"Expected an interval of at least 1 and less than 100 percent. Received: {level:g}.{hint}")
    # Rounded, so that 80 % has the ends .1 and .9 and not .09999999999999998.
    return round(0.5 - level / 200, 12), round(0.5 + level / 200, 12)


def check_finite(values: Floats) -> None:
    """Raises ValueError if a number of a forecast, `(rows, …)`, is not finite."""
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).reshape(len(values), -1).any(axis=1).argmax())
        raise ValueError(f"Expected finite numbers. The forecast of row {row} holds NaN or an infinity.")


def _shown(levels: Sequence[float]) -> str:
    return ", ".join(f"{level:g}" for level in levels) or "none"
