"""Output limits learned from pairs: every pair fits, with headroom. Plain NumPy."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from seq2seq.search.options import SearchOptions

HEADROOM = 1.25
"""Factor on what the pairs need, to which `SPARE` tokens are added."""
SPARE = 5
STEP = 0.05
"""Distance between the ratios that are tried."""


class Limits(NamedTuple):
    """Fields of `SearchOptions`."""

    max_ratio: float
    max_extra: int


def learn_limits(sources: Any, targets: Any) -> Limits:
    """Returns the limits that are lowest on average among those under which every pair fits with headroom.

    A ratio r needs the extra e(r), the largest value of `target - r * source`. The ratios start at that of all target
    tokens to all source tokens, so that inputs longer than any pair keep their share. The one with the lowest mean
    limit is taken; then both numbers are multiplied by `HEADROOM`, and `SPARE` is added.

    Args:
        sources: `(pairs,)`, tokens of each source, EOS not counted.
        targets: `(pairs,)`, tokens of each target.
    """
    sources, targets = np.asarray(sources, np.int64), np.asarray(targets, np.int64)
    if not len(sources) or not sources.sum():
        return Limits(HEADROOM, SPARE)
    longest = np.zeros(sources.max() + 1, np.int64)  # target of each length of source
    np.maximum.at(longest, sources, targets)
    lengths = np.flatnonzero(longest)
    longest = longest[lengths]
    first = targets.sum() / sources.sum()
    last = float((longest / np.maximum(lengths, 1)).max())
    ratios = first + STEP * np.arange(min(10_000, math.ceil(max(0.0, last - first) / STEP) + 1))
    extras = np.asarray([max(0.0, float((longest - ratio * lengths).max())) for ratio in ratios])
    best = int(np.argmin(ratios * sources.mean() + extras))
    return Limits(math.ceil(100 * HEADROOM * ratios[best]) / 100, math.ceil(HEADROOM * extras[best]) + SPARE)


def too_long(options: SearchOptions, sources: Any, targets: Any) -> np.ndarray:
    """Returns `(pairs,)`, bool: which targets are longer than the search may write for their sources.

    Args:
        options: Of the search.
        sources: `(pairs,)`, tokens of each source, EOS not counted.
        targets: `(pairs,)`, tokens of each target.
    """
    limits = options.output_limit(np.minimum(sources, options.max_input), np.minimum, np.maximum)
    return np.asarray(targets > limits)


def advice(options: SearchOptions, count: int, total: int, what: str, limits: Limits | None = None) -> str:
    """Returns a sentence that says that references do not fit and what to set; `limits` would be enough."""
    now = f"search.max_ratio {options.max_ratio:g}, search.max_extra {options.max_extra}"
    remedy = "set larger ones (--max-ratio, --max-extra)"
    if limits:
        remedy = f"set both to none to have them learned, or to {limits.max_ratio:g} and {limits.max_extra}"
    found = f"{count:,} of {total:,} {what}"
    return f"{found} are longer than the search may write ({now}) and can never be reached: {remedy}."
