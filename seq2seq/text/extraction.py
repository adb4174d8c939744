"""Extraction: of the source the words that a selector would keep, in their order. No decoder is asked."""

from __future__ import annotations

from typing import Any

from keras import ops

from seq2seq.symbols import EOS, PAD
from seq2seq.text.words import find_words, sum_by_word
from seq2seq.types import Marks, Padded, SearchResult, Tensor


def extract(chances: Tensor, source: Padded, marks: Marks) -> SearchResult:
    """Keeps the set of words with the largest expected F1.

    Where words are kept independently of each other, with chances p, a set of k words has the expected F1 of about
    2 * (the sum of its p) / (k + the sum of all p). The largest such value F belongs to the words with p of at least
    F / 2 (Lipton et al. 2014). A word's chance is the mean of its pieces'.

    Args:
        chances: `(batch, source)`, float32: how likely each piece is kept.
        source: `(batch, source)`, int32: the pieces and an EOS.
        marks: Of the vocabulary.

    Returns:
        A `SearchResult` with n = 1, as wide as the source. The score is the expected F1; the log-probability that of
        what is written, a piece having its word's chance. A source without pieces has nothing to keep.
    """
    ids, mask = source
    real = ops.logical_and(mask, ops.not_equal(ids, EOS))
    numbers, inner = find_words(source, marks)
    pieces, total = (sum_by_word(ops.where(real, part, 0.0), numbers) for part in (ops.ones_like(chances), chances))
    words = total / ops.maximum(pieces, 1.0)  # (batch, words), as wide as the source: 0 where there is none
    likeliest = -ops.sort(-words, axis=1)
    counts = ops.arange(1, ops.shape(words)[1] + 1, dtype="float32")
    expected = 2 * ops.cumsum(likeliest, axis=1) / (counts + ops.sum(words, axis=1, keepdims=True))
    best = ops.max(expected, axis=1, keepdims=True)
    chances = ops.take_along_axis(words, numbers, axis=1)
    kept = ops.logical_and(real, chances >= best / 2)
    written, filled = ops.where(kept, ids, PAD), kept
    if marks.blank is not None:  # a word whose quotation mark is left out has its blank in that place
        alone = ops.logical_and(ops.logical_and(kept, inner), _moved(kept, 1) == 0)
        blank = _moved(alone, -1) > 0
        written, filled = ops.where(blank, marks.blank, written), ops.logical_or(blank, kept)
    filled = ops.cast(filled, "int32")
    lengths = ops.sum(filled, axis=1, keepdims=True)
    # What is written moves to the left by a sum with nothing but zeros.
    ids = sum_by_word(written, ops.maximum(ops.cumsum(filled, axis=1) - 1, 0))
    gains = ops.sum(ops.where(kept, ops.log(ops.maximum(chances, 1e-30)), 0.0), axis=1, keepdims=True)
    return SearchResult(ops.expand_dims(ids, 1), lengths, gains, best)


def _moved(flags: Any, places: int) -> Any:
    """`(batch, width)` bool, a place to the right (1) or to the left (-1); int32."""
    flags = ops.cast(flags, "int32")
    nothing = ops.zeros_like(flags[:, :1])
    parts = [nothing, flags[:, :-1]] if places > 0 else [flags[:, 1:], nothing]
    return ops.concatenate(parts, axis=1)
