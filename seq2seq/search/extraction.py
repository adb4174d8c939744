"""Extraction: of the source the words that a selector would keep, in their order. No decoder is asked."""

from __future__ import annotations

from typing import Any

from keras import ops

from seq2seq.symbols import EOS, PAD
from seq2seq.types import Marks, SearchResult


def extract(chances: Any, source: Any, marks: Marks) -> SearchResult:
    """Keeps the set of words with the largest expected F1.

    Where words are kept independently of each other, with chances p, a set of k words has the expected F1 of about
    2 * (the sum of its p) / (k + the sum of all p). The largest such value F belongs to the words with p of at least
    F / 2 (Lipton et al. 2014). A word's chance is the mean of its pieces'.

    Args:
        chances: `(batch, source)`, float32: how likely each piece is kept.
        source: `(batch, source)`, int32: the pieces, EOS, then PAD.
        marks: Of the vocabulary.

    Returns:
        A `SearchResult` with n = 1, as wide as the source. The score is the expected F1; the log-probability that of
        what is written, a piece having its word's chance. A source without pieces has nothing to keep.
    """
    real = ops.logical_and(ops.not_equal(source, PAD), ops.not_equal(source, EOS))
    numbers = word_numbers(source, marks)
    pieces, total = (_sum_by_word(ops.where(real, part, 0.0), numbers) for part in (ops.ones_like(chances), chances))
    words = total / ops.maximum(pieces, 1.0)  # (batch, words), as wide as the source: 0 where there is none
    likeliest = -ops.sort(-words, axis=1)
    counts = ops.arange(1, ops.shape(words)[1] + 1, dtype="float32")
    expected = 2 * ops.cumsum(likeliest, axis=1) / (counts + ops.sum(words, axis=1, keepdims=True))
    best = ops.max(expected, axis=1, keepdims=True)
    chances = ops.take_along_axis(words, numbers, axis=1)
    kept = ops.logical_and(real, chances >= best / 2)
    lengths = ops.sum(ops.cast(kept, "int32"), axis=1, keepdims=True)
    # What is kept moves to the left by a sum with nothing but zeros.
    places = ops.maximum(ops.cumsum(ops.cast(kept, "int32"), axis=1) - 1, 0)
    ids = _sum_by_word(ops.where(kept, source, PAD), places)
    gains = ops.sum(ops.where(kept, ops.log(ops.maximum(chances, 1e-30)), 0.0), axis=1, keepdims=True)
    return SearchResult(ops.expand_dims(ids, 1), lengths, gains, best)


def word_numbers(source: Any, marks: Marks) -> Any:
    """Returns the number of each piece's word, `(batch, source)` int32, from 0.

    A word runs from a piece that begins one to the next that does. Punctuation behind its last letter or digit is no
    part of it: each such piece is a word. So any word can be left out, and what is left reads as it did.
    """
    first = ops.equal(ops.arange(ops.shape(source)[1], dtype="int32"), 0)
    begins = ops.logical_or(first, ops.take(marks.begins, source, axis=0))
    for end in (EOS, PAD):  # nothing behind a text belongs to its last word
        begins = ops.logical_or(begins, ops.equal(source, end))
    blanks = _numbers(begins)
    letters = ops.cast(ops.logical_not(ops.take(marks.punctuation, source, axis=0)), "int32")
    of_word = _sum_by_word(letters, blanks)
    some = ops.take_along_axis(of_word, blanks, axis=1) > 0
    by_its_end = ops.take_along_axis(ops.cumsum(of_word, axis=1), blanks, axis=1)
    last = ops.equal(ops.cumsum(letters, axis=1), by_its_end)  # no letter of the word comes after this piece
    trailing = ops.logical_and(ops.logical_and(some, last), ops.equal(letters, 0))
    return _numbers(ops.logical_or(begins, trailing))


def _numbers(begins: Any) -> Any:
    return ops.cumsum(ops.cast(begins, "int32"), axis=1) - 1


def _sum_by_word(values: Any, numbers: Any) -> Any:
    """Sums `(batch, width)` values that share a number below width; the result is as wide, 0 where there is none."""
    batch, width = ops.shape(values)
    rows = ops.expand_dims(ops.arange(batch, dtype="int32") * width, 1)
    sums = ops.segment_sum(ops.reshape(values, (-1,)), ops.reshape(rows + numbers, (-1,)), num_segments=batch * width)
    return ops.reshape(sums, (batch, width))
