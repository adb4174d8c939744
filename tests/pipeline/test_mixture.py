"""Parts of a store are read as often as their weights say, whatever epoch a run begins with."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from seq2seq.pipeline.mixture import Chosen, epoch_rows, size_of_epoch

COUNTS = (10, 7, 0, 9)
WEIGHTS = (1, 2.5, 3, 0)


def test_an_epoch_is_a_function_of_seed_and_number():
    for epoch in range(5):
        rows = epoch_rows(COUNTS, WEIGHTS, 3, epoch)
        np.testing.assert_array_equal(rows, epoch_rows(COUNTS, WEIGHTS, 3, epoch))
        assert len(rows) == size_of_epoch(COUNTS, WEIGHTS) == 10 + 14 + 4
        assert rows.max() < 17, "a part of weight 0 is not read"
    assert epoch_rows(COUNTS, WEIGHTS, 3, 1).tolist() != epoch_rows(COUNTS, WEIGHTS, 4, 1).tolist()


@pytest.mark.parametrize("weight", [0.25, 0.5, 1.3, 2.0, 3.75])
def test_in_some_epochs_every_row_is_read_equally_often(weight):
    count, epochs = 40, 20
    read = Counter(row for epoch in range(epochs) for row in epoch_rows([count], [weight], 1, epoch).tolist())
    assert set(read) == set(range(count))
    assert set(read.values()) == {weight * epochs}


def test_the_other_half_comes_in_the_next_epoch():
    for first in (0, 2, 4):
        halves = [set(epoch_rows([5, 12], [0, 0.5], 1, first + epoch).tolist()) for epoch in (0, 1)]
        assert [len(half) for half in halves] == [6, 6]
        assert halves[0] | halves[1] == set(range(5, 17))


def test_what_is_chosen_reads_as_a_store():
    column = [np.arange(length) for length in (3, 1, 2)]

    class Rows:
        def __len__(self):
            return 3

        def __getitem__(self, name):
            return column

        def lengths(self, name):
            return np.asarray([len(row) for row in column])

    chosen = Chosen(Rows(), np.asarray([2, 0, 2]))
    assert len(chosen) == 3
    assert chosen.lengths("source").tolist() == [2, 3, 2]
    assert [len(chosen["source"][row]) for row in range(3)] == [2, 3, 2]
