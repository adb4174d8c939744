"""A model of which each step sees the beginning of its source alone, as simultaneous translation trains it."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.layers.attention import ATTENTIONS
from seq2seq.training.objective import Objective
from seq2seq.types import Encoded, Memory, Padded
from tests.inputs import named, padded

SOURCE = np.array([[5, 6, 7, 9, 3], [8, 10, 3, 0, 0]], np.int32)
TARGET = np.array([[2, 9, 5, 7], [2, 10, 6, 0]], np.int32)
VISIBLE = np.array([[1, 2, 4, 5], [1, 1, 2, 3]], np.int32)

every_way = pytest.mark.parametrize(
    ("kind", "position"), [*((kind, "between") for kind in ATTENTIONS), ("additive", "after")]
)


@pytest.fixture
def model(build_model, kind, position):
    decoder = {"attention": kind, "attention_position": position, "num_layers": 2, "bridge": "zero", "units": 4}
    if kind == "multi_head":
        decoder["heads"] = 2
    return build_model(encoder={"bidirectional": False}, decoder=decoder)


@every_way
def test_a_step_sees_what_a_source_that_has_just_come_so_far_shows(model, array):
    limited = model.limit(model.encode(padded(SOURCE)), VISIBLE)
    logits, _ = model.decode(TARGET, limited, limited.state)
    for row in range(2):
        state = model.decoder.zero_state(1)
        for t in range(TARGET.shape[1]):
            come = np.where(np.arange(5) < VISIBLE[row, t], SOURCE[row : row + 1], 0)
            encoded = model.encode(padded(come))
            expected, state = model.decode(TARGET[row : row + 1, t : t + 1], encoded, state)
            np.testing.assert_allclose(array(logits)[row, t], array(expected)[0, 0], atol=1e-5)


@every_way
def test_what_is_not_visible_changes_nothing(model, array):
    changed = SOURCE.copy()
    changed[0, 2:] = 11
    before, after = (
        array(model.decode(TARGET, limited, limited.state)[0])
        for limited in (model.limit(model.encode(padded(source)), VISIBLE) for source in (SOURCE, changed))
    )
    np.testing.assert_allclose(before[0, :2], after[0, :2], atol=1e-6)
    assert np.abs(before[0, 2:] - after[0, 2:]).max() > 1e-3


@pytest.mark.parametrize(("kind", "position"), [("multi_head", "between")])
def test_alignments_are_to_what_is_visible(model, array):
    limited = model.limit(model.encode(padded(SOURCE)), VISIBLE)
    weights = array(model.align(TARGET, limited, limited.state))
    np.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)
    assert ((weights > 0) == (np.arange(5) < VISIBLE[:, :, None])).all()


@pytest.mark.parametrize(("kind", "position"), [("additive", "between")])
def test_parts_of_a_source_give_the_memory_of_the_whole(model, array):
    whole, state, parts = model.encode(padded(SOURCE)).memory, None, []
    for begin, end in ((0, 1), (1, 4), (4, 5)):
        values = SOURCE[:, begin:end]
        memory, state = model.encode_part(Padded(values, values != 0), state)  # a row may be padding alone
        parts.append(memory)
    for name in ("values", "keys"):
        joined = np.concatenate([array(getattr(part, name)) for part in parts], axis=1)
        real = SOURCE != 0
        np.testing.assert_allclose(joined[real], array(getattr(whole, name))[real], atol=1e-5)
    encoded = Encoded(Memory(*(np.concatenate([array(p[n]) for p in parts], axis=1) for n in range(3))), ())
    assert (array(encoded.memory.mask) == (SOURCE != 0)).all()


@pytest.mark.parametrize(("kind", "position"), [("additive", "between")])
def test_the_objective_trains_on_what_is_visible(model, array):
    objective = Objective(model)
    features = [
        array(objective({**named(SOURCE, TARGET), **more}, training=False)["features"])
        for more in ({}, {"visible": VISIBLE})
    ]
    limited = model.limit(model.encode(padded(SOURCE)), VISIBLE)
    expected = array(model.decode_features(TARGET, limited, limited.state).features)
    np.testing.assert_allclose(features[1], expected, atol=1e-6)
    assert np.abs(features[0] - features[1]).max() > 1e-3
