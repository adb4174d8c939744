"""Windows of series, a context and the horizon after it, as pure functions of numbers; and their scaling.

A window is the number of its series and its cut: the context ends before the step `cut`, the horizon begins with it.
Nothing of a horizon takes part in what is made of its context.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from seq2seq.series.table import Booleans, Floats, Integers, SeriesTable, offsets_of

Scaling = Literal["none", "last", "mean_absolute", "standard", "last_mean_absolute"]
"""How a context is scaled: x / mean |x|; (x - mean) / standard deviation; x less its last value, which "last" leaves as
it is and "last_mean_absolute" divides by its mean absolute value."""

_FLOOR = 1e-6
"""The least scale, in relation to the mean absolute value: below is rounding, not a signal."""
_EQUAL = 1e-9
"""Values that differ by less, in relation to their size, are equal."""
_ROUNDS = 4


class Windows(NamedTuple):
    """Where windows lie in a table."""

    series: Integers
    """`(rows,)`: the number of the series."""
    cuts: Integers
    """`(rows,)`: the first step of the horizon, counted in the series."""


def blocks(windows: Windows, rows: int) -> Iterator[Windows]:
    """Yields windows in their order, at most `rows` at a time."""
    for start in range(0, len(windows.cuts), rows):
        part = slice(start, start + rows)
        yield Windows(windows.series[part], windows.cuts[part])


class Cut(NamedTuple):
    """The readings of windows."""

    context: Floats
    """`(rows, context)`: ends with the step before the cut; 0 where nothing was observed."""
    context_observed: Booleans
    """`(rows, context)`: False also before the beginning of a series that is shorter."""
    target: Floats
    """`(rows, horizon)`: 0 where nothing was observed."""
    target_observed: Booleans
    """`(rows, horizon)`: False also behind the end of a series."""
    positions: Integers
    """`(rows, context + horizon)`: flat positions in the table, for covariates and `SeriesTable.clock`. Those before
    the beginning or behind the end of a series are of other series, or of none."""
    inside: Booleans
    """`(rows, context + horizon)`: whether a position is of the series."""


class Scale(NamedTuple):
    """What a window is scaled by: `(x - location) / scale`."""

    location: Floats
    """`(rows, 1)`."""
    scale: Floats
    """`(rows, 1)`, above 0."""

    def forward(self, values: Floats, observed: Booleans) -> Floats:
        """Returns scaled values, `(rows, time)`; 0 where nothing was observed."""
        return np.where(observed, (values - self.location) / self.scale, 0.0)

    def back(self, values: Floats) -> Floats:
        """Returns values in the units of the series."""
        return values * self.scale + self.location


class TrainingWindows:
    """The order in which windows are trained on: a pure function of the seed, the epoch and the step.

    Every epoch takes each window once, in another order, without a list of them in memory. With `per_series` an epoch
    takes that many windows of each series instead, at random cuts, so that long series do not outweigh short ones.

    Args:
        table: The series.
        horizon: Steps; a window needs as many after its cut.
        batch_size: Windows of a step; the last step of an epoch has the rest.
        seed: At least 0.
        min_context: Steps that a window needs before its cut, at least 1. The rest of its context is padding.
        per_series: 0: all windows, once.

    Raises:
        ValueError: no series is long enough.
    """

    def __init__(
        self, table: SeriesTable, horizon: int, batch_size: int, seed: int, min_context: int = 1, per_series: int = 0
    ):
        if min(horizon, batch_size, min_context) < 1:
            raise ValueError(
                "Expected a horizon, a batch size and a shortest context of at least 1. "
                f"Received: {horizon}, {batch_size} and {min_context}"
            )
        counts = np.maximum(table.lengths - horizon - min_context + 1, 0)
        if not counts.any():
            raise ValueError(
                f"No series is long enough: a window needs {min_context} + {horizon} steps. "
                f"The longest series has {int(table.lengths.max(initial=0))}."
            )
        self.batch_size, self.seed, self.min_context = batch_size, seed, min_context
        self._per_series = per_series
        self._long_enough = np.flatnonzero(counts)
        self._counts = counts[self._long_enough]
        self._ends = offsets_of(self._counts)
        self.size = len(self._counts) * per_series if per_series else int(self._ends[-1])
        """Windows of an epoch."""

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-self.size // self.batch_size)

    def at(self, epoch: int, step: int) -> Windows:
        """Returns the windows of a step of an epoch, both from 0.

        Raises:
            IndexError: the epoch does not have that many steps.
        """
        if not 0 <= step < self.steps:
            raise IndexError(f"Expected a step from 0 to {self.steps - 1}. Received: {step}")
        keys = np.random.SeedSequence((self.seed, epoch)).generate_state(_ROUNDS, np.uint64).astype(np.uint64)
        first = step * self.batch_size
        chosen = shuffled(np.arange(first, min(first + self.batch_size, self.size)), self.size, keys)
        if not self._per_series:
            number = np.searchsorted(self._ends, chosen, side="right") - 1
            return Windows(self._long_enough[number], chosen - self._ends[number] + self.min_context)
        number = chosen % len(self._counts)
        draws = (_mixed(chosen.astype(np.uint64), keys[0] ^ keys[1]) >> np.uint64(11)) * 2.0**-53
        cuts = (draws * self._counts[number]).astype(np.int64)
        return Windows(self._long_enough[number], cuts + self.min_context)


def rolling_origins(table: SeriesTable, horizon: int, windows: int, step: int, min_context: int = 1) -> Windows:
    """Returns windows for a backtest: the last one's horizon ends with its series, each other begins `step` earlier.

    Windows with a context below `min_context` are left out. Those of a series come one after the other, oldest first.

    Raises:
        ValueError: a number is below 1, or no series is long enough for a window.
    """
    if min(horizon, windows, step, min_context) < 1:
        raise ValueError(
            "Expected a horizon, a number of windows, a step and a shortest context of at least 1. "
            f"Received: {horizon}, {windows}, {step} and {min_context}"
        )
    cuts = table.lengths[:, None] - horizon - step * np.arange(windows - 1, -1, -1)
    series, place = np.nonzero(cuts >= min_context)
    if not len(series):
        raise ValueError(
            f"No series is long enough: a window needs {min_context} + {horizon} steps. "
            f"The longest series has {int(table.lengths.max(initial=0))}."
        )
    return Windows(series, cuts[series, place])


def ends(table: SeriesTable) -> Windows:
    """Returns the windows whose horizon is the future of each series."""
    return Windows(np.arange(len(table)), table.lengths)


def cut_windows(table: SeriesTable, windows: Windows, context: int, horizon: int) -> Cut:
    """Returns the readings of windows; `context` and `horizon` in steps."""
    steps = windows.cuts[:, None] + np.arange(-context, horizon)
    inside = (steps >= 0) & (steps < table.lengths[windows.series][:, None])
    positions = table.offsets[windows.series][:, None] + steps
    rows = np.where(inside, positions, 0)
    observed = inside & table.observed[rows] if len(table.observed) else inside
    values = np.where(observed, table.values[rows], 0.0) if len(table.values) else np.zeros(rows.shape)
    return Cut(
        values[:, :context], observed[:, :context], values[:, context:], observed[:, context:], positions, inside
    )


def scale_of(context: Floats, observed: Booleans, scaling: Scaling) -> Scale:
    """Returns the scale of each window, from the observed values of its context alone.

    A scale below a millionth of the mean absolute value is raised to that, and 1 where all values are 0 or missing: a
    constant context is scaled to a constant. The location is 0 where nothing was observed.

    Args:
        context: `(rows, context)`.
        observed: `(rows, context)`.
        scaling: See `Scaling`.
    """
    counts = np.maximum(observed.sum(axis=1, keepdims=True), 1)
    values = np.where(observed, context, 0.0)
    size = np.abs(values).sum(axis=1, keepdims=True) / counts
    zero, one = np.zeros_like(size), np.ones_like(size)
    if scaling == "none":
        return Scale(zero, one)
    if scaling == "mean_absolute":
        return Scale(zero, np.where(size > 0, size, one))
    if scaling == "standard":
        location = values.sum(axis=1, keepdims=True) / counts
        spread = np.sqrt((np.where(observed, values - location, 0.0) ** 2).sum(axis=1, keepdims=True) / counts)
    elif scaling in ("last", "last_mean_absolute"):
        location = last_observed(values, observed)[:, None]
        if scaling == "last":
            return Scale(location, one)
        spread = np.abs(np.where(observed, values - location, 0.0)).sum(axis=1, keepdims=True) / counts
    else:
        raise ValueError(f"Expected one of the scalings {', '.join(get_args(Scaling))}. Received: {scaling!r}")
    floored = np.maximum(spread, _FLOOR * size)
    return Scale(location, np.where(floored > 0, floored, one))


def is_constant(context: Floats, observed: Booleans) -> Booleans:
    """Returns whether all observed values of a context are equal but for rounding, `(rows, 1)`; True without any."""
    low = np.where(observed, context, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(observed, context, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    return high - low <= _EQUAL * np.maximum(np.abs(high), np.abs(low))


def last_observed(values: Floats, observed: Booleans) -> Floats:
    """Returns the last observed value of each row, `(rows,)`; 0 where there is none."""
    if not values.shape[1]:
        return np.zeros(len(values))
    place = values.shape[1] - 1 - observed[:, ::-1].argmax(axis=1)
    rows = np.arange(len(values))
    return np.where(observed[rows, place], values[rows, place], 0.0)


def carried_forward(values: Floats, observed: Booleans) -> Floats:
    """Returns values with the last observed one in each hole; before the first one, that; 0 in rows without any."""
    places = np.where(observed, np.arange(values.shape[1]), -1)
    before = np.maximum.accumulate(places, axis=1)
    first = observed.argmax(axis=1)
    rows = np.arange(len(values))[:, None]
    found = values[rows, np.where(before >= 0, before, first[:, None])]
    return np.where(observed.any(axis=1, keepdims=True), found, 0.0)


def shuffled(places: Integers, size: int, keys: NDArray[np.uint64]) -> Integers:
    """Returns where a random permutation of `size` numbers puts each place, without making the permutation.

    A Feistel network permutes the numbers of an even count of bits; those beyond the size are sent on until they are
    within it (Black and Rogaway 2002).

    Args:
        places: `(rows,)`, each below `size`.
        size: At least 1.
        keys: One for each round.
    """
    half = np.uint64(max(1, (int(size - 1).bit_length() + 1) // 2))
    low = (np.uint64(1) << half) - np.uint64(1)
    found = places.astype(np.uint64)
    waiting = np.arange(len(found))
    while len(waiting):
        left, right = found[waiting] >> half, found[waiting] & low
        for key in keys:
            left, right = right, left ^ (_mixed(right, key) & low)
        found[waiting] = left << half | right
        waiting = waiting[found[waiting] >= size]
    return found.astype(np.int64)


def _mixed(numbers: NDArray[np.uint64], key: np.uint64) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele et al. 2014)."""
    mixed = numbers + key
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)
