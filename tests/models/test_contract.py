"""One contract for every model: every value of every option, of cells, attentions and all others, is in a case.

With --long, every two options that go together share a case: layers exchange few values (state, query, features), so
that a fault depends on one option or on two.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import keras
import numpy as np
import pytest

from seq2seq.layers.attention import ATTENTIONS
from seq2seq.layers.cells import CELLS
from seq2seq.layers.options import DropoutOptions
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.symbols import NAMES
from tests.inputs import named, padded
from tests.pairs import all_pairs, pairs_in

SOURCE = np.array([[5, 6, 3], [8, 3, 0]], np.int32)
TARGET = np.array([[2, 9, 5], [2, 10, 0]], np.int32)
PIECES = [*NAMES, "▁", "▁walk", "ing", "▁talk", "ed", ".", "▁Bob", "s"]


OPTIONS: dict[str, list[Any]] = {
    "cell": list(CELLS),
    "attention": ["none", *ATTENTIONS],
    "attention_position": ["before", "between", "after", "conditional"],
    "num_layers": [1, 2],
    "input_feeding": [False, True],
    "query_input": [False, True],
    "pointer": [False, True],
    "coverage": [False, True],
    "bidirectional": [False, True],
    "readout_units": [5, None],
    "tie": ["none", "target", "all"],
    "bridge": ["dense", "copy"],
    "residual": [False, True],
    "words": [False, True],
}


def allowed(row: dict[str, Any]) -> bool:
    """Whether these values, of some options or of all, go together."""
    get = row.get
    clashes = (
        get("attention_position") == "between" and (get("num_layers", 2) < 2 or get("input_feeding")),
        get("query_input") and get("attention_position", "before") != "before",
        get("attention") == "none" and any(map(get, ("input_feeding", "query_input", "pointer", "coverage"))),
        get("readout_units", 5) is None and (get("attention", "none") != "none" or get("tie", "none") != "none"),
    )
    return not any(clashes)


def cases() -> dict[str, dict[str, Any]]:
    found = {}
    for row in all_pairs(OPTIONS, allowed):
        shared = {name: row[name] for name in ("cell", "num_layers", "residual")}
        names = ["attention", "attention_position", "input_feeding", "query_input"]
        names += ["coverage", "readout_units", "bridge"]
        encoder = {"bidirectional": row["bidirectional"], "units": 3 if row["bidirectional"] else 6}
        unusual = {option: value for option, value in row.items() if value != OPTIONS[option][0]}
        flags = [option if value is True else f"{value}" for option, value in unusual.items()]
        name = "-".join([str(len(found)), *flags])
        found[name] = {
            "encoder": shared | encoder,
            "decoder": shared | {"units": 6, "heads": 2} | {name: row[name] for name in names},
            "tie": row["tie"],
            "pointer": row["pointer"],
            "pieces": PIECES if row["words"] else None,
        }
    return found


CASES = cases()


def values_of(case: dict[str, Any]) -> set[str]:
    """The values of all options of a case, each with its name."""
    flat = case["encoder"] | case["decoder"] | {"tie": case["tie"], "pointer": case["pointer"]}
    return {f"{name} {value}" for name, value in (flat | {"words": case["pieces"] is not None}).items()}


def first_with_each_value() -> set[str]:
    """The names of cases that hold every value of every option between them."""
    names, held = set(), set()
    for name, case in CASES.items():
        if values_of(case) - held:
            names.add(name)
            held |= values_of(case)
    return names


FIRST = first_with_each_value()
"""Cases that are saved in a `.keras` file too; of all others its two parts are tested, config and weights."""


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=() if name in FIRST else pytest.mark.long) for name in CASES]
)
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def model(case, build_model) -> Seq2Seq:
    return build_model(**case)


@pytest.fixture(scope="module")
def whole(model, array):
    """The logits of teacher forcing, (rows, target, size)."""
    return array(model(named(SOURCE, TARGET)))


def test_every_two_options_that_go_together_meet():
    some = {name: OPTIONS[name] for name in [*list(OPTIONS)[:7], "readout_units"]}
    every = (dict(zip(some, values, strict=True)) for values in product(*some.values()))
    expected = {pair for row in every if allowed(row) for pair in pairs_in(row, some)}
    rows = all_pairs(some, allowed)
    assert all(map(allowed, rows))
    assert {pair for row in rows for pair in pairs_in(row, some)} == expected


def close(got, wanted, atol=1e-5):
    np.testing.assert_allclose(got, wanted, atol=atol)


def test_one_step_at_a_time_equals_teacher_forcing(model, whole, array):
    encoded = model.encode(padded(SOURCE))
    state, steps = encoded.state, []
    for t in range(TARGET.shape[1]):
        logits, state = model.decode(TARGET[:, t : t + 1], encoded, state)
        steps.append(array(logits))
    close(np.concatenate(steps, axis=1), whole)


@pytest.fixture(scope="module")
def changed(model, array):
    """The logits of one batch with more padding: unchanged rows, rows with another last target, with another source."""
    source, target = np.tile(SOURCE, (3, 1)), np.tile(TARGET, (3, 1))
    target[2:4, -1], source[4:, 0] = 11, 9
    return array(model(named(np.pad(source, [[0, 0], [0, 2]]), target))).reshape(3, *TARGET.shape, -1)


def test_more_source_padding_changes_nothing(whole, changed):
    close(changed[0], whole)


def test_a_later_target_id_changes_nothing_earlier(changed):
    same, other, _ = changed
    close(other[:, :-1], same[:, :-1], atol=1e-6)
    assert not np.allclose(other[:, -1], same[:, -1], atol=1e-4)


def test_a_row_alone_equals_the_row_in_a_batch(model, whole, array):
    close(array(model(named(SOURCE[1:, :2], TARGET[1:]))), whole[1:])


def test_both_inputs_matter(changed):
    same, _, other = changed
    assert (np.abs(other - same).max(axis=(1, 2)) > 1e-4).all()


def same_model(got, model, whole, array):
    close(array(got(named(SOURCE, TARGET))), whole, atol=0)
    for one, other in zip(got.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_config_and_weights_make_the_same_model(model, whole, array, tmp_path):
    config = json.dumps(keras.saving.serialize_keras_object(model))
    model.save_weights(tmp_path / "model.weights.h5")
    copy = keras.saving.deserialize_keras_object(json.loads(config))
    assert isinstance(copy, Seq2Seq)
    copy.build()
    assert not np.allclose(copy.get_weights()[0], model.get_weights()[0])
    copy.load_weights(tmp_path / "model.weights.h5")
    same_model(copy, model, whole, array)


@pytest.mark.parametrize("case", sorted(FIRST), indirect=True)
def test_saved_and_loaded_it_is_the_same(model, whole, array, tmp_path):
    model.save(tmp_path / "model.keras")
    same_model(keras.models.load_model(tmp_path / "model.keras"), model, whole, array)


def test_gradients_reach_every_trainable_variable(model, gradients):
    _, found = gradients(
        lambda: keras.ops.mean(keras.ops.square(model(named(SOURCE, TARGET)))), model.trainable_variables
    )
    lost = [v.path for v, g in zip(model.trainable_variables, found, strict=True) if g is None or not np.any(g)]
    assert not lost
    assert all(np.isfinite(g).all() for g in found)


def test_dropout_changes_training_and_leaves_inference_alone(case, model, build_model, whole, array):
    rates = {"dropout": DropoutOptions(0.3, case["tie"] == "all")}
    sides = {name: case[name] | rates for name in ("encoder", "decoder")}
    dropping = build_model(**{**case, **sides})
    dropping.set_weights(model.get_weights())
    close(array(dropping(named(SOURCE, TARGET), training=False)), whole, atol=0)
    assert not np.allclose(array(dropping(named(SOURCE, TARGET), training=True)), whole, atol=1e-3)
