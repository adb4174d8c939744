"""One contract for every model: each cell with each attention in each direction.

Order, input feeding, depth, bridge, residual connections and ties are spread over the cases so that each cell and
each attention meets every order, feeding and depth that go together.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import keras
import numpy as np
import pytest

from seq2seq.layers.attention import ATTENTIONS
from seq2seq.layers.cells import CELLS
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.symbols import NAMES
from tests.inputs import named, padded

SOURCE = np.array([[5, 6, 7, 3], [8, 3, 0, 0]], np.int32)
TARGET = np.array([[2, 9, 5], [2, 10, 0]], np.int32)
PIECES = [*NAMES, "▁", "▁walk", "ing", "▁talk", "ed", ".", "▁Bob", "s"]


def cases() -> dict[str, dict[str, Any]]:
    found = {}
    kinds = enumerate(product(enumerate(CELLS), enumerate(["none", *ATTENTIONS]), enumerate([False, True])))
    for number, ((c, cell), (a, attention), (d, bidirectional)) in kinds:
        variant = (c + 2 * a + 5 * d) % 8
        order, feeding, layers = ("before", "after")[variant % 2], variant // 2 % 2 == 1, 1 + variant // 4
        feeding = feeding and attention != "none"
        if layers == 2 and not feeding and (c + a) % 2:
            order = "between"
        decoder = {"cell": cell, "num_layers": layers, "attention": attention, "attention_position": order, "heads": 2}
        knows = order == "before" and attention != "none" and d == 1
        decoder |= {
            "query_input": knows,
            "input_feeding": feeding,
            "bridge": ("dense", "copy")[number % 2],
            "residual": number % 3 == 0,
        }
        decoder |= {"readout_units": None if attention == "none" and number % 3 == 0 else 5}
        encoder = {
            "cell": cell,
            "num_layers": layers,
            "bidirectional": bidirectional,
            "units": 3 if bidirectional else 6,
        }
        name = f"{cell}-{attention}-{'bi' if bidirectional else 'uni'}-{order}-{'fed-' if feeding else ''}{layers}"
        found[name] = {
            "encoder": encoder | {"residual": number % 3 == 0},
            "decoder": decoder | {"units": 6},
            "tie": "none" if decoder["readout_units"] is None else ("none", "target", "all")[number % 3],
        }
    # The pointer and coverage, with each attention, in each place, alone and together.
    for number, (attention, place) in enumerate(product(ATTENTIONS, ("before", "between", "after", "fed"))):
        order = "before" if place == "fed" and number % 2 else place.replace("fed", "after")
        decoder = {
            "units": 6,
            "readout_units": 5,
            "attention": attention,
            "heads": 2,
            "attention_position": order,
            "num_layers": 2,
        }
        parts = [("pointer",), ("coverage",), ("pointer", "coverage")][number % 3]
        found[f"{attention}-{place}-{'-'.join(parts)}"] = {
            "encoder": {"units": 3},
            "decoder": decoder | {"coverage": "coverage" in parts, "input_feeding": place == "fed"},
            "tie": "all" if number % 2 else "none",
            "pointer": "pointer" in parts,
        }
    # The encoder may go from word to word.
    for name, attention in (("words", "additive"), ("words-none", "none")):
        decoder = {"units": 6, "readout_units": 5, "attention": attention}
        found[name] = {"encoder": {"units": 3}, "decoder": decoder, "tie": "all", "pieces": PIECES}
    return found


CASES = cases()


@pytest.fixture(scope="module", params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def model(case, build_model) -> Seq2Seq:
    return build_model(**case)


@pytest.fixture(scope="module")
def whole(model, array):
    """The logits of teacher forcing, (rows, target, size)."""
    return array(model(named(SOURCE, TARGET)))


def close(got, wanted, atol=1e-5):
    np.testing.assert_allclose(got, wanted, atol=atol)


def test_one_step_at_a_time_equals_teacher_forcing(model, whole, array):
    memory = model.encode(padded(SOURCE))
    state, steps = memory.state, []
    for t in range(TARGET.shape[1]):
        logits, state = model.decode(TARGET[:, t : t + 1], memory, state)
        steps.append(array(logits))
    close(np.concatenate(steps, axis=1), whole)


def test_more_source_padding_changes_nothing(model, whole, array):
    close(array(model(named(np.pad(SOURCE, [[0, 0], [0, 2]]), TARGET))), whole)


def test_a_later_target_id_changes_nothing_earlier(model, whole, array):
    changed = TARGET.copy()
    changed[:, -1] = 11
    other = array(model(named(SOURCE, changed)))
    close(other[:, :-1], whole[:, :-1], atol=1e-6)
    assert not np.allclose(other[:, -1], whole[:, -1], atol=1e-4)


def test_a_row_alone_equals_the_row_in_a_batch(model, whole, array):
    close(array(model(named(SOURCE[1:, :2], TARGET[1:]))), whole[1:])


def test_both_inputs_matter(model, whole, array):
    other = SOURCE.copy()
    other[:, 0] = 9
    assert (np.abs(array(model(named(other, TARGET))) - whole).max(axis=(1, 2)) > 1e-4).all()


def test_config_and_weights_make_the_same_model(model, whole, array):
    copy = Seq2Seq.from_config(model.get_config())
    copy.build()
    copy.set_weights(model.get_weights())
    close(array(copy(named(SOURCE, TARGET))), whole, atol=0)


def test_saved_and_loaded_it_is_the_same(model, case, build_model, whole, array, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    other = build_model(**case, seed=4)
    assert not np.allclose(other.get_weights()[0], model.get_weights()[0])
    other.load_weights(tmp_path / "model.weights.h5")
    close(array(loaded(named(SOURCE, TARGET))), whole, atol=0)
    for copied in (loaded, other):
        for got, wanted in zip(copied.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_gradients_reach_every_trainable_variable(model, gradients):
    _, found = gradients(
        lambda: keras.ops.mean(keras.ops.square(model(named(SOURCE, TARGET)))), model.trainable_variables
    )
    lost = [v.path for v, g in zip(model.trainable_variables, found, strict=True) if g is None or not np.any(g)]
    assert not lost
    assert all(np.isfinite(g).all() for g in found)


def test_dropout_changes_training_and_leaves_inference_alone(case, model, build_model, whole, array):
    rates = {"dropout": 0.3, "variational_dropout": case["tie"] == "all"}
    sides = {name: case[name] | rates for name in ("encoder", "decoder")}
    dropping = build_model(**{**case, **sides})
    dropping.set_weights(model.get_weights())
    close(array(dropping(named(SOURCE, TARGET), training=False)), whole, atol=0)
    assert not np.allclose(array(dropping(named(SOURCE, TARGET), training=True)), whole, atol=1e-3)
