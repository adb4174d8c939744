"""Networks trained side by side are those trained alone; puzzles in one form are the puzzles."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest

from seq2seq.lab import memory
from seq2seq.lab.memory import FEATURES, OUTPUTS, ROWS, Outcome, learn, longest, puzzle_loss, puzzles
from seq2seq.lab.models import new_model
from seq2seq.lab.training import Trainer, clip_to_norm
from seq2seq.layers.cells import CELLS

SEEDS = (1, 2)


def trainer_of(cell, clip=1.0):
    return Trainer(partial(memory._stack, cell, 4, SEEDS), puzzle_loss, 0.1, clip)


@pytest.mark.parametrize("cell", CELLS)
def test_networks_side_by_side_answer_and_learn_as_each_alone(cell):
    trainer, random = trainer_of(cell, clip=0.01), np.random.default_rng(0)
    inputs = random.normal(size=(2, 3, 5, FEATURES)).astype("float32")
    targets = random.normal(size=(2, 3, 5)).astype("float32")
    together, start = np.asarray(trainer.model(inputs)), trainer.model.get_weights()
    losses = trainer.step((inputs, targets, np.eye(5, dtype=np.float32)[-1], np.float32(1)))
    alone = Trainer(lambda seed: new_model(cell, 4, FEATURES, OUTPUTS, seed, True), _last_square, 0.1, clip=0.01)
    for place, seed in enumerate(SEEDS):
        alone.restart(seed)
        np.testing.assert_allclose(together[place], alone.model(inputs[place]), atol=1e-5)
        before = alone.model.get_weights()
        assert losses[place] == pytest.approx(alone.step((inputs[place], targets[place])), rel=1e-4)
        stacked = trainer.model.get_weights()
        for old, new, first, last in zip(before, alone.model.get_weights(), start, stacked, strict=True):
            np.testing.assert_allclose(last[place] - first[place], new - old, atol=1e-4)


def _last_square(model, batch, training):
    inputs, targets = batch
    return keras.ops.mean(keras.ops.square(model(inputs)[:, -1, 0] - targets[:, -1]))


def test_gradients_are_clipped_to_a_common_norm_for_each_network():
    parts = [np.full((2, 3), [[3.0], [0.1]]), np.zeros((2, 2, 2))]
    (scaled, _), norm = clip_to_norm(parts, 1.0, stacked=True)
    np.testing.assert_allclose(norm, np.sqrt(3) * np.array([3, 0.1]))
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=1), [1, 0.1 * np.sqrt(3)])
    (scaled, _), norm = clip_to_norm(parts, 1.0, stacked=False)
    assert float(norm) == pytest.approx(np.linalg.norm(parts[0]))
    assert np.linalg.norm(scaled) == pytest.approx(1)
    (scaled, _), _ = clip_to_norm(parts, None, stacked=True)
    np.testing.assert_array_equal(scaled, parts[0])


def test_a_restart_forgets_what_was_learned():
    trainer = trainer_of("gru")
    batch = np.ones((2, 3, 4, FEATURES), np.float32), np.zeros((2, 3, 4), np.float32), np.ones(4, np.float32)
    first = [trainer.step((*batch, np.float32(0))) for _ in range(3)]
    assert trainer.largest > 0
    trainer.restart(0)
    assert trainer.largest == 0
    again = [trainer.step((*batch, np.float32(0))) for _ in range(3)]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize("puzzle", puzzles(2), ids=lambda puzzle: puzzle.name)
def test_a_puzzle_has_its_form_and_a_constant_answer_has_about_its_baseline(puzzle):
    length, stream = 12, puzzle.pose(12, 1)
    batches = [next(stream) for _ in range(200)]
    inputs, targets = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    assert inputs.shape == (200 * ROWS, length, FEATURES)
    counts = puzzle.counts(length)
    if puzzle.numbers:
        losses = np.square(targets - 1)
    elif puzzle.name == "copying":  # knows when, and nothing of what
        losses = np.where(targets > 0, np.log(8), 0.0)
    else:
        losses = np.full(targets.shape, np.log(4))
    assert targets.max() < OUTPUTS
    assert (losses * counts).sum(1).mean() / counts.sum() == pytest.approx(puzzle.baseline(length), rel=0.1)


def test_training_ends_when_all_have_learned_and_says_when(monkeypatch):
    trainer = trainer_of("gru")
    puzzle = puzzles(2)[0]
    shares = iter(np.array([[1.0, 1.0]] * 30 + [[0.01, 1.0]] * 30 + [[0.01, 0.01]] * 30) * puzzle.baseline(8))
    monkeypatch.setattr(trainer, "step", lambda batch: next(shares))
    first, second = learn(trainer, puzzle, 8, 200)
    assert (first.steps, second.steps) == (30 + 13, 60 + 13)  # 13 of the last 25
    found = {("adding", "gru", 8): [first, second], ("adding", "gru", 16): [first, Outcome(None, 1.0)]}
    assert longest(found, "adding", "gru", (8, 16)) == 8


def test_the_page_says_where_nothing_was_learned():
    tasks, lengths = puzzles(2), (6, 12)
    found = {
        (p.name, cell, n): [Outcome(None, 1.0), Outcome(None, float("nan"))]
        for p in tasks
        for cell in CELLS
        for n in lengths
    }
    assert "no cell, at 6 steps or more" in memory._answer(found, tasks, lengths)
    part = memory._part(found, tasks[0], lengths, 2)
    assert "No cell learned it" in part.paragraphs[1]
    found["adding", "gru", 12] = [Outcome(40, 0.01), Outcome(60, 0.01)]
    assert "GRU over 12 steps, after 50" in memory._answer(found, tasks, lengths)
    assert "GRU up to 12" in memory._part(found, tasks[0], lengths, 2).paragraphs[1]
