"""How much of a correction to keep at each step of a horizon, by how it did on held-back windows."""

from __future__ import annotations

import numpy as np

from seq2seq.series.table import Floats, Integers, SeriesTable
from seq2seq.series.windows import Windows

FEWEST = 3
"""Stretches of time by which the spread of an estimate is known, at least."""


def shares(products: Floats, squares: Floats) -> Floats:
    """Returns the share of a correction at each step that is worth keeping, from 0 to 1.

    With r what the forecast without the correction d lacks, the share of least squared error is sum(r d) / sum(d²).
    What helped in one stretch of time may harm in the next: it counts less one standard error, that of a ratio over the
    groups (Cochran 1977, 6.4), after the rule of Breiman et al. (1984), the simplest model within one. The farther
    ahead, the less is known: shares never rise with the step (isotonic regression, Ayer et al. 1955), which keeps out
    the noise of single steps.

    Args:
        products: `(groups, horizon)`: sum(r d) of the windows of each group, at least two.
        squares: `(groups, horizon)`: sum(d²); 0 where there is no correction.
    """
    groups, total = len(products), squares.sum(axis=0)
    known = total > 0
    divisor = np.where(known, total, 1.0)
    best = products.sum(axis=0) / divisor
    error = np.sqrt(groups / (groups - 1) * ((products - best * squares) ** 2).sum(axis=0)) / divisor
    return np.clip(falling(np.where(known, best - error, 1.0), np.where(known, total, 0.0)), 0.0, 1.0)


def groups_of(table: SeriesTable, windows: Windows, horizon: int) -> Integers:
    """Returns the group of each window, `(rows,)`, from 0: windows of one group may share what happened.

    They are stretches of time, each of a horizon or longer, over all series, whose ends are taken to be at one time;
    where there are fewer than three, series.

    Raises:
        ValueError: there is one group.
    """
    back = table.lengths[windows.series] - windows.cuts
    since = back.max() - back
    places = len(np.unique(since))
    span = int(since.max()) * places // max(places - 1, 1)  # up to where one more window would begin
    count = span // horizon
    groups = since * count // span if count >= FEWEST else np.unique(windows.series, return_inverse=True)[1]
    if groups.max() < 1:
        raise ValueError(
            f"model.shrink needs validation windows of two series, or of {FEWEST} horizons in time: choose a higher "
            "data.validation_windows."
        )
    return np.asarray(groups, np.int64)


def falling(values: Floats, weights: Floats) -> Floats:
    """Returns the numbers that never rise and are nearest to others in weighted squares: pools adjacent violators.

    Args:
        values: `(steps,)`.
        weights: `(steps,)`, from 0; those of weight 0 join what is before them.
    """
    pools: list[list[float]] = []  # sum of weight x value, weight, steps
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        pools.append([weight * value, weight, 1])
        while len(pools) > 1 and (
            pools[-1][1] == 0 or pools[-2][1] == 0 or pools[-2][0] / pools[-2][1] < pools[-1][0] / pools[-1][1]
        ):
            last = pools.pop()
            pools[-1] = [one + other for one, other in zip(pools[-1], last, strict=True)]
    means = [total / weight if weight else 1.0 for total, weight, _ in pools]
    return np.repeat(means, [int(steps) for _, _, steps in pools])
