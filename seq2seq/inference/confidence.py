"""Confidence of a model in its output. Imports no framework."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def confidence(log_probs: Sequence[float] | np.ndarray) -> float:
    """Returns the confidence in a sentence: the geometric mean of the probabilities of its tokens, EOS included.

    That is 1 / perplexity. Unlike the probability of the sentence, it does not fall with the length. How well it is
    calibrated is what `seq2seq evaluate --calibration` shows.

    Args:
        log_probs: Of each token and the EOS, in nats, as `Generator.score` returns them.

    Returns:
        In [0, 1]; 1 where there is no token, as for an empty line.
    """
    values = np.asarray(log_probs, np.float64)
    return math.exp(min(float(values.mean()), 0.0)) if values.size else 1.0
