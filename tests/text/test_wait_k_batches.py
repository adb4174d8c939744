"""What a step of training may see of its source, by the wait-k policy."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from seq2seq.symbols import EOS, NAMES
from seq2seq.text.spelling import mark
from seq2seq.text.token_batches import WaitK, spaced_word_starts, visible_tokens, word_numbers

PIECES = [*NAMES, "▁a", "▁b", "c", "▁"]
A, B, C, BLANK = range(len(NAMES), len(PIECES))
STARTS = spaced_word_starts(SimpleNamespace(marks=lambda: mark(PIECES)))


class SmallStore(dict):
    def __len__(self):
        return len(self["source"])


def batch_of(sources, targets, choices, **options):
    store = SmallStore(
        source=[np.asarray([*row, EOS], np.int32) for row in sources],
        target=[np.asarray([*row, EOS], np.int32) for row in targets],
    )
    widths = tuple(max(map(len, store[name])) + 1 for name in ("source", "target"))
    return WaitK(choices, STARTS, STARTS, **{"seed": 1, **options})(store, np.arange(len(sources)), widths)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 100])
def test_target_position_t_sees_the_first_k_plus_t_source_positions_where_each_word_is_a_token(k):
    source, target = [A, B, A, B, A], [B, A, B, A, B, A, B]
    visible = batch_of([source, source[:2]], [target, target], (k,)).extras["visible"]
    for row, size in enumerate([6, 3]):  # with EOS
        assert visible[row, : len(target) + 1].tolist() == [min(k + t, size) for t in range(len(target) + 1)]


def test_all_tokens_of_a_word_are_seen_together_and_see_the_same():
    batch = batch_of([[A, C, C, B, A, C]], [[B, C, A, C]], (1,))
    assert batch.extras["visible"][0, :5].tolist() == [3, 3, 4, 4, 6]  # the EOS sees three words


def test_a_single_blank_belongs_to_the_word_after_it():
    assert word_numbers(STARTS, np.asarray([[A, C, BLANK, C, B, EOS, 0]])).tolist() == [[0, 0, 1, 1, 2, 3, 3]]
    assert word_numbers(STARTS, np.asarray([[C, C, B, EOS]])).tolist() == [[0, 0, 1, 2]]


def test_the_future_of_the_target_does_not_change_what_an_earlier_token_sees():
    one = batch_of([[A, B, A, B]], [[A, C, B, A]], (2,)).extras["visible"]
    other = batch_of([[A, B, A, B]], [[A, C, B, C]], (2,)).extras["visible"]
    np.testing.assert_array_equal(one[:, :3], other[:, :3])


def test_padding_sees_something_and_nothing_beyond_the_source():
    batch = batch_of([[A], [A, B, A, B]], [[A], [A, B, A]], (2,))
    visible, lengths = batch.extras["visible"], batch.source.mask.sum(axis=1)
    assert (visible >= 1).all()
    assert (visible <= lengths[:, None]).all()


def test_draws_are_a_function_of_seed_epoch_and_row_whatever_the_batch():
    def draws(rows=range(200), **options):
        return [WaitK((1, 2, 4), STARTS, STARTS, **{"seed": 1, **options}).wait(row) for row in rows]

    assert draws() == draws()
    assert draws(range(100, 200)) == draws()[100:]
    assert set(draws()) == {1, 2, 4}
    assert draws(epoch=1) != draws() != draws(seed=2)


def test_visible_tokens_by_hand():
    found = visible_tokens(np.asarray([[0, 0, 1, 2, 2]]), np.asarray([[0, 1, 2]]), np.asarray([1]))
    assert found.tolist() == [[2, 3, 5]]
