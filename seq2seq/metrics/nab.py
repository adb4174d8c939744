"""The score of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015). Imports no framework.

Each labelled window that has a detection earns up to 1, by how early the first one is; a window without costs; so does
each detection outside, less so shortly after a window. The first 15 % of the rows of a series, at most 750, do not
count. The sum over all series is scaled so that a detector that finds nothing has 0 and a perfect one 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq import __version__
from seq2seq.metrics.score import Score

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_PROBATION, _LONGEST = 0.15, 5000
"""The share of rows that do not count, of at most this many."""
_STEEPNESS, _FAR = 5.0, 3.0
"""Of the sigmoid; how many widths behind a window a detection costs all."""


class Profile(NamedTuple):
    """What detections and misses weigh."""

    found: float
    """Earned by a window that is found at once."""
    false: float
    """Cost of a detection far from any window."""
    missed: float
    """Cost of a window without a detection."""


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP": Profile(1.0, 0.22, 1.0),
    "reward_low_FN": Profile(1.0, 0.11, 2.0),
}
"""Those of NAB 1.1."""


class Scored(NamedTuple):
    """The scores of a detector on a series, and what is right."""

    scores: Floats
    """`(time,)`: the higher, the more anomalous."""
    windows: Sequence[tuple[int, int]]
    """First and last row of each labelled window, in order, without overlaps."""


class NABScore(NamedTuple):
    """The score of a detector at a threshold."""

    score: Score
    """0 for a detector without detections, 100 for a perfect one; it may be negative."""
    raw: float
    """The sum over the series, as in NAB's files of results."""
    threshold: float
    """Rows with at least this score are detections."""


def nab_score(corpus: Sequence[Scored], profile: str = "standard", threshold: float | None = None) -> NABScore:
    """Returns the score of a detector on a corpus.

    Args:
        corpus: All series.
        profile: One of `PROFILES`.
        threshold: One for all series; None takes the best for the profile, as NAB does. That sees the labels: the
            signature says so.

    Raises:
        ValueError: the profile is unknown, a score is not finite, a window lies outside of its series, or no window
            counts.
    """
    if profile not in PROFILES:
        raise ValueError(f"Expected one of the profiles {', '.join(PROFILES)}. Received: {profile!r}")
    weights = PROFILES[profile]
    parts = [_changes(scored, weights, number) for number, scored in enumerate(corpus)]
    windows = sum(count for _, _, count in parts)
    if not windows:
        raise ValueError("Expected at least one labelled window after the first rows, which do not count.")
    levels = np.concatenate([level for level, _, _ in parts])
    changes = np.concatenate([change for _, change, _ in parts])
    nothing = -weights.missed * windows
    how = "best" if threshold is None else "given"
    if threshold is None:
        threshold, raw = _best(levels, changes, nothing)
    else:
        raw = nothing + float(changes[levels >= threshold].sum())
    score = 100 * (raw - nothing) / (weights.found * windows - nothing)
    return NABScore(
        Score(score, f"nab|{profile}|threshold:{how}|windows:{windows}|seq2seq|version:{__version__}"), raw, threshold
    )


class Earned(NamedTuple):
    """What detections earn on one series above none at all, in the units of `nab_score`."""

    points: float
    """Summed over series and divided by their windows it is the score."""
    windows: int
    """Those that count."""


def nab_earned(scored: Scored, threshold: float, profile: str = "standard") -> Earned:
    """Returns what a series adds to the score at a threshold; errors as `nab_score`. It may have no window."""
    weights = PROFILES[profile]
    levels, changes, windows = _changes(scored, weights, 0)
    gain = float(changes[levels >= threshold].sum())
    return Earned(100 * gain / (weights.found + weights.missed), windows)


def row_weights(size: int, windows: Sequence[tuple[int, int]], profile: Profile) -> Floats:
    """Returns what a detection at each row earns, or costs: `(time,)`.

    Within a window from `found` at its first row to almost 0 at its last; behind it down to -`false`, which is also the
    cost before the first window.
    """
    rows = np.arange(size)
    past = np.full(size, _FAR)
    earned = np.zeros(size)
    inside = np.zeros(size, bool)
    for first, last in windows:
        width = last - first + 1
        behind = slice(last + 1, size)
        past[behind] = (rows[behind] - last) / max(width - 1, 1)
        own = slice(first, last + 1)
        inside[own] = True
        earned[own] = _sigmoid((rows[own] - last - 1) / width) / _sigmoid(np.asarray(-1.0)) * profile.found
    cost = np.where(past >= _FAR, -1.0, _sigmoid(np.minimum(past, _FAR))) * profile.false
    return np.where(inside, earned, cost)


def _changes(scored: Scored, profile: Profile, number: int) -> tuple[Floats, Floats, int]:
    """Returns scores of rows, how the total changes when the threshold falls to each, and how many windows count.

    Of a window only those rows change it that earn more than all of higher scores.
    """
    scores, windows = np.asarray(scored.scores, np.float64), scored.windows
    size = len(scores)
    if not np.isfinite(scores).all():
        raise ValueError(
            f"Expected finite scores. Series {number} has {scores[~np.isfinite(scores)][0]} at row "
            f"{int((~np.isfinite(scores)).argmax())}."
        )
    before = -1
    for first, last in windows:
        if not before < first <= last < size:
            raise ValueError(
                f"Expected windows in order within the {size} rows of series {number}. Received: {first} to {last}"
            )
        before = last
    weights = row_weights(size, windows, profile)
    counting = np.arange(size) >= min(np.floor(_PROBATION * size), _PROBATION * _LONGEST)
    outside = counting.copy()
    levels, changes, count = [], [], 0
    for first, last in windows:
        own = np.arange(first, last + 1)
        outside[own] = False
        own = own[counting[own]]
        if not len(own):
            continue
        count += 1
        own = own[np.argsort(-scores[own], kind="stable")]
        best = np.maximum.accumulate(np.concatenate([[-profile.missed], weights[own]]))
        levels.append(scores[own])
        changes.append(np.diff(best))
    levels.append(scores[outside])
    changes.append(weights[outside])
    return np.concatenate(levels), np.concatenate(changes), count


def _best(levels: Floats, changes: Floats, nothing: float) -> tuple[float, float]:
    """Returns the best threshold, of equal ones the highest, and the total there."""
    order = np.argsort(-levels, kind="stable")
    levels, totals = levels[order], nothing + np.cumsum(changes[order])
    ends = np.flatnonzero(np.append(np.diff(levels) != 0, True))
    best = ends[int(totals[ends].argmax())]
    if totals[best] <= nothing:
        return float(np.nextafter(levels[0], np.inf)), nothing
    return float(levels[best]), float(totals[best])


def _sigmoid(places: Floats) -> Floats:
    return 2 / (1 + np.exp(_STEEPNESS * places)) - 1
