"""Extraction: the words of the source that a selector keeps, in their order. The decoder does not run."""

from __future__ import annotations

from typing import Any

from keras import ops

from seq2seq.symbols import EOS, PAD
from seq2seq.text.words import find_words, sum_by_word
from seq2seq.types import Marks, Padded, SearchResult, Tensor


def extract(keep: Tensor, source: Padded, marks: Marks) -> SearchResult:
    """Keeps the set of words with the largest expected F1.

    Where words are kept independently of each other, with probabilities p, a set of k words has an expected F1 of about
    2 * (the sum of its p) / (k + the sum of all p). The largest such value F belongs to the words with p of at least
    F / 2 (Lipton et al. 2014). A word's probability is the mean of its tokens'.

    Args:
        keep: `(batch, source)`, float32: how likely each token is kept.
        source: `(batch, source)`, int32: the tokens and an EOS.
        marks: Of the vocabulary.

    Returns:
        A `SearchResult` with n = 1, as wide as the source. The score is the expected F1; the log-probability that of
        the output, each token with the probability of its word. Of a source without tokens nothing is kept.
    """
    ids, mask = source
    real = ops.logical_and(mask, ops.not_equal(ids, EOS))
    numbers, inner = find_words(source, marks)
    tokens, total = (sum_by_word(ops.where(real, part, 0.0), numbers) for part in (ops.ones_like(keep), keep))
    words = total / ops.maximum(tokens, 1.0)  # (batch, words), as wide as the source: 0 where there is none
    likeliest = -ops.sort(-words, axis=1)
    counts = ops.arange(1, ops.shape(words)[1] + 1, dtype="float32")
    expected = 2 * ops.cumsum(likeliest, axis=1) / (counts + ops.sum(words, axis=1, keepdims=True))
    best = ops.max(expected, axis=1, keepdims=True)
    keep = ops.take_along_axis(words, numbers, axis=1)
    kept = ops.logical_and(real, keep >= best / 2)
    written, filled = ops.where(kept, ids, PAD), kept
    if marks.blank is not None:  # a word without its quotation mark has its space in that place
        alone = ops.logical_and(ops.logical_and(kept, inner), _moved(kept, 1) == 0)
        blank = _moved(alone, -1) > 0
        written, filled = ops.where(blank, marks.blank, written), ops.logical_or(blank, kept)
    filled = ops.cast(filled, "int32")
    lengths = ops.sum(filled, axis=1, keepdims=True)
    # The kept tokens move to the left: each is summed with zeros alone.
    ids = sum_by_word(written, ops.maximum(ops.cumsum(filled, axis=1) - 1, 0))
    log_probs = ops.sum(ops.where(kept, ops.log(ops.maximum(keep, 1e-30)), 0.0), axis=1, keepdims=True)
    return SearchResult(ops.expand_dims(ids, 1), lengths, log_probs, best)


def _moved(flags: Any, places: int) -> Any:
    """`(batch, width)` bool, a place to the right (1) or to the left (-1); int32."""
    flags = ops.cast(flags, "int32")
    nothing = ops.zeros_like(flags[:, :1])
    parts = [nothing, flags[:, :-1]] if places > 0 else [flags[:, 1:], nothing]
    return ops.concatenate(parts, axis=1)
