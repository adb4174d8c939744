"""A cell run over time equals the cell called step by step, forward and backward, with and without a mask."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.layers.cells import CELLS, make_cell, state_sizes
from seq2seq.layers.recurrence import run_cell

ROWS, TIME, FEATURES, UNITS = 3, 5, 2, 4
MASK = np.arange(TIME) < np.array([5, 3, 1])[:, None]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_running_over_time_is_calling_step_by_step(name, reverse, masked, rng, randomize, array):
    cell = make_cell(name, UNITS)
    cell.build((None, FEATURES))
    randomize(cell)
    inputs = rng.normal(size=(ROWS, TIME, FEATURES)).astype("float32")
    start = [rng.normal(size=(ROWS, size)).astype("float32") for size in state_sizes(cell)]
    mask = MASK if masked else None
    outputs, final = run_cell(
        cell,
        cell.project(inputs),
        [keras.ops.convert_to_tensor(s) for s in start],
        None if mask is None else keras.ops.convert_to_tensor(mask),
        reverse,
    )
    state = start
    for t in reversed(range(TIME)) if reverse else range(TIME):
        real = np.ones(ROWS, bool) if mask is None else mask[:, t]
        output, new = cell.recur(cell.project(inputs[:, t]), [keras.ops.convert_to_tensor(s) for s in state])
        state = [np.where(real[:, None], array(n), s) for n, s in zip(new, state, strict=True)]
        np.testing.assert_allclose(array(outputs)[real, t], array(output)[real], atol=1e-5)
    for got, expected in zip(final, state, strict=True):
        np.testing.assert_allclose(array(got), expected, atol=1e-5)
