"""Calibration: whether predictions made with probability 0.7 are right 7 times in 10. Plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 10
"""Bins, of equal width."""


@dataclass(frozen=True)
class Calibration:
    """Predictions binned by probability; `(bins,)` arrays."""

    counts: np.ndarray
    """Predictions in each bin."""
    confidence: np.ndarray
    """Mean probability per bin; 0 in an empty bin."""
    accuracy: np.ndarray
    """Share of correct predictions per bin; 0 in an empty bin."""

    @property
    def error(self) -> float:
        """Expected calibration error, in [0, 1]: the mean |confidence - accuracy| of predictions (Guo et al. 2017)."""
        return float(np.sum(self.counts * np.abs(self.confidence - self.accuracy)) / self.counts.sum())

    @property
    def bias(self) -> float:
        """Mean confidence minus accuracy over all predictions, in [-1, 1]; above 0 is overconfident."""
        return float(np.sum(self.counts * (self.confidence - self.accuracy)) / self.counts.sum())


def calibrate(probabilities: Any, right: Any, bins: int = BINS) -> Calibration:
    """Bins predictions by probability and counts how many are right.

    Args:
        probabilities: `(n,)`, in [0, 1]: of each prediction, what the model gave it.
        right: `(n,)`, bool: whether it was right.
        bins: How many, of equal width over [0, 1]; 1 belongs to the last.

    Raises:
        ValueError: no prediction, unequal lengths, or a value outside [0, 1].
    """
    values, hits = np.asarray(probabilities, np.float64), np.asarray(right, np.float64)
    if not values.size or values.shape != hits.shape:
        raise ValueError(
            f"Expected equally many probabilities and outcomes, at least one. Received: {values.size} and {hits.size}"
        )
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"Probabilities must be in [0, 1]. Received: {values.min()} to {values.max()}")
    places = np.minimum((values * bins).astype(int), bins - 1)
    counts = np.bincount(places, minlength=bins)
    sums = (np.bincount(places, weights, bins) for weights in (values, hits))
    confidence, accuracy = (total / np.maximum(counts, 1) for total in sums)
    return Calibration(counts, confidence, accuracy)
