"""Networks trained side by side are those trained alone; puzzles in one form are the puzzles."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.lab import memory
from seq2seq.lab.memory import FEATURES, OUTPUTS, ROWS, Outcome, learn, longest, puzzles
from seq2seq.lab.models import new_model
from seq2seq.lab.stack import Stack
from seq2seq.layers.cells import CELLS

SEEDS = (1, 2)


@pytest.mark.parametrize("cell", CELLS)
def test_networks_side_by_side_answer_and_learn_as_each_alone(cell):
    stack = Stack(cell, 4, 3, 2, SEEDS, rate=0.1, clip=0.01)
    random = np.random.default_rng(0)
    inputs = random.normal(size=(2, 3, 5, 3)).astype("float32")
    targets = random.normal(size=(2, 3, 5)).astype("float32")
    together = np.asarray(stack.answer(inputs))
    losses = stack.train(inputs, targets, np.eye(5)[-1], True)
    for place, seed in enumerate(SEEDS):
        model = new_model(cell, 4, 3, 2, seed, each_step=True)
        alone = np.asarray(model(inputs[place]))
        np.testing.assert_allclose(together[place], alone, atol=1e-5)
        assert losses[place] == pytest.approx(np.square(alone[:, -1, 0] - targets[place, :, -1]).mean(), rel=1e-4)
        model.compile(keras.optimizers.SGD(1.0, global_clipnorm=0.01), _last_square, jit_compile=False)
        before = [np.array(weight) for weight in model.weights]
        model.train_on_batch(inputs[place], targets[place])
        for old, new, start, stacked in zip(before, model.weights, stack.start, stack.weights, strict=True):
            step, adam = np.array(new) - old, np.array(stacked)[place] - start[place]
            moved = np.abs(step) > 1e-5  # the first step of Adam has the sign of the gradient
            np.testing.assert_array_equal(np.sign(step[moved]), np.sign(adam[moved]))


def _last_square(targets, outputs):
    return keras.ops.mean(keras.ops.square(outputs[:, -1, 0] - targets[:, -1]))


def test_a_restart_forgets_what_was_learned():
    stack = Stack("gru", 4, 3, 2, SEEDS, rate=0.1)
    inputs, targets = np.ones((2, 3, 4, 3), np.float32), np.zeros((2, 3, 4), np.float32)
    first = [stack.train(inputs, targets, np.ones(4), False) for _ in range(3)]
    stack.restart()
    again = [stack.train(inputs, targets, np.ones(4), False) for _ in range(3)]
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
    stack = Stack("gru", 4, FEATURES, OUTPUTS, SEEDS, 0.01)
    puzzle = puzzles(2)[0]
    shares = iter(np.array([[1.0, 1.0]] * 30 + [[0.01, 1.0]] * 30 + [[0.01, 0.01]] * 30) * puzzle.baseline(8))
    monkeypatch.setattr(stack, "train", lambda *given: next(shares))
    first, second = learn(stack, puzzle, 8, 200)
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
