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
    places = ops.arange(ops.shape(ids)[1], dtype="int32")
    written = ops.expand_dims(places, 0) < ops.expand_dims(lengths, 1)  # (n, width)
    before = ops.cast(ops.expand_dims(places, 0) < ops.expand_dims(places, 1), "float32")  # (width, width)

    def of_one(one: tuple[Any, Any, Any]) -> Any:
        """Agreement of one hypothesis with each, `(n,)`: a hypothesis at a time, so that long ones find room."""
        mine, length, here = one
        there = ops.logical_and(ops.expand_dims(written, 0), ops.reshape(here, (-1, 1, 1)))
        equal = ops.reshape(mine, (-1, 1, 1)) == ops.expand_dims(ids, 0)
        equal = ops.cast(ops.logical_and(equal, there), "float32")  # (width, n, width)
        own = ops.expand_dims(mine, 1) == ops.expand_dims(mine, 0)
        own = ops.cast(ops.logical_and(own, ops.expand_dims(here, 1)), "float32") * before  # (width, width)
        total, runs, own_runs = ops.zeros_like(lengths, dtype="float32"), equal, own
        for order in range(1, AGREEMENT_ORDERS + 1):
            if order > 1:  # the n-grams that begin at two places are equal
                runs = equal * ops.pad(runs[1:, :, 1:], [[0, 1], [0, 0], [0, 1]])
                own_runs = own * ops.pad(own_runs[1:, 1:], [[0, 1], [0, 1]])
            rank = ops.sum(own_runs, axis=1, keepdims=True)  # how often the n-gram came before, here
            shared = ops.sum(ops.cast(rank < ops.sum(runs, axis=2), "float32"), axis=0)
            both = ops.maximum(length - order + 1, 0) + ops.maximum(lengths - order + 1, 0)
            both = ops.cast(both, "float32")
            total = total + ops.where(both > 0, 2 * shared / ops.maximum(both, 1.0), 1.0)
        return total / AGREEMENT_ORDERS

    return ops.map(of_one, (ids, lengths, written))
