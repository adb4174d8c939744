"""Labels read from the outputs of connectionist temporal classification (Graves et al. 2006). Imports no framework.

`best_path` takes the likeliest symbol of each frame; `search.prefix_beam` sums over alignments.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seq2seq.symbols import PAD

BLANK = PAD
"""The id of the blank, which no label contains."""


class Emission(NamedTuple):
    """A symbol of a label, and where it is."""

    symbol: int
    frame: int
    """Of the frames at which the best alignment emits the symbol, the one where it is likeliest; counted from 0."""
    confidence: float
    """The probability of the symbol at that frame."""


class Labelling(NamedTuple):
    """A label that was read."""

    emissions: tuple[Emission, ...]
    """Its symbols, in order."""
    log_probability: float
    """In nats: of a beam the sum over the alignments that it kept, of a best path that of the path."""
    score: float
    """What it is ranked by: the log-probability, and what language model and bonuses add."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The symbols alone."""
        return tuple(emission.symbol for emission in self.emissions)


def frames_needed(ids: Sequence[int]) -> int:
    """Returns the fewest frames that a label fits: its length, and a blank between any two equal neighbours."""
    return len(ids) + sum(one == other for one, other in pairwise(ids))


def best_path(log_probs: ArrayLike) -> Labelling:
    """Returns the label of the likeliest path, which is not always the likeliest label.

    Args:
        log_probs: `(time, size)`, in nats. Of equally likely symbols the one with the smallest id is taken.

    Raises:
        ValueError: another shape, NaN, or numbers above 0.
    """
    values = checked(log_probs)
    path = values.argmax(axis=1)
    peaks = values[np.arange(len(path)), path]
    begins = np.flatnonzero(np.diff(path, prepend=-1))
    emissions = []
    for begin, end in pairwise([*begins, len(path)]):
        if path[begin] != BLANK:
            frame = begin + peaks[begin:end].argmax()
            emissions.append(Emission(int(path[begin]), int(frame), float(np.exp(peaks[frame]))))
    total = float(peaks.sum())
    return Labelling(tuple(emissions), total, total)


def checked(log_probs: ArrayLike, size: int | None = None, first: int = 0) -> NDArray[np.float64]:
    """Returns `(time, size)` log-probabilities as float64.

    Args:
        log_probs: As they came.
        size: How many ids there must be; None: one at least.
        first: The number of the first frame, for the message.

    Raises:
        ValueError: another shape, NaN, or numbers above 0, as logits may be. It names the frame.
    """
    values = np.asarray(log_probs, np.float64)
    if values.ndim != 2 or not values.shape[1] or size not in (None, values.shape[1]):
        expected = "size" if size is None else f"{size:,}"
        raise ValueError(f"Expected log-probabilities of the shape (time, {expected}). Received: {values.shape}")
    if len(values) and not values.max() <= 1e-3:  # rounding may take them above 0
        frame = int(np.argmin((values <= 1e-3).all(axis=1)))
        raise ValueError(
            f"Expected log-probabilities, numbers of at most 0: of logits take log_softmax. Received: "
            f"{values[frame].max():.6g} at frame {first + frame:,}"
        )
    return values
