"""The loops whose gradients are written by hand give what automatic differentiation of the generic loop gives."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.layers import recurrence
from seq2seq.training.objective import Objective
from tests.inputs import named

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
    "none": ({}, {"attention": "none", "readout_units": None, "units": 5}),
}


@pytest.fixture
def used(monkeypatch):
    """The cells that ran by kernels."""
    from seq2seq.kernels import recurrence as kernels

    class Calls(list):
        def off(self):
            """Makes the generic loop run from here on."""
            for module in (recurrence, decoder):
                monkeypatch.setattr(
                    module, "choose_implementation", lambda *_, **__: recurrence.Implementation("loop", "")
                )

    from seq2seq.layers import decoder

    calls, run = Calls(), kernels.run
    monkeypatch.setattr(
        kernels, "run", lambda cell, *rest, **options: calls.append(cell) or run(cell, *rest, **options)
    )
    return calls


@pytest.fixture
def batch(rng):
    source, target = rng.integers(4, 12, (3, 6)), rng.integers(4, 12, (3, 5))
    source[1, 4:], source[2, 1:] = 0, 0
    return source, target, np.ones_like(target, "float32")


def step(model, batch, graph):
    import tensorflow as tf

    source, target, weights = batch
    objective = Objective(model, (), {"label_smoothing": 0.1})
    objective.build()
    variables = objective.trainable_variables

    def loss():
        features = objective(named(source, target), training=True)
        return objective.compute_loss(named(source, target), target, features, weights)

    def run():
        with tf.GradientTape() as tape:
            value = loss()
        return value, [tf.convert_to_tensor(g) for g in tape.gradient(value, [v.value for v in variables])]

    value, found = tf.function(run, autograph=False)() if graph else run()
    return float(value), [g.numpy() for g in found], [v.path for v in variables]


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "eager"])
@pytest.mark.parametrize("kind", KINDS)
def test_values_and_gradients_are_those_of_the_generic_loop(build_model, batch, used, kind, graph):
    model = build_model(*KINDS[kind])
    loss, by_hand, names = step(model, batch, graph)
    assert len(used) == sum(len(layer) for layer in model.encoder.layers) + len(model.decoder.cells)
    used.off()
    expected, automatic, _ = step(model, batch, graph)
    assert loss == pytest.approx(expected, rel=1e-6)
    for name, got, reference in zip(names, by_hand, automatic, strict=True):
        np.testing.assert_allclose(got, reference, atol=1e-6 + 1e-5 * abs(reference).max(), err_msg=name)


def test_in_bfloat16_they_are_as_near_to_float32_as_those_of_the_generic_loop(build_model, batch, used):
    def errors(exact):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            found = step(build_model(), batch, graph=True)[1]
        finally:
            keras.config.set_dtype_policy("float32")
        pairs = [pair for pair in zip(found, exact, strict=True) if abs(pair[1]).max() > 1e-6]
        return np.mean([abs(rounded - whole).max() / abs(whole).max() for rounded, whole in pairs])

    exact = step(build_model(), batch, graph=True)[1]
    by_hand = errors(exact)
    used.off()
    assert by_hand < 1.5 * errors(exact) < 0.1


def test_without_training_the_generic_loop_runs(build_model, batch, used):
    model = build_model()
    model(named(batch[0], batch[1]))
    assert not used
