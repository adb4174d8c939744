"""Which pieces of a source its target took over."""

from __future__ import annotations

import pytest

from seq2seq.text.alignment import word_numbers
from seq2seq.text.copies import link_copies


@pytest.fixture(params=["unigram", "bpe"])
def tokenizer(request, tokenizers):
    return tokenizers[request.param, False]


def linked(tokenizer, source, target):
    """What of the source has links, as text, and whether all pieces of each linked word have them."""
    ours, theirs = tokenizer.encode([source, target])
    (links,) = link_copies(tokenizer, [ours], [theirs])
    kept = sorted({i for i, _ in links})
    assert all(0 <= j < len(theirs) for _, j in links)
    return tokenizer.decode([[ours[i] for i in kept]])[0]


@pytest.mark.parametrize(
    ("source", "target", "kept"),
    [
        ("the cat sees a green house", "the cat sees a house", "the cat sees a house"),
        ("Straße sees a cat", "straße sees", "Straße sees"),
        ("the cat sees the cat", "sees the cat", "sees the cat"),
        ("hello, world! on the mat", "world on the mat", "world on the mat"),  # the mark behind the word stays out
        ("a !cat sits", "cat sits", "cat sits"),  # and the one before it
        ("a cat sits", "", ""),
        ("a cat sits", "schön café", ""),
        ("cat dog sits", "dog cat sits", "dog sits"),  # of those in another order one alone
    ],
)
def test_words_that_both_have_in_one_order_are_linked(tokenizer, source, target, kept):
    assert linked(tokenizer, source, target) == kept


def test_links_go_from_all_pieces_of_a_word_to_all_of_its_copy(tokenizer):
    (ids,) = tokenizer.encode(["Straße sees naïve trees"])
    (links,) = link_copies(tokenizer, [ids], [ids])
    words = word_numbers(tokenizer.pieces(ids))
    assert links == [(i, j) for i in range(len(ids)) for j in range(len(ids)) if words[i] == words[j]]


def test_pairs_do_not_touch_each_other(tokenizer):
    sources = tokenizer.encode(["the cat sits on the mat", "a dog, world!", "green trees", "world! hello,"])
    targets = tokenizer.encode(["cat on mat", "a cat!", "trees", "world! hello, hello,"])
    together = link_copies(tokenizer, sources, targets)
    assert together == [link_copies(tokenizer, [s], [t])[0] for s, t in zip(sources, targets, strict=True)]
    assert link_copies(tokenizer, [], []) == []
