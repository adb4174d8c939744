"""The encoder: layers on top of each other, in one or two directions, blind to padding."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.layers.cells import CELLS
from seq2seq.layers.encoder import RNNEncoder
from seq2seq.layers.options import DropoutOptions

BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 2
LENGTHS = np.array([5, 3, 1])
MASK = np.arange(TIME) < LENGTHS[:, None]
WHOLE = np.ones_like(MASK)


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(BATCH, TIME, FEATURES)).astype("float32")


@pytest.fixture
def make(randomize):
    def make_encoder(features=FEATURES, seed=3, **options):
        encoder = RNNEncoder(**{"units": UNITS, **options})
        encoder.build((None, None, features))
        encoder.built = True
        return randomize(encoder, seed)

    return make_encoder


def flat(states):
    return [tensor for layer in states for tensor in layer]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_padded_row_ends_in_the_state_of_the_row_alone(make, inputs, array, cell, bidirectional):
    encoder = make(cell=cell, num_layers=2, bidirectional=bidirectional)
    values, _, states = encoder(np.where(MASK[..., None], inputs, np.float32(9.0)), MASK)
    for row, length in enumerate(LENGTHS):
        alone, _, alone_states = encoder(inputs[row : row + 1, :length], WHOLE[row : row + 1, :length])
        np.testing.assert_allclose(array(values)[row, :length], array(alone)[0], atol=1e-6)
        for padded, unpadded in zip(flat(states), flat(alone_states), strict=True):
            np.testing.assert_allclose(array(padded)[row], array(unpadded)[0], atol=1e-6)


def test_the_second_half_of_the_memory_reads_backwards(make, inputs, array):
    both, forward, backward = make(), make(bidirectional=False), make(bidirectional=False)
    weights = both.get_weights()
    forward.set_weights(weights[: len(weights) // 2])
    backward.set_weights(weights[len(weights) // 2 :])
    values, _, states = both(inputs, WHOLE)
    ahead, _, ahead_states = forward(inputs, WHOLE)
    back, _, back_states = backward(inputs[:, ::-1], WHOLE)
    np.testing.assert_allclose(array(values), np.concatenate([ahead, array(back)[:, ::-1]], -1), atol=1e-6)
    expected = np.concatenate([array(ahead_states[0][0]), array(back_states[0][0])], -1)
    np.testing.assert_allclose(array(states[0][0]), expected, atol=1e-6)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_two_layers_equal_one_on_top_of_the_other(make, inputs, array, cell):
    stacked, bottom, top = make(cell=cell, num_layers=2), make(cell=cell), make(cell=cell, features=2 * UNITS)
    weights = stacked.get_weights()
    bottom.set_weights(weights[: len(weights) // 2])
    top.set_weights(weights[len(weights) // 2 :])
    values, _, states = stacked(inputs, MASK)
    below, _, below_states = bottom(inputs, MASK)
    above, _, above_states = top(below, MASK)
    np.testing.assert_allclose(array(values), array(above), atol=1e-6)
    assert len(states) == 2
    for got, expected in zip(flat(states), flat(below_states) + flat(above_states), strict=True):
        np.testing.assert_allclose(array(got), array(expected), atol=1e-6)


def test_residual_adds_the_input_where_widths_agree(make, inputs, array):
    plain, residual = make(), make(residual=True)
    assert plain.memory_dim == FEATURES
    expected, _, expected_states = plain(inputs, WHOLE)
    values, _, states = residual(inputs, WHOLE)
    np.testing.assert_allclose(array(values), array(expected) + inputs, atol=1e-6)
    np.testing.assert_array_equal(array(states[0][0]), array(expected_states[0][0]))


def test_residual_leaves_a_layer_alone_where_widths_differ(make, rng, array):
    wide = rng.normal(size=(BATCH, TIME, FEATURES + 1)).astype("float32")
    plain, residual = make(features=FEATURES + 1), make(features=FEATURES + 1, residual=True)
    np.testing.assert_array_equal(array(residual(wide, WHOLE)[0]), array(plain(wide, WHOLE)[0]))


@pytest.mark.parametrize("variational", [True, False])
def test_only_variational_dropout_drops_the_same_features_at_every_step(make, rng, array, variational):
    inputs = rng.normal(size=(4, 12, FEATURES)).astype("float32")
    encoder = make(units=8, dropout=DropoutOptions(0.5, variational))
    values = array(encoder(inputs, np.ones((4, 12), bool), training=True)[0])
    dropped = values == 0.0
    assert 0.25 < dropped.mean() < 0.75
    assert (dropped == dropped[:, :1]).all() == variational
    assert not (dropped == dropped[:1]).all()  # rows have masks of their own


def test_dropout_stands_before_every_layer_and_behind_the_last(make, inputs, array, monkeypatch):
    encoder = make(num_layers=2, dropout=0.5)
    expected = array(encoder(inputs, WHOLE)[0])
    assert len(encoder.dropouts) == 3
    for place in range(3):
        for i, dropout in enumerate(encoder.dropouts):
            dropout.rate = 0.5 if i == place else 0.0
        assert not np.allclose(array(encoder(inputs, WHOLE, training=True)[0]), expected)
        np.testing.assert_array_equal(array(encoder(inputs, WHOLE)[0]), expected)


@pytest.mark.parametrize("cell", ["simple", "lstm"])
def test_weight_dropout_of_each_direction_is_that_of_its_recurrent_kernel(make, inputs, array, monkeypatch, cell):
    encoder = make(cell=cell, dropout=DropoutOptions(weights=0.5))
    for dropout, kept in zip(encoder.weight_dropouts, (0.0, 3.0), strict=True):
        monkeypatch.setattr(dropout, "call", lambda x, training=None, kept=kept: kept * x)
    outputs = array(encoder(inputs, WHOLE, training=True).values)
    for one, kept in zip(encoder.layers[0], (0.0, 3.0), strict=True):
        one.recurrent_kernel.assign(kept * one.recurrent_kernel)
    np.testing.assert_allclose(outputs, array(encoder(inputs, WHOLE).values), atol=1e-5)


def test_state_sizes_tell_the_widths_of_the_state(make, inputs):
    encoder = make(cell="lstm", num_layers=2)
    _, _, states = encoder(inputs, WHOLE)
    assert [[tensor.shape[-1] for tensor in layer] for layer in states] == encoder.state_sizes


def test_an_encoder_without_layers_is_refused():
    with pytest.raises(ValueError, match="num_layers=0"):
        RNNEncoder(4, num_layers=0)


def test_an_encoder_of_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match="Unknown cell"):
        RNNEncoder(4, cell="transformer")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("cuts", [(2,), (1, 4), (1, 2, 3, 4)])
def test_a_stream_in_any_chunks_equals_the_whole(make, inputs, array, cell, cuts):
    encoder = make(cell=cell, num_layers=2, bidirectional=False, residual=True)
    whole, state, values = encoder(inputs, MASK), None, []
    for first, end in zip((0, *cuts), (*cuts, TIME), strict=True):
        chunk = encoder(inputs[:, first:end], mask=MASK[:, first:end], state=state)
        np.testing.assert_array_equal(array(chunk.mask), MASK[:, first:end])
        values.append(array(chunk.values))
        state = chunk.state
    np.testing.assert_allclose(np.concatenate(values, axis=1)[MASK], array(whole.values)[MASK], atol=1e-6)
    for got, expected in zip(flat(state), flat(whole.state), strict=True):
        np.testing.assert_allclose(array(got), array(expected), atol=1e-6)


def test_two_directions_cannot_go_on_from_a_state(make, inputs):
    encoder = make()
    with pytest.raises(ValueError, match="bidirectional encoder needs the whole sequence"):
        encoder(inputs, MASK, encoder(inputs, MASK).state)
