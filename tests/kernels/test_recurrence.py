"""The loops whose gradients are written by hand give what automatic differentiation of the generic loop gives."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.layers import recurrence
from tests.inputs import named, padded

if keras.backend.backend() != "tensorflow":
    pytest.skip("the kernels are TensorFlow's", allow_module_level=True)

KINDS = {
    "gru": ({}, {}),
    "lstm": ({"cell": "lstm"}, {"cell": "lstm"}),
    "query_input": ({"num_layers": 2}, {"query_input": True, "num_layers": 2, "attention_units": 3}),
    "lstm_query_input": ({}, {"cell": "lstm", "query_input": True, "bridge": "copy"}),
    "between": ({"bidirectional": False}, {"attention_position": "between", "num_layers": 2}),
    "after": (
        {"cell": "lstm", "num_layers": 2},
        {"attention_position": "after", "attention": "general", "cell": "lstm"},
    ),
    "conditional": ({}, {"attention_position": "conditional", "num_layers": 2, "attention_units": 3}),
    "lstm_conditional": ({}, {"cell": "lstm", "attention_position": "conditional", "bridge": "copy"}),
    "none": ({}, {"attention": "none", "readout_units": None, "units": 5}),
}


@pytest.fixture
def used(monkeypatch):
    """The cells that ran by kernels."""
    from seq2seq.kernels import conditional
    from seq2seq.kernels import recurrence as kernels

    class Calls(list):
        def off(self):
            """Makes the generic loop run from here on."""
            for module in (recurrence, decoder):
                monkeypatch.setattr(
                    module, "choose_implementation", lambda *_, **__: recurrence.Implementation("loop", "")
                )

    from seq2seq.layers import decoder

    calls = Calls()

    def record(run):
        return lambda cell, *rest, **options: calls.append(cell) or run(cell, *rest, **options)

    for module in (kernels, conditional):
        monkeypatch.setattr(module, "run", record(module.run))
    return calls


@pytest.fixture
def batch(rng):
    source, target = rng.integers(4, 12, (3, 4)), rng.integers(4, 12, (3, 3))
    source[1, 2:], source[2, 1:] = 0, 0
    return source, target


def step(model, batch, graph=False):
    """The loss of features that each count differently, its gradients, and what they are of."""
    import tensorflow as tf

    source, target = batch
    variables = [*model.encoder.trainable_variables, *model.decoder.trainable_variables]

    def run():
        with tf.GradientTape() as tape:
            encoded = model.encode(padded(source), training=True)
            output = model.decode_features(target, encoded, encoded.state, training=True)
            features = tf.cast(model.head_features(output, encoded), "float32")
            places = tf.range(tf.size(features), dtype="float32")
            value = tf.reduce_sum(tf.sin(features + tf.reshape(places, tf.shape(features))))
        return value, [tf.convert_to_tensor(g) for g in tape.gradient(value, [v.value for v in variables])]

    value, found = tf.function(run, autograph=False)() if graph else run()
    return float(value), [g.numpy() for g in found], [v.path for v in variables]


@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_those_of_the_generic_loop(build_model, batch, used, kind):
    model = build_model(*KINDS[kind])
    found = [step(model, batch, graph) for graph in (True, False)]
    assert len(used) == 2 * (sum(len(layer) for layer in model.encoder.layers) + len(model.decoder.cells))
    used.off()
    expected, automatic, names = step(model, batch)
    for value, by_hand, _ in found:
        assert value == pytest.approx(expected, rel=1e-6)
        for name, got, reference in zip(names, by_hand, automatic, strict=True):
            np.testing.assert_allclose(got, reference, atol=1e-6 + 1e-5 * abs(reference).max(), err_msg=name)


def test_in_bfloat16_they_are_as_near_to_float32_as_those_of_the_generic_loop(build_model, batch, used):
    def errors(exact):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            found = step(build_model(), batch)[1]
        finally:
            keras.config.set_dtype_policy("float32")
        pairs = [pair for pair in zip(found, exact, strict=True) if abs(pair[1]).max() > 1e-6]
        return np.mean([abs(rounded - whole).max() / abs(whole).max() for rounded, whole in pairs])

    exact = step(build_model(), batch)[1]
    by_hand = errors(exact)
    used.off()
    assert by_hand < 1.5 * errors(exact) < 0.1


def test_without_training_the_generic_loop_runs(build_model, batch, used):
    model = build_model()
    model(named(batch[0], batch[1]))
    assert not used
