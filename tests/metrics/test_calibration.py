import numpy as np
import pytest

from seq2seq.metrics.calibration import calibrate


def test_what_is_as_sure_as_it_is_right_has_no_error():
    probabilities = np.repeat([0.05, 0.35, 0.65, 0.95], 100)
    right = np.concatenate([np.arange(100) < share for share in (5, 35, 65, 95)])
    found = calibrate(probabilities, right)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert found.bias == pytest.approx(0, abs=1e-12)
    assert found.counts.tolist() == [100, 0, 0, 100, 0, 0, 100, 0, 0, 100]


def test_drawn_from_its_own_probabilities_the_error_goes_to_nothing(rng):
    probabilities = rng.random(200_000)
    assert calibrate(probabilities, rng.random(200_000) < probabilities).error < 0.01


def test_an_overconfident_model_has_the_error_it_must_have():
    # 90 % sure and right in half of the cases; 70 % sure and right in 6 of 10: (2 * 0.4 + 1 * 0.1) / 3.
    probabilities = [0.9] * 20 + [0.7] * 10
    right = [True] * 10 + [False] * 10 + [True] * 6 + [False] * 4
    found = calibrate(probabilities, right)
    assert found.error == pytest.approx(0.3)
    assert found.bias == pytest.approx(0.3)
    assert calibrate([0.5] * 4, [True] * 4).bias == pytest.approx(-0.5), "not sure enough"


def test_errors_within_a_bin_cancel_and_fewer_bins_hide_more():
    probabilities, right = [0.2] * 10 + [0.8] * 10, [True] * 10 + [False] * 10
    assert calibrate(probabilities, right).error == pytest.approx(0.8)
    assert calibrate(probabilities, right, bins=1).error == pytest.approx(0.0)


def test_the_ends_belong_to_the_outer_bins():
    assert calibrate([0.0, 1.0], [False, True]).counts[[0, -1]].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("probabilities", "right", "message"),
    [
        ([], [], "equally many probabilities and outcomes"),
        ([0.5], [True, False], "equally many probabilities and outcomes"),
        ([1.5], [True], r"must be in \[0, 1\]"),
    ],
)
def test_what_is_no_prediction_is_refused(probabilities, right, message):
    with pytest.raises(ValueError, match=message):
        calibrate(probabilities, right)
