"""Terms that an output must contain: the progress of each hypothesis, and the beam shared among degrees of progress.

Dynamic beam allocation (Post & Vilar 2018): a hypothesis competes with those that have written as many tokens of the
terms as it has, so that one that has begun a costly term is not lost to one that puts it off.
"""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

from seq2seq.search.step import FORBIDDEN
from seq2seq.types import Ids, Tensor


class Terms(NamedTuple):
    """What each source's hypotheses must contain, in any order; the tokens of a term are contiguous."""

    tokens: Ids
    """`(batch, size)`, int32: the tokens of all terms one after another, then PAD."""
    numbers: Tensor
    """`(batch, size)`, int32: the number of the term that each token belongs to, from 1; 0 at PAD."""


class TermProgress(NamedTuple):
    """How much of the terms each hypothesis has written."""

    satisfied: Tensor
    """`(batch, n, size)`, bool: the tokens of terms that are written; True at PAD."""
    next_token: Tensor
    """`(batch, n)`, int32: index in `Terms.tokens` of the token that continues a term begun; -1 where none is begun."""


def start_terms(terms: Terms, n: int) -> TermProgress:
    """Returns the progress of `n` hypotheses per source that have written nothing."""
    satisfied = ops.repeat(ops.expand_dims(ops.equal(terms.numbers, 0), 1), n, axis=1)
    return TermProgress(satisfied, ops.zeros_like(satisfied[:, :, 0], dtype="int32") - 1)


def progress_of(terms: Terms, ids: Ids, lengths: Tensor) -> TermProgress:
    """Returns the progress `(batch, …)` after `lengths (batch,)` tokens of `ids (batch, width)`."""

    def write(position: Tensor, progress: TermProgress) -> tuple[Tensor, TermProgress]:
        tokens = ops.expand_dims(ops.take(ids, position, axis=1), 1)
        is_token = ops.expand_dims(position < lengths, 1)
        longer = advance(terms, progress, tokens)
        satisfied = ops.where(ops.expand_dims(is_token, 2), longer.satisfied, progress.satisfied)
        next_token = ops.where(is_token, longer.next_token, progress.next_token)
        return position + 1, TermProgress(satisfied, next_token)

    last = ops.minimum(ops.max(lengths), ops.shape(ids)[1])
    start = ops.zeros((), "int32"), start_terms(terms, 1)
    _, (satisfied, next_token) = ops.while_loop(lambda position, _: position < last, write, start)
    return TermProgress(satisfied[:, 0], next_token[:, 0])


def _is_first(numbers: Tensor) -> Tensor:
    """`(batch, size)`, bool: where a term begins."""
    return ops.logical_and(numbers > 0, ops.not_equal(numbers, ops.pad(numbers, [[0, 0], [1, 0]])[:, :-1]))


def candidates(terms: Terms, progress: TermProgress) -> Ids:
    """Returns the tokens that advance hypotheses: the next of a term begun, else the first of each unsatisfied term.

    Returns:
        `(batch, n, size)`, int32; -1 where there is none.
    """
    index = ops.arange(ops.shape(terms.tokens)[1], dtype="int32")
    next_token = ops.expand_dims(progress.next_token, 2)
    free = ops.logical_and(ops.expand_dims(_is_first(terms.numbers), 1), ops.logical_not(progress.satisfied))
    chosen = ops.logical_or(ops.equal(index, next_token), ops.logical_and(next_token < 0, free))
    return ops.where(chosen, ops.expand_dims(terms.tokens, 1), -1)


def advance(terms: Terms, progress: TermProgress, tokens: Ids) -> TermProgress:
    """Returns the progress after `(batch, n)` tokens: a term continues, or is broken off, or another one begins."""
    index = ops.arange(ops.shape(terms.tokens)[1], dtype="int32")
    numbers = ops.expand_dims(terms.numbers, 1)  # (batch, 1, size)
    is_token = ops.equal(ops.expand_dims(terms.tokens, 1), ops.expand_dims(tokens, 2))  # (batch, n, size)
    is_next = ops.equal(index, ops.expand_dims(progress.next_token, 2))
    continues = ops.any(ops.logical_and(is_next, is_token), axis=2, keepdims=True)
    # A term that is broken off must be written again from its first token.
    begun = ops.max(ops.where(is_next, numbers, 0), axis=2, keepdims=True)
    broken = ops.logical_and(ops.logical_not(continues), ops.logical_and(begun > 0, ops.equal(numbers, begun)))
    satisfied = ops.logical_and(progress.satisfied, ops.logical_not(broken))
    is_first = ops.logical_and(ops.expand_dims(_is_first(terms.numbers), 1), is_token)
    is_first = ops.logical_and(is_first, ops.logical_not(satisfied))
    size = ops.shape(terms.tokens)[1]
    first = ops.min(ops.where(is_first, index, size), axis=2, keepdims=True)  # of several terms that begin alike
    starts = ops.logical_and(ops.logical_not(continues), ops.equal(index, first))
    written = ops.logical_or(starts, ops.logical_and(continues, is_next))
    satisfied = ops.logical_or(satisfied, written)
    # The token behind a written one is next if it belongs to the same term.
    following = ops.pad(numbers, [[0, 0], [0, 0], [0, 1]])[:, :, 1:]
    has_more = ops.logical_and(numbers > 0, ops.equal(numbers, following))
    next_token = ops.max(ops.where(ops.logical_and(written, has_more), index + 1, -1), axis=2)
    return TermProgress(satisfied, next_token)


def all_satisfied(progress: TermProgress) -> Tensor:
    """`(batch, n)`, bool: whether every term is written."""
    return ops.all(progress.satisfied, axis=2)


def count_missing(progress: TermProgress) -> Tensor:
    """`(batch, n)`, int32: how many tokens must still be written, at least."""
    return ops.sum(ops.cast(ops.logical_not(progress.satisfied), "int32"), axis=2)


def allocate_beam(totals: Tensor, missing: Tensor, size: int | Tensor) -> Tensor:
    """Returns keys by which candidates are taken, largest first: the best of every bank, then the second of every bank.

    A bank is the candidates that miss the same number of tokens. Among candidates of equal rank in their banks, the one
    that misses fewer comes first. With one bank the order is that of `totals`.

    Args:
        totals: `(batch, n)`, float: log-probabilities, FORBIDDEN where there is no candidate.
        missing: `(batch, n)`, int32.
        size: The largest possible value of `missing`.

    Returns:
        `(batch, n)`, float32.
    """
    own, other = ops.expand_dims(totals, 2), ops.expand_dims(totals, 1)
    index = ops.arange(ops.shape(totals)[1], dtype="int32")
    earlier = ops.expand_dims(index, 0) < ops.expand_dims(index, 1)  # (own, other)
    ahead = ops.logical_or(other > own, ops.logical_and(ops.equal(other, own), earlier))
    ahead = ops.logical_and(ahead, ops.equal(ops.expand_dims(missing, 2), ops.expand_dims(missing, 1)))
    rank = ops.sum(ops.cast(ahead, "int32"), axis=2)  # (batch, n)
    key = -ops.cast(rank * (size + 1) + missing, "float32")
    return ops.where(totals > FORBIDDEN / 2, key, FORBIDDEN)
