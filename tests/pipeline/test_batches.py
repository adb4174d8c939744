"""The plan of an epoch: everything once, in an order that only (seed, epoch) decide."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.pipeline.batches import Batching, Plan, pad, shift
from seq2seq.pipeline.feed import as_fit_data
from seq2seq.symbols import BOS, EOS, PAD

PAIRS = 700
BATCHING = Batching(tokens=120, buckets=4, window=128, max_rows=16)


@pytest.fixture
def store(make_store, monkeypatch):
    """Every pair can be told by its first source id and by its first target id."""
    monkeypatch.setattr(Plan, "BLOCK", 32)  # six windows, as a large corpus has
    random = np.random.default_rng(3)
    lengths = random.integers(1, 20, PAIRS)
    return make_store(
        [
            (
                [1000 + i, *random.integers(4, 99, n - 1)],
                [5000 + i, *random.integers(4, 99, max(1, n + random.integers(-3, 4)) - 1)],
            )
            for i, n in enumerate(lengths)
        ]
    )


def pairs_of(batch):
    rows = batch.weights.sum(1) > 0
    return (batch.source[rows, 0] - 1000).tolist()


def order_of(plan):
    return [pairs_of(batch) for batch in plan]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("trim", [True, False])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batching", [BATCHING, Batching(), Batching(tokens=1, buckets=1, window=1, max_rows=1)])
def test_every_pair_comes_once_an_epoch_and_whole(store, batching, shuffle, trim):
    plan = Plan(store, batching, seed=1, shuffle=shuffle, trim=trim)
    seen = []
    for batch in plan:
        for row, pair in enumerate(pairs_of(batch)):
            seen.append(pair)
            assert batch.source[row][batch.source[row] != PAD].tolist() == store.source(pair).tolist()
            assert batch.target_output[row][batch.weights[row] > 0].tolist() == store.target(pair).tolist()
    assert sorted(seen) == list(range(PAIRS))


def test_a_batch_is_a_function_of_seed_epoch_and_step_alone(store):
    plan = Plan(store, BATCHING, seed=1, epoch=3)
    batches = list(plan)
    assert len(batches) == len(plan)
    for step in np.random.default_rng(0).permutation(len(plan)):
        assert equal(Plan(store, BATCHING, seed=1, epoch=3)[int(step)], batches[step])
        assert equal(plan[int(step)], batches[step])


def test_each_epoch_and_each_seed_has_another_order_and_other_company(store):
    first = order_of(Plan(store, BATCHING, seed=1, epoch=0))
    for other in (Plan(store, BATCHING, seed=1, epoch=1), Plan(store, BATCHING, seed=2, epoch=0)):
        assert order_of(other) != first
        assert {frozenset(b) for b in order_of(other)} != {frozenset(b) for b in first}
    assert order_of(Plan(store, BATCHING, seed=1, epoch=0)) == first


def test_without_shuffling_the_seed_does_not_matter(store):
    plans = (Plan(store, BATCHING, seed=seed, epoch=seed, shuffle=False) for seed in (1, 2))
    assert order_of(next(plans)) == order_of(next(plans))


@pytest.mark.parametrize("trim", [True, False])
@pytest.mark.parametrize("tokens", [64, 120, 1000])
def test_the_budget_of_tokens_and_rows_is_kept(store, tokens, trim):
    plan = Plan(store, Batching(tokens=tokens, buckets=4, window=128, max_rows=16), seed=1, trim=trim)
    for batch in plan:
        assert batch.source.size + batch.target_output.size <= tokens
        assert len(batch.source) <= 16


def test_one_pair_fits_however_long(store):
    plan = Plan(store, Batching(tokens=1, buckets=2, window=128), seed=1)
    assert {len(batch.source) for batch in plan} == {1}


def test_shapes_are_few_and_fillers_weigh_nothing_where_shapes_must_not_vary(store):
    plan = Plan(store, BATCHING, seed=1, trim=False)
    assert len({(b.source.shape, b.target_output.shape) for b in plan}) <= BATCHING.buckets + 1
    assert len({(b.source.shape, b.target_output.shape) for b in Plan(store, BATCHING, seed=1)}) > BATCHING.buckets + 1
    fillers = 0
    for step, batch in enumerate(plan):
        rows = batch.weights.sum(1) > 0
        fillers += (~rows).sum()
        assert (batch.source[~rows] != PAD).any(1).all()  # an encoder wants an id in every row
        assert (np.diff(rows.astype(int)) <= 0).all()
        assert plan.tokens(step) == (batch.source[rows] != PAD).sum() + batch.weights.sum()
    assert fillers > 0


def test_little_is_padding(store):
    plan = Plan(store, Batching(tokens=400, buckets=8), seed=1)
    ids = sum(plan.tokens(step) for step in range(len(plan)))
    assert ids > 0.8 * sum(batch.source.size + batch.target_output.size for batch in plan)


def test_the_decoder_reads_bos_and_then_what_it_had_to_say(store):
    for batch in Plan(store, BATCHING, seed=1, trim=False):
        assert (batch.target_input[:, 0] == BOS).all()
        np.testing.assert_array_equal(batch.target_input[:, 1:], batch.target_output[:, :-1])
        for output, weights in zip(batch.target_output, batch.weights, strict=True):
            assert output[np.flatnonzero(output)[-1]] == EOS
            assert set(weights) <= {0.0, 1.0}
            assert not weights.any() or ((weights > 0) == (output != PAD)).all()


def test_the_shift_of_a_row_done_by_hand():
    given, expected = shift(np.array([[7, 8, EOS], [9, EOS, PAD]], np.int32))
    assert given.tolist() == [[BOS, 7, 8], [BOS, 9, EOS]]
    assert expected.tolist() == [[7, 8, EOS], [9, EOS, PAD]]
    assert given.dtype == np.int32


def test_padding_goes_to_the_right():
    assert pad([[5, 6], [7]]).tolist() == [[5, 6], [7, PAD]]
    assert pad([[5]], 3).tolist() == [[5, PAD, PAD]]
    assert pad([[]]).shape == (1, 1)
    assert pad([[5]]).dtype == np.int32


def test_fit_gets_the_plan_batch_by_batch(store):
    plan = Plan(store, BATCHING, seed=1)
    data = as_fit_data(plan)
    assert len(data) == len(plan)
    for ((source, given), output, weights), batch in zip(data, plan, strict=True):
        assert equal((source, given, output, weights), batch[:4])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere the plan itself is the data")
def test_no_thread_that_tunes_holds_up_the_end_of_an_epoch(store):
    assert as_fit_data(Plan(store, BATCHING, seed=1)).options().autotune.enabled is False


@pytest.mark.parametrize("name", ["tokens", "buckets", "window", "max_rows"])
def test_a_batching_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1. Received: 0"):
        Batching(**{name: 0})


def test_a_store_without_pairs_cannot_be_planned(make_store):
    with pytest.raises(ValueError, match="no pair that can be used"):
        Plan(make_store([([], [4])]), BATCHING, seed=1)
