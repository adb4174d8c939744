"""Puzzles that need a memory, drawn anew for each batch. Imports no framework.

Adding and temporal order: Hochreiter & Schmidhuber 1997; copying: Arjovsky et al. 2016.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from seq2seq.symbols import BOS, EOS, PAD

Batches = Iterator[tuple[np.ndarray, np.ndarray]]
"""Inputs `(rows, time, features)` and targets, one pair a step; it does not end."""
BATCH = 32
"""Rows of a batch."""


def adding(length: int, seed: int, rows: int = BATCH) -> Batches:
    """Yields `(rows, length, 2)` numbers of 0 to 1 with marks, and the sum of the two marked ones, `(rows, 1)`.

    The first mark is in the first half, the second in the second. Answering 1 always has a mean square error of 1/6.
    """
    random, every = np.random.default_rng(seed), np.arange(rows)
    while True:
        inputs = np.zeros((rows, length, 2), np.float32)
        inputs[:, :, 0] = random.random((rows, length))
        first = random.integers(0, length // 2, rows)
        second = random.integers(length // 2, length, rows)
        inputs[every, first, 1] = inputs[every, second, 1] = 1
        yield inputs, (inputs[every, first, 0] + inputs[every, second, 0])[:, None]


ADDING_BASELINE = 1 / 6
"""The mean square error of the best answer that does not depend on the inputs."""


def temporal_order(length: int, seed: int, rows: int = BATCH) -> Batches:
    """Yields `(rows, length, 6)` symbols, two of which are X or Y, and which of XX, XY, YX, YY came, `(rows,)`.

    The first stands after a tenth to a fifth of the sequence, the second after a half to three fifths; all others are
    distractors a to d.
    """
    random, every = np.random.default_rng(seed), np.arange(rows)
    symbols = np.eye(6, dtype=np.float32)
    while True:
        ids = random.integers(2, 6, (rows, length))
        first = random.integers(length // 10, max(length // 5, length // 10 + 1), rows)
        second = random.integers(length // 2, max(length * 3 // 5, length // 2 + 1), rows)
        classes = random.integers(0, 2, (rows, 2))
        ids[every, first], ids[every, second] = classes[:, 0], classes[:, 1]
        yield symbols[ids], (2 * classes[:, 0] + classes[:, 1]).astype(np.int32)


def copying(length: int, seed: int, rows: int = BATCH, count: int = 10) -> Batches:
    """Yields `count` symbols of 8, then `length` blanks with a mark at their end; they are asked for after the mark.

    Inputs `(rows, length + 2 count, 10)`, targets `(rows, length + 2 count)` of 0 to 8, where 0 is the blank. Without a
    memory the best loss is `copying_baseline`.
    """
    random = np.random.default_rng(seed)
    symbols = np.eye(10, dtype=np.float32)
    while True:
        given = random.integers(1, 9, (rows, count))
        inputs = np.zeros((rows, length + 2 * count), np.int64)
        inputs[:, :count] = given
        inputs[:, length + count - 1] = 9
        targets = np.zeros_like(inputs)
        targets[:, -count:] = given
        yield symbols[inputs], targets.astype(np.int32)


def copying_baseline(length: int, count: int = 10) -> float:
    """The loss in nats a step of an answer that knows when, and nothing of what."""
    return count * float(np.log(8)) / (length + 2 * count)


SYMBOLS = 10
"""That sequences to reverse are made of."""
FIRST = EOS + 1
"""The id of the first of them, behind the control symbols."""


def reversing(shortest: int, longest: int, seed: int, rows: int = BATCH) -> Iterator[tuple[np.ndarray, ...]]:
    """Yields random sequences and their reverse, as an encoder-decoder takes them.

    Each has source; target, which begins with BOS; what follows in it; the weights of that: `(rows, longest + 1)`,
    where a sequence has `shortest` to `longest` symbols, then an EOS and padding.
    """
    random, places = np.random.default_rng(seed), np.arange(longest + 1)
    while True:
        counts = random.integers(shortest, longest + 1, (rows, 1))
        symbols = random.integers(FIRST, FIRST + SYMBOLS, (rows, longest + 1))
        source = np.where(places < counts, symbols, np.where(places == counts, EOS, PAD)).astype(np.int32)
        back = np.take_along_axis(source, np.maximum(counts - 1 - places, 0), axis=1)
        following = np.where(places < counts, back, source)
        target = np.concatenate([np.full((rows, 1), BOS), following[:, :-1]], axis=1).astype(np.int32)
        target[target == EOS] = PAD
        yield source, target, following, (following != PAD).astype(np.float32)
