"""Greedy search and sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from keras import ops

from seq2seq.search.greedy import greedy_search, sample_search
from seq2seq.search.options import SearchOptions, option_fields
from seq2seq.symbols import BOS, EOS, PAD

SIZE, ROWS, LIMIT = 8, 6, 5


@pytest.fixture
def table(rng):
    """Logits of what follows, by the id before; PAD and BOS would be the likeliest."""
    table = (1.5 * rng.normal(size=(SIZE, SIZE))).astype("float32")
    table[:, [PAD, BOS]] = 5.0
    return table


@pytest.fixture
def step(table):
    """The state is a number for each row that turns the table, so that rows differ."""
    return lambda ids, state: (ops.take(table, (ids + state[0][:, 0]) % SIZE, axis=0), state)


def start(rows=ROWS):
    return [ops.reshape(ops.arange(rows, dtype="int32"), (rows, 1))]


def log_softmax(row):
    row = row.astype(np.float64)
    row[[PAD, BOS]] = -np.inf
    return row - np.log(np.exp(row).sum())


def run(compiled, search, inputs):
    return [ops.convert_to_numpy(part) for part in compiled(search)(inputs)]


def test_greedy_takes_the_likeliest_piece_until_the_end_or_the_limit(compiled, table, step):
    limits = np.array([5, 4, 3, 2, 1, 0], np.int32)
    ids, lengths, totals, scores = run(compiled, lambda x: greedy_search(step, start(), x, LIMIT)[0], limits)
    assert ids.shape == (ROWS, 1, LIMIT)
    for row, limit in enumerate(limits):
        last, pieces, total = BOS, [], 0.0
        while True:
            following = log_softmax(table[(last + row) % SIZE])
            last = int(following.argmax()) if len(pieces) < limit else EOS
            total += following[last]
            if last == EOS:
                break
            pieces.append(last)
        assert lengths[row, 0] == len(pieces)
        assert ids[row, 0].tolist() == pieces + [PAD] * (LIMIT - len(pieces))
        np.testing.assert_allclose(totals[row, 0], total, atol=1e-4)
    np.testing.assert_array_equal(scores, totals)
    assert len(set(lengths[:, 0].tolist())) > 2


def sampler(step, rows=ROWS, limit=LIMIT, **options):
    limits, options = ops.full((rows,), limit, dtype="int32"), SearchOptions(**options)
    return lambda u: sample_search(step, start(rows), limits, limit, u, options)[0]


def test_the_same_numbers_give_the_same_text_in_any_batch(compiled, step, rng):
    uniforms = rng.random((ROWS, LIMIT + 1)).astype("float32")
    whole = run(compiled, sampler(step), uniforms)
    again = run(compiled, sampler(step), uniforms)
    for a, b in zip(whole, again, strict=True):
        np.testing.assert_array_equal(a, b)
    fewer = run(compiled, sampler(step, rows=2), uniforms[:2])
    for a, b in zip(whole, fewer, strict=True):
        np.testing.assert_allclose(a[:2], b, atol=1e-6)
    other = run(compiled, sampler(step), 1 - uniforms)
    assert (other[0] != whole[0]).any()


def test_drawing_among_the_likeliest_one_is_greedy(compiled, step, rng):
    uniforms = rng.random((ROWS, LIMIT + 1)).astype("float32")
    limits = np.full(ROWS, LIMIT, np.int32)
    wanted = run(compiled, lambda x: greedy_search(step, start(), x, LIMIT)[0], limits)
    for options in ({"top_k": 1}, {"top_p": 1e-6}, {"temperature": 1e-3}):
        for a, b in zip(run(compiled, sampler(step, **options), uniforms), wanted, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


def test_the_numbers_of_later_pieces_do_not_touch_the_earlier(compiled, step, rng):
    uniforms = rng.random((ROWS, LIMIT + 1)).astype("float32")
    changed = uniforms.copy()
    changed[:, 2:] = 1 - changed[:, 2:]
    a, b = (run(compiled, sampler(step), u)[0][:, 0] for u in (uniforms, changed))
    np.testing.assert_array_equal(a[:, :2], b[:, :2])
    assert (a != b).any()


def frequencies(compiled, table, **options):
    """How often each id comes first when the randomness is spread evenly over [0, 1)."""
    rows = 4000
    even = np.repeat(((np.arange(rows) + 0.5) / rows)[:, None], 2, axis=1).astype("float32")
    step = lambda ids, state: (ops.take(table, ids, axis=0), state)  # noqa: E731
    ids, lengths, _, _ = run(compiled, sampler(step, rows, 1, **options), even)
    first = np.where(lengths[:, 0] == 0, EOS, ids[:, 0, 0])
    return np.bincount(first, minlength=SIZE) / rows


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
def test_frequencies_are_the_models_probabilities_at_the_temperature(compiled, table, temperature):
    wanted = np.exp(log_softmax(table[BOS] / temperature))
    np.testing.assert_allclose(frequencies(compiled, table, temperature=temperature), wanted, atol=1e-3)


@pytest.mark.parametrize("kept", [2, 4, 100])
def test_top_k_draws_among_the_k_likeliest_in_proportion(compiled, table, kept):
    wanted = np.exp(log_softmax(table[BOS]))
    wanted[np.argsort(-wanted)[kept:]] = 0
    np.testing.assert_allclose(frequencies(compiled, table, top_k=kept), wanted / wanted.sum(), atol=1e-3)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_top_p_draws_among_the_fewest_that_sum_to_p(compiled, table, share):
    wanted = np.exp(log_softmax(table[BOS]))
    order = np.argsort(-wanted)
    kept = int(np.searchsorted(np.cumsum(wanted[order]), share)) + 1
    wanted[order[kept:]] = 0
    assert np.count_nonzero(wanted) < SIZE - 2
    np.testing.assert_allclose(frequencies(compiled, table, top_p=share), wanted / wanted.sum(), atol=1e-3)


def test_log_probabilities_are_the_models_own_whatever_the_cuts(compiled, table, step):
    uniforms = np.full((ROWS, LIMIT + 1), 0.5, np.float32)
    ids, lengths, totals, _ = run(compiled, sampler(step, temperature=2.0, top_k=3), uniforms)
    for row in range(ROWS):
        pieces = [*ids[row, 0, : lengths[row, 0]].tolist(), EOS]
        before = [BOS, *pieces[:-1]]
        total = sum(log_softmax(table[(b + row) % SIZE])[p] for b, p in zip(before, pieces, strict=True))
        np.testing.assert_allclose(totals[row, 0], total, atol=1e-4)


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(np.float32(1), np.float32(0))])
def test_the_ends_of_the_unit_interval_draw_what_may_be_drawn(compiled, table, step, uniform):
    uniforms = np.full((ROWS, LIMIT + 1), uniform, np.float32)
    for options in ({}, {"top_k": 3}, {"top_p": 0.6}):
        ids, lengths, totals, _ = run(compiled, sampler(step, **options), uniforms)
        assert (totals > -1e8).all()
        for row in range(ROWS):
            assert not set(ids[row, 0, : lengths[row, 0]].tolist()) & {PAD, BOS, EOS}


@pytest.mark.parametrize("options", [{"temperature": 1e-300}, {"top_p": 1e-300}, {"temperature": 1e-38, "top_k": 3}])
def test_the_narrowest_sampling_is_greedy(compiled, step, rng, options):
    uniforms = rng.random((ROWS, LIMIT + 1)).astype("float32")
    greedy = run(compiled, lambda x: greedy_search(step, start(), x, LIMIT)[0], np.full(ROWS, LIMIT, np.int32))
    for ours, wanted in zip(run(compiled, sampler(step, **options), uniforms), greedy, strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-4)


def test_the_widest_sampling_never_draws_what_is_forbidden(compiled, table):
    found = frequencies(compiled, table, temperature=1e9)
    np.testing.assert_allclose(found, np.where(np.isin(np.arange(SIZE), [PAD, BOS]), 0, 1 / (SIZE - 2)), atol=1e-3)


def test_numbers_of_numpy_are_options_like_pythons():
    options = SearchOptions(beam_size=np.int64(3), temperature=np.float32(0.5), cut_input=np.bool_(True))
    assert [type(value) for value in (options.beam_size, options.temperature, options.cut_input)] == [int, float, bool]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"top_k": -1}, "top_k must not be negative"),
        ({"top_p": 0.0}, r"top_p must be in \(0, 1\]"),
        ({"top_p": 1.1}, r"top_p must be in \(0, 1\]. Received: 1.1"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SearchOptions(sampling=True, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "beam_size must be at least 1"),
        ({"num_best": 0}, "num_best must be at least 1"),
        ({"beam_size": 2, "num_best": 3}, "num_best=3, beam_size=2"),
        ({"beam_size": 3, "groups": 2}, "groups=2, beam_size=3"),
        ({"extract": True, "sampling": True}, "one text a line"),
        ({"seed": "x"}, "seed must be a whole number. Received: 'x'"),
        ({"beam_size": 2.5}, "beam_size must be a whole number"),
        ({"beam_size": True}, "beam_size must be a whole number"),
        ({"temperature": "hot"}, "temperature must be a number. Received: 'hot'"),
        ({"cut_input": "no"}, "cut_input must be True or False"),
        ({"max_ratio": math.nan}, "max_ratio must be a number of at most"),
        ({"max_extra": 10**30}, "max_extra must be a number of at most"),
        ({"coverage_penalty": 1e9}, "coverage_penalty must be from 0 to 1,000"),
        ({"temperature": math.inf}, "temperature must be a number of at most"),
        ({"normalization": "median"}, "none, average or gnmt. Received: 'median'"),
        ({"length_penalty": -1.0}, "length_penalty must not be negative"),
        ({"max_ratio": 0.0, "max_extra": 0}, "room for output"),
        ({"max_ratio": -1.0}, "max_ratio=-1.0"),
    ],
)
def test_options_that_contradict_each_other_are_refused_when_made(options, message):
    with pytest.raises(ValueError, match=message):
        SearchOptions(**options)


def test_every_option_has_a_type_and_a_line_of_help():
    options = {option.name: option for option in option_fields()}
    assert list(options) == list(vars(SearchOptions()))
    assert options["beam_size"] == ("beam_size", int, 5, (), "hypotheses kept at each step; 1 is greedy")
    assert options["max_ratio"][1:4] == (float, None, ())
    assert options["normalization"][1:4] == (str, "average", ("none", "average", "gnmt"))
    for option in options.values():
        assert option.type in (bool, int, float, str)
        assert 10 < len(option.help) < 130
        assert not option.help.endswith(".")
