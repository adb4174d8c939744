"""A selector learns which pieces of the source are linked to a target piece."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.training.auxiliary import SelectorLoss, selector_loss
from seq2seq.training.objective import Objective, Outputs
from seq2seq.types import Batch
from tests.inputs import named, padded

SOURCE = np.array([[5, 6, 7, 8, 3], [8, 9, 3, 0, 0]], np.int32)
MASK = SOURCE != 0
TARGET = np.array([[9, 10, 11, 3], [4, 6, 3, 0]], np.int32)


@pytest.fixture
def guide():
    """Of the first source the pieces 1 and 2 are linked, 2 twice, and of the second piece 0."""
    found = np.zeros((2, 4, 5), np.float32)
    found[0, 0, 2] = found[0, 1, 1] = found[1, 0, 0] = 1.0
    found[0, 2, 1:3] = 0.5
    return found


@pytest.fixture
def batch(guide):
    given = np.concatenate([np.full((2, 1), 2, np.int32), TARGET[:, :-1]], axis=1)
    return named(SOURCE, given, alignment=guide), TARGET, (TARGET != 0).astype("float32")


def test_the_loss_is_the_cross_entropy_of_the_pieces_without_eos(rng, array, guide):
    keep = rng.normal(size=SOURCE.shape).astype("float32")
    chances = 1 / (1 + np.exp(-keep.astype(np.float64)))
    linked = np.array([[0, 1, 1, 0], [1, 0, 0, 0]], bool)
    real = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)
    wanted = -np.log(np.where(linked, chances[:, :4], 1 - chances[:, :4]))[real].sum()
    weights = (TARGET != 0).astype("float32")
    np.testing.assert_allclose(array(selector_loss(keep, guide, MASK, weights)), wanted, rtol=1e-5)


def test_padding_and_rows_of_no_weight_change_nothing(rng, array, guide):
    keep, weights = rng.normal(size=SOURCE.shape).astype("float32"), (TARGET != 0).astype("float32")
    wanted = array(selector_loss(keep, guide, MASK, weights))
    more = [(0, 1), (0, 2), (0, 3)]
    wide = np.pad(keep, more[::2]), np.pad(guide, more), np.pad(MASK, more[::2]), np.pad(weights, more[:2])
    np.testing.assert_allclose(array(selector_loss(*wide)), wanted, rtol=1e-6)


@pytest.mark.parametrize("odds", [-1e4, 1e4])
def test_being_sure_costs_what_it_is_wrong_by_and_stays_finite(array, guide, odds):
    keep, weights = np.full(SOURCE.shape, odds, np.float32), np.ones(TARGET.shape, np.float32)
    # Of six pieces three are linked.
    np.testing.assert_allclose(array(selector_loss(keep, guide, MASK, weights)), 3e4, rtol=1e-6)


def test_fit_learns_what_to_keep(build_model, batch, array):
    model = build_model(selector=True, pointer=True)
    trainer = Objective(model, [SelectorLoss(1.0)])
    trainer.compile(keras.optimizers.Adam(0.05), jit_compile=False)
    for _ in range(40):
        trainer.train_on_batch(*batch)
    found = array(model.keep_probabilities(model.encode(padded(SOURCE))))
    assert (found[0, :4] > 0.5).tolist() == [False, True, True, False]
    assert (found[1, :2] > 0.5).tolist() == [True, False]


@pytest.mark.parametrize("pointer", [False, True])
def test_its_gradient_makes_the_choices_better(build_model, batch, array, gradients, pointer):
    model = build_model(selector=True, pointer=pointer)
    inputs, target, weights = batch
    term = SelectorLoss(1.0)
    objective = Objective(model, [term])
    objective.build()

    def loss():
        outputs = Outputs(**objective(inputs, training=True))
        return term(Batch.of(inputs, target, weights), outputs)

    def distance():
        return float(array(selector_loss(model.encode(padded(SOURCE)).keep, inputs["alignment"], MASK, weights)))

    value, found = gradients(loss, objective.trainable_variables)
    before = distance()
    assert float(value) == pytest.approx(before, rel=1e-5)
    pairs = [(v, g) for v, g in zip(objective.trainable_variables, found, strict=True) if g is not None]
    square = sum(float((g**2).sum()) for _, g in pairs)
    rate = 0.01 * before / square
    for variable, g in pairs:
        variable.assign_sub(rate * g)
    assert before - distance() == pytest.approx(rate * square, rel=0.1)


def test_the_loss_is_that_of_the_pieces_and_the_weighted_choices_a_token(build_model, batch, array):
    model = build_model(selector=True)
    inputs, target, weights = batch
    without = {name: part for name, part in inputs.items() if name != "alignment"}
    keep = model.encode(padded(SOURCE)).keep
    choices = float(array(selector_loss(keep, inputs["alignment"], MASK, weights)))
    found = {}
    for rate, given in ((0.0, inputs), (2.0, without), (2.0, inputs)):
        trainer = Objective(model, [SelectorLoss(rate)])
        trainer.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        values = trainer.evaluate(given, target, sample_weight=weights, verbose=0, return_dict=True)
        found[rate, "alignment" in given] = values["loss"], values["nll"]
    assert found[0.0, True] == pytest.approx(found[2.0, False], rel=1e-6)
    assert found[2.0, True][1] == pytest.approx(found[2.0, False][1], rel=1e-6)
    assert found[2.0, True][0] == pytest.approx(found[2.0, False][0] + 2 * choices / weights.sum(), rel=1e-5)
