"""From the encoder's last state to the decoder's first."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.layers.bridge import Bridge


@pytest.fixture
def states(rng):
    """Two layers of an LSTM, 4 wide, 3 rows."""
    return [[rng.normal(size=(3, 4)).astype("float32") for _ in range(2)] for _ in range(2)]


def built(bridge, sizes):
    bridge.build(sizes)
    return bridge


def test_copy_returns_the_state_unchanged(states, array):
    result = built(Bridge("copy", [[4, 4], [4, 4]]), [[4, 4], [4, 4]])(states)
    for given, got in zip(states, result, strict=True):
        for expected, tensor in zip(given, got, strict=True):
            np.testing.assert_array_equal(array(tensor), expected)


def test_zero_starts_from_zeros_of_the_decoders_widths(states, array):
    result = built(Bridge("zero", [[5], [6, 7]]), [[4, 4], [4, 4]])(states)
    assert [[tuple(tensor.shape) for tensor in layer] for layer in result] == [[(3, 5)], [(3, 6), (3, 7)]]
    assert not any(array(tensor).any() for layer in result for tensor in layer)


def test_dense_is_tanh_of_a_projection_for_every_tensor(states, array, randomize):
    bridge = randomize(built(Bridge("dense", [[5, 5], [6, 6]]), [[4, 4], [4, 4]]))
    result = bridge(states)
    for layer, given, got in zip(bridge.projections, states, result, strict=True):
        for dense, expected, tensor in zip(layer, given, got, strict=True):
            kernel, bias = dense.get_weights()
            np.testing.assert_allclose(array(tensor), np.tanh(expected @ kernel + bias), atol=1e-6)
    assert len({id(dense) for layer in bridge.projections for dense in layer}) == 4


def test_a_deeper_decoder_reads_the_encoders_top_layer(states, array):
    result = built(Bridge("copy", [[4, 4]] * 3), [[4, 4]] * 2)(states)
    for tensor, expected in zip(result[2], states[1], strict=True):
        np.testing.assert_array_equal(array(tensor), expected)


def test_a_decoder_with_more_tensors_reads_the_encoders_first(states, array):
    hidden = [[layer[0]] for layer in states]
    result = built(Bridge("copy", [[4, 4]]), [[4]] * 2)(hidden)
    for tensor in result[0]:
        np.testing.assert_array_equal(array(tensor), states[0][0])


def test_copy_refuses_unequal_widths_and_says_what_to_do():
    with pytest.raises(ValueError, match=r"encoder layer 0 has \[8\], decoder layer 0 has \[6\].*'dense'"):
        Bridge("copy", [[6]]).build([[8]])


def test_an_unknown_bridge_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"dense, copy, zero. Received: 'london'"):
        Bridge("london", [[4]])
