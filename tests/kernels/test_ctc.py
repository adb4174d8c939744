"""TensorFlow's kernel gives the losses and the gradients of the generic recursion."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.layers import ctc
from seq2seq.layers.recurrence import Implementation

if keras.backend.backend() != "tensorflow":
    pytest.skip("the kernels are TensorFlow's", allow_module_level=True)

ROWS, TIME, LENGTH, SIZE = 7, 12, 5, 6


@pytest.fixture
def batch(rng):
    logits = 3 * rng.normal(size=(ROWS, TIME, SIZE)).astype("float32")
    frames, lengths = rng.integers(6, TIME + 1, ROWS), rng.integers(0, LENGTH + 1, ROWS)
    frames[0], lengths[0] = 3, LENGTH  # cannot fit
    frames[1], lengths[1] = 0, 0
    labels = rng.integers(1, SIZE, (ROWS, LENGTH)).astype("int32")
    labels[2:4, 1] = labels[2:4, 0]
    return logits, np.arange(TIME) < frames[:, None], labels, np.arange(LENGTH) < lengths[:, None]


def run(batch, graph):
    """The losses and the gradient of their weighted sum; in a graph that knows no size but that of the vocabulary."""
    import tensorflow as tf

    def step(logits, *rest):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            losses = ctc.ctc_loss(logits, *rest)
            value = tf.reduce_sum(losses * tf.cast(tf.range(ROWS), "float32"))
        return losses, tape.gradient(value, logits)

    tensors = [tf.constant(part) for part in batch]
    if graph:
        shapes = [
            tf.TensorSpec((None, None, SIZE if i == 0 else None)[: len(t.shape)], t.dtype)
            for i, t in enumerate(tensors)
        ]
        step = tf.function(step, input_signature=shapes, autograph=False)
    return [part.numpy() for part in step(*tensors)]


@pytest.mark.parametrize("graph", [True, False])
def test_values_and_gradients_are_those_of_the_generic_recursion(batch, graph, monkeypatch):
    assert ctc.choose_implementation() == Implementation("kernel", "")
    losses, gradient = run(batch, graph)
    monkeypatch.setattr(ctc, "choose_implementation", lambda: Implementation("loop", ""))
    expected_losses, expected = run(batch, graph)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(gradient, expected, atol=2e-5)
    assert losses[:2].tolist() == [0, 0]
    assert (losses[2:] > 0).all()


def test_what_the_kernel_cannot_hold_has_a_finite_loss_and_a_gradient_towards_the_label():
    import tensorflow as tf

    logits = np.zeros((1, 3, SIZE), "float32")
    logits[:, :, 1] = 200.0  # the symbols of the label are beyond float32
    batch = tf.constant(logits), np.ones((1, 3), bool), np.array([[2, 3]], np.int32), np.ones((1, 2), bool)
    with tf.GradientTape() as tape:
        tape.watch(batch[0])
        losses = ctc.ctc_loss(*batch)
    gradient = tape.gradient(losses, batch[0]).numpy()
    assert 80 < losses.numpy()[0] < 600
    assert (gradient[0, :, 1] > 0.9).all()
    assert gradient[0, 0, 2] < -0.5
    assert gradient[0, 2, 3] < -0.5


@pytest.mark.parametrize("blank", [0, 2, SIZE - 1])
def test_the_blank_may_have_any_id(batch, blank):
    from seq2seq.kernels import ctc as kernel

    logits, mask, labels, label_mask = (part[1:] for part in batch)
    order = np.insert(np.arange(1, SIZE), blank, 0)  # the id before of each id now
    expected = kernel.loss(logits, mask.sum(axis=1).astype("int32"), labels, label_mask, 0)
    moved = np.argsort(order).astype("int32")[labels]
    found = kernel.loss(logits[:, :, order], mask.sum(axis=1).astype("int32"), moved, label_mask, blank)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-6)


def test_other_backends_take_the_recursion(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert ctc.choose_implementation().name == "loop"
