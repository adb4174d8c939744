"""What `series.windows`, `series.calendar` and `series.distributions` do with numbers, in operations of TensorFlow.

All in float64, so that a graph agrees with the forecaster that it was made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq.series.calendar import HOUR, UNIX_BEGAN
from seq2seq.series.distributions import Quantiles
from seq2seq.series.frequency import DAY
from seq2seq.series.windows import Scaling

_FLOOR = 1e-6
_EQUAL = 1e-9
_HALVINGS = 100
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class ScaledContext(NamedTuple):
    """A context in the units of the network."""

    filled: Any
    """`(batch, context)`: holes hold the reading before; 0 before the first."""
    observed: Any
    """`(batch, context)`, bool."""
    location: Any
    """`(batch, 1)`."""
    scale: Any
    """`(batch, 1)`, above 0."""

    def flat(self, context: Any) -> tuple[Any, Any]:
        """Returns location and width of the forecast: the constant and 0 where all readings are equal."""
        nothing = tf.constant(np.inf, tf.float64)
        low = tf.reduce_min(tf.where(self.observed, context, nothing), axis=1, keepdims=True)
        high = tf.reduce_max(tf.where(self.observed, context, -nothing), axis=1, keepdims=True)
        equal = high - low <= _EQUAL * tf.maximum(tf.abs(high), tf.abs(low))
        return tf.where(equal, high, self.location), tf.where(equal, tf.zeros_like(self.scale), self.scale)


def scaled_context(context: Any, observed: Any, scaling: Scaling) -> ScaledContext:
    """Scales `(batch, context)` readings, float64, 0 where not observed, as `scale_of` and `filled_before` do."""
    count = tf.maximum(tf.reduce_sum(tf.cast(observed, tf.float64), axis=1, keepdims=True), 1.0)
    zero = tf.zeros_like(count)
    last = carried_forward(context, observed)
    size = tf.reduce_sum(tf.abs(context), axis=1, keepdims=True) / count
    location, spread = zero, size
    if scaling == "standard":
        location = tf.reduce_sum(context, axis=1, keepdims=True) / count
        squares = tf.where(observed, context - location, 0.0) ** 2
        spread = tf.sqrt(tf.reduce_sum(squares, axis=1, keepdims=True) / count)
    elif scaling in ("last", "last_mean_absolute"):
        location = last[:, -1:]
        spread = tf.reduce_sum(tf.abs(tf.where(observed, context - location, 0.0)), axis=1, keepdims=True) / count
    spread = zero + 1 if scaling in ("none", "last") else tf.maximum(spread, _FLOOR * size)
    scale = tf.where(spread > 0, spread, 1.0)
    begun = tf.cumsum(tf.cast(observed, tf.int32), axis=1) > 0
    return ScaledContext(tf.where(begun, (last - location) / scale, 0.0), observed, location, scale)


def carried_forward(values: Any, observed: Any) -> Any:
    """Returns `(batch, time)` with the last observed value in each hole; 0 before the first."""
    width = values.shape[1]
    places = tf.where(observed, tf.range(width)[tf.newaxis], -1)
    shift = 1
    while shift < width:  # the running maximum: each step looks twice as far back
        places = tf.maximum(places, tf.pad(places[:, :-shift], [[0, 0], [shift, 0]], constant_values=-1))
        shift *= 2
    found = tf.gather(values, tf.maximum(places, 0), axis=1, batch_dims=1)
    return tf.where(places >= 0, found, 0.0)


def calendar(age: Any, clock: Any, cycles: Sequence[str], steps: Any) -> Any:
    """Returns the features of `series.calendar`, `(batch, time, features)`.

    Args:
        age: `(batch,)`, int64: steps of each series before the forecast.
        clock: `(batch, time)`, int64, microseconds; None where there are no cycles.
        cycles: Of `series.calendar.CYCLES`.
        steps: `(time,)`, int64: from minus the context on.
    """
    since = tf.maximum(age[:, tf.newaxis] + steps[tf.newaxis], 0)
    columns = [tf.math.log1p(tf.cast(since, tf.float64)) / 10]
    for cycle in cycles:
        angle = 2 * np.pi * phases(clock, cycle)
        columns += [tf.sin(angle), tf.cos(angle)]
    return tf.stack(columns, axis=-1)


def phases(clock: Any, cycle: str) -> Any:
    """As `series.calendar.phases`. Days become dates as Hinnant (2014, chrono-compatible date algorithms) has it."""
    day = tf.math.floordiv(clock, DAY)
    within = _real(clock - day * DAY) / DAY
    if cycle == "minute_of_hour":
        return _real(tf.math.floormod(clock, HOUR)) / HOUR
    if cycle == "hour_of_day":
        return within
    if cycle == "day_of_week":
        return (_real(tf.math.floormod(day + UNIX_BEGAN, 7)) + within) / 7
    shifted = day + 719_468
    era = tf.math.floordiv(shifted, 146_097)
    of_era = shifted - era * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)  # from 1 March
    march = (5 * of_year + 2) // 153
    date = of_year - (153 * march + 2) // 5  # from 0
    month = tf.where(march < 10, march + 2, march - 10)  # January is 0
    if cycle == "month_of_year":
        return _real(month) / 12
    year = year + era * 400 + tf.cast(month < 2, tf.int64)
    leap = tf.cast((tf.math.floormod(year, 4) == 0) & ((year % 100 != 0) | (year % 400 == 0)), tf.int64)
    if cycle == "day_of_month":
        days = tf.gather(tf.constant(_MONTHS, tf.int64), month) + leap * tf.cast(month == 1, tf.int64)
        return (_real(date) + within) / _real(days)
    before = tf.gather(tf.constant(np.cumsum((0, *_MONTHS[:-1])), tf.int64), month)
    before = before + leap * tf.cast(month > 1, tf.int64)
    return (_real(before + date) + within) / _real(365 + leap)


def _real(values: Any) -> Any:
    return tf.cast(values, tf.float64)


def mean_and_quantiles(kind: str, known: Sequence[float], parameters: Any, levels: Sequence[float]) -> tuple[Any, Any]:
    """Returns expected values `(batch, horizon)` and quantiles `(batch, horizon, levels)`, float64.

    Args:
        kind: Of the distribution, as in `series.distributions`.
        known: Levels of its quantiles, if it has such.
        parameters: `(batch, horizon, count)`, float64.
        levels: What is asked for, ascending.
    """
    if kind == "quantiles":
        weights = np.stack([_weights(known, level) for level in (0.5, *levels)], axis=-1)
        found = tf.linalg.matmul(parameters, tf.constant(weights))
        return found[..., 0], found[..., 1:]
    first, second = parameters[..., 0], parameters[..., 1]
    if kind == "negative_binomial":
        return first, tf.stack([_negative_binomial(level, first, second) for level in levels], axis=-1)
    if kind == "gaussian":
        units = [tf.constant(NormalDist().inv_cdf(level), tf.float64) for level in levels]
    else:
        units = [_student_t(level, parameters[..., 2]) for level in levels]
    return first, tf.stack([first + second * unit for unit in units], axis=-1)


def _weights(known: Sequence[float], level: float) -> Any:
    """Returns what each known quantile counts in that of a level."""
    return np.asarray(Quantiles(tuple(known)).quantile(np.eye(len(known)), level), np.float64)


def _student_t(level: float, freedom: Any) -> Any:
    """As `series.special.student_t_quantile`."""
    tail = min(level, 1 - level)
    if tail == 0.5:
        return tf.zeros_like(freedom)
    half = tf.constant(0.5, tf.float64)

    def below(place: Any) -> Any:
        return tf.math.betainc(freedom / 2, half, place) < 2 * tail

    high = _halved(below, tf.zeros_like(freedom), tf.ones_like(freedom), lambda low, high: (low + high) / 2)
    size = tf.sqrt(freedom * tf.maximum(1 / tf.maximum(high, 1e-300) - 1, 0.0))
    return size if level > 0.5 else -size


def _negative_binomial(level: float, mean: Any, dispersion: Any) -> Any:
    """As `series.special.negative_binomial_quantile`."""
    size, chance = 1 / dispersion, 1 / (1 + dispersion * mean)
    reach = mean + tf.sqrt((mean + dispersion * mean**2) / min(level, 1 - level))

    def below(count: Any) -> Any:
        return tf.math.betainc(size, count + 1, chance) < level

    def middle(low: Any, high: Any) -> Any:
        return tf.where(high - low > 1, tf.floor((low + high) / 2), high)

    return _halved(below, tf.fill(tf.shape(mean), tf.constant(-1.0, tf.float64)), tf.math.ceil(reach), middle)


def _halved(below: Any, low: Any, high: Any, middle: Any) -> Any:
    """Halves the way from numbers that are below what is looked for to some that are not; returns the latter."""

    def body(low: Any, high: Any) -> tuple[Any, Any]:
        place = middle(low, high)
        is_below = below(place)
        return tf.where(is_below, place, low), tf.where(is_below, high, place)

    found = tf.while_loop(lambda low, high: tf.constant(True), body, (low, high), maximum_iterations=_HALVINGS)
    return found[1]
