"""Dropout of stacked layers: where each rate counts, and that nothing is dropped in use."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.encoder import RNNEncoder
from seq2seq.layers.options import DropoutOptions

INPUTS = np.ones((4, 9, 3), np.float32)
MASK = np.ones((4, 9), bool)


@pytest.mark.parametrize(
    ("options", "rates"),
    [
        (DropoutOptions(0.3), [0.3, 0.3, 0.3]),
        (DropoutOptions(0.3, inputs=0.1), [0.1, 0.3, 0.3]),
        (DropoutOptions(0.3, outputs=0.0), [0.3, 0.3, 0.0]),
        (DropoutOptions(0.3, inputs=0.2, outputs=0.4, steps=0.1, weights=0.5), [0.2, 0.3, 0.4]),
    ],
)
def test_each_rate_counts_at_its_place(options, rates):
    for layer in (RNNEncoder(2, num_layers=2, dropout=options), RNNDecoder(2, "gru", 2, None, dropout=options)):
        assert [one.rate for one in layer.dropouts] == rates
        assert layer.step_dropout.rate == options.steps
        assert {one.rate for one in layer.weight_dropouts} == {options.weights}


def test_a_rate_alone_and_a_saved_one_are_options():
    options = DropoutOptions(0.25)
    assert DropoutOptions.of(0.25) == DropoutOptions.of(options) == DropoutOptions.of(asdict(options)) == options


@pytest.mark.parametrize("layer", [RNNEncoder, RNNDecoder])
def test_a_layer_comes_back_with_its_rates(layer):
    options = DropoutOptions(0.3, True, 0.2, 0.4, 0.1, 0.5)
    more = {"attention": None} if layer is RNNDecoder else {}
    one = layer(2, dropout=options, **more)
    assert layer.from_config(one.get_config()).dropout == options


def encode(training):
    encoder = RNNEncoder(2, "simple", dropout=DropoutOptions(steps=0.5))
    encoder.build(INPUTS.shape)
    return encoder.layers[0][0], lambda: encoder(INPUTS, MASK, training=training)


def decode(training):
    decoder = RNNDecoder(2, "simple", attention=None, dropout=DropoutOptions(steps=0.5))
    decoder.build(INPUTS.shape)
    decoder.built = True
    return decoder.cells[0], lambda: decoder(INPUTS, None, decoder.zero_state(4), training=training)


@pytest.mark.parametrize("run", [encode, decode])
@pytest.mark.parametrize("training", [False, True])
def test_a_step_is_dropped_as_a_whole_and_only_in_training(run, training, monkeypatch, array):
    cell, call = run(training)
    project, read = cell.project, []
    monkeypatch.setattr(cell, "project", lambda inputs: (read.append(array(inputs)), project(inputs))[1])
    call()
    dropped = read[0] == 0
    if training:
        assert (dropped == dropped[..., :1]).all()
        assert 0.1 < dropped.mean() < 0.9
        assert not (dropped == dropped[:1]).all()
    else:
        np.testing.assert_array_equal(read[0], INPUTS)


@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
@pytest.mark.parametrize("name", ["rate", "inputs", "outputs", "steps", "weights"])
def test_a_rate_is_a_share(name, rate):
    with pytest.raises(ValueError, match=rf"\[0, 1\).*{name}={rate}"):
        DropoutOptions(**{name: rate})
