"""Which tokens of a source appear in its target."""

from __future__ import annotations

import pytest

from seq2seq.text.copies import align_copies
from seq2seq.text.pieces import piece_word_numbers


@pytest.fixture(params=["unigram", "bpe"])
def tokenizer(request, tokenizers):
    return tokenizers[request.param, False]


def copied(tokenizer, source, target):
    """Returns the aligned tokens of the source as text."""
    source_ids, target_ids = tokenizer.encode([source, target])
    (points,) = align_copies(tokenizer, [source_ids], [target_ids])
    kept = sorted({i for i, _ in points})
    assert all(0 <= j < len(target_ids) for _, j in points)
    return tokenizer.decode([[source_ids[i] for i in kept]])[0]


@pytest.mark.parametrize(
    ("source", "target", "kept"),
    [
        ("the cat sees a green house", "the cat sees a house", "the cat sees a house"),
        ("Straße sees a cat", "straße sees", "Straße sees"),
        ("the cat sees the cat", "sees the cat", "sees the cat"),
        ("hello, world! on the mat", "world on the mat", "world on the mat"),  # the comma after the word is dropped
        ("a !cat sits", "cat sits", "cat sits"),  # and so is the mark before it
        ("a cat sits", "", ""),
        ("a cat sits", "schön café", ""),
        ("cat dog sits", "dog cat sits", "dog sits"),  # only one of two in another order
    ],
)
def test_words_that_both_sides_have_in_the_same_order_are_aligned(tokenizer, source, target, kept):
    assert copied(tokenizer, source, target) == kept


def test_all_tokens_of_a_word_are_aligned_to_all_tokens_of_its_copy(tokenizer):
    (ids,) = tokenizer.encode(["Straße sees naïve trees"])
    (points,) = align_copies(tokenizer, [ids], [ids])
    words = piece_word_numbers(tokenizer.pieces(ids))
    assert points == [(i, j) for i in range(len(ids)) for j in range(len(ids)) if words[i] == words[j]]


def test_pairs_are_independent(tokenizer):
    sources = tokenizer.encode(["the cat sits on the mat", "a dog, world!", "green trees", "world! hello,"])
    targets = tokenizer.encode(["cat on mat", "a cat!", "trees", "world! hello, hello,"])
    together = align_copies(tokenizer, sources, targets)
    assert together == [align_copies(tokenizer, [s], [t])[0] for s, t in zip(sources, targets, strict=True)]
    assert align_copies(tokenizer, [], []) == []
