"""The Transformer and what it is compared with: one token at a time is the whole, and all read the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from seq2seq.lab import rivals, rivals_report
from seq2seq.lab.report import Curve, Plot
from seq2seq.lab.rivals import make_translators
from seq2seq.lab.rivals_models import (
    NAMES,
    Shape,
    generation_times,
    make_network,
    next_id_loss,
    sizes_of,
    state_bytes,
    training_times,
)
from seq2seq.lab.rivals_report import Plan
from seq2seq.lab.sources import Pairs, Stream
from seq2seq.lab.training import Run, Trainer, race
from seq2seq.lab.transformer import CausalTransformer, new_transformer

SHAPE = Shape(7, 8, 2, 2, 16)


def test_with_a_cache_one_token_at_a_time_equals_the_whole():
    model = new_transformer(*SHAPE, seed=1)
    ids = np.random.default_rng(1).integers(0, 7, (3, 9), np.int32)
    whole = np.asarray(model(ids))
    caches = model.new_cache(3, 9)
    step = tf.function(lambda some, position: model.step(some, caches, position))
    found = [step(tf.constant(ids[:, t]), tf.constant(t)) for t in range(9)]
    np.testing.assert_allclose(np.stack(found, axis=1), whole, atol=1e-5)
    np.testing.assert_allclose(step(tf.constant(ids[:, 4]), tf.constant(4)), whole[:, 4], atol=1e-5)  # go on from there


def test_a_transformer_does_not_see_what_follows():
    model = new_transformer(*SHAPE, seed=1)
    ids = np.random.default_rng(1).integers(0, 7, (2, 9), np.int32)
    other = ids.copy()
    other[:, 5:] = (other[:, 5:] + 1) % 7
    one, changed = np.asarray(model(ids)), np.asarray(model(other))
    np.testing.assert_allclose(one[:, :5], changed[:, :5], atol=1e-5)
    assert not np.allclose(one[:, 5], changed[:, 5], atol=1e-3)
    with pytest.raises(ValueError, match="heads divide"):
        CausalTransformer(7, 10, 1, 4)


def test_all_networks_have_about_as_many_weights():
    shape = Shape(40, 32, 2, 4, 16)
    sizes = sizes_of(shape)
    counts = [make_network(name, shape, sizes[name], 1).count_params() for name in NAMES]
    assert max(counts) < 1.1 * min(counts)


def test_only_the_state_of_a_transformer_grows():
    models = {name: make_network(name, SHAPE._replace(length=140), 6, 1) for name in NAMES}
    assert state_bytes(models["Transformer"], 10) == 10 * 2 * 2 * 8 * 4
    assert state_bytes(models["LSTM"], 10) == state_bytes(models["LSTM"], 1) == 2 * 2 * 6 * 4
    found = generation_times({name: models[name] for name in ("Transformer", "SSRU")}, (2, 4), 1)
    assert [len(found[name][0][0]) for name in found] == [2, 2]


def test_a_trainer_that_starts_again_does_the_same_and_all_get_the_same_batches():
    trainers = {name: Trainer(lambda seed: make_network("GRU", SHAPE, 4, seed), next_id_loss, 0.01) for name in "ab"}
    stream = Stream("abcdefg", *(np.arange(200, dtype=np.int32) % 7 for _ in range(2)))
    held = stream.windows(2, 5, 3)
    found = race(trainers, (1, 2), lambda seed: stream.batches(2, 5, seed), held, [2, 5], lambda done: None)
    again = race(trainers, (1, 2), lambda seed: stream.batches(2, 5, seed), held, [2, 5], lambda done: None)
    assert [run.scores for run in found["a"]] == [run.scores for run in found["b"]]
    assert [run.scores for run in found["a"]] == [run.scores for run in again["a"]]
    assert found["a"][0].scores != found["a"][1].scores
    speeds = training_times(trainers, 7, (4, 8), 16, 2)
    assert np.asarray(speeds["a"]).shape == (2, 2)
    assert np.min(speeds["a"]) > 0


def test_translators_learn_from_the_target_alone():
    """Whatever follows within the source, or behind the end, has no weight."""
    random = np.random.default_rng(0)
    ids = random.integers(4, 9, (2, 5), np.int32)
    joined = random.integers(4, 9, (2, 10), np.int32)
    ones, late = np.ones((2, 5), np.float32), np.repeat([[0.0] * 5 + [1.0] * 5], 2, axis=0).astype(np.float32)
    pairs = Pairs(9, (ids, ids, ids, ones, joined, joined, late), ())
    plan = Plan(8, 2, (4,), 8, (4,), 1, 2, 4, 2, 1, 1, 1, 9, False, 1)
    batch = next(pairs.batches(2, 1))
    changed = list(batch)
    changed[5] = batch[5].copy()
    changed[5][:, :5] = 4
    for trainer in make_translators(9, plan).values():
        assert trainer.score([batch]) == pytest.approx(trainer.score([changed]))


def test_a_score_is_looked_up_on_the_line_between_its_points():
    curve = Curve("a", [1.0, 3.0], [10.0, 20.0])
    assert [rivals_report.score_at(curve, time) for time in (0.5, 2.0, 9.0)] == [10.0, 15.0, 20.0]


def test_the_page_speaks_of_the_networks_that_were_compared():
    networks = ("Transformer", "LSTM", "SSRU")
    plan = replace(rivals.QUICK, networks=networks)
    runs = [Run([1, 2], [2.0, 1.0 + seed], 0.1) for seed in (0, 1)]
    each = dict.fromkeys(networks, 10)
    found = rivals_report.Measured(
        each,
        each,
        {name: [[100.0, 50.0]] for name in networks},
        {name: [8, 9] for name in networks},
        {},
        {name: ([[0.1, 0.2]], [4, 4]) for name in networks},
        dict.fromkeys(networks, runs),
        dict.fromkeys(("Transformer", rivals_report.ATTENTIVE), runs),
        each,
    )
    parts = rivals_report.parts_of(plan, found)
    assert "The full form also has GRU and minGRU." in parts[0].paragraphs[0]
    drawn = {curve.name for part in parts for item in part.items if isinstance(item, Plot) for curve in item.curves}
    assert drawn == {*networks, rivals_report.ATTENTIVE}
    assert rivals_report.answer_of(plan, found).startswith("Training is fastest with")
