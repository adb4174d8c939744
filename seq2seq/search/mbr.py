"""Minimum Bayes risk: of the hypotheses of a beam, the one that agrees best with the others.

The likeliest output of a model is often an odd one; what many likely outputs share is right more often
(Kumar & Byrne 2004; with n-gram counts DeNero et al. 2009).
"""

from __future__ import annotations

from keras import ops

from seq2seq.indexing import gather
from seq2seq.search.options import MBR_ORDERS
from seq2seq.search.step import FORBIDDEN
from seq2seq.types import Ids, SearchResult, Tensor


def choose_by_mbr(beam: SearchResult, exponent: float, num_best: int) -> SearchResult:
    """Ranks hypotheses by their expected agreement with the output of the model.

    Args:
        beam: All the hypotheses that a beam search kept.
        exponent: A hypothesis has the weight `probability ** exponent`: at 0 all are equal, at 1 the model decides.
        num_best: How many to return, best first.

    Returns:
        A `SearchResult` with n = `num_best`, whose scores are the expected agreements, in [0, 1], and -1e9 where the
        beam holds fewer.
    """
    is_real = beam.scores > FORBIDDEN / 2
    log_probs = ops.where(is_real, beam.log_probabilities, FORBIDDEN)
    # Relative to the best, or a large exponent would give weight to what is no hypothesis.
    log_probs = log_probs - ops.max(log_probs, axis=1, keepdims=True)
    weights = ops.softmax(ops.where(is_real, log_probs * exponent, FORBIDDEN))
    agreements = ops.map(lambda pair: agreement(*pair), (beam.ids, beam.lengths))  # one source at a time
    expected = ops.sum(agreements * ops.expand_dims(weights, 1), axis=2)  # (batch, n)
    scores, best = ops.top_k(ops.where(is_real, expected, FORBIDDEN), num_best)
    scores = ops.where(ops.isnan(beam.scores[:, :1]), float("nan"), scores)  # see `beam_search`
    lengths, log_probabilities = (gather(part, best) for part in (beam.lengths, beam.log_probabilities))
    ids = ops.pad(beam.ids, [[0, 0], [0, 0], [0, 1]])  # an output of width 0 has nothing to take from
    ids = gather(ids, best)[:, :, :-1]
    return SearchResult(ids, lengths, log_probabilities, scores)


def agreement(ids: Ids, lengths: Tensor) -> Tensor:
    """Returns how similar the hypotheses of one source are: the mean over n of the F1 of their n-grams.

    A repeated n-gram counts as often as it occurs in both. Two hypotheses that are too short for n-grams of an order
    agree in that order, so a hypothesis always agrees with itself.

    Args:
        ids: `(n, width)`, int32.
        lengths: `(n,)`, int32.

    Returns:
        `(n, n)`, float32 in [0, 1], symmetric, 1 on the diagonal.
    """
    ids = ops.pad(ids, [[0, 0], [0, 1]])  # at least one column, even if every hypothesis is empty
    n, width = ops.shape(ids)
    size = n * width
    offsets = ops.arange(size, dtype="int32") // width * size  # where the counts of each hypothesis begin
    grams = tokens = _ranks(ops.reshape(ids, (-1,)))
    total = ops.zeros((n, n), "float32")
    for order in range(1, MBR_ORDERS + 1):
        if order > 1:  # an n-gram is the (n - 1)-gram at the same position and the token behind it
            last = ops.reshape(tokens, (n, width))[:, order - 1 :]
            last = ops.reshape(ops.pad(last, [[0, 0], [0, order - 1]])[:, :width], (-1,))
            grams = _ranks(grams * size + last)
        num_grams = ops.maximum(lengths - order + 1, 0)  # (n,)
        is_gram = ops.expand_dims(ops.arange(width, dtype="int32"), 0) < ops.expand_dims(num_grams, 1)
        counts = ops.segment_sum(ops.cast(ops.reshape(is_gram, (-1,)), "float32"), offsets + grams, n * size)
        counts = ops.reshape(counts, (n, size))
        shared = ops.sum(ops.minimum(ops.expand_dims(counts, 1), ops.expand_dims(counts, 0)), axis=2)
        both = ops.cast(ops.expand_dims(num_grams, 1) + ops.expand_dims(num_grams, 0), "float32")
        total = total + ops.where(both > 0, 2 * shared / ops.maximum(both, 1.0), 1.0)
    return total / MBR_ORDERS


def _ranks(keys: Tensor) -> Tensor:
    """Numbers `(m,)` keys from 0 to at most m - 1; equal keys get equal numbers."""
    order = ops.argsort(keys)
    ordered = ops.take(keys, order)
    steps = ops.cast(ops.not_equal(ordered[1:], ordered[:-1]), "int32")
    ranks = ops.pad(ops.cumsum(steps), [[1, 0]])
    return ops.take(ranks, ops.argsort(order))
