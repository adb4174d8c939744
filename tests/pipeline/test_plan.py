"""The plan of an epoch: everything once, in an order that depends on (seed, epoch) alone."""

from __future__ import annotations

import hashlib
import json
from itertools import chain

import numpy as np
import pytest

from seq2seq.pipeline.padding import pad, padded
from seq2seq.pipeline.plan import Batching, Layout, Plan
from seq2seq.pipeline.store import Column, Store
from seq2seq.types import Batch

ROWS = 700
BATCHING = Batching(tokens=120, buckets=4, window=128, max_rows=16)


def collate(store, rows, widths):
    """Readings, of which any may be 0.0, and notes, of which any may be 0. Weights follow from lengths."""
    frames = padded([store["frames"][row] for row in rows], widths[0], "float32", (2,))
    notes = padded([store["notes"][row] for row in rows], widths[1])
    return Batch(frames, rows, notes.values, notes.mask.astype("float32"))


LAYOUT = Layout(("frames", "notes"), collate)


def make_store(folder, lengths):
    rows = ({"frames": np.zeros((a, 2)), "notes": np.zeros(b, int)} for a, b in lengths)
    return Store.write(folder, rows, {"frames": Column("float32", (2,)), "notes": Column("uint8")})


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(Plan, "BLOCK", 32)  # six windows, as a large store has
    return make_store(tmp_path / "store", np.random.default_rng(11).integers(1, 20, (ROWS, 2)) + 1)


def real_rows(batch):
    return batch.target_input[batch.weights.any(axis=1)].tolist()


def order_of(plan):
    return [real_rows(batch) for batch in plan]


def equal(a, b):
    arrays = ((*batch.source, *batch[1:4]) for batch in (a, b))
    return all(np.array_equal(x, y) for x, y in zip(*arrays, strict=True))


def digest(plan):
    """Of the rows, the widths and the length of each step."""
    steps = (plan._step(step) for step in range(len(plan)))
    text = "".join(json.dumps([step.rows.tolist(), list(step.widths), step.length]) for step in steps)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("trim", [True, False])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batching", [BATCHING, Batching(), Batching(tokens=1, buckets=1, window=1, max_rows=1)])
def test_every_row_comes_once_an_epoch_and_whole(store, batching, shuffle, trim):
    rows = []
    for batch in Plan(store, LAYOUT, batching, seed=1, shuffle=shuffle, trim=trim):
        for row, frames, weights in zip(batch.target_input, batch.source.mask, batch.weights, strict=True):
            if weights.any():
                assert frames.sum() == store.lengths("frames")[row]
                rows.append(int(row))
                assert weights.sum() == store.lengths("notes")[row]
    assert sorted(rows) == list(range(ROWS))


def test_a_batch_is_a_function_of_seed_epoch_and_step_alone(store):
    plan = Plan(store, LAYOUT, BATCHING, seed=1, epoch=3)
    batches = list(plan)
    assert len(batches) == len(plan)
    for step in np.random.default_rng(0).permutation(len(plan)):
        assert equal(Plan(store, LAYOUT, BATCHING, seed=1, epoch=3)[int(step)], batches[step])
        assert equal(plan[int(step)], batches[step])


def test_each_epoch_and_each_seed_has_another_order_and_other_company(store):
    first = order_of(Plan(store, LAYOUT, BATCHING, seed=1, epoch=0))
    for other in (Plan(store, LAYOUT, BATCHING, seed=1, epoch=1), Plan(store, LAYOUT, BATCHING, seed=2, epoch=0)):
        assert order_of(other) != first
        assert {frozenset(b) for b in order_of(other)} != {frozenset(b) for b in first}
    assert order_of(Plan(store, LAYOUT, BATCHING, seed=1, epoch=0)) == first


def test_without_shuffling_the_seed_does_not_matter(store):
    plans = (Plan(store, LAYOUT, BATCHING, seed=seed, epoch=seed, shuffle=False) for seed in (1, 2))
    assert order_of(next(plans)) == order_of(next(plans))


def test_a_small_plan_in_full(tmp_path):
    """The rows of commit 0472b3b, whose runs were stopped and resumed."""
    store = make_store(tmp_path / "store", np.random.default_rng(11).integers(1, 20, (24, 2)) + 1)
    plan = Plan(store, LAYOUT, Batching(tokens=80, buckets=3, window=24, max_rows=6), seed=1)
    assert plan.widths.tolist() == [[12, 11], [17, 15], [20, 20]]
    assert [plan.rows(step).tolist() for step in range(len(plan))] == [
        *([9, 15], [12, 14], [18, 5], [2, 16], [22, 19], [13, 10], [6, 0, 4], [7, 21, 11], [17, 3], [1, 23], [8, 20])
    ]


@pytest.mark.parametrize(
    ("batching", "seed", "epoch", "shuffle", "expected"),
    [
        (BATCHING, 1, 0, True, "e9cbba5250d2db57"),
        (BATCHING, 7, 3, True, "c11114269c0a4e77"),
        (BATCHING, 1, 0, False, "fce0fc12f4f8e94a"),
        (Batching(), 1, 0, True, "c81626bec0d1e1b2"),
        (Batching(), 7, 3, True, "e28491bd079bcebe"),
        (Batching(), 1, 0, False, "ade70d1777e0802b"),
        (Batching(tokens=1, buckets=1, window=1, max_rows=1), 1, 0, True, "5c8ced76ce24e976"),
        (Batching(tokens=1, buckets=1, window=1, max_rows=1), 7, 3, True, "8a3c22d792537feb"),
    ],
)
def test_the_order_of_a_seed_and_epoch_never_changes(store, batching, seed, epoch, shuffle, expected):
    """Digests of commit 0472b3b."""
    assert digest(Plan(store, LAYOUT, batching, seed, epoch, shuffle=shuffle)) == expected


@pytest.mark.parametrize("trim", [True, False])
@pytest.mark.parametrize("tokens", [64, 120, 1000])
def test_the_budget_of_cost_and_rows_is_kept(store, tokens, trim):
    batching = Batching(tokens=tokens, buckets=4, window=128, max_rows=16)
    for batch in Plan(store, LAYOUT, batching, seed=1, trim=trim):
        rows, width, _ = batch.source.values.shape
        assert width * rows + batch.target_output.size <= tokens
        assert rows <= 16


def test_a_cost_function_decides_how_many_rows_fit(store):
    layout = Layout(LAYOUT.columns, collate, lambda widths: widths[0] * widths[1])
    plan = Plan(store, layout, Batching(tokens=900, buckets=4, max_rows=1000), seed=1, trim=False)
    assert sorted(chain.from_iterable(order_of(plan))) == list(range(ROWS))
    costs = [batch.weights.size * batch.source.values.shape[1] for batch in plan]
    assert max(costs) <= 900 < 2 * min(costs)
    assert len({len(batch.weights) for batch in plan}) > 2


def test_one_column_is_enough(store):
    def notes_alone(store, rows, widths):
        batch = collate(store, rows, (1000, *widths))
        return batch._replace(source=None)

    plan = Plan(store, Layout(("notes",), notes_alone), BATCHING, seed=1)
    assert sorted(row for batch in plan for row in real_rows(batch)) == list(range(ROWS))
    assert all(batch.weights.size <= BATCHING.tokens for batch in plan)


def test_one_row_fits_however_long(store):
    plan = Plan(store, LAYOUT, Batching(tokens=1, buckets=2, window=128), seed=1)
    assert {len(batch.weights) for batch in plan} == {1}


def test_rows_of_no_length_are_padded_to_one(tmp_path):
    store = make_store(tmp_path / "store", [(0, 0), (0, 0)])
    for trim in (True, False):
        (batch,) = Plan(store, LAYOUT, Batching(tokens=4), seed=1, trim=trim)
        assert batch.source.values.shape == (2, 1, 2)
        assert not batch.weights.any()


def test_shapes_are_few_and_fillers_weigh_nothing_where_shapes_must_not_vary(store):
    plan = Plan(store, LAYOUT, BATCHING, seed=1, trim=False)
    shapes = {(b.source.values.shape, b.target_output.shape) for b in plan}
    assert len(shapes) <= BATCHING.buckets + 1
    trimmed = Plan(store, LAYOUT, BATCHING, seed=1)
    assert len({(b.source.values.shape, b.target_output.shape) for b in trimmed}) > BATCHING.buckets + 1
    fillers = 0
    for step, batch in enumerate(plan):
        real = batch.weights.any(axis=1)
        fillers += (~real).sum()
        assert (np.diff(real.astype(int)) <= 0).all()
        assert set(batch.target_input[~real]) <= set(batch.target_input[real])
        lengths = (store.lengths(name)[batch.target_input[real]].sum() for name in LAYOUT.columns)
        assert plan.length(step) == sum(lengths)
    assert fillers > 0


def test_little_is_padding(store):
    plan = Plan(store, LAYOUT, Batching(tokens=400, buckets=8), seed=1)
    padded = sum(np.prod(batch.source.values.shape[:2]) + batch.target_output.size for batch in plan)
    assert sum(plan.length(step) for step in range(len(plan))) > 0.7 * padded


@pytest.mark.parametrize("trim", [True, False])
@pytest.mark.parametrize("size", [2, 3])
def test_the_rows_of_all_processes_are_those_of_one(store, size, trim):
    batching = Batching(tokens=60, buckets=3)
    whole = Plan(store, LAYOUT, batching, seed=5, trim=trim)
    parts = [Plan(store, LAYOUT, batching, seed=5, trim=trim, rank=rank, size=size) for rank in range(size)]
    assert {len(part) for part in parts} == {len(whole)}
    empty = 0
    for step, batch in enumerate(whole):
        batches = [part[step] for part in parts]
        rows = [real_rows(part) for part in batches]
        assert sorted(chain.from_iterable(rows)) == sorted(real_rows(batch))
        assert all(len(part.weights) for part in batches)
        empty += rows.count([])
        if not trim:
            assert len({part.weights.shape for part in batches}) == 1
    assert empty > 0


@pytest.mark.parametrize("name", ["tokens", "buckets", "window", "max_rows"])
def test_a_batching_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1. Received: 0"):
        Batching(**{name: 0})


def test_an_empty_store_cannot_be_planned(tmp_path):
    with pytest.raises(ValueError, match="The store is empty"):
        Plan(make_store(tmp_path / "store", []), LAYOUT, BATCHING, seed=1)


def test_padding_goes_to_the_right():
    assert pad([[5, 6], [7]]).tolist() == [[5, 6], [7, 0]]
    assert pad([[5]], 3).tolist() == [[5, 0, 0]]
    assert pad([[]]).shape == (1, 1)
    assert pad([[5]]).dtype == np.int32


def test_a_mask_follows_from_lengths_never_from_values():
    """0.0 is a reading and 0 may be a note."""
    notes = padded([[0, 0], [], [0]], 3)
    assert notes.values.tolist() == [[0, 0, 0]] * 3
    assert notes.mask.tolist() == [[True, True, False], [False] * 3, [True, False, False]]
    frames, mask = padded([np.ones((2, 3)), np.zeros((0, 3)), np.zeros((4, 3))], 4, "float32", (3,))
    assert (frames.shape, frames.dtype) == ((3, 4, 3), np.float32)
    assert frames.sum(axis=(1, 2)).tolist() == [6, 0, 0]
    assert mask.sum(axis=1).tolist() == [2, 0, 4]
