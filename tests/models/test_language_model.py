"""The contract of language models: every two options that go together share a case."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest

from seq2seq.layers.attention import AttentionOptions
from seq2seq.layers.cells import CELLS
from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.frontends import TokenEmbedding
from seq2seq.layers.heads import VocabularyHead
from seq2seq.layers.options import DropoutOptions
from seq2seq.models.language_model import LanguageModel
from tests.pairs import all_pairs

IDS = np.array([[3, 9, 5, 7], [3, 10, 4, 8]], np.int32)
SIZE = 11
OPTIONS: dict[str, list[Any]] = {
    "cell": list(CELLS),
    "num_layers": [1, 2],
    "residual": [False, True],
    "readout": [True, False],
    "tied": [False, True],
    "weight_dropout": [0.0, 0.5],
}


def allowed(row: dict[str, Any]) -> bool:
    return not (row.get("weight_dropout") and row.get("cell") in ("ssru", "min_gru"))


CASES = {"-".join(str(value) for value in row.values()): row for row in all_pairs(OPTIONS, allowed)}


def build(row, seed=3, dropout=0.0):
    embedding = TokenEmbedding(SIZE, 5, dropout=dropout)
    decoder = RNNDecoder(
        5,
        cell=row["cell"],
        num_layers=row["num_layers"],
        attention=None,
        readout_units=5 if row["readout"] else None,
        residual=row["residual"],
        dropout=DropoutOptions(dropout, variational=True, weights=row["weight_dropout"]),
    )
    model = LanguageModel(embedding, decoder, VocabularyHead(SIZE, embedding if row["tied"] else None))
    model.build()
    keep = [v for v in model.weights if "seed" in v.path]
    states = [keras.ops.convert_to_numpy(v) for v in keep]
    random = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(0.5 * random.normal(size=variable.shape))
    for variable, state in zip(keep, states, strict=True):
        variable.assign(state)
    return model


@pytest.fixture(scope="module", params=CASES)
def row(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def model(row):
    return build(row)


@pytest.fixture(scope="module")
def whole(model, array):
    return array(model({"target_input": IDS}))


@pytest.mark.parametrize("cuts", [(0, 1, 2, 3, 4), (0, 3, 4)])
def test_a_text_cut_anywhere_gives_what_the_whole_gives(cuts, model, whole, array):
    state, parts = model.initial_state(2), []
    for start, end in pairwise(cuts):
        logits, state = model.decode(IDS[:, start:end], state)
        parts.append(array(logits))
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)


def test_a_later_id_changes_nothing_before_it_and_padding_no_state(model, whole, array):
    changed = np.concatenate([IDS[:, :-1], IDS[:, -1:] - 2], axis=1)
    mask = np.array([[True] * 3 + [False]] * 2)
    logits, state = model.decode(changed, model.initial_state(2), mask=mask)
    np.testing.assert_allclose(array(logits)[:, :-1], whole[:, :-1], atol=1e-5)
    _, expected = model.decode(IDS[:, :-1], model.initial_state(2))
    for one, other in zip(keras.tree.flatten(state), keras.tree.flatten(expected), strict=True):
        np.testing.assert_allclose(array(one), array(other), atol=1e-5)


def test_saved_and_loaded_it_is_the_same(model, whole, array, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(loaded({"target_input": IDS})), whole)
    assert (loaded.head.embedding is loaded.embedding) == loaded.head.tied


def test_gradients_reach_every_weight_and_dropout_is_for_training_alone(model, row, whole, array, gradients):
    def loss(training):
        return lambda: keras.ops.sum(keras.ops.square(model({"target_input": IDS}, training=training)))

    for training in (False, True):
        _, found = gradients(loss(training), model.trainable_variables)
        lost = [v.path for v, g in zip(model.trainable_variables, found, strict=True) if g is None or not np.any(g)]
        assert not lost
    dropping = build(row, dropout=0.5)
    np.testing.assert_allclose(array(dropping({"target_input": IDS}, training=False)), whole, atol=1e-6)
    assert not np.allclose(array(dropping({"target_input": IDS}, training=True)), whole, atol=1e-3)


def simple(**options):
    return RNNDecoder(4, cell="simple", attention=None, **options)


def test_weight_dropout_drops_the_same_weights_at_every_step_and_none_in_use(array):
    decoder, ones = simple(dropout=DropoutOptions(weights=0.5)), np.ones((1, 6, 4), np.float32)
    decoder.build((None, None, 4))
    cell = decoder.cells[0]
    cell.kernel.assign(np.zeros((4, 4)))
    cell.recurrent_kernel.assign(0.1 * np.eye(4))
    state = decoder.zero_state(1)._replace(layers=[[np.ones((1, 4), np.float32)]])
    used = array(decoder(ones, None, state).features)[0]
    np.testing.assert_allclose(used[0], np.tanh(0.1), rtol=1e-5)
    seen = set()
    for _ in range(8):
        outputs = array(decoder(ones, None, state, training=True).features)[0]
        kept = outputs[0] > 0
        np.testing.assert_allclose(outputs[0][kept], np.tanh(0.2), rtol=1e-4)  # what is kept is doubled
        assert ((outputs > 0) == kept).all()
        seen.add(tuple(kept))
    assert len(seen) > 1


def test_embedding_dropout_drops_ids_for_a_whole_batch(array):
    embedding = TokenEmbedding(50, 3, dropout=0.5)
    embedding.build()
    ids = np.tile(np.arange(50), (2, 2))
    plain, dropped = array(embedding.embed(ids)), array(embedding.embed(ids, training=True))
    kept = np.abs(dropped).sum(-1) > 0
    assert (kept == kept[0, :50][ids]).all()
    assert 5 < kept[0, :50].sum() < 45
    np.testing.assert_allclose(dropped[kept], 2 * plain[kept], rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LanguageModel(None, RNNDecoder(4, readout_units=4), VocabularyHead(5)), "no source to attend to"),
        (
            lambda: RNNDecoder(4, cell="ssru", attention=None, dropout=DropoutOptions(weights=0.1)),
            "needs a cell with recurrent weights",
        ),
        (
            lambda: RNNDecoder(4, attention=AttentionOptions(), readout_units=4, dropout=DropoutOptions(weights=0.1)),
            'excludes input feeding and attention position "before"',
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
