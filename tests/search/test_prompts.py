"""Searches that begin after a prompt, and go on from where another ended."""

from __future__ import annotations

from inspect import cleandoc

import keras
import numpy as np
import pytest
from keras import ops

from seq2seq.search import SearchOptions, Start, Symbols, beam_search, greedy_search, prefill, sample_search
from seq2seq.search.greedy import draw
from seq2seq.symbols import BOS, EOS, PAD
from tests.search.test_beam import NORMALIZATIONS, Markov, all_of_the_space, same
from tests.search.test_constraints import holds, terms_of
from tests.search.test_rules import endings

PROMPTS = [[4, 1], [5], [], [1, 4, 4]]
LIMITS = [3, 4, 2, 3]


def after(prompt, space):
    """The hypotheses that begin with the prompt."""
    return [h for h in space if h[2][: len(prompt)] == prompt]


@pytest.mark.parametrize(("kind", "penalty"), NORMALIZATIONS)
def test_with_a_beam_as_wide_as_the_space_the_best_after_each_prompt_is_found(compiled, kind, penalty):
    model = Markov(sentences=4, size=6)
    options = {"beam_size": 90, "num_best": 4, "normalization": kind, "length_penalty": penalty}
    found = model.search(compiled, LIMITS, prompts=PROMPTS, **options)
    for sentence, (limit, prompt) in enumerate(zip(LIMITS, PROMPTS, strict=True)):
        expected = after(prompt, all_of_the_space(model, sentence, limit, kind, penalty))[:4]
        same(found, sentence, expected)
        assert (found[3][sentence, len(expected) :] <= -1e8).all()


def test_rules_and_terms_count_the_prompt_and_never_change_it(compiled):
    model = Markov(sentences=4, size=6)
    exclude = np.asarray([[[0, 4]], [[5, 1]], [[0, 0]], [[0, 0]]], np.int32)
    words = [[], [[5, 1, 4]], [[4]], [[4, 5]]]  # the second begins in the prompt, and is excluded
    options = {"beam_size": 90, "num_best": 90, "normalization": "none", "min_length": 2, "no_repeat_ngram": 1}
    found = model.search(compiled, [4] * 4, prompts=PROMPTS, exclude=exclude, terms=terms_of(*words), **options)
    for sentence, prompt in enumerate(PROMPTS):
        banned = [[i for i in phrase.tolist() if i] for phrase in exclude[sentence]]
        expected = [
            h
            for h in after(prompt, all_of_the_space(model, sentence, 4, "none", 1.0))
            if len(h[2]) >= 2
            and all(i not in endings(h[2][:n], 1) for n, i in enumerate(h[2]) if n >= len(prompt))
            and not any(b and holds(h[2][max(len(prompt) - len(b) + 1, 0) :], b) for b in banned)
            and all(holds(h[2], word) for word in words[sentence])
        ]
        assert bool(expected) == (sentence != 1)
        same(found, sentence, expected)
        assert (found[3][sentence, len(expected) :] <= -1e8).all()


def forced_beam(model, sentence, limit, width, groups, diversity, prompt):
    """A plain diverse beam that is forced through the prompt step by step; every ended hypothesis, best first."""
    live, ended = [[(0.0, [])] for _ in range(groups)], [[] for _ in range(groups)]
    for time in range(limit + 1):
        taken = np.zeros(model.size)
        for group in range(groups):
            grown = []
            for total, ids in live[group]:
                following = model.log_probabilities(sentence, ids)
                if time >= len(prompt):
                    end = total + following[EOS]
                    ended[group] = sorted([*ended[group], (end / (time + 1), end, ids)], key=lambda h: -h[0])[:width]
                choices = [prompt[time]] if time < len(prompt) else range(model.size)
                for i in choices:
                    if i != EOS and np.isfinite(following[i]):
                        grown.append((total + following[i] - diversity * taken[i], total + following[i], [*ids, i]))
            grown = sorted(grown, key=lambda h: -h[0])[:width]
            live[group] = [(total, ids) for _, total, ids in grown]
            for _, _, ids in grown:
                taken[ids[-1]] += 1
    return sorted((h for group in ended for h in group), key=lambda h: -h[0])


@pytest.mark.parametrize(("width", "groups"), [(1, 1), (3, 1), (2, 2)])
def test_a_prefilled_beam_equals_one_that_is_forced_step_by_step(compiled, width, groups):
    prompts = [[4, 1, 7], [5], [], [8, 8, 4, 6, 5, 7]]
    limits = [7, 5, 6, 6]
    model = Markov(sentences=4, size=9, seed=4, spread=1.5)
    size = width * groups
    options = {"beam_size": size, "num_best": size, "groups": groups, "diversity": 0.7}
    found = model.search(compiled, limits, prompts=prompts, **options)
    for sentence, (limit, prompt) in enumerate(zip(limits, prompts, strict=True)):
        expected = forced_beam(model, sentence, limit, width, groups, 0.7, prompt)[:size]
        for n, (score, total, _) in enumerate(expected):
            np.testing.assert_allclose([found[3][sentence, n], found[2][sentence, n]], [score, total], atol=1e-4)
        got = sorted(found[0][sentence, n, : found[1][sentence, n]].tolist() for n in range(len(expected)))
        assert got == sorted(ids for _, _, ids in expected)


@pytest.mark.parametrize("options", [None, SearchOptions(temperature=1.3, top_k=4)])
def test_prefilled_greedy_search_and_sampling_equal_those_that_are_forced(compiled, array, rng, options):
    prompts = [[4, 1, 7], [5], [], [8, 8, 4, 6, 5, 7]]
    limits = np.asarray([7, 5, 6, 6], np.int32)
    model = Markov(sentences=4, size=9, seed=4, spread=1.5)
    uniforms = rng.random((4, 8)).astype("float32")

    def run(given):
        start, state = model.start(prompts)
        if options is None:
            return greedy_search(model.step, state, given, 7, **start)[0]
        return sample_search(model.step, state, given, 7, uniforms, options, **start)[0]

    found = [array(part) for part in compiled(run)(limits)]
    for row, (limit, prompt) in enumerate(zip(limits, prompts, strict=True)):
        ids, total = [], 0.0
        while not ids or ids[-1] != EOS:
            time, following = len(ids), model.log_probabilities(row, ids)
            if time < len(prompt):
                ids.append(prompt[time])
            elif time >= limit:
                ids.append(EOS)
            elif options is None:
                ids.append(int(following.argmax()))
            else:
                logits = np.maximum(following, -1e9).astype("float32")
                ids.append(int(array(draw(logits[None], uniforms[row, time : time + 1], options))[0]))
            total += following[ids[-1]]
        assert found[0][row, 0, : found[1][row, 0]].tolist() == ids[:-1]
        np.testing.assert_allclose(found[2][row, 0], total, atol=1e-4)


def hashing(table):
    """A model whose state is a number made of all ids that it has read, in their order."""

    def step(ids, state):
        seen = (state[0][:, 0] * 31 + ids + 1) % 10007
        return ops.take(table, seen % len(table), axis=0), [ops.expand_dims(seen, 1)]

    def decode(ids, mask, state):
        logits = []
        for t in range(ids.shape[1]):
            found, new = step(ids[:, t], state)
            logits.append(found)
            state = [ops.where(mask[:, t : t + 1], new[0], state[0])]
        return ops.stack(logits, axis=1), state

    return step, decode


def read_by(ids):
    seen = 0
    for i in [BOS, *ids]:
        seen = (seen * 31 + i + 1) % 10007
    return seen


SEARCHES = {
    "greedy": lambda step, state, limits, **more: greedy_search(step, state, limits, 6, **more),
    "sampling": lambda step, state, limits, **more: sample_search(
        step, state, limits, 6, np.random.default_rng(3).random((5, 7)).astype("float32"), **more
    ),
    "beam": lambda step, state, limits, **more: beam_search(
        step, state, limits, 6, SearchOptions(beam_size=3, num_best=2), **more
    ),
    "diverse": lambda step, state, limits, **more: beam_search(
        step, state, limits, 6, SearchOptions(beam_size=6, num_best=4, groups=3), **more
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("prompted", [False, True])
def test_the_state_that_is_returned_has_read_each_hypothesis(compiled, rng, name, prompted):
    step, decode = hashing(rng.normal(0, 1.5, (101, 9)).astype("float32"))
    limits = np.asarray([6, 0, 5, 3, 6], np.int32)
    prompt, lengths = rng.integers(4, 9, (5, 3)).astype("int32"), np.asarray([2, 0, 3, 3, 0], np.int32)

    def run(given, keep_state):
        state, more = [ops.zeros((5, 1), "int32")], {}
        if prompted:
            more["start"], state = prefill(decode, state, prompt, lengths)
        return SEARCHES[name](step, state, given, keep_state=keep_state, **more)

    result, state = compiled(lambda given: run(given, True))(limits)
    plain, nothing = compiled(lambda given: run(given, False))(limits)
    for one, other in zip(result, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert nothing == ()
    ids, counts, scores = (ops.convert_to_numpy(result[i]) for i in (0, 1, 3))
    seen = ops.convert_to_numpy(state[0]).reshape(counts.shape)
    for row, n in np.argwhere(scores > -1e8):
        assert seen[row, n] == read_by(ids[row, n, : counts[row, n]].tolist())


def test_a_search_that_goes_on_equals_one_after_the_prompt_of_both(compiled, rng):
    step, decode = hashing(rng.normal(0, 1.5, (101, 9)).astype("float32"))
    zeros, limits = [np.zeros((5, 1), "int32")], np.asarray([4, 0, 3, 2, 1], np.int32)

    def in_two(given):
        first, state = greedy_search(step, zeros, given, 4, keep_state=True)
        lengths = first.lengths[:, 0]
        is_next = ops.equal(ops.arange(5, dtype="int32"), ops.expand_dims(lengths, 1))
        written = ops.where(is_next, 8, ops.pad(first.ids[:, 0], [[0, 0], [0, 1]]))  # what was found, and an 8
        start = Start(ops.full((5,), 8, dtype="int32"), written, lengths + 1, ops.zeros((5,)))
        again, _ = greedy_search(step, state, given + 6, 10, start=start)
        after_prompt, state = prefill(decode, zeros, written, lengths + 1)
        whole, _ = greedy_search(step, state, given + 6, 10, start=after_prompt)
        return again.ids, whole.ids, again.scores[:, 0], whole.scores[:, 0] - after_prompt.log_probabilities

    again, whole, one, other = (ops.convert_to_numpy(part) for part in compiled(in_two)(limits))
    np.testing.assert_array_equal(again, whole)
    np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_prompt_for_which_a_model_computes_no_numbers_gives_none(compiled, bad):
    def decode(ids, mask, state):
        return ops.zeros((2, 2, 6)) + np.asarray([[[0.0]], [[bad]]], "float32"), state

    def run(limits):
        start, state = prefill(decode, [ops.zeros((2, 1))], np.asarray([[4, 5]] * 2, np.int32), np.full(2, 2, np.int32))
        step = lambda ids, state: (ops.zeros((ops.shape(ids)[0], 6)), state)  # noqa: E731
        return beam_search(step, state, limits, 4, SearchOptions(beam_size=2), start=start)[0]

    assert np.isnan(compiled(run)(np.full(2, 4, np.int32)).scores)[:, 0].tolist() == [False, True]


def test_the_ids_of_the_symbols_change_nothing(compiled, array):
    model, other = Markov(sentences=3, size=7), Markov(sentences=3, size=7)
    new = np.asarray([6, 2, 5, 0, 4, 1, 3])  # of each old id
    other.table[np.ix_(range(3), new, new, new)] = model.table
    symbols = Symbols(pad=int(new[PAD]), bos=int(new[BOS]), eos=int(new[EOS]))
    limits, options = np.asarray([5, 4, 3], np.int32), SearchOptions(beam_size=3, num_best=2, no_repeat_ngram=2)

    def run(given):
        state = {**other.state(), "before": [ops.full((3, 1), int(new[0]), dtype="int32")]}
        prompt = np.asarray([[new[4], new[1]], [new[5], new[PAD]], [new[PAD], new[PAD]]], np.int32)
        start, state = prefill(other.decode, state, prompt, np.asarray([2, 1, 0], np.int32), symbols)
        return beam_search(other.step, state, given, 5, options, start=start, symbols=symbols)[0]

    renamed = [array(part) for part in compiled(run)(limits)]
    words = {name: getattr(options, name) for name in ("beam_size", "num_best", "no_repeat_ngram")}
    found = model.search(compiled, limits, prompts=[[4, 1], [5], []], **words)
    np.testing.assert_array_equal(renamed[0], new[found[0]])
    for one, same_one in zip(renamed[1:], found[1:], strict=True):
        np.testing.assert_allclose(one, same_one, atol=1e-5)


def test_the_examples_of_the_docstrings_run():
    table = keras.random.normal((7, 7), seed=1)
    for search in (beam_search, greedy_search):
        lines = [line for line in cleandoc(search.__doc__).splitlines() if line.startswith(" " * 4) and "=" in line][:2]
        names = {"table": table, "ops": ops, "SearchOptions": SearchOptions, search.__name__: search}
        exec("\n".join(line.strip() for line in lines), names)
        assert names["result"].lengths.shape == (4, 1 if search is greedy_search else 2)
