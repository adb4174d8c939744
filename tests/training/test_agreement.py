"""Two passes over a batch that agree: the divergence in little memory, and what it adds to an objective."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.layers.divergence import fused_divergence
from seq2seq.layers.options import DropoutOptions
from seq2seq.training.auxiliary import AgreementLoss
from seq2seq.training.objective import Objective
from tests.inputs import named
from tests.tensor_sizes import largest_tensor

ROWS, DIM, SIZE = 23, 4, 50
ONE_ROW = 2 * 4 * SIZE
INPUTS = named(np.array([[5, 6, 3], [7, 3, 0]], np.int32), np.array([[2, 9, 5], [2, 10, 0]], np.int32))
OUTPUT = np.array([[9, 5, 3], [10, 3, 0]], np.int32)
WEIGHTS = (OUTPUT != 0).astype("float32")


@pytest.fixture
def problem(rng):
    first, second = (rng.normal(size=(ROWS, DIM)).astype("float32") for _ in range(2))
    kernel, bias = rng.normal(size=(SIZE, DIM)).astype("float32"), rng.normal(size=(SIZE,)).astype("float32")
    return (first, second, kernel, bias), rng.choice([0.0, 0.5, 1.0], ROWS).astype("float32")


def plain(first, second, kernel, bias, weights):
    """Keras' own divergences of whole distributions, in both directions."""
    p, q = (ops.softmax(ops.matmul(x, ops.transpose(kernel)) + bias) for x in (first, second))
    both = keras.losses.kl_divergence(p, q) + keras.losses.kl_divergence(q, p)
    return ops.sum(weights * both) / 2


@pytest.mark.parametrize("chunk_rows", [1, 4, 23, 1000])
def test_values_and_gradients_equal_the_plain_divergence(problem, gradients, array, chunk_rows):
    inputs, weights = problem
    variables = [keras.Variable(x) for x in inputs]

    def fused():
        return 0.7 * fused_divergence(*(1.0 * v for v in variables), weights, chunk_rows * ONE_ROW)

    value, found = gradients(fused, variables)
    wanted, expected = gradients(lambda: 0.7 * plain(*variables, weights), variables)
    np.testing.assert_allclose(array(value), array(wanted), rtol=1e-4)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want, atol=2e-5)
    alone = fused_divergence(*inputs, weights, chunk_rows * ONE_ROW, training=False)
    np.testing.assert_allclose(0.7 * array(alone), array(value), rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_no_tensor_is_larger_than_the_budget(problem, training):
    inputs, weights = problem
    budget = 6 * ONE_ROW

    def loss(*inputs):
        return fused_divergence(*inputs, weights, budget, training)

    assert budget > 4 * max(ROWS * DIM, SIZE * DIM)  # the inputs themselves
    assert largest_tensor(loss, inputs, training) <= budget


def test_outputs_of_any_size_stay_finite(problem, array):
    (first, second, *others), weights = problem
    assert np.isfinite(array(fused_divergence(1e4 * first, 1e4 * second, *others, weights)))


def trained(model, terms, **options):
    """Loss, mean negative log-likelihood and weights after a step of an objective."""
    objective = Objective(model, terms, **options)
    objective.compile(keras.optimizers.SGD(0.1))
    found = objective.train_on_batch(INPUTS, OUTPUT, sample_weight=WEIGHTS, return_dict=True)
    return found["loss"], found["nll"], model.get_weights()


def test_without_dropout_two_passes_are_one(build_model):
    one = build_model()
    loss, nll, weights = trained(one, [])
    other = build_model()
    twice = trained(other, [AgreementLoss(other.head)])
    assert twice[:2] == pytest.approx((loss, nll), rel=1e-5)
    for got, expected in zip(twice[2], weights, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_the_loss_is_that_of_both_passes_and_a_quarter_of_their_divergences(build_model, array):
    model = build_model(decoder={"dropout": DropoutOptions(outputs=0.5)})
    objective = Objective(model, [AgreementLoss(model.head, rate=5.0)])
    objective.compile("sgd", run_eagerly=True)
    outputs = objective(INPUTS, training=True)
    loss = array(objective.compute_loss(INPUTS, OUTPUT, outputs, WEIGHTS, training=True))
    first, second = (ops.reshape(outputs["features"], (2, 6, -1))[i] for i in (0, 1))
    kernel, bias = model.head.kernel_and_bias()
    flat = WEIGHTS.reshape(-1)
    nats = [
        ops.sparse_categorical_crossentropy(OUTPUT.reshape(-1), ops.matmul(x, ops.transpose(kernel)) + bias, True)
        for x in (first, second)
    ]
    apart = array(plain(first, second, kernel, bias, flat))
    assert apart > 0.01
    expected = (array(ops.sum(flat * (nats[0] + nats[1]))) / 2 + 5.0 / 4 * 2 * apart) / flat.sum()
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def test_in_use_there_is_one_pass_and_no_divergence(build_model):
    model = build_model(decoder={"dropout": DropoutOptions(outputs=0.5)})
    found = []
    for terms in ([], [AgreementLoss(model.head)]):
        objective = Objective(model, terms)
        objective.compile("sgd")
        found.append(objective.evaluate(INPUTS, OUTPUT, sample_weight=WEIGHTS, verbose=0))
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert objective(INPUTS)["features"].shape[0] == 2
