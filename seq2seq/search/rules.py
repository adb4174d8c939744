"""What a search must not write: control symbols always; where asked an early end, n-grams again, words."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from seq2seq.symbols import BOS, EOS, PAD

FORBIDDEN = -1e9
"""The log-probability of what must not be chosen."""


class Rules(NamedTuple):
    """What must not be written where. Hypotheses that keep to them score as they would without."""

    min_length: int = 0
    """EOS is forbidden before so many pieces."""
    no_repeat: int = 0
    """A piece is forbidden that would end an n-gram of this size which the hypothesis has already; 0: none is."""
    prefix: Any = None
    """`(batch, n)`, int32, then PAD: what the hypotheses of each source begin with, whatever else is forbidden."""
    exclude: Any = None
    """`(batch, phrases, n)`, int32, PAD before shorter ones: pieces that must not follow each other."""


def forbid_control_symbols(logits: Any) -> Any:
    """`(…, size)` logits in which PAD and BOS cannot win."""
    size = logits.shape[-1]
    penalty = ops.sum(ops.one_hot(ops.convert_to_tensor([PAD, BOS]), size, dtype="float32"), axis=0) * FORBIDDEN
    return ops.cast(logits, "float32") + penalty


def forbid(logits: Any, ids: Any, time: Any, rules: Rules, matches: Any = None) -> Any:
    """Returns `(rows, size)` logits or log-probabilities in which nothing can win that the rules forbid.

    Args:
        logits: `(rows, size)`, float32; the rows of a source are neighbours.
        ids: `(rows, width)`, int32: what was written, `time` pieces, then PAD.
        time: int32 scalar.
        rules: The rules.
        matches: `(rows, width)` of `extend_matches`; required where no n-gram may come twice.
    """
    free = logits
    if rules.min_length:
        ends = ops.one_hot(EOS, logits.shape[-1], dtype="float32") * FORBIDDEN
        logits = logits + ops.where(time < rules.min_length, ends, 0.0)
    if rules.no_repeat:
        logits = forbid_ids(logits, repeats(ids, time, matches, rules.no_repeat))
    if rules.exclude is not None:
        logits = forbid_ids(logits, endings(ids, time, _for_rows(rules.exclude, ids)))
    if rules.prefix is not None:
        prefix = _for_rows(rules.prefix, ids)
        here = ops.equal(ops.arange(ops.shape(prefix)[1], dtype="int32"), time)
        due = ops.sum(ops.where(here, prefix, PAD), axis=1, keepdims=True)  # (rows, 1)
        other = ops.not_equal(ops.arange(logits.shape[-1], dtype="int32"), due)
        logits = ops.where(ops.equal(due, PAD), logits, ops.where(other, FORBIDDEN, free))
    return logits


def _for_rows(tensor: Any, ids: Any) -> Any:
    """`(batch, …)` -> `(rows, …)`: once for each row of a source."""
    rows, batch = ops.shape(ids)[0], ops.shape(tensor)[0]
    return ops.take(tensor, ops.arange(rows, dtype="int32") // (rows // batch), axis=0)


def endings(ids: Any, time: Any, phrases: Any) -> Any:
    """Returns the last piece of every phrase whose other pieces were just written, `(rows, phrases)`, PAD otherwise.

    Args:
        ids: As in `forbid`.
        time: As in `forbid`.
        phrases: `(rows, phrases, n)`, int32, PAD before shorter ones; all PAD is none.
    """
    size = phrases.shape[2]
    places = ops.arange(ops.shape(ids)[1], dtype="int32")
    found = ops.not_equal(phrases[:, :, -1], PAD)
    for back in range(1, size):
        last = ops.sum(ops.where(ops.equal(places, time - back), ids, PAD), axis=1, keepdims=True)  # (rows, 1)
        due = phrases[:, :, size - 1 - back]
        found = ops.logical_and(found, ops.logical_or(ops.equal(due, PAD), ops.equal(due, last)))
    return ops.where(found, phrases[:, :, -1], PAD)


def forbid_ids(logits: Any, ids: Any) -> Any:
    """Forbids in each row of `(rows, size)` the ids in the same row of `(rows, n)`; PAD fills up, and never counts."""
    row = ops.expand_dims(ops.arange(ops.shape(ids)[0], dtype="int32"), 1) + ops.zeros_like(ids)
    places = ops.reshape(ops.stack([row, ids], axis=2), (-1, 2))
    # What is there twice is forbidden twice as much.
    penalty = ops.zeros_like(ops.reshape(ids, (-1,)), dtype="float32") + FORBIDDEN
    return logits + ops.scatter(places, penalty, ops.shape(logits))


def extend_matches(matches: Any, ids: Any, time: Any, pieces: Any) -> Any:
    """Returns the matches after `pieces` have been written at `time`; all 0 before the first step.

    `matches (…, width)`, int32: how many of the pieces before each place are the last ones written, in a row. A place
    that holds the new piece passes its count, one more, to the place behind it; so a step costs the width, whatever
    the size of the n-grams.

    Args:
        matches: Of the step before.
        ids: `(…, width)`, int32: what was written before `pieces`.
        time: int32 scalar.
        pieces: `(…,)`, int32.
    """
    here = ops.arange(ops.shape(ids)[-1], dtype="int32") < time
    alike = ops.logical_and(here, ops.equal(ids, ops.expand_dims(pieces, -1)))
    counts = ops.where(alike, matches + 1, 0)
    return ops.concatenate([ops.zeros_like(counts[..., :1]), counts[..., :-1]], axis=-1)


def repeats(ids: Any, time: Any, matches: Any, size: int) -> Any:
    """Returns the ids that would end an n-gram of `size` a second time, `(rows, width)`, PAD where none.

    With a size of 1 that is every piece written so far. `matches` are those of `extend_matches`.
    """
    here = ops.arange(ops.shape(ids)[1], dtype="int32") < time
    return ops.where(ops.logical_and(here, matches >= size - 1), ids, PAD)
