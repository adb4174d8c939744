"""The fused loss is plain cross-entropy, in little memory; and what `fit` reports is per token."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.layers.cross_entropy import fused_cross_entropy
from seq2seq.layers.heads import log_of
from seq2seq.training.auxiliary import CoverageLoss, coverage_loss
from seq2seq.training.objective import Objective
from tests.inputs import named
from tests.tensor_sizes import largest_tensor

ROWS, DIM, SIZE = 23, 4, 50
ONE_ROW = 4 * SIZE


@pytest.fixture
def problem(rng):
    features = rng.normal(size=(ROWS, DIM)).astype("float32")
    kernel = rng.normal(size=(SIZE, DIM)).astype("float32")
    bias = rng.normal(size=(SIZE,)).astype("float32")
    labels = rng.integers(0, SIZE, ROWS).astype("int32")
    labels[:4] = labels[4]  # one label more than once in a chunk
    weights = rng.choice([0.0, 0.5, 1.0], ROWS).astype("float32")
    return features, kernel, bias, labels, weights


def plain(features, kernel, bias, labels, weights, smoothing):
    """Keras' softmax cross-entropy on logits that stand whole: `(smoothed loss, negative log-likelihood)`."""
    logits = ops.matmul(features, ops.transpose(kernel)) + bias
    hard = ops.one_hot(labels, SIZE, dtype="float32")
    soft = (1 - smoothing) * hard + smoothing / SIZE
    return tuple(ops.sum(weights * ops.categorical_crossentropy(y, logits, from_logits=True)) for y in (soft, hard))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("chunk_rows", [1, 4, 23, 1000])
def test_values_and_gradients_equal_plain_cross_entropy(problem, gradients, array, smoothing, chunk_rows):
    *inputs, labels, weights = problem
    variables = [keras.Variable(x) for x in inputs]
    scale = 0.7  # what comes from above must be multiplied in

    def fused():
        x, k, b = (1.0 * v for v in variables)  # tensors, as a layer gives them
        return scale * fused_cross_entropy(x, k, b, labels, weights, smoothing, chunk_rows * ONE_ROW)[0]

    def reference():
        return scale * plain(*variables, labels, weights, smoothing)[0]

    value, found = gradients(fused, variables)
    wanted, expected = gradients(reference, variables)
    np.testing.assert_allclose(array(value), array(wanted), rtol=1e-5)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want, atol=2e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("budget", [1, 5 * ONE_ROW, 1 << 20])
def test_the_plain_likelihood_knows_no_smoothing(problem, array, training, budget):
    loss, nll = fused_cross_entropy(*problem, label_smoothing=0.2, budget=budget, training=training)
    wanted_loss, wanted_nll = plain(*problem, 0.2)
    np.testing.assert_allclose(array(loss), array(wanted_loss), rtol=1e-5)
    np.testing.assert_allclose(array(nll), array(wanted_nll), rtol=1e-5)


def test_the_plain_likelihood_carries_no_gradient(problem, gradients):
    features, *others = problem
    variable = keras.Variable(features)
    _, (found,) = gradients(lambda: fused_cross_entropy(variable + 0.0, *others)[1] + ops.sum(0 * variable), [variable])
    assert not np.any(found)


def test_a_row_of_weight_zero_does_not_count(problem, array):
    features, kernel, bias, labels, weights = problem
    kept = weights > 0
    assert 0 < kept.sum() < ROWS
    got = fused_cross_entropy(features, kernel, bias, labels, weights, 0.1, 3 * ONE_ROW)
    wanted = fused_cross_entropy(features[kept], kernel, bias, labels[kept], weights[kept], 0.1, 3 * ONE_ROW)
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(array(a), array(b), rtol=1e-5)


def test_logits_of_any_size_stay_finite(problem, array):
    features, *others = problem
    assert np.isfinite(array(fused_cross_entropy(1e4 * features, *others)[0]))


def fused_size(budget: int, problem, training: bool = True) -> int:
    """Bytes of the largest tensor that a step makes."""
    labels, weights = problem[3:]

    def loss(x, k, b):
        return fused_cross_entropy(x, k, b, labels, weights, 0.1, budget, training)[0]

    return largest_tensor(loss, problem[:3], training)


@pytest.mark.parametrize("training", [True, False])
def test_no_tensor_is_larger_than_the_budget(problem, training):
    budget = 6 * ONE_ROW
    assert budget > 4 * max(ROWS * DIM, SIZE * DIM)  # the inputs themselves
    assert fused_size(budget, problem, training) <= budget
    assert fused_size(ROWS * ONE_ROW, problem, training) == ROWS * ONE_ROW


class _Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@pytest.fixture
def batches():
    source = np.array([[5, 6, 3], [7, 3, 0]], np.int32)
    longer, shorter = (
        np.array([[5, 6, 7, 3], [8, 9, 10, 3]], np.int32),
        np.array([[9, 3, 0, 0], [4, 3, 0, 0]], np.int32),
    )
    found = []
    for target in (longer, shorter):
        given = np.concatenate([np.full((2, 1), 2, np.int32), target[:, :-1]], axis=1)
        found.append((named(source, given), target, (target != 0).astype("float32")))
    found[1][2][1] = 0.0  # a filler row
    return found


def token_nlls(model, batch, array):
    inputs, target, weights = batch
    logits = array(model(inputs)).astype(np.float64)
    top = logits - logits.max(-1, keepdims=True)
    picked = np.take_along_axis(top - np.log(np.exp(top).sum(-1, keepdims=True)), target[..., None], -1)[..., 0]
    return -picked[weights > 0]


def test_fit_reports_the_mean_likelihood_of_a_token_over_batches_of_any_size(build_model, batches, array):
    model = build_model()
    trainer = Objective(model, (), {"label_smoothing": 0.1})
    trainer.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    history = trainer.fit(_Batches(batches), epochs=1, verbose=0, shuffle=False).history
    nlls = [token_nlls(model, batch, array) for batch in batches]
    assert [len(n) for n in nlls] == [8, 2]
    np.testing.assert_allclose(history["nll"][0], np.concatenate(nlls).mean(), rtol=1e-5)
    found = trainer.evaluate(_Batches(batches), verbose=0, return_dict=True)
    np.testing.assert_allclose(found["nll"], np.concatenate(nlls).mean(), rtol=1e-5)


@pytest.mark.parametrize(("tie", "eager"), [("none", False), ("all", True)])
def test_fit_follows_the_gradient_of_the_mean_loss_of_a_token(build_model, batches, gradients, tie, eager):
    model, reference = build_model(tie=tie), build_model(tie=tie)
    trainer = Objective(model, (), {"budget": 1})
    trainer.compile(keras.optimizers.SGD(0.5), jit_compile=False, run_eagerly=eager)
    trainer.fit(_Batches(batches[:1]), epochs=1, verbose=0)
    inputs, target, weights = batches[0]

    def loss():
        losses = ops.sparse_categorical_crossentropy(target, reference(inputs), from_logits=True)
        return ops.sum(losses * weights) / weights.sum()

    _, found = gradients(loss, reference.trainable_variables)
    for variable, before, gradient in zip(model.trainable_variables, reference.trainable_variables, found, strict=True):
        np.testing.assert_allclose(variable.numpy(), before.numpy() - 0.5 * gradient, atol=1e-5)


@pytest.fixture
def mixture(rng):
    """A gate, and what is copied of each label; of some nothing."""
    gate = rng.uniform(0.05, 0.95, ROWS).astype("float32")
    copied = rng.uniform(0, 1, ROWS).astype("float32") * (np.arange(ROWS) % 3 > 0)
    return gate, copied.astype("float32")


def plain_mixture(features, kernel, bias, gate, copied, labels, weights, smoothing):
    """`(smoothed loss, negative log-likelihood)`, all probabilities made whole."""
    logits = ops.matmul(features, ops.transpose(kernel)) + bias
    softmax = ops.softmax(logits)
    hit = ops.sum(softmax * ops.one_hot(labels, SIZE, dtype="float32"), axis=1)
    nll = -ops.log(gate * hit + (1 - gate) * copied)
    spread = -ops.mean(ops.log_softmax(logits), axis=1)
    return ops.sum(weights * ((1 - smoothing) * nll + smoothing * spread)), ops.sum(weights * nll)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("chunk_rows", [1, 4, 23])
def test_a_pointers_values_and_gradients_equal_those_of_the_mixture(
    problem, mixture, gradients, array, smoothing, chunk_rows
):
    *inputs, labels, weights = problem
    variables = [keras.Variable(x) for x in (*inputs, *mixture)]

    def fused():
        x, k, b, gate, copied = (1.0 * v for v in variables)
        both = ops.log(gate), log_of(copied) + ops.log(1 - gate)
        return 0.7 * fused_cross_entropy(x, k, b, labels, weights, smoothing, chunk_rows * ONE_ROW, mixture=both)[0]

    def reference():
        return 0.7 * plain_mixture(*variables, labels, weights, smoothing)[0]

    value, found = gradients(fused, variables)
    wanted, expected = gradients(reference, variables)
    np.testing.assert_allclose(array(value), array(wanted), rtol=1e-5)
    for got, want in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-5)
    both = np.log(mixture[0]), array(log_of(mixture[1])) + np.log(1 - mixture[0])
    for training in (True, False):
        pair = fused_cross_entropy(*problem, smoothing, chunk_rows * ONE_ROW, training, both)
        for got, want in zip(pair, plain_mixture(*inputs, *mixture, labels, weights, smoothing), strict=True):
            np.testing.assert_allclose(array(got), array(want), rtol=1e-5)


@pytest.mark.parametrize(("order", "eager"), [("before", True), ("after", False)])
def test_fit_trains_a_pointer_on_the_likelihood_of_its_logits(build_model, batches, gradients, array, order, eager):
    model, reference = (build_model(tie="all", pointer=True, decoder={"attention_position": order}) for _ in range(2))
    trainer = Objective(model, (), {"budget": 1})
    trainer.compile(keras.optimizers.SGD(0.5), jit_compile=False, run_eagerly=eager)
    nlls = np.concatenate([token_nlls(model, batch, array) for batch in batches])
    np.testing.assert_allclose(
        trainer.evaluate(_Batches(batches), verbose=0, return_dict=True)["nll"], nlls.mean(), rtol=1e-5
    )
    trainer.fit(_Batches(batches[:1]), epochs=1, verbose=0)
    inputs, target, weights = batches[0]

    def loss():
        losses = ops.sparse_categorical_crossentropy(target, reference(inputs), from_logits=True)
        return ops.sum(losses * weights) / weights.sum()

    _, found = gradients(loss, reference.trainable_variables)
    for variable, before, gradient in zip(model.trainable_variables, reference.trainable_variables, found, strict=True):
        np.testing.assert_allclose(array(variable), array(before) - 0.5 * gradient, atol=2e-5)


def test_the_loss_of_coverage_is_what_went_where_it_was_before(rng, array):
    attention = rng.dirichlet(np.ones(4), (2, 3)).astype("float32")
    weights = np.array([[1, 1, 1], [1, 1, 0]], "float32")
    wanted = 0.0
    for row in range(2):
        for t in range(3):
            seen = attention[row, :t].sum(0)
            wanted += weights[row, t] * np.minimum(attention[row, t], seen).sum()
    np.testing.assert_allclose(array(coverage_loss(attention, weights)), wanted, rtol=1e-5)


def test_the_loss_of_coverage_counts_only_once_it_is_switched_on(build_model, batches):
    trainer = Objective(build_model(decoder={"coverage": True}), [CoverageLoss()])
    trainer.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    losses = []
    for rate in (0.0, 2.0):
        trainer.rates["coverage"].assign(rate)
        found = trainer.evaluate(_Batches(batches), verbose=0, return_dict=True)
        losses.append((found["loss"], found["nll"]))
    assert losses[1][0] > losses[0][0] + 0.1
    assert losses[1][1] == losses[0][1]
