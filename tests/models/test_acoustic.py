"""The acoustic model: padding, blocks, and what its layers do at their ends."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.layers.ctc import CTCHead
from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.encoder import RNNEncoder
from seq2seq.layers.frontends import FrameStack, TokenEmbedding
from seq2seq.layers.heads import VocabularyHead
from seq2seq.layers.label_decoder import LabelDecoder
from seq2seq.layers.lookahead import Lookahead
from seq2seq.models.acoustic import AcousticModel
from seq2seq.types import Padded

FEATURES, STACK, SIZE = 3, 2, 5


def build(randomize, lookahead=0, bidirectional=False, cell="gru", decoder=False, filters=()):
    labels = LabelDecoder(TokenEmbedding(SIZE, 3), RNNDecoder(4, readout_units=3), VocabularyHead(SIZE))
    model = AcousticModel(
        FrameStack(FEATURES, 6, STACK, filters),
        RNNEncoder(4, cell=cell, num_layers=2, bidirectional=bidirectional),
        CTCHead(SIZE),
        Lookahead(lookahead) if lookahead else None,
        labels if decoder else None,
    )
    model.build()
    return randomize(model)


def padded(rng, lengths, width):
    values = rng.normal(size=(len(lengths), width, FEATURES)).astype("float32")
    return Padded(values, np.arange(width) < np.asarray(lengths)[:, None])


@pytest.mark.parametrize(
    ("lookahead", "bidirectional", "filters"), [(0, True, ()), (0, False, ()), (3, False, ()), (0, True, (4, 3))]
)
def test_what_padding_holds_and_how_much_there_is_changes_nothing(
    randomize, array, rng, lookahead, bidirectional, filters
):
    model = build(randomize, lookahead, bidirectional, filters=filters)
    source = padded(rng, [7, 4], 7)
    wide = np.concatenate([source.values, rng.normal(size=(2, 5, FEATURES)).astype("float32")], axis=1)
    wide[1, 4:] = 100.0
    outputs = model.listen(source)
    more = model.listen(Padded(wide, np.arange(12) < np.asarray([7, 4])[:, None]))
    steps = [4, 2]
    assert array(outputs.mask).sum(axis=1).tolist() == array(more.mask).sum(axis=1).tolist() == steps
    one, other = array(model.log_probs(outputs)), array(model.log_probs(more))
    for row, count in enumerate(steps):
        np.testing.assert_allclose(one[row, :count], other[row, :count], atol=1e-5)


@pytest.mark.parametrize("lookahead", [0, 1, 3])
@pytest.mark.parametrize(("cell", "filters"), [("gru", ()), ("lstm", ()), ("ssru", ()), ("gru", (4, 3))])
def test_blocks_of_a_stream_give_what_the_whole_gives(randomize, array, rng, lookahead, cell, filters):
    model, frames, size = build(randomize, lookahead, cell=cell, filters=filters), 11, 4
    source = padded(rng, [frames], frames)
    whole = array(model.log_probs(model.listen(source)))[0]
    state, parts = model.first_state(1), []
    for begin in range(0, frames + lookahead * STACK + size, size):
        block = np.zeros((1, size, FEATURES), "float32")
        real = max(0, min(size, frames - begin))
        block[:, :real] = source.values[:, begin : begin + real]
        log_probs, state = model.listen_on(Padded(block, np.arange(size)[None] < real), state)
        parts.append(array(log_probs)[0])
    found = np.concatenate(parts)[lookahead:]
    np.testing.assert_allclose(found[: len(whole)], whole, atol=1e-5)


def test_a_model_of_both_directions_has_no_state_to_begin_a_stream_with(randomize):
    with pytest.raises(ValueError, match="needs the whole sequence"):
        build(randomize, bidirectional=True).first_state(1)


def test_a_lookahead_starts_as_the_identity_and_sees_so_far_and_no_further(rng, array):
    layer = Lookahead(2)
    layer.build((None, None, 1))
    values = rng.normal(size=(1, 6, 1)).astype("float32")
    mask = np.ones((1, 6), bool)
    np.testing.assert_array_equal(array(layer(values, mask)), values)
    layer.kernel.assign([[0.0], [10.0], [100.0]])
    x = values[0, :, 0]
    expected = x + 10 * np.append(x[1:], 0) + 100 * np.append(x[2:], [0, 0])
    np.testing.assert_allclose(array(layer(values, mask))[0, :, 0], expected, rtol=1e-5)


def test_frames_are_stacked_and_the_last_are_filled_with_zeros(rng, array):
    layer = FrameStack(FEATURES, 6, 3)
    layer.build()
    source = padded(rng, [4], 4)
    full = np.concatenate([source.values, np.zeros((1, 2, FEATURES), "float32")], axis=1)
    vectors, mask = layer(source)
    assert array(mask).tolist() == [[True, True]]
    np.testing.assert_allclose(array(vectors), array(layer(Padded(full, np.ones((1, 6), bool))).values), atol=1e-6)


def test_convolutions_look_at_neighbouring_features_of_one_stack(array, rng):
    layer = FrameStack(40, 6, 2, filters=(5,))
    layer.build()
    values = rng.normal(size=(1, 4, 40)).astype("float32")
    mask = np.ones((1, 4), bool)
    stacked = values.reshape(1, 2, 2, 40)
    kernel, bias = (array(part) for part in (layer.convolutions[0].kernel, layer.convolutions[0].bias))
    # Every second window of 9 features; as many zeros at either end as "same" asks for.
    wide = np.pad(stacked, [(0, 0), (0, 0), (0, 0), (3, 4)])
    windows = np.lib.stride_tricks.sliding_window_view(wide, 9, axis=3)[:, :, :, ::2]  # (1, steps, stack, 20, 9)
    bands = np.maximum(np.einsum("rscbw,wcf->rsbf", windows, kernel) + bias, 0).reshape(1, 2, 100)
    vectors = bands @ array(layer.projection.kernel)
    deviation = np.sqrt(vectors.var(axis=2, keepdims=True) + layer.normalization.epsilon)
    expected = np.maximum((vectors - vectors.mean(axis=2, keepdims=True)) / deviation, 0)
    np.testing.assert_allclose(array(layer(Padded(values, mask)).values), expected, atol=1e-4)


def test_a_model_made_from_its_config_is_the_same_network(randomize, array, rng):
    model = build(randomize, lookahead=2, decoder=True, filters=(4,))
    copy = AcousticModel.from_config(model.get_config())
    copy.build()
    copy.set_weights(model.get_weights())
    source = padded(rng, [5], 5)
    np.testing.assert_array_equal(
        array(copy.log_probs(copy.listen(source))), array(model.log_probs(model.listen(source)))
    )
    ids = np.array([[2, 4, 1]], np.int32)
    one, other = (array(each.label_decoder(each.listen(source), ids)) for each in (copy, model))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FrameStack(0, 4), "at least one feature, unit, frame and filter"),
        (lambda: FrameStack(3, 4, 0), "stack=0"),
        (lambda: FrameStack(3, 4, filters=(2, 0)), r"filters=\(2, 0\)"),
        (lambda: Lookahead(0), "at least one step"),
        (
            lambda: AcousticModel(FrameStack(3, 4), RNNEncoder(4), CTCHead(5), Lookahead(1)),
            "A lookahead is for an encoder of one direction",
        ),
        (
            lambda: LabelDecoder(TokenEmbedding(5, 3), RNNDecoder(4, attention=None), VocabularyHead(5)),
            "a decoder without attention",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
