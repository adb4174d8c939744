"""The decoder, beyond the laws that `models/test_contract.py` tests for every model."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from seq2seq.layers.cells import CELLS
from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.decoder_state import track_coverage
from seq2seq.layers.options import DropoutOptions
from tests.decoders import make_decoder
from tests.pairs import all_pairs

BATCH, TARGET, SOURCE, FEATURES, UNITS = 2, 3, 4, 3, 4
MASK = np.arange(SOURCE) < np.array([[4], [2]])


@pytest.fixture
def make(randomize):
    def make_built(seed=3, **options):
        decoder = make_decoder(**{"units": UNITS, "readout_units": 5, **options})
        decoder.build((None, None, FEATURES), UNITS, [[UNITS]])
        return randomize(decoder, seed)

    return make_built


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(BATCH, TARGET, FEATURES)).astype("float32")


@pytest.fixture
def memory_and_state(rng):
    values = rng.normal(size=(BATCH, SOURCE, UNITS)).astype("float32")
    state = [[rng.normal(size=(BATCH, UNITS)).astype("float32")]]

    def make_memory(decoder, repeats=1):
        again = lambda x: keras.ops.convert_to_tensor(np.repeat(x, repeats, axis=0))  # noqa: E731
        memory = decoder.build_memory(again(values), again(MASK))
        return memory, decoder.initial_state([[again(state[0][0])]], memory)

    return make_memory


@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("residual", [False, True])
def test_feeding_by_a_kernel_of_zeros_equals_no_feeding(make, inputs, memory_and_state, array, position, residual):
    options = {"attention_position": position, "num_layers": 2, "residual": residual, "attention": "general"}
    plain, fed = make(**options), make(**options, input_feeding=True)
    others = [[w for w in decoder.weights if "/feedback/" not in w.path] for decoder in (plain, fed)]
    for expected, weight in zip(*others, strict=True):
        weight.assign(array(expected))
    kernel = np.zeros(fed.feedback_projection.kernel.shape, "float32")
    if position == "before":
        kernel[:UNITS] = array(plain.feedback_projection.kernel)  # what the context is multiplied with
    fed.feedback_projection.kernel.assign(kernel)
    expected, got = (decoder(inputs, *memory_and_state(decoder)) for decoder in (plain, fed))
    np.testing.assert_allclose(array(got.features), array(expected.features), atol=1e-6)
    np.testing.assert_allclose(array(got.queries), array(expected.queries), atol=1e-6)
    for a, b in zip(keras.tree.flatten(got.state.layers), keras.tree.flatten(expected.state.layers), strict=True):
        np.testing.assert_allclose(array(a), array(b), atol=1e-6)


@pytest.mark.parametrize("input_feeding", [False, True])
@pytest.mark.parametrize("attention", ["additive", "general", "dot", "multi_head"])
def test_a_query_with_the_input_is_the_plain_one_where_its_kernel_is_zero(
    make, inputs, memory_and_state, array, attention, input_feeding
):
    plain, with_input = (make(attention=attention, query_input=q, input_feeding=input_feeding) for q in (False, True))
    kernel = with_input.query_input_projection.kernel
    others = [weight for weight in with_input.weights if weight is not kernel]
    for expected, weight in zip(plain.weights, others, strict=True):
        weight.assign(array(expected))
    kernel.assign(np.zeros(kernel.shape, "float32"))
    memory, state = memory_and_state(plain)
    expected, got = (decoder(inputs, memory, state) for decoder in (plain, with_input))
    np.testing.assert_allclose(array(got.features), array(expected.features), atol=1e-6)
    np.testing.assert_allclose(array(got.queries), array(expected.queries), atol=1e-6)
    kernel.assign(np.ones(kernel.shape, "float32"))
    output = with_input(inputs, memory, state)
    assert np.abs(array(output.features) - array(got.features)).max() > 1e-3
    weights = array(with_input.align(output, memory))
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)


SHARING = {
    "attention": ["additive", "general", "dot", "multi_head"],
    "attention_position": ["before", "between", "after", "conditional"],
    "input_feeding": [False, True],
    "coverage": [False, True],
}


@pytest.mark.parametrize(
    "options",
    all_pairs(SHARING, lambda row: not (row.get("attention_position") == "between" and row.get("input_feeding"))),
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_rows_that_share_a_source_equal_a_repeated_memory(make, inputs, memory_and_state, array, rng, options):
    layers = 2 if options["attention_position"] == "between" else 1
    decoder = make(heads=2, num_layers=layers, **options)
    (shared, _), (repeated, state) = memory_and_state(decoder), memory_and_state(decoder, repeats=3)
    rows = rng.normal(size=(BATCH * 3, TARGET, FEATURES)).astype("float32")
    got, expected = (decoder(rows, memory, state) for memory in (shared, repeated))
    np.testing.assert_allclose(array(got.features), array(expected.features), atol=1e-6)
    np.testing.assert_allclose(array(decoder.align(got, shared)), array(decoder.align(expected, repeated)), atol=1e-6)


def test_with_before_the_first_query_is_the_state_before_and_with_after_the_new_output(
    make, inputs, memory_and_state, array
):
    for feeding in (False, True):
        before, after = (make(attention_position=p, input_feeding=feeding) for p in ("before", "after"))
        memory, state = memory_and_state(before)
        first = array(before(inputs, memory, state).queries)[:, 0]
        np.testing.assert_allclose(first, array(before.attention_layer.project_query(state.layers[0][0])), atol=1e-6)
        memory, state = memory_and_state(after)
        output = after(inputs, memory, state)
        last = after.attention_layer.project_query(output.state.layers[0][0])
        np.testing.assert_allclose(array(output.queries)[:, -1], array(last), atol=1e-6)


def test_with_between_the_bottom_layer_queries_and_the_next_one_reads_the_context(
    make, inputs, memory_and_state, array
):
    options = {"num_layers": 2, "attention": "general"}
    between, after = make(**options, attention_position="between"), make(**options, attention_position="after")
    for expected, weight in zip(between.weights, after.weights, strict=True):
        weight.assign(array(expected)[tuple(slice(n) for n in weight.shape)])  # without the rows that read the context
    memory, state = memory_and_state(between)
    full = between(inputs, memory, state)
    np.testing.assert_allclose(array(full.queries)[:, -1], array(full.state.layers[0][0]), atol=1e-6)
    kernel = array(between.cells[1].kernel).copy()
    kernel[UNITS:] = 0
    between.cells[1].kernel.assign(kernel)
    blind, stack = between(inputs, memory, state), after(inputs, memory_and_state(after)[0], state)
    seeing, blind, stack = ([array(t) for t in keras.tree.flatten(out.state)] for out in (full, blind, stack))
    for a, b in zip(blind, stack, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert np.abs(seeing[1] - blind[1]).max() > 1e-3  # the top layer's state


def test_the_alignment_is_what_the_features_were_made_from(make, inputs, memory_and_state, array):
    decoder = make(attention_position="after", attention="dot")
    memory, state = memory_and_state(decoder)
    output = decoder(inputs, memory, state)
    weights = array(decoder.align(output, memory))
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)
    both = np.concatenate([array(output.queries), weights @ array(memory.values), inputs], -1)
    kernel, bias = decoder.readout.get_weights()
    np.testing.assert_allclose(array(output.features), np.tanh(both @ kernel + bias), atol=1e-5)


def test_residual_adds_a_layers_input_from_the_second_layer_on(make, inputs, memory_and_state, array):
    options = {"attention": "none", "readout_units": None}
    deep, residual = (make(**options, num_layers=2, residual=r) for r in (False, True))
    bottom = make(**options)
    bottom.set_weights(
        [array(w) for w in deep.cells[0].weights] + [array(w) for w in deep.bridge_layer.projections[0][0].weights]
    )
    plain, added, below = (decoder(inputs, *memory_and_state(decoder)) for decoder in (deep, residual, bottom))
    np.testing.assert_allclose(array(added.features), array(plain.features) + array(below.features), atol=1e-6)


@pytest.mark.parametrize("input_feeding", [False, True])
def test_variational_dropout_between_layers_is_constant_over_time(
    make, inputs, memory_and_state, array, monkeypatch, input_feeding
):
    decoder = make(
        num_layers=2, input_feeding=input_feeding, dropout=DropoutOptions(0.5, True), attention_position="after"
    )
    (memory, state), drawn = memory_and_state(decoder), []
    for place, dropout in enumerate(decoder.dropouts):

        def record(x, training=None, dropout=dropout, place=place):
            ones = array(type(dropout).call(dropout, keras.ops.ones_like(x), training=training))
            drawn.append((place, ones))
            return x * ones

        monkeypatch.setattr(dropout, "call", record)
    decoder(inputs, memory, state, training=True)
    assert sorted(place for place, _ in drawn) == [0, 1, 2]
    for _, ones in drawn:
        assert ones.shape[:2] == (BATCH, TARGET)
        np.testing.assert_array_equal(ones, np.broadcast_to(ones[:, :1], ones.shape))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 0}, "num_layers=0"),
        ({"attention": "bahdanau"}, "additive, general, .*Received: 'bahdanau'"),
        ({"attention_position": "during"}, "before, between, after, conditional. Received: 'during'"),
        ({"attention_position": "conditional", "query_input": True}, "position \"before\". Received: 'conditional'"),
        ({"attention_position": "conditional", "dropout": DropoutOptions(weights=0.1)}, "Dropout of weights excludes"),
        ({"attention_position": "between"}, "at least two layers. Received: 1"),
        ({"query_input": True, "attention_position": "after"}, "position \"before\". Received: 'after'"),
        ({"attention_position": "between", "num_layers": 2, "input_feeding": True}, "input feeding"),
        ({"readout_units": None}, "needs readout_units"),
        ({"attention": "multi_head", "heads": 3}, "units=4, heads=3"),
        ({"cell": "transformer"}, "Unknown cell"),
        ({"bridge": "london"}, "Unknown bridge"),
        ({"units": 0}, "units=0"),
    ],
)
def test_contradictory_options_are_refused_when_made(options, message):
    with pytest.raises(ValueError, match=message):
        make_decoder(**{"units": UNITS, "readout_units": 5, **options})


PROMPTS = {
    "before": {},
    "before, general": {"attention": "general", "query_input": True, "num_layers": 2},
    "between": {"attention_position": "between", "num_layers": 2},
    "after": {"attention_position": "after", "attention": "multi_head", "heads": 2},
    "conditional": {"attention_position": "conditional", "cell": "lstm", "num_layers": 2},
    "conditional, general": {"attention_position": "conditional", "attention": "general"},
    "conditional, coverage": {"attention_position": "conditional", "coverage": True, "input_feeding": True},
    "input feeding": {"input_feeding": True, "num_layers": 2},
    "coverage before": {"coverage": True},
    "coverage between": {"coverage": True, "attention_position": "between", "num_layers": 2},
    "coverage fed": {"coverage": True, "attention_position": "after", "input_feeding": True},
    **{f"no attention, {cell}": {"cell": cell, "attention": "none", "num_layers": 2} for cell in CELLS},
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("kind", PROMPTS)
def test_a_padded_prompt_gives_the_state_of_the_prompt_alone(make, inputs, memory_and_state, array, kind, training):
    decoder = make(**PROMPTS[kind])
    (memory, state), lengths = memory_and_state(decoder), np.array([TARGET, 1])
    state = state if decoder.attention is None else track_coverage(state, memory)
    mask = np.arange(TARGET) < lengths[:, None]
    prompts = np.where(mask[..., None], inputs, np.float32(9.0))
    padded = decoder(prompts, memory, state, mask=mask, training=training)
    for row, length in enumerate(lengths):
        alone = decoder(inputs[:, :length], memory, state, training=training)
        np.testing.assert_allclose(array(padded.features)[row, :length], array(alone.features)[row], atol=1e-6)
        states = (keras.tree.flatten(output.state) for output in (padded, alone))
        for got, expected in zip(*states, strict=True):
            np.testing.assert_allclose(array(got)[row], array(expected)[row], atol=1e-6)
    if decoder.attention is not None:
        np.testing.assert_allclose(array(padded.state.coverage[0]).sum(1), lengths, atol=1e-5)


def test_without_attention_neither_a_memory_nor_an_encoder_is_needed(inputs, randomize, array):
    decoder = RNNDecoder(UNITS, attention=None, num_layers=2)
    decoder.build((None, None, FEATURES))
    randomize(decoder)
    whole = decoder(inputs, None, decoder.zero_state(BATCH))
    first = decoder(inputs[:, :1], None, decoder.zero_state(BATCH))
    second = decoder(inputs[:, 1:], None, first.state)
    steps = np.concatenate([array(first.features), array(second.features)], axis=1)
    np.testing.assert_allclose(steps, array(whole.features), atol=1e-6)


def test_a_decoder_with_attention_needs_its_memory(make, inputs, memory_and_state):
    decoder = make()
    with pytest.raises(ValueError, match=r"attends to a memory. Received: memory=None"):
        decoder(inputs, None, memory_and_state(decoder)[1])
    with pytest.raises(ValueError, match="as wide as its memory"):
        make(coverage=True).zero_state(BATCH)


@pytest.mark.parametrize("options", [{"attention": "general", "coverage": True, "cell": "lstm"}, {"attention": "none"}])
def test_a_decoder_comes_back_from_its_config(make, options):
    decoder = make(**options)
    config = decoder.get_config()
    assert json.loads(json.dumps(config)) == config
    again = RNNDecoder.from_config(config)
    assert again.get_config() == config
    assert again.attention == decoder.attention
