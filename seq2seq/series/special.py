"""The incomplete beta function and what follows from it, for arrays. Imports no framework."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from seq2seq.series.table import Floats

_LANCZOS = (
    *(76.18009172947146, -86.50532032941677, 24.01409824083091),
    *(-1.231739572450155, 1.208650973866179e-3, -5.395239384953e-6),
)
_TERMS, _CLOSE, _TINY = 300, 1e-14, 1e-300
_STEPS, _SMALL = 50, 1e-10


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
    found = np.where(place > 0, front * _fraction(first, second, place), 0.0)
    return np.clip(np.where(swap, 1 - found, found), 0.0, 1.0)


def _fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
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
        if np.abs(change - 1).max(initial=0) < _CLOSE:
            break
    return found


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
    mean, dispersion = np.broadcast_arrays(np.asarray(mean, np.float64), np.asarray(dispersion, np.float64))
    size, chance = 1 / dispersion, 1 / (1 + dispersion * mean)
    reach = mean + np.sqrt((mean + dispersion * mean**2) / min(level, 1 - level))  # Chebyshev's bound
    low, high = np.full(mean.shape, -1.0), np.ceil(reach)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = incomplete_beta(size, middle + 1, chance) >= level
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high
