"""Calibration: whether what is said to be 70 % sure is right 7 times in 10. Plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 10
"""Of equal width."""


@dataclass(frozen=True)
class Calibration:
    """Predictions put into bins by their probability; `(bins,)` arrays."""

    counts: np.ndarray
    """Predictions in each bin."""
    confidence: np.ndarray
    """Their mean probability; 0 in an empty bin."""
    accuracy: np.ndarray
    """The share of them that is right; 0 in an empty bin."""

    @property
    def error(self) -> float:
        """Expected calibration error, in [0, 1]: the mean |confidence - accuracy| of predictions (Guo et al. 2017)."""
        return float(np.sum(self.counts * np.abs(self.confidence - self.accuracy)) / self.counts.sum())

    @property
    def bias(self) -> float:
        """Mean confidence less accuracy over all predictions, in [-1, 1]: above 0 is too sure."""
        return float(np.sum(self.counts * (self.confidence - self.accuracy)) / self.counts.sum())


def calibrate(probabilities: Any, right: Any, bins: int = BINS) -> Calibration:
    """Counts how often predictions are right that were given like probabilities.

    Args:
        probabilities: `(n,)`, in [0, 1]: of each prediction, what the model gave it.
        right: `(n,)`, bool: whether it was right.
        bins: How many, of equal width over [0, 1]; 1 belongs to the last.

    Raises:
        ValueError: no prediction, unequal lengths, or a number that is no probability.
    """
    values, hits = np.asarray(probabilities, np.float64), np.asarray(right, np.float64)
    if not values.size or values.shape != hits.shape:
        raise ValueError(
            f"Calibration wants predictions and whether each was right. Received: {values.size} and {hits.size}"
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"Probabilities must be in [0, 1]. Received: {values.min()} to {values.max()}")
    places = np.minimum((values * bins).astype(int), bins - 1)
    counts = np.bincount(places, minlength=bins)
    sums = (np.bincount(places, weights, bins) for weights in (values, hits))
    confidence, accuracy = (total / np.maximum(counts, 1) for total in sums)
    return Calibration(counts, confidence, accuracy)
