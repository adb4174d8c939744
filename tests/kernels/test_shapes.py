"""One graph for batches of every shape, which computes what Keras does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.kernels.shapes import predict
from seq2seq.types import Padded

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graphs of any shape want TensorFlow")


class Sums(keras.Model):
    """Sums of the real vectors of each row, and a state that only grows; it says what it knows of the shapes."""

    def call(self, inputs):
        source, state = inputs["source"], inputs["state"]
        self.seen = source.values.shape, source.mask.shape, state.shape
        real = ops.expand_dims(ops.cast(source.mask, "float32"), 2)
        return {"sums": ops.sum(source.values * real, axis=1), "state": state + 1.0}


def batch(rng, rows, steps):
    values = rng.normal(size=(rows, steps, 3)).astype("float32")
    return {
        "source": Padded(values, rng.random((rows, steps)) > 0.4),
        "state": rng.normal(size=(rows, 2)).astype("float32"),
    }


def test_the_first_graph_takes_every_number_of_rows_and_steps(rng):
    model = Sums()
    for rows, steps in ((2, 4), (3, 4), (1, 7), (5, 2)):
        inputs = batch(rng, rows, steps)
        found = predict(model, inputs)
        wanted = (inputs["source"].values * inputs["source"].mask[:, :, None]).sum(axis=1)
        np.testing.assert_allclose(found["sums"], wanted, atol=1e-6)
        np.testing.assert_allclose(found["state"], inputs["state"] + 1)
    assert model.predict_function.experimental_get_tracing_count() == 1
    assert model.seen == ((None, None, 3), (None, None), (None, 2))


def test_a_graph_of_one_step_is_for_one_step(rng):
    model = Sums()
    for rows in (2, 3):
        predict(model, batch(rng, rows, 1))
    assert model.predict_function.experimental_get_tracing_count() == 1
    assert model.seen == ((None, 1, 3), (None, 1), (None, 2))


def test_of_one_axis_the_steps_stay_known(rng):
    model = Sums()
    predict(model, batch(rng, 2, 4), axes=1)
    assert model.seen == ((None, 4, 3), (None, 4), (None, 2))
