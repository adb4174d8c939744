"""Two processes that train one model compute what one does, and the same in both."""

from __future__ import annotations

import sys

import keras
import numpy as np
import pytest

from seq2seq.distributed.launch import launch
from seq2seq.pipeline.plan import Batching, Plan
from seq2seq.text.token_batches import PAIRS
from tests.training import pair

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="several processes want TensorFlow")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What the two processes have after each case, by its name."""
    folder = tmp_path_factory.mktemp("pair")
    assert launch([sys.executable, "-m", "tests.training.pair", str(folder), *pair.CASES], 2) == 0
    found = {}
    for case in pair.CASES:
        files = [np.load(folder / f"{case}-{rank}.npz") for rank in (0, 1)]
        found[case] = [{name.replace("|", "/"): file[name] for name in file.files} for file in files]
    return found


def is_seed(name):
    return name.endswith("seed_generator_state")


def ending(found, name):
    """The one variable so named."""
    (value,) = [value for path, value in found.items() if path.endswith(name)]
    return value


@pytest.mark.parametrize("case", list(pair.CASES))
def test_both_processes_have_the_same_weights_to_the_bit(two, case):
    one, other = two[case]
    assert one.keys() == other.keys()
    for name in one:
        if not is_seed(name):
            np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("case", ["plain", "accumulate"])
def test_they_compute_what_one_does_on_batches_of_twice_the_size(two, case, tmp_path):
    alone = pair.fit(case, tmp_path / "store", 2 * pair.TOKENS)
    assert ending(alone, "gradient_norm") > 0
    assert ending(alone, "refused") == 0
    for (name, value), found in zip(alone.items(), two[case][0].values(), strict=True):
        np.testing.assert_allclose(found, value, rtol=2e-5, atol=2e-6, err_msg=name)


def test_the_batches_of_the_test_have_fewer_rows_than_processes_too(tmp_path):
    plan = Plan(pair.store(tmp_path / "store"), PAIRS, Batching(buckets=3, tokens=2 * pair.TOKENS), 7, rank=1, size=2)
    weights = [plan[step].weights.sum() for step in range(len(plan) - pair.STEPS, len(plan))]
    assert min(weights) == 0 < max(weights)


def test_they_draw_other_dropout_as_often(two):
    one, other = ([value for name, value in found.items() if is_seed(name)] for found in two["dropout"])
    assert one
    for (seed, count), (other_seed, other_count) in zip(one, other, strict=True):
        assert seed != other_seed
        assert count == other_count
    assert max(count for _, count in one) == pair.STEPS


def test_a_loss_scale_that_is_too_large_is_lowered_in_both(two):
    one, other = (ending(found, "dynamic_scale") for found in two["dropout"])
    assert 1 < one < pair.SCALE
    assert one == other
