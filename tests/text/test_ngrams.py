"""Kneser-Ney: a distribution, and that of the formulas of Chen & Goodman (1999)."""

from __future__ import annotations

from collections import Counter
from itertools import chain, product

import numpy as np
import pytest

from seq2seq.symbols import BOS, EOS
from seq2seq.text import ngrams
from seq2seq.text.ngrams import KneserNey

SIZE = 9


def random_rows(seed, count, longest=12):
    """Rows in which some ids are more frequent, and follow some others more often; they end in EOS."""
    random = np.random.default_rng(seed)
    follow = random.dirichlet(np.full(SIZE - 4, 0.4), SIZE)
    rows = []
    for length in random.integers(0, longest, count):
        row = [BOS]
        for _ in range(length):
            row.append(4 + int(random.choice(SIZE - 4, p=follow[row[-1]])))
        rows.append([*row[1:], EOS])
    return rows


TRAIN, TEST = random_rows(1, 60), random_rows(2, 20)
SETTINGS = list(product((1, 2, 3, 5), (False, True)))


@pytest.fixture(scope="module", params=SETTINGS, ids=str)
def model(request):
    order, continued = request.param
    return KneserNey(SIZE, order, continued).fit(TRAIN)


def as_streams(rows, continued):
    rows = [list(chain.from_iterable(rows))] if continued else rows
    return [[BOS, *row] for row in rows]


def by_the_formulas(train, test, size, order, continued):
    """The probabilities of all ids of `test`, with dictionaries."""
    grams = Counter()
    for row in as_streams(train, continued):
        for end in range(1, len(row)):
            for length in range(1, min(order, end + 1) + 1):
                grams[tuple(row[end - length + 1 : end + 1])] += 1
    counts = []
    for length in range(1, order + 1):
        of_length = {gram: count for gram, count in grams.items() if len(gram) == length}
        if length < order:
            longer = [gram for gram in grams if len(gram) == length + 1]
            occurs = Counter(gram[1:] for gram in longer)
            of_length = {gram: occurs[gram] or count for gram, count in of_length.items()}
        counts.append(of_length)
    discounts = [ngrams._discounts(np.array(list(level.values()))) for level in counts]

    def prob(context, unit):
        if context is None:
            return 1 / size
        level = len(context)
        shorter = prob(context[1:] if level else None, unit)
        here = {gram[-1]: count for gram, count in counts[level].items() if gram[:-1] == context}
        if not here:
            return shorter
        discount = {unit: discounts[level][min(count, 3) - 1] for unit, count in here.items()}
        own = here.get(unit, 0) - discount.get(unit, 0)
        return (own + sum(discount.values()) * shorter) / sum(here.values())

    return [
        prob(tuple(row[max(0, end - order + 1) : end]), row[end])
        for row in as_streams(test, continued)
        for end in range(1, len(row))
    ]


def test_probabilities_are_those_of_the_formulas(model):
    found = np.exp(np.concatenate(model.score(TEST)))
    wanted = by_the_formulas(TRAIN, TEST, SIZE, model.order, model.continued)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_the_probabilities_of_all_ids_sum_to_one_after_every_context(model):
    seen = [row[:end] for row in TRAIN[:10] for end in range(len(row))]
    unseen = [[4, 3, 4, 3, 4], [3], [0, 1, 2], [8, 8, 8, 8, 8, 8], [2, 2]]
    for context in [*seen, *unseen]:
        last = [model.log_probs([*context, unit])[-1] for unit in range(SIZE)]
        assert np.exp(last).sum() == pytest.approx(1, abs=1e-12)
        assert np.isfinite(last).all()


def test_rows_are_scored_together_as_alone_unless_they_continue_each_other(model):
    together = model.score([*TEST, []])
    assert [len(row) for row in together] == [*map(len, TEST), 0]
    if model.continued:
        (whole,) = model.score([list(chain.from_iterable(TEST))])
        np.testing.assert_array_equal(np.concatenate(together), whole)
    else:
        for row, found in zip([*TEST, []], together, strict=True):
            np.testing.assert_array_equal(model.log_probs(row), found)
    assert model.score([]) == []


def test_a_stream_may_be_cut_into_rows_anywhere():
    whole = list(chain.from_iterable(TRAIN))
    rows = [whole[:7], [], whole[7:100], whole[100:]]
    cut = KneserNey(SIZE, 4, continued=True).fit(rows).score(TEST)
    uncut = KneserNey(SIZE, 4, continued=True).fit([whole]).score(TEST)
    np.testing.assert_array_equal(np.concatenate(cut), np.concatenate(uncut))


def test_a_longer_context_predicts_its_own_text_better():
    perplexity = [
        np.exp(-np.concatenate(KneserNey(SIZE, order).fit(TRAIN).score(TRAIN)).mean()) for order in range(1, 5)
    ]
    assert perplexity == sorted(perplexity, reverse=True)


def test_large_ids_and_long_n_grams_fit_the_keys():
    ids = [999_999, 999_998, 999_997] * 9
    model = KneserNey(1_000_000, 8).fit([ids])
    assert np.exp(model.log_probs(ids)[3:]).min() > 0.4


def test_discounts_follow_the_counts_of_counts():
    counts = np.repeat([1, 2, 3, 4, 9], [8, 4, 3, 2, 6])
    y = 8 / (8 + 2 * 4)
    assert ngrams._discounts(counts) == [1 - 2 * y * 4 / 8, 2 - 3 * y * 3 / 4, 3 - 4 * y * 2 / 3]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="size=0, order=5"):
        KneserNey(0)
    with pytest.raises(ValueError, match="order=0"):
        KneserNey(SIZE, 0)
    with pytest.raises(ValueError, match="call fit"):
        KneserNey(SIZE).score(TEST)
    for rows in ([], [[]]):
        with pytest.raises(ValueError, match="at least one id"):
            KneserNey(SIZE).fit(rows)
    for unit in (-1, SIZE):
        with pytest.raises(ValueError, match=f"from 0 to 8. Received: {min(unit, 4)} to {max(unit, 4)}"):
            KneserNey(SIZE).fit([[4, unit]])
    with pytest.raises(ValueError, match=r"from 0 to 8\. Received: 9 to 9"):
        KneserNey(SIZE).fit(TRAIN).log_probs([SIZE])
