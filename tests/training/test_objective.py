"""An objective knows no term: it adds up those that it is given."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import pytest

from seq2seq.training.auxiliary import CoverageLoss
from seq2seq.training.objective import Objective
from tests.inputs import named

INPUTS = named(np.array([[5, 6, 3], [7, 3, 0]], np.int32), np.array([[2, 9, 5], [2, 10, 0]], np.int32))
OUTPUT = np.array([[9, 5, 3], [10, 3, 0]], np.int32)
WEIGHTS = (OUTPUT != 0).astype("float32")


@dataclass(frozen=True)
class Constant:
    """A term of this sum."""

    value: float
    name: str = "constant"
    rate: float = 1.0
    needs_attention: bool = False
    needs_two_passes: bool = False
    extras: tuple[str, ...] = ()

    def __call__(self, batch, outputs):
        assert (outputs.attention is not None) == self.needs_attention
        return self.value * keras.ops.sum(batch.weights)


def losses(objective, inputs=INPUTS):
    objective.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    found = objective.evaluate(inputs, OUTPUT, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    return found["loss"], found["nll"]


def test_terms_are_added_to_the_loss_of_the_head_times_their_rates(build_model):
    model = build_model()
    alone = losses(Objective(model))
    assert alone[0] == pytest.approx(alone[1], rel=1e-6)
    both = Objective(model, [Constant(2.0), Constant(3.0, "other", rate=0.5, needs_attention=False)])
    assert losses(both) == pytest.approx((alone[0] + 3.5, alone[1]), rel=1e-5)
    both.rates["constant"].assign(0.0)
    assert losses(both) == pytest.approx((alone[0] + 1.5, alone[1]), rel=1e-5)


def test_a_term_does_not_count_in_a_batch_without_its_extras(build_model):
    model = build_model()
    objective = Objective(model, [Constant(2.0, extras=("more",), needs_attention=True)])
    assert losses(objective) == pytest.approx(losses(Objective(model)), rel=1e-6)
    with_it = losses(objective, {**INPUTS, "more": np.ones((2, 1), "float32")})
    assert with_it[0] == pytest.approx(with_it[1] + 2.0, rel=1e-5)


def test_two_terms_of_one_name_are_refused(build_model):
    with pytest.raises(ValueError, match=r"different names\. Received: coverage, coverage"):
        Objective(build_model(), [CoverageLoss(), CoverageLoss(2.0)])


def test_without_weights_every_step_counts(build_model):
    objective = Objective(build_model())
    objective.compile("sgd", run_eagerly=True)
    found = objective.evaluate(INPUTS, OUTPUT, verbose=0, return_dict=True)
    logits = keras.ops.convert_to_numpy(objective.model(INPUTS))
    expected = keras.ops.sparse_categorical_crossentropy(OUTPUT, logits, from_logits=True)
    assert found["nll"] == pytest.approx(float(keras.ops.mean(expected)), rel=1e-5)
