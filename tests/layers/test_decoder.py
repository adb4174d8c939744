"""The decoder beyond what `models/test_contract.py` holds every model to."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.layers.decoder import RNNDecoder

BATCH, TARGET, SOURCE, FEATURES, UNITS = 2, 3, 4, 3, 4
MASK = np.arange(SOURCE) < np.array([[4], [2]])


@pytest.fixture
def make(randomize):
    def make_decoder(seed=3, **options):
        decoder = RNNDecoder(**{"units": UNITS, "readout_units": 5, **options})
        decoder.build((None, None, FEATURES), UNITS, [[UNITS]])
        return randomize(decoder, seed)

    return make_decoder


@pytest.fixture
def inputs(rng):
    return rng.normal(size=(BATCH, TARGET, FEATURES)).astype("float32")


@pytest.fixture
def remember(rng):
    values = rng.normal(size=(BATCH, SOURCE, UNITS)).astype("float32")
    state = [[rng.normal(size=(BATCH, UNITS)).astype("float32")]]

    def make_memory(decoder, repeats=1):
        again = lambda x: keras.ops.convert_to_tensor(np.repeat(x, repeats, axis=0))  # noqa: E731
        return decoder.remember(again(values), again(MASK), [[again(state[0][0])]])

    return make_memory


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("residual", [False, True])
def test_feeding_by_a_kernel_of_zeros_equals_no_feeding(make, inputs, remember, array, order, residual):
    options = {"order": order, "num_layers": 2, "residual": residual, "attention": "general"}
    plain, fed = make(**options), make(**options, input_feeding=True)
    others = [[w for w in decoder.weights if "/fed/" not in w.path] for decoder in (plain, fed)]
    for wanted, weight in zip(*others, strict=True):
        weight.assign(array(wanted))
    kernel = np.zeros(fed.fed.kernel.shape, "float32")
    if order == "before":
        kernel[:UNITS] = array(plain.fed.kernel)  # what the context is multiplied with
    fed.fed.kernel.assign(kernel)
    wanted, got = (decoder(inputs, *(m := remember(decoder), m.state)) for decoder in (plain, fed))
    np.testing.assert_allclose(array(got.features), array(wanted.features), atol=1e-6)
    np.testing.assert_allclose(array(got.queries), array(wanted.queries), atol=1e-6)
    for a, b in zip(keras.tree.flatten(got.state["layers"]), keras.tree.flatten(wanted.state["layers"]), strict=True):
        np.testing.assert_allclose(array(a), array(b), atol=1e-6)


@pytest.mark.parametrize("input_feeding", [False, True])
@pytest.mark.parametrize("attention", ["additive", "general", "dot", "multi_head"])
def test_a_query_that_knows_the_input_is_the_plain_one_where_its_kernel_ignores_it(
    make, inputs, remember, array, attention, input_feeding
):
    plain, knowing = (make(attention=attention, query_input=q, input_feeding=input_feeding) for q in (False, True))
    kernel = knowing.known.kernel
    others = [weight for weight in knowing.weights if weight is not kernel]
    for wanted, weight in zip(plain.weights, others, strict=True):
        weight.assign(array(wanted))
    kernel.assign(np.zeros(kernel.shape, "float32"))
    memory = remember(plain)
    wanted, got = (decoder(inputs, memory, memory.state) for decoder in (plain, knowing))
    np.testing.assert_allclose(array(got.features), array(wanted.features), atol=1e-6)
    np.testing.assert_allclose(array(got.queries), array(wanted.queries), atol=1e-6)
    kernel.assign(np.ones(kernel.shape, "float32"))
    asked = knowing(inputs, memory, memory.state)
    assert np.abs(array(asked.features) - array(got.features)).max() > 1e-3
    weights = array(knowing.align(asked, memory))
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)


@pytest.mark.parametrize("attention", ["additive", "general", "dot", "multi_head"])
@pytest.mark.parametrize(
    ("order", "input_feeding"),
    [("before", False), ("before", True), ("between", False), ("after", False), ("after", True)],
)
@pytest.mark.parametrize("coverage", [False, True])
def test_rows_that_share_a_source_equal_a_repeated_memory(
    make, inputs, remember, array, rng, attention, order, input_feeding, coverage
):
    layers, options = 2 if order == "between" else 1, {"order": order, "input_feeding": input_feeding}
    decoder = make(attention=attention, heads=2, num_layers=layers, coverage=coverage, **options)
    shared, repeated = remember(decoder), remember(decoder, repeats=3)
    rows = rng.normal(size=(BATCH * 3, TARGET, FEATURES)).astype("float32")
    got, wanted = (decoder(rows, memory, repeated.state) for memory in (shared, repeated))
    np.testing.assert_allclose(array(got.features), array(wanted.features), atol=1e-6)
    np.testing.assert_allclose(array(decoder.align(got, shared)), array(decoder.align(wanted, repeated)), atol=1e-6)


def test_with_before_the_first_query_is_the_state_before_and_with_after_the_new_output(make, inputs, remember, array):
    for feeding in (False, True):
        before, after = (make(order=order, input_feeding=feeding) for order in ("before", "after"))
        memory = remember(before)
        first = array(before(inputs, memory, memory.state).queries)[:, 0]
        np.testing.assert_allclose(first, array(before.attend.ask(memory.state["layers"][0][0])), atol=1e-6)
        memory = remember(after)
        output = after(inputs, memory, memory.state)
        last = after.attend.ask(output.state["layers"][0][0])
        np.testing.assert_allclose(array(output.queries)[:, -1], array(last), atol=1e-6)


def test_with_between_the_bottom_layer_asks_and_the_next_one_reads_the_context(make, inputs, remember, array):
    options = {"num_layers": 2, "attention": "general"}
    between, after = make(**options, order="between"), make(**options, order="after")
    for wanted, weight in zip(between.weights, after.weights, strict=True):
        weight.assign(array(wanted)[tuple(slice(n) for n in weight.shape)])  # without the rows that read the context
    memory = remember(between)
    full = between(inputs, memory, memory.state)
    np.testing.assert_allclose(array(full.queries)[:, -1], array(full.state["layers"][0][0]), atol=1e-6)
    kernel = array(between.cells[1].kernel).copy()
    kernel[UNITS:] = 0
    between.cells[1].kernel.assign(kernel)
    blind, stack = between(inputs, memory, memory.state), after(inputs, remember(after), memory.state)
    seeing, blind, stack = ([array(t) for t in keras.tree.flatten(out.state)] for out in (full, blind, stack))
    for a, b in zip(blind, stack, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert np.abs(seeing[1] - blind[1]).max() > 1e-3  # the top layer's state


def test_the_alignment_is_what_the_features_were_made_from(make, inputs, remember, array):
    decoder = make(order="after", attention="dot")
    memory = remember(decoder)
    output = decoder(inputs, memory, memory.state)
    weights = array(decoder.align(output, memory))
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)
    both = np.concatenate([array(output.queries), weights @ array(memory.values), inputs], -1)
    kernel, bias = decoder.readout.get_weights()
    np.testing.assert_allclose(array(output.features), np.tanh(both @ kernel + bias), atol=1e-5)


def test_residual_adds_a_layers_input_from_the_second_layer_on(make, inputs, remember, array):
    options = {"attention": "none", "readout_units": None}
    deep, residual = (make(**options, num_layers=2, residual=r) for r in (False, True))
    bottom = make(**options)
    bottom.set_weights(
        [array(w) for w in deep.cells[0].weights] + [array(w) for w in deep.bridge_layer.projections[0][0].weights]
    )
    plain, added, below = (decoder(inputs, *(m := remember(decoder), m.state)) for decoder in (deep, residual, bottom))
    np.testing.assert_allclose(array(added.features), array(plain.features) + array(below.features), atol=1e-6)


@pytest.mark.parametrize("input_feeding", [False, True])
def test_variational_dropout_between_layers_is_constant_over_time(
    make, inputs, remember, array, monkeypatch, input_feeding
):
    decoder = make(num_layers=2, input_feeding=input_feeding, dropout=0.5, variational_dropout=True, order="after")
    memory, seen = remember(decoder), []
    for place, dropout in enumerate(decoder.dropouts):

        def record(x, training=None, dropout=dropout, place=place):
            ones = array(type(dropout).call(dropout, keras.ops.ones_like(x), training=training))
            seen.append((place, ones))
            return x * ones

        monkeypatch.setattr(dropout, "call", record)
    decoder(inputs, memory, memory.state, training=True)
    assert sorted(place for place, _ in seen) == [0, 1, 2]
    for _, ones in seen:
        assert ones.shape[:2] == (BATCH, TARGET)
        np.testing.assert_array_equal(ones, np.broadcast_to(ones[:, :1], ones.shape))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 0}, "num_layers=0"),
        ({"attention": "bahdanau"}, "none, additive, .*Received: 'bahdanau'"),
        ({"order": "during"}, "before, between, after. Received: 'during'"),
        ({"order": "between"}, "at least two layers"),
        ({"query_input": True, "attention": "none"}, "query_input wants attention"),
        ({"query_input": True, "order": "after"}, 'the order "before"'),
        ({"order": "between", "num_layers": 2, "input_feeding": True}, "no input feeding"),
        ({"attention": "none", "input_feeding": True}, "Input feeding .* wants attention"),
        ({"attention": "none", "coverage": True}, "coverage .* wants attention"),
        ({"readout_units": None}, "wants readout_units"),
        ({"attention": "multi_head", "heads": 3}, "units=4, heads=3"),
        ({"cell": "transformer"}, "Unknown cell"),
        ({"bridge": "london"}, "Unknown bridge"),
        ({"units": 0}, "units=0"),
    ],
)
def test_contradictory_options_are_refused_when_made(options, message):
    with pytest.raises(ValueError, match=message):
        RNNDecoder(**{"units": UNITS, "readout_units": 5, **options})
