"""Distributions as values: what a head's parameters mean. Imports no framework.

Each is a function of parameters `(…, count)` in the units of the model. `DISTRIBUTIONS` has them by the `KIND` of
their heads in `layers.distributions`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol

import numpy as np

from seq2seq.series.special import log_gamma, negative_binomial_quantile, student_t_cdf, student_t_quantile
from seq2seq.series.table import Floats

MIDDLE = 0.5


class Distribution(Protocol):
    """What the parameters of a reading say about it."""

    @property
    def counts(self) -> bool:
        """Whether readings are counts, which are not scaled."""

    def mean(self, parameters: Floats) -> Floats:
        """Returns the expected values, `(…)`."""

    def quantile(self, parameters: Floats, level: float) -> Floats:
        """Returns the quantiles at a level between 0 and 1, `(…)`; ValueError where they are not known."""

    def log_prob(self, parameters: Floats, values: Floats) -> Floats:
        """Returns the log-density, `(…)`, in nats; ValueError where there is none."""

    def draw(self, parameters: Floats, random: np.random.Generator) -> Floats:
        """Returns one value for each, `(…)`."""


@dataclass(frozen=True)
class Gaussian:
    """Location and deviation."""

    counts: bool = False

    def mean(self, parameters: Floats) -> Floats:
        return parameters[..., 0]

    def quantile(self, parameters: Floats, level: float) -> Floats:
        return parameters[..., 0] + parameters[..., 1] * NormalDist().inv_cdf(level)

    def log_prob(self, parameters: Floats, values: Floats) -> Floats:
        location, deviation = parameters[..., 0], parameters[..., 1]
        return -(((values - location) / deviation) ** 2) / 2 - np.log(deviation) - math.log(2 * math.pi) / 2

    def draw(self, parameters: Floats, random: np.random.Generator) -> Floats:
        return parameters[..., 0] + parameters[..., 1] * random.standard_normal(parameters.shape[:-1])


@dataclass(frozen=True)
class StudentT:
    """Location, scale and degrees of freedom."""

    counts: bool = False

    def mean(self, parameters: Floats) -> Floats:
        return parameters[..., 0]

    def quantile(self, parameters: Floats, level: float) -> Floats:
        return parameters[..., 0] + parameters[..., 1] * student_t_quantile(level, parameters[..., 2])

    def cdf(self, parameters: Floats, values: Floats) -> Floats:
        """Returns the distribution function at values, `(…)`."""
        return student_t_cdf((values - parameters[..., 0]) / parameters[..., 1], parameters[..., 2])

    def log_prob(self, parameters: Floats, values: Floats) -> Floats:
        location, scale, freedom = np.moveaxis(parameters, -1, 0)
        constant = log_gamma((freedom + 1) / 2) - log_gamma(freedom / 2) - np.log(freedom * math.pi) / 2
        return constant - np.log(scale) - (freedom + 1) / 2 * np.log1p(((values - location) / scale) ** 2 / freedom)

    def draw(self, parameters: Floats, random: np.random.Generator) -> Floats:
        return parameters[..., 0] + parameters[..., 1] * random.standard_t(parameters[..., 2])


@dataclass(frozen=True)
class NegativeBinomial:
    """Mean and dispersion of counts; the variance is mean + dispersion x mean²."""

    counts: bool = True

    def mean(self, parameters: Floats) -> Floats:
        return parameters[..., 0]

    def quantile(self, parameters: Floats, level: float) -> Floats:
        return negative_binomial_quantile(level, parameters[..., 0], parameters[..., 1])

    def log_prob(self, parameters: Floats, values: Floats) -> Floats:
        mean, dispersion = parameters[..., 0], parameters[..., 1]
        size, spread = 1 / dispersion, np.log1p(dispersion * mean)
        choices = log_gamma(values + size) - log_gamma(size) - log_gamma(values + 1)
        return choices - size * spread + values * (np.log(dispersion * mean) - spread)

    def draw(self, parameters: Floats, random: np.random.Generator) -> Floats:
        mean, dispersion = parameters[..., 0], parameters[..., 1]
        # A Poisson number whose rate is drawn from a gamma distribution.
        return random.poisson(np.minimum(random.gamma(1 / dispersion, dispersion * mean), 1e18)).astype(np.float64)


@dataclass(frozen=True)
class Quantiles:
    """The values at known levels; between them it is straight, and nothing is known beyond the first and the last."""

    levels: Sequence[float]
    counts: bool = False

    def mean(self, parameters: Floats) -> Floats:
        """Returns the median: the mean is not known."""
        return self.quantile(parameters, MIDDLE)

    def quantile(self, parameters: Floats, level: float) -> Floats:
        levels = np.asarray(self.levels)
        if not levels[0] - 1e-9 <= level <= levels[-1] + 1e-9:
            raise ValueError(
                f"This model knows the quantiles from {levels[0]:g} to {levels[-1]:g}. Received: {level:g}. Choose a "
                "narrower interval, or train with model.levels that cover it."
            )
        after = int(np.clip(np.searchsorted(levels, level), 1, len(levels) - 1)) if len(levels) > 1 else 0
        before = max(after - 1, 0)
        span = levels[after] - levels[before]
        share = (level - levels[before]) / span if span else 0.0
        return (1 - share) * parameters[..., before] + share * parameters[..., after]

    def log_prob(self, parameters: Floats, values: Floats) -> Floats:
        raise ValueError("Quantiles have no density. Train with a head that has one, such as student_t.")

    def draw(self, parameters: Floats, random: np.random.Generator) -> Floats:
        uniform = random.random(parameters.shape[:-1])
        levels = np.asarray(self.levels)
        if len(levels) == 1:
            return parameters[..., 0]
        place = np.clip(np.searchsorted(levels, uniform), 1, len(levels) - 1)
        before = np.take_along_axis(parameters, place[..., None] - 1, -1)[..., 0]
        after = np.take_along_axis(parameters, place[..., None], -1)[..., 0]
        share = np.clip((uniform - levels[place - 1]) / (levels[place] - levels[place - 1]), 0, 1)
        return before + share * (after - before)


def distribution_of(kind: str, levels: Sequence[float] = ()) -> Distribution:
    """Returns the distribution of a head by its `KIND`; `levels` are those of quantiles."""
    if kind == "quantiles":
        return Quantiles(tuple(levels))
    return _BY_KIND[kind]


_BY_KIND: dict[str, Distribution] = {
    "gaussian": Gaussian(),
    "student_t": StudentT(),
    "negative_binomial": NegativeBinomial(),
}
