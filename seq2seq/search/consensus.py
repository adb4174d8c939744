"""Minimum Bayes risk: of all that a beam found, the hypothesis that agrees best with the others.

The likeliest text of a model is often an odd one; what many likely texts share is right more often
(Kumar & Byrne 2004; with n-gram counts DeNero et al. 2009).
"""

from __future__ import annotations

from typing import Any

from keras import ops

from seq2seq.search.greedy import FORBIDDEN
from seq2seq.search.options import AGREEMENT_ORDERS
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
    votes = ops.softmax(ops.where(real, found.log_probabilities * exponent, FORBIDDEN))
    alike = ops.map(lambda pair: agreement(*pair), (found.ids, found.lengths))  # a line at a time: it is quadratic
    expected = ops.sum(alike * ops.expand_dims(votes, 1), axis=2)  # (batch, n)
    scores, best = ops.top_k(ops.where(real, expected, FORBIDDEN), num_best)
    lengths, log_probabilities = (
        ops.take_along_axis(part, best, axis=1) for part in (found.lengths, found.log_probabilities)
    )
    ids = ops.take_along_axis(found.ids, ops.expand_dims(best, 2), axis=1)
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
    places = ops.arange(width, dtype="int32")
    written = ops.expand_dims(places, 0) < ops.expand_dims(lengths, 1)
    flat, some = ops.reshape(ids, (-1,)), ops.reshape(written, (-1,))
    equal = ops.logical_and(ops.expand_dims(flat, 1) == ops.expand_dims(flat, 0), ops.expand_dims(some, 1))
    equal = ops.cast(ops.logical_and(equal, ops.expand_dims(some, 0)), "float32")
    owner = ops.repeat(ops.eye(n, dtype="float32"), width, axis=0)  # (n * width, n): whose each place is
    column = ops.tile(places, (n,))
    before = ops.cast(ops.expand_dims(column, 0) < ops.expand_dims(column, 1), "float32")
    before = before * ops.matmul(owner, ops.transpose(owner))  # (n * width, n * width): earlier in the same hypothesis

    total, run = ops.zeros((n, n), "float32"), equal
    for order in range(1, AGREEMENT_ORDERS + 1):
        if order > 1:  # `run`: the n-grams that begin at two places are equal
            run = equal * _next(run, n, width)
        rank = ops.sum(run * before, axis=1, keepdims=True)  # how often the n-gram came before
        matched = ops.cast(rank < ops.matmul(run, owner), "float32")  # (n * width, n): has it a partner there?
        shared = ops.matmul(ops.transpose(owner), matched)
        counts = ops.cast(ops.maximum(lengths - (order - 1), 0), "float32")
        both = ops.expand_dims(counts, 1) + ops.expand_dims(counts, 0)
        total = total + ops.where(both > 0, 2 * shared / ops.maximum(both, 1.0), 1.0)
    return total / AGREEMENT_ORDERS


def _next(run: Any, n: int, width: int) -> Any:
    """What `run` holds one place later on both sides; 0 behind the last."""
    run = ops.reshape(run, (n, width, n, width))
    run = ops.pad(run[:, 1:, :, 1:], [[0, 0], [0, 1], [0, 0], [0, 1]])
    return ops.reshape(run, (n * width, n * width))
