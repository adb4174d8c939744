"""The whole of it learns: three tasks that only a working attention, loss and search solve in seconds."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.encoder import RNNEncoder
from seq2seq.search.greedy import greedy_search
from seq2seq.symbols import EOS, PAD
from seq2seq.tasks.text_to_text.model import connect
from seq2seq.text.token_batches import shift
from seq2seq.training.objective import Objective
from tests.inputs import named, padded

FIRST, SIZE, LONGEST = 4, 14, 5
TASKS = {"copy": lambda row: row, "reverse": lambda row: row[::-1], "sort": sorted}


def examples(task, count, seed):
    """`(source, target)`, each row ending in EOS, then PAD."""
    random = np.random.default_rng(seed)
    source, target = np.full((2, count, LONGEST + 1), PAD, np.int32)
    for x, y in zip(source, target, strict=True):
        row = random.integers(FIRST, SIZE, random.integers(3, LONGEST + 1))
        x[: len(row) + 1] = [*row, EOS]
        y[: len(row) + 1] = [*TASKS[task](row), EOS]
    return source, target


@pytest.fixture(scope="module")
def network(compiled):
    """An objective to fit and a greedy search, as graphs that all tasks share, and what makes both untrained again."""
    keras.utils.set_random_seed(1)
    model = connect(RNNEncoder(32), RNNDecoder(64, readout_units=32), (SIZE, SIZE), 16)
    model.build()
    trainer = Objective(model)
    trainer.compile(keras.optimizers.Adam(0.01, clipnorm=1.0), jit_compile=keras.backend.backend() != "tensorflow")
    trainer.optimizer.build(trainer.trainable_variables)
    variables = [*model.variables, *trainer.optimizer.variables]
    untrained = [ops.convert_to_numpy(variable) for variable in variables]

    def reset():
        for variable, value in zip(variables, untrained, strict=True):
            variable.assign(value)

    def translate(ids):
        encoded = model.encode(ids)

        def step(last, state):
            logits, state = model.decode(ops.expand_dims(last, 1), encoded, state)
            return logits[:, 0], state

        limits = ops.full((ops.shape(ids.values)[0],), LONGEST + 2, dtype="int32")
        return greedy_search(step, encoded.state, limits, LONGEST + 2)[0].ids[:, 0]

    return trainer, compiled(translate), reset


@pytest.mark.parametrize("task", TASKS)
def test_short_sequences_are_learned(task, network):
    trainer, translate, reset = network
    source, target = examples(task, 4096, seed=1)
    held_out, expected = examples(task, 200, seed=2)
    seen = {tuple(row) for row in source.tolist()}
    unseen = np.asarray([tuple(row) not in seen for row in held_out.tolist()])
    assert unseen.sum() > 100

    keras.utils.set_random_seed(1)
    reset()
    given, wanted = shift(target)
    trainer.fit(
        named(source, given),
        wanted,
        sample_weight=(wanted != PAD).astype("float32"),
        batch_size=128,
        epochs=5,
        verbose=0,
    )

    found = ops.convert_to_numpy(translate(padded(held_out)))
    answer = np.where(expected == EOS, PAD, expected)[:, :LONGEST]
    right = (found[:, :LONGEST] == answer).all(1) & (found[:, LONGEST:] == PAD).all(1)
    assert right[unseen].mean() > 0.9


def test_a_student_of_itself_finds_its_own_greedy_text_likelier(network):
    trainer, translate, reset = network
    source, target = examples("copy", 1024, seed=1)
    keras.utils.set_random_seed(1)
    reset()

    def fit(target, count, **options):
        given, wanted = shift(target)
        weights = (wanted != PAD).astype("float32")
        rows = named(source[:count], given)
        return trainer.fit(rows, wanted, sample_weight=weights, batch_size=128, verbose=0, **options).history["nll"]

    fit(target, 1024, epochs=1)
    own = ops.convert_to_numpy(translate(padded(source[:128])))[:, : LONGEST + 1]
    before, after = fit(own, 128, epochs=2, shuffle=False)  # a step each, measured before it
    assert after < before
