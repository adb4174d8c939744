"""Attention within the bottom layer: two transitions of one state, with attention between them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.layers.cells import CELLS
from tests.decoders import make_decoder

ROWS, TARGET, SOURCE, FEATURES, UNITS = 2, 3, 4, 3, 4


@pytest.fixture
def make(randomize):
    def make_built(**options):
        decoder = make_decoder(UNITS, readout_units=5, **options)
        decoder.build((None, None, FEATURES), UNITS, [[UNITS]])
        return randomize(decoder, 3)

    return make_built


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(ROWS, TARGET, FEATURES)).astype("float32")


@pytest.fixture
def memory_and_state(rng):
    values = rng.normal(size=(ROWS, SOURCE, UNITS)).astype("float32")
    first = rng.normal(size=(ROWS, UNITS)).astype("float32")

    def start(decoder):
        memory = decoder.build_memory(values, np.arange(SOURCE) < np.array([[4], [2]]))
        return memory, decoder.initial_state([[first]], memory)

    return start


@pytest.mark.parametrize("cell", CELLS)
def test_the_first_transition_queries_and_the_second_reads_the_context(make, inputs, memory_and_state, array, cell):
    decoder = make(attention_position="conditional", cell=cell)
    memory, start = memory_and_state(decoder)
    output = decoder(inputs, memory, start)
    (first,), second, state = decoder.cells, decoder.context_cell, list(start.layers[0])
    for t in range(TARGET):
        queried, middle = first.call(inputs[:, t], state)
        query = decoder.attention_layer.project_query(queried)
        context, _ = decoder.attention_layer.attend(query[:, None], memory)
        found, state = second.call(context[:, 0], list(middle))
        np.testing.assert_allclose(array(output.queries)[:, t], array(query), atol=1e-6)
        parts = np.concatenate([array(found), array(context)[:, 0], inputs[:, t]], -1)
        expected = array(decoder.readout(parts))
        np.testing.assert_allclose(array(output.features)[:, t], expected, atol=1e-5)
    for got, expected in zip(output.state.layers[0], state, strict=True):
        np.testing.assert_allclose(array(got), array(expected), atol=1e-6)


def test_a_query_depends_on_the_contexts_before_unlike_between(make, inputs, memory_and_state, array):
    changes = {}
    for position in ("conditional", "between"):
        decoder = make(attention_position=position, num_layers=2)
        memory, state = memory_and_state(decoder)
        other = memory._replace(values=-memory.values)
        one, two = (array(decoder(inputs, each, state).queries) for each in (memory, other))
        changes[position] = np.abs(one - two).max(axis=(0, 2))
    assert changes["conditional"][0] == 0
    assert changes["conditional"][1:].min() > 1e-3
    assert changes["between"].max() == 0


def test_the_second_transition_has_weights_of_its_own_and_the_layer_one_state(make):
    made = [make(attention_position=position) for position in ("after", "conditional")]
    paths = [{w.path.split("/", 1)[1] for w in decoder.weights if "/bridge" not in w.path} for decoder in made]
    assert paths[1] - paths[0] == {f"layer_0_context/{name}" for name in ("kernel", "recurrent_kernel", "bias")}
    state = made[1].zero_state(ROWS)
    assert [tensor.shape for tensor in keras.tree.flatten(state)] == [(ROWS, UNITS)]
