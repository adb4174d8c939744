"""Constraints against all of the space, and diverse beams against a plain one in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from seq2seq.search.terms import Terms
from seq2seq.symbols import EOS
from tests.search.test_beam import Markov, all_of_the_space, same


def terms_of(*rows):
    """`Terms` of lists of terms, one list a source."""
    size = max(sum(map(len, row)) for row in rows)
    pieces, term = np.zeros((2, len(rows), size), np.int32)
    for i, row in enumerate(rows):
        flat = [(piece, number) for number, ids in enumerate(row, 1) for piece in ids]
        for j, (piece, number) in enumerate(flat):
            pieces[i, j], term[i, j] = piece, number
    return Terms(pieces, term)


def holds(ids, term):
    return any(ids[i : i + len(term)] == term for i in range(len(ids)))


def written(found, sentence, n):
    return found[0][sentence, n, : found[1][sentence, n]].tolist()


TERMS = [[[4]], [[1, 5], [4]], [[5, 5]], []]


@pytest.mark.parametrize("kind", ["none", "average"])
def test_with_a_beam_as_wide_as_the_space_the_best_that_holds_its_terms_is_found(compiled, kind):
    limits, best = [3, 3, 3, 2], 3
    model = Markov(sentences=4, size=6)
    found = model.search(compiled, limits, beam_size=120, num_best=best, normalization=kind, terms=terms_of(*TERMS))
    for sentence, limit in enumerate(limits):
        space = all_of_the_space(model, sentence, limit, kind, 1.0)
        expected = [h for h in space if all(holds(h[2], term) for term in TERMS[sentence])][:best]
        same(found, sentence, expected)
        assert (found[3][sentence, len(expected) :] <= -1e8).all()


@pytest.mark.parametrize(("groups", "width"), [(1, 1), (1, 5), (2, 2)])
def test_every_result_of_a_narrow_beam_holds_its_terms(compiled, width, groups):
    rng = np.random.default_rng(width)
    rows = [[rng.integers(4, 9, rng.integers(1, 4)).tolist() for _ in range(rng.integers(1, 4))] for _ in range(40)]
    limits = [sum(map(len, row)) + i % 3 for i, row in enumerate(rows)]
    model = Markov(sentences=40, size=9, seed=width)
    size = width * groups
    found = model.search(
        compiled, limits, beam_size=size, num_best=size, terms=terms_of(*rows), groups=groups, diversity=0.5
    )
    for sentence, row in enumerate(rows):
        real = [n for n in range(size) if found[3][sentence, n] > -1e8]
        assert real
        for n in real:
            ids = written(found, sentence, n)
            assert len(ids) <= limits[sentence]
            assert all(holds(ids, term) for term in row), (ids, row)


def test_terms_for_which_there_is_no_room_or_that_are_forbidden_give_nothing(compiled):
    model = Markov(sentences=2, size=6)
    exclude = np.array([[[0, 0]], [[1, 4]]], np.int32)
    found = model.search(compiled, [2, 4], beam_size=4, exclude=exclude, terms=terms_of([[1, 4, 5]], [[1, 4]]))
    assert (found[3] <= -1e8).all()


def test_what_is_excluded_is_not_written_and_nothing_else_is_lost(compiled):
    model = Markov(sentences=2, size=6)
    exclude = np.array([[[0, 0, 4], [1, 5, 1]], [[0, 5, 5], [0, 0, 0]]], np.int32)
    found = model.search(compiled, [3, 3], beam_size=120, num_best=6, normalization="none", exclude=exclude)
    banned = [[[4], [1, 5, 1]], [[5, 5]]]
    for sentence in range(2):
        space = all_of_the_space(model, sentence, 3, "none", 1.0)
        same(found, sentence, [h for h in space if not any(holds(h[2], b) for b in banned[sentence])][:6])


def test_a_diverse_beam_of_one_group_is_the_beam(compiled):
    limits = [7, 5, 2, 6]
    model = Markov(sentences=4, size=9, seed=1)
    plain = model.search(compiled, limits, beam_size=4, num_best=4)
    diverse = model.search(compiled, limits, beam_size=4, num_best=4, groups=1, diversity=3.0)
    for one, other in zip(plain, diverse, strict=True):
        np.testing.assert_array_equal(one, other)


def diverse_beam(model, sentence, limit, width, groups, diversity):
    """Every ended hypothesis of a plain diverse beam, best first: each group keeps `width` of its own."""
    live, ended = [[(0.0, [])] for _ in range(groups)], [[] for _ in range(groups)]
    for _ in range(limit + 1):
        taken = np.zeros(model.size)
        for group in range(groups):
            grown = []
            for total, ids in live[group]:
                following = model.log_probabilities(sentence, ids)
                ended[group].append((total + following[EOS], total + following[EOS], ids))
                ended[group] = sorted(ended[group], key=lambda h: -h[0])[:width]
                for i, p in enumerate(following):
                    if i != EOS and np.isfinite(p):
                        grown.append((total + p - diversity * taken[i], total + p, [*ids, i]))
            grown = sorted(grown, key=lambda h: -h[0])[:width]
            live[group] = [(total, ids) for _, total, ids in grown]
            for _, _, ids in grown:
                taken[ids[-1]] += 1
    return sorted((h for group in ended for h in group), key=lambda h: -h[0])


@pytest.mark.parametrize(("width", "groups"), [(1, 3), (2, 2), (2, 3)])
def test_a_diverse_beam_equals_a_plain_one(compiled, width, groups):
    limits = [6, 5, 2, 6, 6]
    model = Markov(sentences=5, size=9, seed=4, spread=1.5)
    size = width * groups
    found = model.search(
        compiled, limits, beam_size=size, num_best=size, normalization="none", groups=groups, diversity=0.7
    )
    for sentence, limit in enumerate(limits):
        expected = diverse_beam(model, sentence, limit, width, groups, 0.7)[:size]
        for n, (score, total, _) in enumerate(expected):
            np.testing.assert_allclose(found[3][sentence, n], score, atol=1e-4)
            np.testing.assert_allclose(found[2][sentence, n], total, atol=1e-4)
        got = sorted(written(found, sentence, n) for n in range(len(expected)))
        assert got == sorted(ids for _, _, ids in expected)


def test_diversity_makes_the_groups_part(compiled):
    model = Markov(sentences=6, size=9, seed=6)
    firsts = []
    for diversity in (0.0, 50.0):
        found = model.search(compiled, [6] * 6, beam_size=3, num_best=3, groups=3, diversity=diversity)
        firsts.append([len({tuple(written(found, s, n)[:1]) for n in range(3)}) for s in range(6)])
    assert firsts[0] == [1] * 6
    assert sum(firsts[1]) > 12
