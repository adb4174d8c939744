"""Batches of pairs of token sequences, with the alignment between them where it is known."""

from __future__ import annotations

import hashlib

import keras
import numpy as np
import pytest

from seq2seq.pipeline.feed import as_fit_data
from seq2seq.pipeline.plan import Batching, Plan
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.examples import Example
from seq2seq.text.token_batches import ALIGNED_PAIRS, PAIRS, expected_attention, shift
from seq2seq.text.token_store import write_token_store
from seq2seq.types import Batch, Padded

PAIR_COUNT = 700
BATCHING = Batching(tokens=120, buckets=4, window=128, max_rows=16)


def numbers(lines, chunk):
    return [[int(i) for i in line.split()] for line in lines]


@pytest.fixture
def store(make_store, monkeypatch):
    """Each pair is known by its first source id."""
    monkeypatch.setattr(Plan, "BLOCK", 32)  # six windows, as a large corpus has
    random = np.random.default_rng(3)
    lengths = random.integers(1, 20, PAIR_COUNT)
    return make_store(
        [
            (
                [1000 + i, *random.integers(4, 99, n - 1)],
                [5000 + i, *random.integers(4, 99, max(1, n + random.integers(-3, 4)) - 1)],
            )
            for i, n in enumerate(lengths)
        ]
    )


def arrays(batch):
    return batch.source.values, batch.source.mask, *batch[1:4]


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True))


@pytest.mark.parametrize("trim", [True, False])
def test_every_pair_is_whole_in_its_batch(store, trim):
    seen = []
    for batch in Plan(store, PAIRS, BATCHING, seed=1, trim=trim):
        for source, mask, output, weights in zip(*batch.source, batch.target_output, batch.weights, strict=True):
            if not weights.any():
                assert mask.any()  # an encoder needs an id in every row
                continue
            seen.append(pair := int(source[0]) - 1000)
            assert source[mask].tolist() == store["source"][pair].tolist()
            assert output[weights > 0].tolist() == store["target"][pair].tolist()
    assert sorted(seen) == list(range(PAIR_COUNT))


def test_the_decoder_reads_bos_and_then_the_expected_output_one_step_later(store):
    for batch in Plan(store, PAIRS, BATCHING, seed=1, trim=False):
        assert (batch.target_input[:, 0] == BOS).all()
        np.testing.assert_array_equal(batch.target_input[:, 1:], batch.target_output[:, :-1])
        for output, weights in zip(batch.target_output, batch.weights, strict=True):
            assert output[np.flatnonzero(output)[-1]] == EOS
            assert set(weights) <= {0.0, 1.0}
            assert not weights.any() or ((weights > 0) == (output != PAD)).all()


@pytest.mark.parametrize(
    ("trim", "rank", "size", "expected"),
    [
        (True, 0, 1, "a09d6d4e8ad04cbf"),
        (True, 0, 3, "c4112e3e772fef67"),
        (True, 2, 3, "96a17065b4e72c96"),
        (False, 0, 1, "0ea76260422f1e62"),
        (False, 0, 3, "5f1dc975c980334d"),
        (False, 2, 3, "6fd7afaa97b5c0cf"),
    ],
)
def test_the_numbers_of_a_seed_and_epoch_never_change(make_store, monkeypatch, trim, rank, size, expected):
    """Digests of commit 0472b3b."""
    monkeypatch.setattr(Plan, "BLOCK", 32)
    sizes = np.random.default_rng(11).integers(1, 20, (PAIR_COUNT, 2))
    store = make_store([([7] * a, [7] * b) for a, b in sizes])
    digest = hashlib.sha256()
    for batch in Plan(store, PAIRS, BATCHING, seed=1, epoch=2, trim=trim, rank=rank, size=size):
        for array in (batch.source.values, *batch[1:4]):
            digest.update(str((array.shape, str(array.dtype))).encode() + array.tobytes())
    assert digest.hexdigest()[:16] == expected


def test_the_shift_of_a_row_done_by_hand():
    target_input, target_output = shift(np.array([[7, 8, EOS], [9, EOS, PAD]], np.int32))
    assert target_input.tolist() == [[BOS, 7, 8], [BOS, 9, EOS]]
    assert target_output.tolist() == [[7, 8, EOS], [9, EOS, PAD]]
    assert target_input.dtype == np.int32


def test_fit_gets_the_plan_batch_by_batch(store):
    plan = Plan(store, PAIRS, BATCHING, seed=1)
    data = as_fit_data(plan)
    assert len(data) == len(plan)
    for (inputs, output, weights), batch in zip(data, plan, strict=True):
        assert inputs.keys() == batch.inputs().keys() == {"source", "source_mask", "target_input"}
        source = Padded(inputs["source"], inputs["source_mask"])
        assert equal(Batch(source, inputs["target_input"], output, weights), batch)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere the plan itself is the data")
def test_no_thread_that_tunes_holds_up_the_end_of_an_epoch(store):
    assert as_fit_data(Plan(store, PAIRS, BATCHING, seed=1)).options().autotune.enabled is False


@pytest.fixture
def aligned_pairs():
    """Each source is known by its first id; two in three of its tokens are aligned to the same token of the target."""
    random, examples = np.random.default_rng(4), []
    for i in range(300):
        size = int(random.integers(2, 12))
        points = (*((n, n) for n in range(size) if (n + i) % 3), (0, 1))
        text = " ".join(map(str, [1000 + i, *random.integers(4, 99, size - 1)]))
        examples.append(Example(text, text, i + 1, alignment=points))
    return examples


@pytest.mark.parametrize("trim", [True, False])
def test_an_aligned_plan_has_the_same_batches_and_the_alignment_of_each_row(tmp_path, aligned_pairs, trim):
    def align(examples, sources, targets):
        return [list(example.alignment) for example in examples]

    store = write_token_store(tmp_path / "store", aligned_pairs, numbers, numbers, 100, align=align)
    batching = Batching(tokens=100, buckets=3, max_rows=8)
    aligned, plain = (Plan(store, layout, batching, 1, 2, trim=trim) for layout in (ALIGNED_PAIRS, PAIRS))
    assert len(aligned) == len(plain)
    for step, (batch, other) in enumerate(zip(aligned, plain, strict=True)):
        assert not other.extras
        assert equal(batch, other)
        assert batch.extras["alignment"].shape == (*batch.target_output.shape, batch.source.values.shape[1])
        assert np.array_equal(
            batch.extras["alignment"], aligned[step].extras["alignment"]
        )  # without the steps before it
        parts = batch.source.values, batch.weights, batch.extras["alignment"]
        for row, weights, attention in zip(*parts, strict=True):
            if weights.any():
                points = sorted((int(s), int(t)) for t, s in np.argwhere(attention > 0))
                assert points == sorted(set(aligned_pairs[row[0] - 1000].alignment))
                assert set(attention.sum(1).round(5).tolist()) <= {0.0, 1.0}
    for (inputs, _, _), batch in zip(as_fit_data(aligned), aligned, strict=True):
        assert np.array_equal(inputs["alignment"], batch.extras["alignment"])


def test_the_expected_attention_is_even_over_aligned_tokens_and_0_elsewhere():
    attention = expected_attention([np.array([[0, 0], [2, 0], [1, 2]]), np.zeros((0, 2), int)], (2, 4, 3))
    expected = np.zeros((2, 4, 3))
    expected[0, 0] = 0.5, 0, 0.5
    expected[0, 2, 1] = 1
    np.testing.assert_array_equal(attention, expected)
    assert attention.dtype == np.float32
