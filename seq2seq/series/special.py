"""The incomplete beta function and what follows from it, for arrays. Imports no framework."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from seq2seq.series.table import Booleans, Floats, Integers

_LANCZOS = (
    *(76.18009172947146, -86.50532032941677, 24.01409824083091),
    *(-1.231739572450155, 1.208650973866179e-3, -5.395239384953e-6),
)
_TERMS, _TERMS_BETWEEN, _CLOSE, _TINY = 2000, 5, 1e-14, 1e-300
_STEPS, _SMALL = 50, 1e-10
_NEAR = 0.02
"""Deviations from a guess within which most quantiles of counts lie."""


def log_gamma(values: Floats) -> Floats:
    """Returns the logarithm of the gamma function of numbers above 0 (Lanczos 1964); ten digits."""
    values = np.asarray(values, np.float64)
    shifted = values + 5.5
    total = 1.000000000190015 + sum(factor / (values + place) for place, factor in enumerate(_LANCZOS, 1))
    return (values + 0.5) * np.log(shifted) - shifted + np.log(2.5066282746310005 * total / values)


def incomplete_beta(a: Floats, b: Floats, x: Floats) -> Floats:
    """Returns the regularised incomplete beta function of a, b > 0 and x in [0, 1], by its continued fraction."""
    a, b, x = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (a, b, x)))
    swap = x > (a + 1) / (a + b + 2)  # the fraction converges quickly below
    first, second, place = np.where(swap, b, a), np.where(swap, a, b), np.where(swap, 1 - x, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        front = first * np.log(place) + second * np.log1p(-place)
        front = np.exp(front + log_gamma(first + second) - log_gamma(first) - log_gamma(second)) / first
    found = np.where(place > 0, front * _fraction(first, second, place).reshape(place.shape), 0.0)
    return np.clip(np.where(swap, 1 - found, found), 0.0, 1.0)


def _fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    whole = np.ones(x.size)
    waiting = np.arange(x.size)  # Most need few terms: the others go on without them.
    a, b, x = a.ravel(), b.ravel(), x.ravel()
    upper = np.ones_like(x)
    lower = 1 / _away(1 - (a + b) * x / (a + 1))
    found = lower
    for term in range(1, _TERMS):
        even = term * (b - term) * x / ((a + 2 * term - 1) * (a + 2 * term))
        odd = -(a + term) * (a + b + term) * x / ((a + 2 * term) * (a + 2 * term + 1))
        for part in (even, odd):
            lower, upper = 1 / _away(1 + part * lower), _away(1 + part / upper)
            change = lower * upper
            found = found * change
        if term % _TERMS_BETWEEN == 0:
            more = np.abs(change - 1) >= _CLOSE
            whole[waiting[~more]] = found[~more]
            if not more.any():
                break
            waiting = waiting[more]
            a, b, x, lower, upper, found = (one[more] for one in (a, b, x, lower, upper, found))
    else:
        whole[waiting] = found
    return whole


def _away(values: Floats) -> Floats:
    return np.where(np.abs(values) < _TINY, _TINY, values)


def student_t_cdf(values: Floats, freedom: Floats) -> Floats:
    """Returns the distribution function of Student's t."""
    values, freedom = np.broadcast_arrays(np.asarray(values, np.float64), np.asarray(freedom, np.float64))
    tail = incomplete_beta(freedom / 2, np.asarray(0.5), freedom / (freedom + values**2)) / 2
    return np.where(values > 0, 1 - tail, tail)


def student_t_quantile(level: float, freedom: Floats) -> Floats:
    """Returns the quantile of Student's t at a level between 0 and 1.

    Newton's method on the logarithm of the tail, which is nearly straight in that of the place; it starts from the
    normal quantile, which lies nearer to 0.
    """
    freedom = np.asarray(freedom, np.float64)
    share = min(level, 1 - level)
    if share == 0.5:
        return np.zeros_like(freedom)
    constant = log_gamma((freedom + 1) / 2) - log_gamma(freedom / 2) - np.log(freedom * math.pi) / 2
    place = np.full(freedom.shape, math.log(-NormalDist().inv_cdf(share)))
    for _ in range(_STEPS):
        squares = np.exp(2 * place)
        tail = incomplete_beta(freedom / 2, np.asarray(0.5), freedom / (freedom + squares)) / 2
        slope = np.exp(place + constant - (freedom + 1) / 2 * np.log1p(squares / freedom)) / tail
        change = (np.log(tail) - math.log(share)) / slope
        place = place + change
        if np.abs(change).max(initial=0) < _SMALL:
            break
    size = np.exp(place)
    return size if level > 0.5 else -size


def negative_binomial_quantile(level: float, mean: Floats, dispersion: Floats) -> Floats:
    """Returns the smallest count at which the distribution function reaches a level, by halving.

    The variance is mean + dispersion x mean².
    """
    shape = np.broadcast_shapes(np.shape(mean), np.shape(dispersion))
    mean, dispersion = (np.broadcast_to(np.asarray(one, np.float64), shape).ravel() for one in (mean, dispersion))
    size, chance = 1 / dispersion, 1 / (1 + dispersion * mean)

    def reached(counts: Floats, rows: Integers) -> Booleans:
        return incomplete_beta(size[rows], counts + 1, chance[rows]) >= level

    deviation = np.sqrt(mean + dispersion * mean**2)
    low, high = np.full(mean.shape, -1.0), np.ceil(mean + deviation / math.sqrt(min(level, 1 - level)))  # Chebyshev
    # Near the quantile of a gamma distribution of this mean and variance (Wilson and Hilferty 1931).
    share = (deviation / np.maximum(mean, _TINY)) ** 2 / 9
    guess = mean * np.maximum(1 - share + NormalDist().inv_cdf(level) * np.sqrt(share), 0) ** 3
    rows = np.arange(mean.size)
    for factor in (-_NEAR, _NEAR):
        near = np.clip(np.floor(guess + factor * deviation), 0, high)
        enough = reached(near, rows)
        low, high = np.where(enough, low, np.maximum(low, near)), np.where(enough, np.minimum(high, near), high)
    while (rows := np.flatnonzero(high - low > 1)).size:
        middle = np.floor((low[rows] + high[rows]) / 2)
        enough = reached(middle, rows)
        low[rows], high[rows] = np.where(enough, low[rows], middle), np.where(enough, middle, high[rows])
    return high.reshape(shape)
