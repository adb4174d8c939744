"""The kernel of the conditional layer at padding, and all that it gives, against the generic loop."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from tests.decoders import make_decoder

if keras.backend.backend() != "tensorflow":
    pytest.skip("the kernels are TensorFlow's", allow_module_level=True)

ROWS, TARGET, SOURCE, FEATURES, UNITS = 2, 3, 4, 3, 4
MASK = np.arange(TARGET) < np.array([[3], [1]])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_features_queries_and_states_of_padded_rows_and_their_gradients_are_those_of_the_loop(
    cell, randomize, rng, array, gradients
):
    decoder = make_decoder(UNITS, readout_units=5, attention_units=6, attention_position="conditional", cell=cell)
    decoder.build((None, None, FEATURES), UNITS, [[UNITS]])
    randomize(decoder, 3)
    shapes = (ROWS, TARGET, FEATURES), (ROWS, SOURCE, UNITS), (ROWS, UNITS)
    inputs, values, first = (keras.Variable(rng.normal(size=shape).astype("float32")) for shape in shapes)
    source_mask = np.arange(SOURCE) < np.array([[4], [2]])

    def loss(training):
        given, read, before = (variable.value + 0 for variable in (inputs, values, first))
        memory = decoder.build_memory(read, source_mask)
        state = decoder.initial_state([[before]], memory)
        output = decoder(given, memory, state, mask=MASK, training=training)
        real = [ops.where(MASK[..., None], part, 0) for part in (output.features, output.queries)]
        tensors = [ops.reshape(part, (-1,)) for part in (*real, *keras.tree.flatten(output.state))]
        return sum(ops.sum(ops.sin(part + np.arange(part.shape[0], dtype="float32"))) for part in tensors)

    variables = [*decoder.trainable_variables, inputs, values, first]
    assert decoder.implementations()[0].name == "kernel"
    (value, by_hand), (expected, automatic) = (gradients(lambda t=t: loss(t), variables) for t in (True, False))
    assert float(value) == pytest.approx(float(expected), rel=1e-6)
    for variable, got, reference in zip(variables, by_hand, automatic, strict=True):
        np.testing.assert_allclose(got, reference, atol=1e-6 + 1e-5 * abs(reference).max(), err_msg=variable.path)
