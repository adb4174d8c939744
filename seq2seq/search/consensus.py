"""Minimum Bayes risk: of all that a beam found, the hypothesis that agrees best with the others.

The likeliest text of a model is often an odd one; what many likely texts share is right more often
(Kumar & Byrne 2004; with n-gram counts DeNero et al. 2009).
"""

from __future__ import annotations

from typing import Any

from keras import ops

from seq2seq.search.options import AGREEMENT_ORDERS
from seq2seq.search.rules import FORBIDDEN
from seq2seq.types import SearchResult


def choose_by_consensus(found: SearchResult, exponent: float, num_best: int) -> SearchResult:
    """Ranks hypotheses by their expected agreement with what the model would write.

    Args:
        found: Of a beam search: all the hypotheses that it kept.
        exponent: A hypothesis has `probability ** exponent` votes: 0 is one each, 1 what the model believes.
        num_best: How many to return, best first.

    Returns:
        A `SearchResult` with n = `num_best`, whose scores are the expected agreements, in [0, 1], and -1e9 where the
        search space held fewer.
    """
    real = found.scores > FORBIDDEN / 2
    gains = ops.where(real, found.log_probabilities, FORBIDDEN)
    gains = gains - ops.max(gains, axis=1, keepdims=True)  # or a large exponent would give votes to what is none
    votes = ops.softmax(ops.where(real, gains * exponent, FORBIDDEN))
    alike = ops.map(lambda pair: agreement(*pair), (found.ids, found.lengths))  # a line at a time
    expected = ops.sum(alike * ops.expand_dims(votes, 1), axis=2)  # (batch, n)
    scores, best = ops.top_k(ops.where(real, expected, FORBIDDEN), num_best)
    scores = ops.where(ops.isnan(found.scores[:, :1]), float("nan"), scores)  # see `beam_search`
    lengths, log_probabilities = (
        ops.take_along_axis(part, best, axis=1) for part in (found.lengths, found.log_probabilities)
    )
    ids = ops.pad(found.ids, [[0, 0], [0, 0], [0, 1]])  # where nothing was to be written there is nothing to take from
    ids = ops.take_along_axis(ids, ops.expand_dims(best, 2), axis=1)[:, :, :-1]
    return SearchResult(ids, lengths, log_probabilities, scores)


def agreement(ids: Any, lengths: Any) -> Any:
    """How alike the hypotheses of one line are: the mean over n of the F1 of their n-grams.

    An n-gram that comes more than once counts as often as it comes in both. Hypotheses too short for n-grams of an
    order have nothing to disagree about, so a hypothesis agrees with itself wholly.

    Args:
        ids: `(n, width)`, int32.
        lengths: `(n,)`, int32.

    Returns:
        `(n, n)`, float32 in [0, 1], symmetric, 1 on the diagonal.
    """
    ids = ops.pad(ids, [[0, 0], [0, 1]])  # so that there is a place, even if nothing was to be written
    n, width = ops.shape(ids)
    places = n * width
    first = ops.arange(places, dtype="int32") // width * places  # where the counts of a place's hypothesis begin
    grams = pieces = _ranks(ops.reshape(ids, (-1,)))
    total = ops.zeros((n, n), "float32")
    for order in range(1, AGREEMENT_ORDERS + 1):
        if order > 1:  # an n-gram is the one a piece shorter and the piece behind it
            last = ops.reshape(pieces, (n, width))[:, order - 1 :]
            last = ops.reshape(ops.pad(last, [[0, 0], [0, order - 1]])[:, :width], (-1,))
            grams = _ranks(grams * places + last)
        sizes = ops.maximum(lengths - order + 1, 0)
        whole = ops.expand_dims(ops.arange(width, dtype="int32"), 0) < ops.expand_dims(sizes, 1)
        counts = ops.segment_sum(ops.cast(ops.reshape(whole, (-1,)), "float32"), first + grams, n * places)
        counts = ops.reshape(counts, (n, places))
        shared = ops.sum(ops.minimum(ops.expand_dims(counts, 1), ops.expand_dims(counts, 0)), axis=2)
        both = ops.cast(ops.expand_dims(sizes, 1) + ops.expand_dims(sizes, 0), "float32")
        total = total + ops.where(both > 0, 2 * shared / ops.maximum(both, 1.0), 1.0)
    return total / AGREEMENT_ORDERS


def _ranks(keys: Any) -> Any:
    """Numbers `(m,)` keys from 0 to at most m - 1: equal keys alike."""
    order = ops.argsort(keys)
    ordered = ops.take(keys, order)
    steps = ops.cast(ops.not_equal(ordered[1:], ordered[:-1]), "int32")
    ranks = ops.pad(ops.cumsum(steps), [[1, 0]])
    return ops.take(ranks, ops.argsort(order))
