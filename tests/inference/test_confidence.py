import math

import numpy as np
import pytest

from seq2seq.inference.confidence import confidence


def test_confidence_is_the_geometric_mean_of_the_probabilities():
    probabilities = np.array([0.5, 0.2, 0.9])
    assert confidence(np.log(probabilities)) == pytest.approx(float(np.prod(probabilities)) ** (1 / 3))
    assert confidence([math.log(0.25)] * 7) == pytest.approx(0.25), "the length alone changes nothing"


def test_confidence_is_a_probability_at_both_ends():
    assert confidence([]) == 1.0
    assert confidence([1e-7]) == 1.0, "rounding must not make it more than sure"
    assert confidence([-1e9]) == 0.0
