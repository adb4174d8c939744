"""Attention that is guided goes where it should, and where nobody guides it nothing changes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.training.auxiliary import AlignmentLoss, alignment_loss
from seq2seq.training.objective import Objective, Outputs
from seq2seq.types import Batch
from tests.inputs import named, padded


@pytest.fixture
def batch():
    """`(inputs, target, weights)`; the second row has padding and a piece without links."""
    source = np.array([[5, 6, 7, 3], [8, 3, 0, 0]], np.int32)
    target = np.array([[9, 10, 11, 3], [4, 6, 3, 0]], np.int32)
    given = np.concatenate([np.full((2, 1), 2, np.int32), target[:, :-1]], axis=1)
    guide = np.zeros((2, 4, 4), np.float32)
    guide[0, 0, 2] = guide[0, 1, 1] = guide[1, 0, 0] = 1.0
    guide[0, 2, :2] = 0.5
    return named(source, given, alignment=guide), target, (target != 0).astype("float32")


def test_attention_that_is_the_given_one_costs_nothing(array):
    guide = np.eye(3, dtype="float32")[None, [2, 0, 1]]
    assert array(alignment_loss(guide, guide, np.ones((1, 3), "float32"))) == 0
    assert array(alignment_loss(guide[:, :, ::-1], guide, np.ones((1, 3), "float32"))) > 1


def test_the_loss_is_the_cross_entropy_of_the_pieces_that_have_links(rng, array, batch):
    inputs, _, weights = batch
    guide = inputs["alignment"]
    attention = rng.dirichlet(np.ones(4), (2, 4)).astype("float32")
    wanted = -np.log([attention[0, 0, 2], attention[0, 1, 1], attention[1, 0, 0]]).sum()
    wanted -= 0.5 * np.log(attention[0, 2, :2]).sum()
    np.testing.assert_allclose(array(alignment_loss(attention, guide, weights)), wanted, rtol=1e-5)


def test_padding_and_rows_of_no_weight_change_nothing(rng, array, batch):
    inputs, _, weights = batch
    guide = inputs["alignment"]
    attention = rng.dirichlet(np.ones(4), (2, 4)).astype("float32")
    wanted = array(alignment_loss(attention, guide, weights))
    more = [(0, 1), (0, 2), (0, 3)]
    wide = alignment_loss(np.pad(attention, more), np.pad(guide, more), np.pad(weights, more[:2]))
    np.testing.assert_array_equal(array(wide), wanted)
    again = [np.concatenate([part, part]) for part in (attention, guide, weights)]
    again[2][2:] = 0.0
    np.testing.assert_allclose(array(alignment_loss(*again)), wanted, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_gradient_stays_finite_where_there_is_no_attention_at_all(gradients, dtype):
    scores = keras.Variable(np.array([[[60.0, -60.0, 0.0]]], "float32"), dtype="float32")
    guide = np.array([[[0.0, 1.0, 0.0]]], "float32")

    def loss():
        return alignment_loss(ops.softmax(ops.cast(scores, dtype)), guide, np.ones((1, 1), "float32"))

    value, (found,) = gradients(loss, [scores])
    assert np.isfinite(float(value))
    assert np.isfinite(np.asarray(found, "float32")).all()


KINDS = {
    "before": {"decoder": {"attention_position": "before"}},
    "after": {"decoder": {"attention_position": "after"}},
    "between": {"decoder": {"attention_position": "between", "num_layers": 2}},
    "general": {"decoder": {"attention_position": "after", "attention": "general"}},
    "heads": {"decoder": {"attention": "multi_head", "heads": 2}},
    "feeding": {"decoder": {"input_feeding": True}},
    "coverage": {"decoder": {"coverage": True}},
    "pointer": {"tie": "all", "pointer": True},
}


def distance(model, batch, array):
    """How far attention is from the alignment, by the model's own `align`."""
    inputs, _, weights = batch
    encoded = model.encode(padded(inputs["source"]))
    attention = model.align(inputs["target_input"], encoded, encoded.state)
    return float(array(alignment_loss(attention, inputs["alignment"], weights)))


@pytest.mark.parametrize("kind", KINDS)
def test_its_gradient_moves_attention_to_where_it_is_guided(build_model, batch, array, gradients, kind):
    model = build_model(**KINDS[kind])
    inputs, target, weights = batch
    term = AlignmentLoss(1.0)
    objective = Objective(model, [term])
    objective.build()

    def loss():
        outputs = Outputs(**objective(inputs, training=True))
        return term(Batch.of(inputs, target, weights), outputs)

    value, found = gradients(loss, objective.trainable_variables)
    before = distance(model, batch, array)
    assert float(value) == pytest.approx(before, rel=1e-5)
    pairs = [(variable, g) for variable, g in zip(objective.trainable_variables, found, strict=True) if g is not None]
    square = sum(float((g**2).sum()) for _, g in pairs)
    rate = 0.01 * before / square
    for variable, g in pairs:
        variable.assign_sub(rate * g)
    # Along its gradient it falls as fast as the gradient says.
    assert before - distance(model, batch, array) == pytest.approx(rate * square, rel=0.1)


def test_fit_moves_attention_to_where_it_is_guided(build_model, batch, array):
    model = build_model(**KINDS["pointer"])
    trainer = Objective(model, [AlignmentLoss(1.0)])
    trainer.compile(keras.optimizers.Adam(0.05), jit_compile=False)
    before = distance(model, batch, array)
    for _ in range(12):
        trainer.train_on_batch(*batch)
    assert distance(model, batch, array) < 0.7 * before


def test_the_loss_is_that_of_the_pieces_and_the_weighted_guides_a_token(build_model, batch, array):
    model = build_model()
    inputs, target, weights = batch
    given, guide = inputs["target_input"], inputs["alignment"]
    without = {name: part for name, part in inputs.items() if name != "alignment"}
    encoded = model.encode(padded(inputs["source"]))
    guided = float(array(alignment_loss(model.align(given, encoded, encoded.state), guide, weights)))
    found = {}
    for rate, given in ((0.0, without), (2.0, without), (2.0, inputs)):
        trainer = Objective(model, [AlignmentLoss(rate)])
        trainer.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        values = trainer.evaluate(given, target, sample_weight=weights, verbose=0, return_dict=True)
        found[rate, len(given)] = values["loss"], values["nll"]
    assert found[0.0, 3] == found[2.0, 3]
    assert found[2.0, 4][1] == pytest.approx(found[0.0, 3][1], rel=1e-6)
    assert found[2.0, 4][0] == pytest.approx(found[0.0, 3][0] + 2 * guided / weights.sum(), rel=1e-5)
