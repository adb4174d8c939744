"""How sure a model is of what it wrote. Imports no framework."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def confidence(log_probabilities: Sequence[float] | np.ndarray) -> float:
    """Returns the confidence in a sentence: the geometric mean of the probabilities of its pieces, EOS included.

    That is 1 / perplexity. It does not fall with the length, as the probability of the sentence does. Whether such
    numbers come true is what `seq2seq evaluate --calibration` shows.

    Args:
        log_probabilities: Of each piece and the EOS, in nats, as `Generator.score` gives them.

    Returns:
        In [0, 1]; 1 where nothing was written, as for an empty line.
    """
    gains = np.asarray(log_probabilities, np.float64)
    return math.exp(min(float(gains.mean()), 0.0)) if gains.size else 1.0
