"""A search never writes what the rules forbid, in a graph and in NumPy, and what it writes scores as without them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.lite import search as lite
from seq2seq.lite.search import beam_search as lite_beam_search
from seq2seq.search.beam import beam_search
from seq2seq.search.greedy import greedy_search, sample_search
from seq2seq.search.mbr import choose_by_mbr
from seq2seq.search.options import SearchOptions
from seq2seq.search.rules import extend_matches, matches_of, repeats
from seq2seq.search.scoring import coverage_penalty
from seq2seq.search.step import FORBIDDEN
from seq2seq.symbols import BOS, EOS, PAD
from tests.search.test_beam import Markov, all_of_the_space

LIMITS = np.array([5, 5, 4], np.int32)


def endings(ids, size):
    """The pieces that would end an n-gram of `size` a second time."""
    last = tuple(ids[len(ids) - size + 1 :]) if size > 1 else ()
    return {ids[i] for i in range(size - 1, len(ids)) if tuple(ids[i - size + 1 : i]) == last}


def test_repeats_are_what_would_end_an_ngram_again(rng, array):
    ids = rng.integers(4, 6, (20, 12)).astype("int32")  # two pieces: there are many repeats
    matches, lite_matches = np.zeros_like(ids), np.zeros_like(ids)
    for time in range(12):
        written = np.where(np.arange(12) < time, ids, PAD)
        for size in (1, 2, 3, 4, 12, 10**9):
            wanted = [endings(row[:time].tolist(), size) for row in ids] if time >= size - 1 else [set()] * 20
            for found in (
                array(repeats(written, time, matches, size)),
                lite.repeats(written, time, lite_matches, size),
            ):
                assert [set(row.tolist()) - {PAD} for row in found] == wanted
        np.testing.assert_array_equal(array(matches_of(ids, np.full(20, time, np.int32))), matches)
        matches = array(extend_matches(matches, written, time, ids[:, time]))
        lite_matches = lite.extend_matches(lite_matches, written, time, ids[:, time])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_model_without_numbers_scores_no_number_in_any_search(compiled, array, bad):
    def step(ids, state):
        logits = ops.zeros((ops.shape(ids)[0], 6)) + ops.cast(state[0], "float32")
        return ops.where(ops.equal(ops.arange(6), 4), logits * bad, logits), state

    state = [np.array([[0.0], [1.0]], "float32")]  # 0 * inf is no number either; the other row has some, or inf
    limits = np.array([3, 3], np.int32)
    options = SearchOptions(beam_size=2, num_best=2)
    found = compiled(lambda x: beam_search(step, state, x, 3, options)[0])(limits)
    assert np.isnan(found.scores).all()
    assert np.isnan(choose_by_mbr(found, 1.0, 2).scores).all()
    assert np.isnan(array(greedy_search(step, state, limits, 3)[0].scores)).all()


def has_repeats(ids, size):
    grams = [tuple(ids[i : i + size]) for i in range(len(ids) - size + 1)]
    return len(grams) > len(set(grams))


def allowed(ids, min_length=0, no_repeat_ngram=0):
    return len(ids) >= min_length and not (no_repeat_ngram and has_repeats(ids, no_repeat_ngram))


RULES = [
    {"min_length": 2},
    {"no_repeat_ngram": 1},
    {"min_length": 3, "no_repeat_ngram": 2},
    {"no_repeat_ngram": 2},
]


@pytest.mark.parametrize("rules", RULES)
def test_a_beam_as_wide_as_the_space_finds_the_best_of_what_is_allowed(compiled, rules):
    model = Markov(3, 6)
    limits = np.minimum(LIMITS, 4)
    found = model.search(compiled, limits, beam_size=64, num_best=5, **rules)
    for row, limit in enumerate(limits):
        wanted = [h for h in all_of_the_space(model, row, int(limit), "average", 1.0) if allowed(h[2], **rules)][:5]
        assert wanted
        for n, (score, total, ids) in enumerate(wanted):
            assert found[0][row, n, : found[1][row, n]].tolist() == ids
            np.testing.assert_allclose([found[3][row, n], found[2][row, n]], [score, total], atol=1e-4)


@pytest.mark.parametrize("rules", RULES)
def test_greedy_and_sampling_keep_to_the_rules_and_tell_the_likelihood_of_the_model(rules, array, rng):
    model = Markov(3, 6)
    uniforms = rng.random((3, 6)).astype("float32")
    for found in (
        greedy_search(model.step, model.state(), LIMITS, 5, SearchOptions(**rules))[0],
        sample_search(model.step, model.state(), LIMITS, 5, uniforms, SearchOptions(**rules))[0],
    ):
        for row in range(3):
            ids = array(found.ids)[row, 0, : array(found.lengths)[row, 0]].tolist()
            assert allowed(ids, **rules)
            whole = [*ids, EOS]
            total = sum(model.log_probabilities(row, ids[:i])[whole[i]] for i in range(len(whole)))
            np.testing.assert_allclose(array(found.log_probabilities)[row, 0], total, atol=1e-4)


@pytest.mark.parametrize("rules", RULES)
def test_the_search_in_numpy_finds_what_the_one_in_a_graph_does(compiled, rules, array):
    model = Markov(3, 6)
    wanted = model.search(compiled, LIMITS, beam_size=3, num_best=2, **rules)

    def step(ids, state, banned):
        place = (state[:, 0] * model.size + state[:, 1]) * model.size + ids
        logits = model.table.reshape(-1, model.size)[place].copy()
        logits[:, [PAD, BOS]] = FORBIDDEN
        gains = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True))
        gains -= logits.max(1, keepdims=True)
        eos = gains[:, EOS].copy()
        gains[:, EOS] = FORBIDDEN
        if banned is not None:
            np.put_along_axis(gains, banned, FORBIDDEN, axis=1)
        top = np.argsort(-gains, axis=1, kind="stable")[:, :4]
        after = np.stack([state[:, 0], ids], axis=1)
        return {"top": np.take_along_axis(gains, top, 1), "top_ids": top.astype("int32"), "eos": eos, "state": after}

    start = np.stack([np.arange(3), np.zeros(3, int)], axis=1)
    found = lite_beam_search(step, start, LIMITS, SearchOptions(beam_size=3, num_best=2, **rules))
    np.testing.assert_array_equal(found.ids, wanted[0])
    for got, expected in zip(found[1:], wanted[1:], strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-4)


def test_a_penalty_is_added_to_the_score_and_ends_no_search_too_early(compiled, array):
    model = Markov(3, 6)
    limits = np.minimum(LIMITS, 4)

    def step(ids, state):
        logits, after = model.step(ids, {name: state[name] for name in ("sentence", "before")})
        return logits, {**after, "fives": state["fives"] + ops.cast(ops.equal(ids, 5), "float32")[:, None]}

    def penalize(state):
        return -2.0 * ops.squeeze(ops.maximum(1.0 - state["fives"], 0.0), 1)  # a hypothesis without a 5 loses 2

    def run(given):
        start = {**model.state(), "fives": ops.zeros((3, 1))}
        return beam_search(step, start, given, 4, SearchOptions(beam_size=64, num_best=3), penalize=penalize)[0]

    found = [ops.convert_to_numpy(part) for part in compiled(run)(limits)]
    for row, limit in enumerate(limits):
        everything = all_of_the_space(model, row, int(limit), "average", 1.0)
        wanted = sorted(((s - (0 if 5 in ids else 2), ids) for s, _, ids in everything), key=lambda h: -h[0])[:3]
        for n, (score, ids) in enumerate(wanted):
            assert found[0][row, n, : found[1][row, n]].tolist() == ids
            np.testing.assert_allclose(found[3][row, n], score, atol=1e-4)


def test_the_penalty_of_coverage_is_the_log_of_what_lacks(array):
    seen = np.array([[0.5, 1.7, 0.2], [1.0, 1.0, 9.0]], "float32")
    mask = np.array([[True, True, False]])  # both rows share a source
    np.testing.assert_allclose(array(coverage_penalty(seen, mask, 0.4)), [0.4 * np.log(0.5), 0.0], atol=1e-6)
    assert (array(coverage_penalty(0 * seen, mask, 0.4)) < -5).all()
    assert keras.backend.standardize_dtype(coverage_penalty(seen, mask, 0.4).dtype) == "float32"
