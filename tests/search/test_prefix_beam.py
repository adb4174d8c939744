"""Prefix beam search against brute force over all alignments of all labels; a stream against one call."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from seq2seq.search.ctc import best_path
from seq2seq.search.hotwords import Hotwords
from seq2seq.search.prefix_beam import COMMIT_EVERY, PrefixBeam, PrefixBeamOptions, prefix_beam_search

SHAPES = [(5, 3), (4, 4), (6, 2), (0, 3)]


def exactly(**options):
    """Options by which nothing is pruned."""
    return PrefixBeamOptions(
        **{"beam_size": 10**6, "top_k": None, "min_log_prob": -np.inf, "threshold": np.inf, "max_open": None} | options
    )


def random_log_probs(time, size, seed=0, spread=2.0):
    logits = spread * np.random.default_rng(seed).normal(size=(time, size))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def likely(time, size, seed=0, sure=5.0):
    """Frames as a trained network gives them: mostly blanks, and more or less sure of their symbols."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(time, size))
    path = np.where(random.random(time) < 0.6, 0, random.integers(0, size, time))
    logits[np.arange(time), path] += random.uniform(sure - 3, sure + 3, time)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def all_labels(log_probs):
    """The log-probability of every label, summed over its alignments."""
    found = {}
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        label = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)
        total = sum(row[symbol] for row, symbol in zip(log_probs, path, strict=True))
        found[label] = np.logaddexp(found.get(label, -np.inf), total)
    return found


class Bigrams:
    """A language model whose state is all that was written: a table of what follows an id, the last row the end."""

    def __init__(self, size, end=True, seed=1):
        table = np.random.default_rng(seed).normal(size=(size, size + 1)) * 2
        self.table = table - np.log(np.exp(table).sum(axis=1, keepdims=True))
        self.end = size if end else None
        self.asked = 0

    def start(self):
        return ()

    def scores(self, states, ids):
        self.asked += len(ids)
        return np.asarray([self.table[(0, *state)[-1], i] for state, i in zip(states, ids, strict=True)])

    def extend(self, states, ids):
        return [(*state, int(i)) for state, i in zip(states, ids, strict=True)]

    def total(self, label):
        ids = [*label, *([] if self.end is None else [self.end])]
        return sum(self.table[before, i] for before, i in zip((0, *label), ids, strict=False))


def assert_ranked(found, totals, scores):
    """`found` has all labels of `totals`, the best first."""
    assert len(found) == len(totals)
    for each in found:
        assert each.log_probability == pytest.approx(totals[each.ids], abs=1e-9)
        assert each.score == pytest.approx(scores[each.ids], abs=1e-9)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


@pytest.mark.parametrize(("time", "size"), SHAPES)
def test_a_beam_as_wide_as_the_space_finds_every_label_with_its_probability(time, size):
    log_probs = random_log_probs(time, size)
    totals = all_labels(log_probs)
    found = prefix_beam_search(log_probs, exactly(), num_best=10**6)
    assert_ranked(found, totals, totals)
    assert sum(math.exp(each.log_probability) for each in found) == pytest.approx(1)


@pytest.mark.parametrize("end", [True, False])
@pytest.mark.parametrize(("time", "size"), SHAPES)
def test_with_a_language_model_and_bonuses_too(time, size, end):
    log_probs, language = random_log_probs(time, size), Bigrams(size, end)
    hotwords = Hotwords([[1], [1, 1]], 0.7, size, parts=range(2, size))
    totals = all_labels(log_probs)
    scores = {}
    for label, total in totals.items():
        words = "".join("a" if i == 1 else " " for i in label).split()
        bonus = 0.7 * sum(len(word) for word in words if word in ("a", "aa"))
        scores[label] = total + 0.8 * language.total(label) + 0.3 * len(label) + bonus
    found = prefix_beam_search(log_probs, exactly(weight=0.8, insertion_bonus=0.3), language, hotwords, 10**6)
    assert_ranked(found, totals, scores)


def test_impossible_symbols_are_never_written():
    log_probs = random_log_probs(5, 4)
    log_probs[:, 2] = -np.inf
    log_probs[2, :2] = -np.inf  # only 3 is left
    possible = {label: total for label, total in all_labels(log_probs).items() if total > -np.inf}
    assert_ranked(prefix_beam_search(log_probs, exactly(), num_best=10**6), possible, possible)


def parts_of(state):
    """All that a state says, without the room behind its symbols."""
    shown = np.arange(state.ids.shape[1]) < state.lengths[:, None]
    return [
        (*state.alignments.scores.tolist(), state.ids[shown].tolist()),
        [part[:, shown].tolist() for part in state.alignments[1:]],
        [part.tolist() if isinstance(part, np.ndarray) else part for part in state._replace(ids=0, alignments=0)],
    ]


@pytest.mark.parametrize("language", [None, Bigrams(7)])
@pytest.mark.parametrize(
    "options", [PrefixBeamOptions(beam_size=6, threshold=1.5), PrefixBeamOptions(beam_size=6, max_open=2)]
)
def test_a_stream_cut_anywhere_ends_as_one_call(options, language):
    log_probs = likely(3 * COMMIT_EVERY + 5, 7, sure=7.0)
    beam = PrefixBeam(7, options, language, Hotwords([[1, 2], [3]], 1.0, 7, parts=(4,)))
    whole = beam.advance(beam.start(), log_probs)
    expected = beam.results(whole, 6)
    for seed in range(6):
        cuts = np.sort(np.random.default_rng(seed).integers(0, len(log_probs) + 1, 4 * seed))  # empty chunks too
        state, taken = beam.start(), ()
        for chunk in np.split(log_probs, cuts):
            before, copied = state, parts_of(state)
            more, state = beam.take(beam.advance(state, chunk))
            taken += more
            assert parts_of(before) == copied  # a state is a value
        assert parts_of(state) == parts_of(whole._replace(committed=()))
        assert [(*taken, *each.emissions) for each in beam.results(state, 6)] == [each.emissions for each in expected]
    assert len(taken) > 3


def test_every_frame_alone_ends_as_one_call():
    log_probs = likely(2 * COMMIT_EVERY, 5)
    beam = PrefixBeam(5, PrefixBeamOptions(beam_size=4))
    state = beam.start()
    for row in log_probs:
        state = beam.advance(state, row[None])
    assert parts_of(state) == parts_of(beam.advance(beam.start(), log_probs))


def test_the_state_of_a_stream_that_is_taken_from_does_not_grow():
    beam = PrefixBeam(5, PrefixBeamOptions(beam_size=8, max_open=10))
    state, written = beam.start(), 0
    for seed in range(40):
        taken, state = beam.take(beam.advance(state, likely(COMMIT_EVERY, 5, seed)))
        written += len(taken)
        assert not state.committed
        assert state.lengths.max() <= 10
        assert state.ids.shape[1] <= 10 + 2 * COMMIT_EVERY
        assert len(state.last) <= 8
    assert written > 100


def test_symbols_that_stay_open_too_long_are_decided_by_the_best_prefix():
    ambiguous = np.log([[0.02, 0.5, 0.48]])  # 1 or 2, for ever undecided
    sure = np.log([[0.9, 0.05, 0.05], [0.002, 0.003, 0.995], [0.99, 0.005, 0.005], [0.002, 0.995, 0.003]])
    log_probs = np.concatenate([ambiguous, *[sure] * (3 * COMMIT_EVERY // 4)])
    beam = PrefixBeam(3, PrefixBeamOptions(beam_size=2, max_open=4))
    state = beam.advance(beam.start(), log_probs)
    assert state.committed[0].symbol == 1
    assert state.lengths.max() <= 4 + COMMIT_EVERY
    free = PrefixBeam(3, PrefixBeamOptions(beam_size=2, max_open=None))
    state = free.advance(free.start(), log_probs)
    assert not state.committed
    assert {each.ids[0] for each in free.results(state, 2)} == {1, 2}


def test_a_prefix_that_is_cut_off_with_the_open_symbols_is_gone():
    frames = np.log([[0.9, 0.05, 0.05]] * (COMMIT_EVERY - 2) + [[0.01, 0.98, 0.01]])
    for last, left in ((0.6, (1, 2)), (0.4, (1,))):  # whether there was a 2 is not certain
        chunk = np.concatenate([frames, np.log([[0.99 - last, 0.01, last]])])
        beam = PrefixBeam(3, PrefixBeamOptions(threshold=1.0, max_open=1))
        state = beam.advance(beam.start(), chunk)
        assert [each.ids for each in beam.results(state, 9)] == [left]
        assert state.lengths.tolist() == [1]


def test_a_symbol_that_goes_on_is_not_committed():
    rising = [[0.4 - 0.04 * t, 0.6 + 0.04 * t] for t in range(5)]
    log_probs = np.log([[0.999, 0.001]] * (COMMIT_EVERY - 2) + rising)
    beam = PrefixBeam(2, PrefixBeamOptions(beam_size=1))
    state = beam.advance(beam.start(), log_probs[:COMMIT_EVERY])
    assert state.ids[0, 0] == 1
    assert not state.committed
    (emission,) = beam.results(beam.advance(state, log_probs[COMMIT_EVERY:]))[0].emissions
    assert emission == (1, COMMIT_EVERY + 2, pytest.approx(0.76))


def test_a_prefix_that_comes_back_is_the_one_that_was_there():
    """A narrow beam drops and finds prefixes again; longer ones that stayed must not be there twice."""
    for seed in range(12):
        log_probs = random_log_probs(12, 3, seed, spread=1.0)
        beam = PrefixBeam(3, exactly(beam_size=4))
        state = beam.start()
        for row in log_probs:
            state = beam.advance(state, row[None])
            ids = [each.ids for each in beam.results(state, 4)]
            assert len(set(ids)) == len(ids)


def best_alignment(log_probs, label):
    """The likeliest of all alignments of a label, by brute force."""
    found = []
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        if tuple(symbol for symbol, _ in itertools.groupby(path) if symbol) == label:
            found.append((sum(row[symbol] for row, symbol in zip(log_probs, path, strict=True)), path))
    return max(found)[1]


@pytest.mark.parametrize("seed", range(3))
def test_a_symbol_is_where_the_best_alignment_emits_it_most_surely(seed):
    log_probs = random_log_probs(6, 3, seed)
    for each in prefix_beam_search(log_probs, exactly(), num_best=10**6):
        path, frames, start = best_alignment(log_probs, each.ids), [], 0
        for symbol, run in itertools.groupby(path):
            end = start + len(list(run))
            if symbol:
                frames.append(max(range(start, end), key=lambda t, s=symbol: log_probs[t, s]))
            start = end
        assert [emission.frame for emission in each.emissions] == frames
        for emission in each.emissions:
            assert emission.confidence == pytest.approx(math.exp(log_probs[emission.frame, emission.symbol]))


def test_where_one_path_dominates_it_is_the_best_path():
    log_probs = likely(60, 8)
    log_probs[log_probs < log_probs.max(axis=1, keepdims=True)] -= 8.0
    found, path = prefix_beam_search(log_probs)[0], best_path(log_probs)
    assert found.emissions == path.emissions
    assert found.log_probability == pytest.approx(path.log_probability, abs=1e-2)


def test_the_sum_over_alignments_beats_the_best_path():
    log_probs = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert best_path(log_probs).ids == ()  # 0.36
    assert prefix_beam_search(log_probs)[0].ids == (1,)  # 0.64


def test_equal_scores_have_an_order_that_depends_on_nothing_else():
    log_probs = np.log(np.full((3, 4), 0.25))
    beams = [prefix_beam_search(log_probs, exactly(beam_size=6), num_best=6) for _ in range(2)]
    assert beams[0] == beams[1]
    assert [each.ids for each in beams[0][:3]] == [(1,), (2,), (3,)]  # each by 6 of 64 paths


def test_pruning_keeps_what_is_likely():
    log_probs = likely(40, 9, seed=3, sure=8.0)
    wide = PrefixBeamOptions(64, None, -np.inf, np.inf)
    found = prefix_beam_search(log_probs, PrefixBeamOptions(), num_best=4)
    assert [each.ids for each in found] == [each.ids for each in prefix_beam_search(log_probs, wide, num_best=4)]


def test_the_likeliest_symbols_alone_are_tried():
    log_probs = np.log([[0.1, 0.2, 0.3, 0.4]])
    ids = lambda **options: {each.ids for each in prefix_beam_search(log_probs, exactly(**options), num_best=9)}  # noqa: E731
    assert ids(top_k=1) == {(), (3,)}
    assert ids(top_k=2) == {(), (2,), (3,)}
    assert ids(min_log_prob=math.log(0.25)) == {(), (2,), (3,)}
    assert ids(threshold=math.log(0.4 / 0.15)) == {(1,), (2,), (3,)}
    assert ids(beam_size=2) == {(2,), (3,)}


def test_a_language_model_is_asked_only_for_what_could_stay_which_changes_nothing(monkeypatch):
    log_probs, sparing, asked = likely(30, 6, seed=2), Bigrams(6), Bigrams(6)
    options = exactly(beam_size=3)
    found = prefix_beam_search(log_probs, options, sparing, num_best=3)
    grow = PrefixBeam._grow
    lowest = lambda self, state, frame, symbols, staying, known: grow(  # noqa: E731
        self, state, frame, symbols, np.full(1, -np.inf), known
    )
    monkeypatch.setattr(PrefixBeam, "_grow", lowest)
    assert prefix_beam_search(log_probs, options, asked, num_best=3) == found
    assert sparing.asked < asked.asked / 2


def test_a_language_model_of_weight_0_is_not_asked():
    language = Bigrams(3)
    log_probs = random_log_probs(4, 3)
    assert prefix_beam_search(log_probs, exactly(weight=0.0), language, num_best=3) == prefix_beam_search(
        log_probs, exactly(), num_best=3
    )
    assert not language.asked


def test_before_the_end_nothing_is_ended():
    language, hotwords = Bigrams(3), Hotwords([[1, 2]], 5.0, 3)
    beam = PrefixBeam(3, exactly(weight=1.0), language, hotwords)
    state = beam.advance(beam.start(), np.log([[0.2, 0.5, 0.3]]))
    partial, final = ({each.ids: each.score for each in beam.results(state, 9, last)} for last in (False, True))
    assert partial[(1,)] == pytest.approx(final[(1,)] - language.table[1, 3] + 5.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "beam_size must be at least 1. Received: 0"),
        ({"top_k": 0}, "top_k must be"),
        ({"max_open": 0}, "max_open must be"),
        ({"threshold": 0.0}, "threshold must be above 0"),
        ({"threshold": math.nan}, "Received: nan"),
        ({"min_log_prob": 1.0}, "min_log_prob must be at most 0"),
        ({"weight": -1.0}, "weight must be a number of at least 0"),
        ({"insertion_bonus": math.inf}, "insertion_bonus must be a number"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        PrefixBeamOptions(**options)


def test_outputs_that_are_no_log_probabilities_are_refused_by_their_frame():
    beam = PrefixBeam(3)
    state = beam.advance(beam.start(), random_log_probs(4, 3))
    for chunk, message in (
        (np.zeros((1, 4)), r"shape \(time, 3\)\. Received: \(1, 4\)"),
        ([[-1, -1, np.nan]], "nan at frame 4"),
        ([[-1, -1, -1], [-1, 3, -1]], "Received: 3 at frame 5"),
        ([[-1, -1, -1], [-np.inf] * 3], "-inf for all, frame 5"),
    ):
        with pytest.raises(ValueError, match=message):
            beam.advance(state, chunk)
    with pytest.raises(ValueError, match=r"Received: 4 ids and 3 outputs"):
        PrefixBeam(3, hotwords=Hotwords([[1]], 1.0, 4))
