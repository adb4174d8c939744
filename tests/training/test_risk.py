"""Minimum risk training: the expected risk of outputs, its gradient, and the outputs that are drawn for it."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seq2seq.inference.candidates import CandidateSampler, Drawing
from seq2seq.layers.options import DropoutOptions
from seq2seq.search.greedy import draw_by_id
from seq2seq.search.options import SearchOptions
from seq2seq.training.auxiliary import AgreementLoss
from seq2seq.training.objective import Objective
from seq2seq.training.risk import Candidates, RiskLoss, relative_risk
from seq2seq.types import Batch, Padded, source_of
from tests.inputs import named

INPUTS = named(np.array([[5, 6, 3], [7, 3, 0]], np.int32), np.array([[2, 9, 5], [2, 10, 0]], np.int32))
OUTPUT = np.array([[9, 5, 3], [10, 3, 0]], np.int32)
WEIGHTS = (OUTPUT != 0).astype("float32")
DRAWN = np.array([[[4, 5, 3], [6, 3, 0], [9, 5, 3]], [[3, 0, 0], [8, 3, 0], [8, 3, 0]]], np.int32)
RISKS = np.array([[0.9, 0.5, 0.0], [1.0, 0.25, 0.25]], np.float32)
COUNTED = np.array([[1, 1, 1], [1, 1, 0]], np.float32)
SHARPNESS = 0.3
DECODERS = {
    "before": {},
    "between": {"num_layers": 2, "attention_position": "between"},
    "fed": {"input_feeding": True, "attention_position": "after"},
    "none": {"attention": "none"},
}


def log_probs_of(model):
    """The log-probabilities of the outputs, each with a source of its own."""
    encoded = model.encode(Padded(*(np.repeat(INPUTS[name], 3, axis=0) for name in ("source", "source_mask"))))
    ids = DRAWN.reshape(6, 3)
    logits, _ = model.decode(np.insert(ids[:, :-1], 0, 2, axis=1), encoded, encoded.state)
    chosen = ops.sum(ops.log_softmax(logits) * ops.one_hot(ids, 12), axis=2)
    return ops.reshape(ops.sum(chosen * (ids != 0), axis=1), (2, 3))


def formula(log_probs):
    """The expected risk as it is written down, over the sharpness."""
    powers = ops.exp(SHARPNESS * log_probs) * COUNTED
    return ops.sum(RISKS * powers / ops.sum(powers, axis=1, keepdims=True)) / SHARPNESS


def inputs_with(log_probs, risks=RISKS, counted=COUNTED):
    first = np.concatenate([np.full((2, 3, 1), 2, np.int32), DRAWN[:, :, :-1]], axis=2)
    weights = ((DRAWN != 0) * counted[:, :, None]).astype("float32")
    return {**INPUTS, **Candidates(first, DRAWN, weights, np.asarray(log_probs), risks).extras()}


def loss_of(model, inputs, risk_rate, *more, weights=WEIGHTS):
    """The loss of an objective as a function, times the tokens."""
    terms = [RiskLoss(model.head, risk_rate, SHARPNESS)] if risk_rate else []
    objective = Objective(model, [*terms, *more])
    objective.compile("sgd")

    def loss():
        return objective.compute_loss(inputs, OUTPUT, objective(inputs, training=True), weights) * weights.sum()

    return loss


@pytest.mark.parametrize(
    "options",
    [*({"decoder": part} for part in DECODERS.values()), {"pointer": True, "tie": "all"}],
    ids=[*DECODERS, "pointer"],
)
def test_the_gradient_is_that_of_the_formula(build_model, gradients, options):
    model = build_model(**options)
    variables = model.trainable_variables
    inputs = inputs_with(ops.convert_to_numpy(log_probs_of(model)))
    _, expected = gradients(lambda: formula(log_probs_of(model)), variables)
    _, plain = gradients(loss_of(model, inputs, 0.0), variables)
    _, both = gradients(loss_of(model, inputs, 2.0), variables)
    assert max(np.abs(part).max() for part in expected if part is not None) > 0.01
    for got, without, want in zip(both, plain, expected, strict=True):
        wanted = 0.0 if want is None else 2.0 * want
        np.testing.assert_allclose(got, (0.0 if without is None else without) + wanted, atol=2e-4)


def test_the_value_is_the_expected_risk_above_that_of_even_probabilities(rng, array):
    log_probs = rng.normal(size=(2, 3)).astype("float32") * 5
    value, _ = relative_risk(log_probs, RISKS, COUNTED, SHARPNESS)
    mean = np.sum(RISKS * COUNTED / COUNTED.sum(axis=1, keepdims=True)) / SHARPNESS
    np.testing.assert_allclose(array(value).sum(), array(formula(log_probs)) - mean, rtol=1e-4)


@pytest.mark.parametrize("risk", [0.0, 0.37, 1.9])
@pytest.mark.parametrize("counted", [[1, 1, 1, 1, 1], [0, 1, 0, 1, 1], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]])
def test_of_equal_risks_and_of_a_single_output_the_gradient_is_exactly_0(rng, array, risk, counted):
    log_probs, counted = rng.normal(size=(1, 5)).astype("float32") * 30, np.array([counted], np.float32)
    risks = np.where(counted > 0, np.float32(risk), np.float32(0.5))
    value, pull = relative_risk(log_probs, risks, counted, 0.005)
    assert not array(value).any()
    assert not array(pull).any()


def test_two_passes_are_one_without_dropout_and_a_row_of_weight_0_has_no_risk(build_model, gradients, array):
    model = build_model()
    inputs, variables = inputs_with(LOG_PROBS), model.trainable_variables
    once = gradients(loss_of(model, inputs, 1.0), variables)
    twice = gradients(loss_of(model, inputs, 1.0, AgreementLoss(model.head)), variables)
    np.testing.assert_allclose(twice[0], once[0], rtol=1e-5)
    for got, expected in zip(twice[1], once[1], strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5)
    filler = WEIGHTS * np.array([[1], [0]], np.float32)
    both, plain = (array(loss_of(model, inputs, rate, weights=filler)()) for rate in (1.0, 0.0))
    alone = relative_risk(LOG_PROBS[:1], RISKS[:1], COUNTED[:1], SHARPNESS)[0]
    np.testing.assert_allclose(both - plain, array(alone)[0], rtol=1e-3)


LOG_PROBS = np.array([[-5.0, -3.0, -9.0], [-1.0, -7.0, -7.0]], np.float32)


def test_in_use_there_are_no_outputs_and_no_risk(build_model):
    model = build_model()
    objective = Objective(model, [RiskLoss(model.head)])
    assert set(objective(INPUTS)) == {"features"}


def test_draws_have_the_chances_of_the_softmax_and_never_what_is_forbidden(rng, array):
    logits = rng.normal(size=(1, 7)).astype("float32")
    logits[0, [0, 2, 6]] = -1e9
    uniforms = (np.arange(4000, dtype=np.float32) + 0.5) / 4000
    ids = array(draw_by_id(np.repeat(logits, 4000, axis=0), uniforms))
    chances = array(ops.softmax(logits))[0]
    np.testing.assert_allclose(np.bincount(ids, minlength=7) / 4000, chances, atol=3e-4)
    ends = array(draw_by_id(np.repeat(logits, 2, axis=0), np.array([0.0, np.nextafter(1, 0, dtype=np.float32)])))
    assert ends.tolist() == [1, 5]


class Numbers:
    """A tokeniser whose text is the ids."""

    def decode(self, rows):
        return [" ".join(map(str, row)) for row in rows]


@pytest.fixture(scope="module")
def sampled(build_model):
    """A model with dropout, and what draws for it; the risk of an output is its share of tokens that are not 5."""
    model = build_model(decoder={"dropout": DropoutOptions(outputs=0.5)})
    seen = []

    def measure(outputs, references):
        seen.append(references)
        return np.array([np.mean([word != "5" for word in text.split()] or [1.0]) for text in outputs])

    return model, CandidateSampler(model, Numbers(), measure, Drawing(4, SearchOptions(), seed=1)), seen


BATCH = Batch(source_of(INPUTS), INPUTS["target_input"], OUTPUT, WEIGHTS)


def test_outputs_are_scored_against_their_targets_and_have_the_models_probabilities(sampled):
    model, sampler, seen = sampled
    drawn = Candidates.of(sampler(BATCH, 0, 0))
    counted = drawn.weights.max(axis=2) > 0
    assert seen[-1] == [text for text, row in zip(["9 5 3", "10 3"], counted, strict=True) for _ in range(row.sum())]
    for row in range(2):
        encoded = model.encode(source_of({name: INPUTS[name][row : row + 1] for name in ("source", "source_mask")}))
        lines = [tuple(ids) for ids in drawn.output[row]]
        assert counted[row].tolist() == [line not in lines[:place] for place, line in enumerate(lines)]
        for place in np.flatnonzero(counted[row]):
            length = int(drawn.weights[row, place].sum())
            assert length - 1 <= 2 * WEIGHTS[row].sum()
            ids = drawn.output[row, place, :length]
            assert (ids[-1], ids[:-1].tolist()) == (3, drawn.input[row, place, 1:length].tolist())
            logits, _ = model.decode(drawn.input[row, place : place + 1, :length], encoded, encoded.state)
            logits = np.array(ops.convert_to_numpy(logits))
            logits[..., [0, 2]] = -1e9  # padding and BOS are never drawn
            log_prob = ops.convert_to_numpy(ops.log_softmax(logits))[0, np.arange(length), ids].sum()
            np.testing.assert_allclose(drawn.log_probs[row, place], log_prob, atol=1e-4)
            np.testing.assert_allclose(drawn.risks[row, place], np.mean(ids[:-1] != 5) if length > 1 else 1.0)


def test_draws_are_a_function_of_weights_epoch_and_step(sampled):
    _, sampler, _ = sampled
    first, again, *others = (Candidates.of(sampler(BATCH, *place)) for place in ((1, 2), (1, 2), (1, 3), (2, 2)))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert all(not np.array_equal(first.log_probs, other.log_probs) for other in others)


def test_a_filler_row_has_no_outputs_that_count(sampled):
    weights = WEIGHTS * [[1.0], [0.0]]
    drawn = Candidates.of(sampled[1](BATCH._replace(weights=weights.astype("float32")), 0, 0))
    assert drawn.weights[0].any()
    assert not drawn.weights[1].any()
    assert not drawn.risks[1].any()
