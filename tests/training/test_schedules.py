import math
from itertools import pairwise

import keras
import pytest

from seq2seq.training.schedules import SCHEDULES, WarmUpDecay


def _rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_rate_rises_to_its_peak_and_never_again(kind):
    rates = _rates(WarmUpDecay(kind, 0.01, 10, 100), range(100))
    assert rates[:10] == pytest.approx([0.001 * (i + 1) for i in range(10)], rel=1e-5)
    assert max(rates) == pytest.approx(0.01)
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(rates[9:]))


def test_each_kind_ends_where_its_formula_says():
    half = 9 + 45  # the 55th step: half of what follows the warm-up
    expected = {
        "constant": (1, 1),
        "cosine": (0.5, 0),
        "linear": (0.5, 0),
        "inverse_sqrt": (math.sqrt(10 / 55), math.sqrt(0.1)),
    }
    for kind, (middle, end) in expected.items():
        rates = _rates(WarmUpDecay(kind, 1.0, 10, 100), (half, 99))
        assert rates == pytest.approx([middle, end], abs=1e-5), kind


def test_no_warm_up_begins_at_the_peak():
    assert _rates(WarmUpDecay("constant", 0.5, 0, 10), (0, 9)) == [0.5, 0.5]


def test_a_schedule_survives_keras_serialisation():
    schedule = WarmUpDecay("cosine", 0.01, 10, 100)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert copy.get_config() == schedule.get_config()


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"Unknown schedule\. Expected one of constant, cosine"):
        WarmUpDecay("cosinus", 1.0, 1, 2)
