"""The pointer mixes two distributions into one; coverage is the attention so far."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.layers.attention import ATTENTIONS
from seq2seq.layers.decoder_state import track_coverage
from seq2seq.layers.heads import CopyGate
from tests.decoders import make_decoder
from tests.inputs import padded

SIZE = 9
SOURCE = np.array([[5, 6, 5, 3], [8, 3, 0, 0]], np.int32)  # 5 is there twice
MASK = SOURCE != 0


@pytest.fixture
def gate(randomize):
    layer = CopyGate()
    layer.build((None, None, 4))
    return randomize(layer)


@pytest.fixture
def parts(rng):
    """Logits, features and weights of 2 sources x 3 rows that share each, 2 steps."""
    weights = rng.random((6, 2, 4)) * np.repeat(MASK, 3, axis=0)[:, None]
    return (
        rng.normal(size=(6, 2, SIZE)).astype("float32"),
        rng.normal(size=(6, 2, 4)).astype("float32"),
        (weights / weights.sum(-1, keepdims=True)).astype("float32"),
    )


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_the_mixture_is_the_sum_of_both_distributions(gate, parts, array):
    logits, features, weights = parts
    g = np.exp(array(gate(features)[0]))[..., None]
    copied = np.zeros_like(logits)
    for row in range(6):
        for place, token in enumerate(SOURCE[row // 3]):
            copied[row, :, token] += weights[row, :, place]
    mixed = np.exp(array(gate.mix(logits, gate(features), weights, padded(SOURCE))))
    np.testing.assert_allclose(mixed, g * softmax(logits) + (1 - g) * copied, atol=1e-6)
    np.testing.assert_allclose(mixed.sum(-1), 1, atol=1e-5)


def test_both_gates_are_one_together_and_far_from_overflow(gate, array):
    both = [array(part) for part in gate(np.array([[[1e4] * 4, [-1e4] * 4, [0.0] * 4]], "float32"))]
    assert np.isfinite(both).all()
    np.testing.assert_allclose(np.exp(both[0]) + np.exp(both[1]), 1, atol=1e-6)


def test_what_is_copied_of_a_label_is_its_part_of_the_mixture(gate, parts, array, rng):
    logits, features, weights = parts
    labels = rng.integers(0, SIZE, (6, 2)).astype("int32")
    labels[0, 0] = 5
    generate, copy = (array(part) for part in gate(features))
    copied = array(gate.copied(weights, np.repeat(SOURCE, 3, axis=0), labels))
    whole = np.exp(generate) * np.take_along_axis(softmax(logits), labels[..., None], 2)[..., 0] + np.exp(copy) * copied
    mixed = np.take_along_axis(
        np.exp(array(gate.mix(logits, (generate, copy), weights, padded(SOURCE)))), labels[..., None], 2
    )
    np.testing.assert_allclose(mixed[..., 0], whole, atol=1e-6)
    np.testing.assert_allclose(copied[0, 0], weights[0, 0, 0] + weights[0, 0, 2], atol=1e-6)


PLACES = {
    "before": {"attention_position": "before"},
    "between": {"attention_position": "between", "num_layers": 2},
    "after": {"attention_position": "after"},
    "conditional": {"attention_position": "conditional"},
    "fed": {"attention_position": "after", "input_feeding": True},
    "fed before": {"attention_position": "before", "input_feeding": True, "num_layers": 2},
}


@pytest.fixture
def decoder_of(randomize, array, rng):
    """Makes a decoder and runs it over the same numbers; `without` gives it the weights of another that has more."""
    values = rng.normal(size=(2, 4, 6)).astype("float32")
    inputs = rng.normal(size=(2, 3, 3)).astype("float32")

    def run(**options):
        decoder = make_decoder(6, readout_units=5, attention_units=6, heads=2, **options)
        decoder.build((None, None, 3), 6, [[6]])
        return randomize(decoder), inputs, values

    return run


def outputs(decoder, inputs, values):
    memory = decoder.build_memory(values, MASK)
    state = decoder.initial_state([[values[:, 0]]], memory)
    return decoder(inputs, memory, state), memory, state


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_coverage_that_weighs_nothing_changes_nothing(decoder_of, array, attention, place):
    covered, inputs, values = decoder_of(attention=attention, coverage=True, **PLACES[place])
    covered.attention_layer.coverage_weight.assign(0 * covered.attention_layer.coverage_weight)
    plain, *_ = decoder_of(attention=attention, **PLACES[place])
    plain.set_weights([array(w) for w in covered.weights if w is not covered.attention_layer.coverage_weight])
    (got, *_), (expected, memory, _) = outputs(covered, inputs, values), outputs(plain, inputs, values)
    np.testing.assert_allclose(array(got.features), array(expected.features), atol=1e-5)
    np.testing.assert_allclose(array(got.weights), array(plain.align(expected, memory)), atol=1e-5)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_coverage_is_the_sum_of_the_weights_and_matters(decoder_of, array, attention, place):
    decoder, inputs, values = decoder_of(attention=attention, coverage=True, **PLACES[place])
    decoder.attention_layer.coverage_weight.assign(0 * decoder.attention_layer.coverage_weight - 3.0)
    output, memory, state = outputs(decoder, inputs, values)
    weights = array(output.weights)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert not weights[~np.broadcast_to(MASK[:, None], weights.shape)].any()
    np.testing.assert_allclose(array(output.state.coverage[0]), weights.sum(1), atol=1e-5)
    # The second step alone, its coverage put in by hand.
    again = decoder(inputs[:, :1], memory, state._replace(coverage=(weights[:, 0],)))
    assert np.abs(array(again.weights)[:, 0] - weights[:, 0]).max() > 1e-3


def test_coverage_can_be_tracked_without_attending_with_it(decoder_of, array):
    decoder, inputs, values = decoder_of()
    plain, memory, state = outputs(decoder, inputs, values)
    tracked = decoder(inputs, memory, track_coverage(state, memory))
    np.testing.assert_allclose(array(tracked.state.coverage[0]), array(decoder.align(plain, memory)).sum(1), atol=1e-5)
    np.testing.assert_array_equal(array(tracked.features), array(plain.features))
