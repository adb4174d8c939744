"""Every cell is what its paper says, in the two parts that the time loop needs."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.layers.cells import CELLS, make_cell, state_sizes, zero_state

UNITS, FEATURES, ROWS = 4, 3, 5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def named(cell):
    return {weight.name: np.asarray(weight.value, np.float64) for weight in cell.weights}


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(ROWS, FEATURES)).astype("float32")


@pytest.fixture
def cell_and_state(request, rng, randomize):
    cell = make_cell(request.param, UNITS)
    cell.build((None, FEATURES))
    state = [rng.normal(size=(ROWS, size)).astype("float32") for size in state_sizes(cell)]
    return randomize(cell), state


keras_cells = pytest.mark.parametrize("cell_and_state", ["simple", "gru", "lstm"], indirect=True)
every_cell = pytest.mark.parametrize("cell_and_state", CELLS, indirect=True)


@keras_cells
def test_recurring_over_the_projection_equals_keras_own_call(cell_and_state, inputs, array):
    cell, state = cell_and_state
    own = type(cell).__mro__[1]
    assert own.__module__.startswith("keras.")
    tensors = [keras.ops.convert_to_tensor(s) for s in state]
    expected, expected_state = own.call(cell, keras.ops.convert_to_tensor(inputs), tensors)
    output, new = cell.recur(cell.project(inputs), tensors)
    np.testing.assert_allclose(array(output), array(expected), atol=1e-6)
    expected_state = expected_state if isinstance(expected_state, (list, tuple)) else [expected_state]
    assert len(new) == len(expected_state)
    for got, tensor in zip(new, expected_state, strict=True):
        np.testing.assert_allclose(array(got), array(tensor), atol=1e-6)


@every_cell
def test_reading_the_new_state_gives_the_output(cell_and_state, inputs, array):
    cell, state = cell_and_state
    output, new = cell.recur(cell.project(inputs), [keras.ops.convert_to_tensor(s) for s in state])
    np.testing.assert_array_equal(array(cell.state_output(new)), array(output))


@every_cell
def test_a_projection_is_as_wide_as_announced_and_keeps_the_leading_axes(cell_and_state, rng):
    cell, _ = cell_and_state
    projected = cell.project(rng.normal(size=(2, 6, FEATURES)).astype("float32"))
    assert tuple(projected.shape) == (2, 6, cell.projected_size)


@every_cell
def test_the_state_before_anything_is_zero_and_fits(cell_and_state, inputs, array):
    cell, state = cell_and_state
    zeros = zero_state(cell, ROWS)
    assert [tuple(z.shape) for z in zeros] == [s.shape for s in state]
    assert not any(array(z).any() for z in zeros)


@every_cell
def test_a_cell_comes_back_from_its_config(cell_and_state, inputs, array):
    cell, state = cell_and_state
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(cell))
    if not copy.built:
        copy.build((None, FEATURES))
    copy.set_weights(cell.get_weights())
    tensors = [keras.ops.convert_to_tensor(s) for s in state]
    np.testing.assert_array_equal(
        array(copy.recur(copy.project(inputs), tensors)[0]), array(cell.recur(cell.project(inputs), tensors)[0])
    )


@pytest.mark.parametrize("cell_and_state", ["layer_norm_lstm"], indirect=True)
def test_layer_norm_lstm_equals_ba_2016_equations_20_to_22(cell_and_state, inputs, array):
    cell, (h, c) = cell_and_state
    w = named(cell)

    def norm(z, gain, shift):
        return gain * (z - z.mean(-1, keepdims=True)) / np.sqrt(z.var(-1, keepdims=True) + 1e-5) + shift

    gates = norm(h @ w["recurrent_kernel"], w["recurrent_gain"], w["recurrent_shift"])
    gates = gates + norm(inputs @ w["kernel"], w["input_gain"], w["input_shift"]) + w.get("bias", 0.0)
    i, f, g, o = np.split(gates, 4, axis=-1)
    new_c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)  # forget bias 1
    new_h = sigmoid(o) * np.tanh(norm(new_c, w["cell_gain"], w["cell_shift"]))

    output, state = cell.recur(cell.project(inputs), [keras.ops.convert_to_tensor(s) for s in (h, c)])
    np.testing.assert_allclose(array(output), new_h, atol=1e-5)
    np.testing.assert_allclose(array(state[0]), new_h, atol=1e-5)
    np.testing.assert_allclose(array(state[1]), new_c, atol=1e-5)


@pytest.mark.parametrize("cell_and_state", ["ssru"], indirect=True)
def test_ssru_equals_kim_2019(cell_and_state, inputs, array):
    cell, (c,) = cell_and_state
    w = named(cell)
    forget_kernel, kernel = np.split(w["kernel"], 2, axis=1)
    f = sigmoid(inputs @ forget_kernel + w["bias"][:UNITS])
    new_c = f * c + (1 - f) * (inputs @ kernel)

    output, state = cell.recur(cell.project(inputs), [keras.ops.convert_to_tensor(c)])
    np.testing.assert_allclose(array(state[0]), new_c, atol=1e-5)
    np.testing.assert_allclose(array(output), np.maximum(new_c, 0), atol=1e-5)


@pytest.mark.parametrize("cell_and_state", ["min_gru"], indirect=True)
def test_min_gru_equals_feng_2024(cell_and_state, inputs, array):
    cell, (h,) = cell_and_state
    w = named(cell)
    # In the paper the gate says how much is new, here how much is kept.
    gate, candidate = np.split(inputs @ w["kernel"] + w["bias"], 2, axis=1)
    z = 1 - sigmoid(gate)
    new_h = (1 - z) * h + z * candidate

    output, state = cell.recur(cell.project(inputs), [keras.ops.convert_to_tensor(h)])
    np.testing.assert_allclose(array(state[0]), new_h, atol=1e-5)
    np.testing.assert_allclose(array(output), new_h, atol=1e-5)


def test_an_unknown_cell_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"Expected one of .*gru.*Received: 'gruu'"):
        make_cell("gruu", 4)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_without_units_is_refused(name):
    with pytest.raises(ValueError, match="units=0"):
        make_cell(name, 0)
