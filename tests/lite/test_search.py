"""The host's half of a search: a batch that shrinks finds the same; the k largest are the k largest."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seq2seq.lite.search import beam_search
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS

SIZE, BEAM = 11, 3


def step(ids, state, banned=None):
    """A model whose state is all it has seen, as one number, and whose logits are drawn from that number."""
    state = (state * 31 + ids[:, None] + 1) % 10007
    logits = np.stack([np.random.default_rng(int(seen)).normal(0, 1.5, SIZE) for seen in state[:, 0]])
    logits = (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32)
    top_ids = np.argsort(-logits, axis=1)[:, : BEAM + 1]
    top = np.where(top_ids == EOS, np.float32(-1e9), np.take_along_axis(logits, top_ids, 1))
    return {"top": top, "top_ids": top_ids, "eos": logits[:, EOS], "state": state}


@pytest.mark.parametrize("num_best", [1, 3])
def test_a_batch_that_shrinks_finds_the_same(num_best):
    state = np.arange(8, dtype=np.float32)[:, None] * 100
    limits = np.asarray([3, 9, 0, 5, 12, 4, 7, 6], np.int32)
    options = SearchOptions(beam_size=BEAM, num_best=num_best)
    batches = [8]

    def narrow(sources):
        if len(sources) + 1 >= batches[-1]:
            return None
        batches.append(len(sources) + 1)
        return np.concatenate([sources, sources[:1]])  # one more than is open, to fill up

    whole = beam_search(step, state, limits, options)
    shrunk = beam_search(step, state, limits, options, narrow)
    assert len(batches) > 2
    assert batches[-1] == 2
    for got, wanted in zip(shrunk, whole, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a LiteRT model is made by TensorFlow")
@pytest.mark.parametrize("size", [3, 7, 97, 120, 6000])
@pytest.mark.parametrize("k", [1, 6])
def test_top_k_finds_the_largest(size, k):
    from seq2seq.export.litert_networks import top_k

    scores = np.random.default_rng(size).permutation(5 * size).reshape(5, size).astype(np.float32)
    top, places = top_k(keras.ops.convert_to_tensor(scores), k)
    wanted = np.argsort(-scores, axis=1)[:, :k]
    np.testing.assert_array_equal(places, wanted)
    np.testing.assert_array_equal(top, np.take_along_axis(scores, wanted, 1))
