"""Beam search against two independent searches in NumPy: all of the space, and a narrow beam."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.search.beam import beam_search
from seq2seq.search.greedy import greedy_search
from seq2seq.search.options import SearchOptions
from seq2seq.search.scoring import length_normalizer
from seq2seq.search.start import prefill
from seq2seq.symbols import BOS, EOS, PAD

NORMALIZATIONS = [("none", 1.0), ("average", 1.0), ("average", 0.6), ("gnmt", 0.8)]


class Markov:
    """A toy model of order 2, another table for each sentence: what follows depends on the two ids before."""

    def __init__(self, sentences: int, size: int, seed: int = 0, spread: float = 2.0):
        self.size = size
        self.table = (spread * np.random.default_rng(seed).normal(size=(sentences, size, size, size))).astype("float32")
        self.calls = 0

    def state(self):
        sentences = len(self.table)
        return {
            "sentence": ops.reshape(ops.arange(sentences, dtype="int32"), (sentences, 1)),
            "before": [ops.zeros((sentences, 1), "int32")],
        }

    def step(self, ids, state):
        self.calls += 1
        place = (state["sentence"][:, 0] * self.size + state["before"][0][:, 0]) * self.size + ids
        logits = ops.take(ops.reshape(self.table, (-1, self.size)), place, axis=0)
        return logits, {"sentence": state["sentence"], "before": [ops.expand_dims(ids, 1)]}

    def log_probabilities(self, sentence, ids):
        """Of what follows `ids`, in float64; PAD and BOS cannot."""
        before, last = ([0, BOS, *ids])[-2:]
        row = self.table[sentence, before, last].astype(np.float64)
        row[[PAD, BOS]] = -np.inf
        return row - np.log(np.exp(row - row.max()).sum()) - row.max()

    def decode(self, ids, mask, state):
        """As many steps as `ids (rows, time)` has, by `step`; rows keep their state where the mask is False."""
        logits = []
        for t in range(ids.shape[1]):
            found, new = self.step(ids[:, t], state)
            keep = ops.expand_dims(mask[:, t], 1)
            state = keras.tree.map_structure(lambda a, b, keep=keep: ops.where(keep, a, b), new, state)
            logits.append(found)
        return ops.stack(logits, axis=1), state

    def start(self, prompts=None):
        """Where a search begins, as keywords, and the state; after `prompts`, a list of ids for each sentence."""
        if prompts is None:
            return {}, self.state()
        ids = np.zeros((len(prompts), max(map(len, prompts)) + 1), np.int32)  # padded beyond the longest
        for row, prompt in zip(ids, prompts, strict=True):
            row[: len(prompt)] = prompt
        start, state = prefill(self.decode, self.state(), ids, np.asarray([len(p) for p in prompts], np.int32))
        return {"start": start}, state

    def search(self, compiled, limits, exclude=None, terms=None, prompts=None, **options):
        limits = np.asarray(limits, np.int32)

        def run(given):
            start, state = self.start(prompts)
            given = given, int(limits.max()), SearchOptions(**options)
            return beam_search(self.step, state, *given, exclude=exclude, terms=terms, **start)[0]

        return [ops.convert_to_numpy(part) for part in compiled(run)(limits)]


def normalizer(length, kind, penalty):
    return {"none": 1.0, "average": length**penalty, "gnmt": ((5 + length) / 6) ** penalty}[kind]


def all_of_the_space(model, sentence, limit, kind, penalty):
    """Every hypothesis as `(score, total, ids)`, best first."""
    pieces = [i for i in range(model.size) if i not in (PAD, BOS, EOS)]
    found = []
    for ids in itertools.chain.from_iterable(itertools.product(pieces, repeat=n) for n in range(limit + 1)):
        whole = [*ids, EOS]
        total = sum(model.log_probabilities(sentence, ids[:i])[whole[i]] for i in range(len(whole)))
        found.append((total / normalizer(len(whole), kind, penalty), total, list(ids)))
    return sorted(found, key=lambda h: -h[0])


def narrow_beam(model, sentence, limit, width, kind, penalty):
    """The same as `(score, total, ids)` by a plain beam that never ends early."""
    live, ended = [(0.0, [])], []
    for time in range(limit + 1):
        grown = []
        for total, ids in live:
            following = model.log_probabilities(sentence, ids)
            ended.append(((total + following[EOS]) / normalizer(time + 1, kind, penalty), total + following[EOS], ids))
            grown += [(total + p, [*ids, i]) for i, p in enumerate(following) if i != EOS and np.isfinite(p)]
        live = sorted(grown, key=lambda h: -h[0])[:width]
    return sorted(ended, key=lambda h: -h[0])


def same(found, sentence, expected):
    ids, lengths, totals, scores = found
    for n, (score, total, pieces) in enumerate(expected):
        assert ids[sentence, n, : lengths[sentence, n]].tolist() == pieces
        assert (ids[sentence, n, lengths[sentence, n] :] == PAD).all()
        np.testing.assert_allclose(totals[sentence, n], total, atol=1e-4)
        np.testing.assert_allclose(scores[sentence, n], score, atol=1e-4)


@pytest.mark.parametrize(("kind", "penalty"), NORMALIZATIONS)
def test_a_beam_as_wide_as_the_space_finds_the_true_best(compiled, kind, penalty):
    limits, best = [3, 2, 3, 1, 0], 5
    model = Markov(sentences=len(limits), size=6)
    found = model.search(compiled, limits, beam_size=40, num_best=best, normalization=kind, length_penalty=penalty)
    for sentence, limit in enumerate(limits):
        expected = all_of_the_space(model, sentence, limit, kind, penalty)[:best]
        same(found, sentence, expected)
        assert (found[3][sentence, len(expected) :] <= -1e8).all()
        assert (found[1][sentence, len(expected) :] == 0).all()


@pytest.mark.parametrize(("width", "best"), [(1, 1), (2, 1), (3, 3)])
@pytest.mark.parametrize(("kind", "penalty"), NORMALIZATIONS)
def test_a_narrow_beam_equals_a_plain_one(compiled, width, best, kind, penalty):
    limits = [7, 5, 2, 7, 6, 4, 7, 3]
    model = Markov(sentences=len(limits), size=9, seed=1, spread=1.5)
    found = model.search(compiled, limits, beam_size=width, num_best=best, normalization=kind, length_penalty=penalty)
    for sentence, limit in enumerate(limits):
        same(found, sentence, narrow_beam(model, sentence, limit, width, kind, penalty)[:best])


def greedy(compiled, model, limits):
    run = compiled(lambda x: greedy_search(model.step, model.state(), x, int(limits.max()))[0])
    return [ops.convert_to_numpy(part) for part in run(limits)]


def test_a_beam_of_one_equals_greedy_where_an_end_is_either_sure_or_impossible(compiled):
    # Elsewhere it may do better: it remembers an early end that greedy search passed by.
    limits = np.array([6, 3, 6, 5], np.int32)
    model = Markov(sentences=4, size=8, seed=2)
    model.table[..., EOS] = -60.0
    model.table[:, :, 5, EOS] = 60.0
    ids, lengths, totals, _ = model.search(compiled, limits, beam_size=1, normalization="none")
    wanted_ids, wanted_lengths, wanted_totals, _ = greedy(compiled, model, limits)
    np.testing.assert_array_equal(ids, wanted_ids)
    np.testing.assert_array_equal(lengths, wanted_lengths)
    np.testing.assert_allclose(totals, wanted_totals, rtol=1e-5)
    assert len(set(lengths[:, 0].tolist())) > 1


def test_a_beam_of_one_is_never_worse_than_greedy(compiled):
    limits = np.full(20, 6, np.int32)
    model = Markov(sentences=20, size=8, seed=3, spread=1.0)
    beam = model.search(compiled, limits, beam_size=1, normalization="none")[2]
    assert (beam >= greedy(compiled, model, limits)[2] - 1e-5).all()


@pytest.fixture
def eager():
    """Runs the loop step by step, so that a Python step function can count its calls."""
    if keras.backend.backend() == "jax":
        import jax

        with jax.disable_jit():
            yield
    else:
        yield


@pytest.mark.parametrize(("kind", "penalty"), [("none", 1.0), ("average", 1.0), ("gnmt", 0.8)])
def test_the_loop_ends_when_nothing_better_can_come(eager, kind, penalty):
    model = Markov(sentences=2, size=6, spread=0.1)
    model.table[:, :, 4, EOS] = 12.0  # an end is nearly sure after a 4,
    model.table[:, 0, BOS, 4] = 12.0  # which nearly surely comes first
    limits = ops.convert_to_tensor([50, 50], dtype="int32")
    options = SearchOptions(beam_size=3, normalization=kind, length_penalty=penalty)
    (ids, lengths, _, _), _ = beam_search(model.step, model.state(), limits, 50, options)
    assert ops.convert_to_numpy(ids)[:, 0, 0].tolist() == [4, 4]
    assert ops.convert_to_numpy(lengths)[:, 0].tolist() == [1, 1]
    assert model.calls < 50  # with a normaliser that grows to the limit a live one stays in hope for some steps
    if kind == "none":
        assert model.calls == 2


def test_the_loop_ends_with_the_last_limit_however_wide_the_output(eager):
    model = Markov(sentences=2, size=6, spread=0.1)
    model.table[..., EOS] = -5.0
    limits = ops.convert_to_tensor([1, 3], dtype="int32")
    (_, lengths, _, _), _ = beam_search(model.step, model.state(), limits, 50, SearchOptions(beam_size=2))
    assert model.calls == 4
    assert ops.convert_to_numpy(lengths)[:, 0].tolist() == [1, 3]


@pytest.mark.parametrize("kind", ["none", "average", "gnmt"])
def test_a_length_normalizer_equals_its_formula_and_never_falls(kind):
    lengths = np.arange(1, 30, dtype=np.float32)
    for penalty in (0.0, 0.6, 1.0, 1.5):
        got = ops.convert_to_numpy(length_normalizer(ops.convert_to_tensor(lengths), kind, penalty))
        np.testing.assert_allclose(got, [normalizer(n, kind, penalty) for n in lengths], rtol=1e-5)
        assert (np.diff(got) >= 0).all()
