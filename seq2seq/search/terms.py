"""Terms that must be written: how far each hypothesis has come with them, and a beam shared out among them.

Dynamic beam allocation (Post & Vilar 2018): hypotheses compete with those that have written as many pieces of the
terms as they have, so that one that has begun a costly term is not lost to one that puts it off.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from seq2seq.search.rules import FORBIDDEN
from seq2seq.symbols import PAD


class Terms(NamedTuple):
    """What each source's hypotheses must hold, in any order, the pieces of a term together."""

    pieces: Any
    """`(batch, size)`, int32: the pieces of all terms one after another, then PAD."""
    term: Any
    """`(batch, size)`, int32: which term each piece is of, counted from 1; 0 at PAD."""


class Progress(NamedTuple):
    """How far hypotheses have come; `(batch, n, …)` throughout."""

    met: Any
    """`(batch, n, size)`, bool: the pieces that stand; True at PAD."""
    due: Any
    """`(batch, n)`, int32: the place of the piece that goes on with a term begun; -1: none is begun."""


def begin(terms: Terms, n: int) -> Progress:
    """The progress of `n` hypotheses a source that have written nothing."""
    met = ops.repeat(ops.expand_dims(ops.equal(terms.pieces, PAD), 1), n, axis=1)
    return Progress(met, ops.zeros_like(met[:, :, 0], dtype="int32") - 1)


def _firsts(term: Any) -> Any:
    """`(batch, size)`, bool: where a term begins."""
    return ops.logical_and(term > 0, ops.not_equal(term, ops.pad(term, [[0, 0], [1, 0]])[:, :-1]))


def wanted(terms: Terms, progress: Progress) -> Any:
    """The pieces that bring hypotheses on: the next one of a term begun, else the first of those that are missing.

    Returns:
        `(batch, n, size)`, int32; PAD fills up.
    """
    places = ops.arange(ops.shape(terms.pieces)[1], dtype="int32")
    due = ops.expand_dims(progress.due, 2)
    free = ops.logical_and(ops.expand_dims(_firsts(terms.term), 1), ops.logical_not(progress.met))
    here = ops.logical_or(ops.equal(places, due), ops.logical_and(due < 0, free))
    return ops.where(here, ops.expand_dims(terms.pieces, 1), PAD)


def advance(terms: Terms, progress: Progress, pieces: Any) -> Progress:
    """The progress after `(batch, n)` pieces: a term goes on, or falls back to nothing, or another one begins."""
    places = ops.arange(ops.shape(terms.pieces)[1], dtype="int32")
    numbers = ops.expand_dims(terms.term, 1)  # (batch, 1, size)
    due, piece = ops.expand_dims(progress.due, 2), ops.expand_dims(pieces, 2)
    alike = ops.equal(ops.expand_dims(terms.pieces, 1), piece)
    at_due = ops.equal(places, due)
    goes_on = ops.any(ops.logical_and(at_due, alike), axis=2, keepdims=True)
    # A term that is broken off must be written anew, from its first piece.
    begun = ops.max(ops.where(at_due, numbers, 0), axis=2, keepdims=True)
    broken = ops.logical_and(ops.logical_not(goes_on), ops.logical_and(begun > 0, ops.equal(numbers, begun)))
    met = ops.logical_and(progress.met, ops.logical_not(broken))
    free = ops.logical_and(ops.logical_and(ops.expand_dims(_firsts(terms.term), 1), alike), ops.logical_not(met))
    size = ops.shape(terms.pieces)[1]
    first = ops.min(ops.where(free, places, size), axis=2, keepdims=True)  # of several terms that begin alike
    starts = ops.logical_and(ops.logical_not(goes_on), ops.equal(places, first))
    written = ops.logical_or(starts, ops.logical_and(goes_on, at_due))
    met = ops.logical_or(met, written)
    # What follows a piece is due if it is of the same term.
    same = ops.logical_and(numbers > 0, ops.equal(numbers, ops.pad(numbers, [[0, 0], [0, 0], [0, 1]])[:, :, 1:]))
    following = ops.max(ops.where(ops.logical_and(written, same), places + 1, -1), axis=2)
    return Progress(met, following)


def all_met(progress: Progress) -> Any:
    """`(batch, n)`, bool: whether everything stands."""
    return ops.all(progress.met, axis=2)


def missing(progress: Progress) -> Any:
    """`(batch, n)`, int32: how many pieces are still to be written, at least."""
    return ops.sum(ops.cast(ops.logical_not(progress.met), "int32"), axis=2)


def share_out(totals: Any, missing: Any, size: Any) -> Any:
    """Keys by which candidates are taken, largest first: the best of every bank, then the second of every bank, …

    A bank is the candidates that miss as many pieces; of places alike in their banks the one that misses fewer goes
    first. With one bank the order is that of `totals`.

    Args:
        totals: `(batch, n)`, float: log-probabilities, FORBIDDEN where there is no candidate.
        missing: `(batch, n)`, int32.
        size: The largest number that can be missing.

    Returns:
        `(batch, n)`, float32.
    """
    mine, other = ops.expand_dims(totals, 2), ops.expand_dims(totals, 1)
    places = ops.arange(ops.shape(totals)[1], dtype="int32")
    earlier = ops.expand_dims(places, 0) < ops.expand_dims(places, 1)  # (mine, other)
    ahead = ops.logical_or(other > mine, ops.logical_and(ops.equal(other, mine), earlier))
    ahead = ops.logical_and(ahead, ops.equal(ops.expand_dims(missing, 2), ops.expand_dims(missing, 1)))
    rank = ops.sum(ops.cast(ahead, "int32"), axis=2)  # (batch, n)
    key = -ops.cast(rank * (size + 1) + missing, "float32")
    return ops.where(totals > FORBIDDEN / 2, key, FORBIDDEN)
