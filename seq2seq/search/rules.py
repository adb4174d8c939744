"""What a search must not write: control symbols; optionally an early end, repeated n-grams and given phrases.

`position` is the number of tokens that a hypothesis has: a scalar where all have the same number, else a tensor that
broadcasts with the leading axes of the ids.
"""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

from seq2seq.search.step import FORBIDDEN, Symbols
from seq2seq.symbols import PAD
from seq2seq.types import Ids, Tensor


class Rules(NamedTuple):
    """What must not be written where. They change the choice of tokens, not the scores of hypotheses."""

    min_length: int = 0
    """EOS is forbidden before this many tokens."""
    no_repeat: int = 0
    """A token is forbidden if it would end an n-gram of this size that the hypothesis already has; 0 is off."""
    exclude: Ids | None = None
    """`(batch, phrases, n)`, int32, PAD before shorter ones: tokens that must not follow each other."""
    symbols: Symbols = Symbols()
    """Of the vocabulary."""


def forbid_control_symbols(logits: Tensor, symbols: Symbols = Symbols()) -> Tensor:
    """`(…, size)` logits, float32, in which PAD and BOS cannot win."""
    forbidden = [symbol for symbol in (symbols.pad, symbols.bos) if symbol != symbols.eos]
    one_hot = ops.one_hot(ops.convert_to_tensor(forbidden), logits.shape[-1], dtype="float32")
    return ops.cast(logits, "float32") + ops.sum(one_hot, axis=0) * FORBIDDEN


def forbid(logits: Tensor, ids: Ids, position: int | Tensor, rules: Rules, matches: Tensor | None = None) -> Tensor:
    """Returns `(rows, size)` logits or log-probabilities in which nothing can win that the rules forbid.

    Args:
        logits: `(rows, size)`, float32; the rows of a source are neighbours.
        ids: `(rows, width)`, int32: `position` tokens, then PAD.
        position: int32, scalar or `(rows,)`.
        rules: The rules.
        matches: `(rows, width)` of `extend_matches`; required with `no_repeat`.
    """
    if rules.min_length:
        eos = ops.one_hot(rules.symbols.eos, logits.shape[-1], dtype="float32") * FORBIDDEN
        is_early = ops.expand_dims(position < rules.min_length, -1)
        logits = logits + ops.where(is_early, eos, 0.0)
    if rules.no_repeat:
        logits = forbid_ids(logits, repeats(ids, position, matches, rules.no_repeat, rules.symbols.pad))
    if rules.exclude is not None:
        phrases = _repeat_for_rows(rules.exclude, ids)
        logits = forbid_ids(logits, phrase_ends(ids, position, phrases, rules.symbols.pad))
    return logits


def _repeat_for_rows(tensor: Tensor, ids: Ids) -> Tensor:
    """`(batch, …)` -> `(rows, …)`: once for each row of a source."""
    rows, batch = ops.shape(ids)[0], ops.shape(tensor)[0]
    return ops.take(tensor, ops.arange(rows, dtype="int32") // (rows // batch), axis=0)


def phrase_ends(ids: Ids, position: int | Tensor, phrases: Ids, pad: int = PAD) -> Ids:
    """Returns the last token of each phrase whose other tokens were just written, `(rows, phrases)`, else PAD.

    Args:
        ids: As in `forbid`.
        position: As in `forbid`.
        phrases: `(rows, phrases, n)`, int32, PAD before shorter ones; all PAD is none.
        pad: The id of PAD.
    """
    size = phrases.shape[2]
    index = ops.arange(ops.shape(ids)[1], dtype="int32")
    is_due = ops.not_equal(phrases[:, :, -1], pad)
    for back in range(1, size):
        is_here = ops.equal(index, ops.expand_dims(position - back, -1))
        last = ops.max(ops.where(is_here, ids, -1), axis=1, keepdims=True)  # (rows, 1)
        expected = phrases[:, :, size - 1 - back]
        is_due = ops.logical_and(is_due, ops.logical_or(ops.equal(expected, pad), ops.equal(expected, last)))
    return ops.where(is_due, phrases[:, :, -1], pad)


def forbid_ids(logits: Tensor, ids: Ids) -> Tensor:
    """Forbids the ids `(rows, n)` in the same row of `(rows, size)`. PAD may fill up: it is forbidden anyway."""
    row = ops.expand_dims(ops.arange(ops.shape(ids)[0], dtype="int32"), 1) + ops.zeros_like(ids)
    cells = ops.reshape(ops.stack([row, ids], axis=2), (-1, 2))
    # An id that is given twice is forbidden twice as much.
    penalty = ops.zeros_like(ops.reshape(ids, (-1,)), dtype="float32") + FORBIDDEN
    return logits + ops.scatter(cells, penalty, ops.shape(logits))


def extend_matches(matches: Tensor, ids: Ids, position: int | Tensor, tokens: Ids) -> Tensor:
    """Returns the matches after `tokens` have been written at `position`; all 0 before the first step.

    `matches (…, width)`, int32, at each index: how many of the tokens before it are equal to the last ones written, in
    a row. An index that holds the new token passes its count, plus one, to the index behind it; so a step costs the
    width, whatever the size of the n-grams.

    Args:
        matches: Of the step before.
        ids: `(…, width)`, int32: what was written before `tokens`.
        position: int32, scalar or broadcastable to `(…)`.
        tokens: `(…)`, int32.
    """
    is_written = ops.arange(ops.shape(ids)[-1], dtype="int32") < ops.expand_dims(position, -1)
    is_token = ops.logical_and(is_written, ops.equal(ids, ops.expand_dims(tokens, -1)))
    counts = ops.where(is_token, matches + 1, 0)
    return ops.concatenate([ops.zeros_like(counts[..., :1]), counts[..., :-1]], axis=-1)


def matches_of(ids: Ids, lengths: Tensor) -> Tensor:
    """Returns the matches of `extend_matches` after `lengths (rows,)` tokens of `ids (rows, width)`."""
    width = ops.shape(ids)[1]

    def write(position: Tensor, matches: Tensor) -> tuple[Tensor, Tensor]:
        longer = extend_matches(matches, ids, position, ops.take(ids, position, axis=1))
        return position + 1, ops.where(ops.expand_dims(position < lengths, 1), longer, matches)

    last = ops.minimum(ops.max(lengths), width)
    start = ops.zeros((), "int32"), ops.zeros_like(ids)
    return ops.while_loop(lambda position, _: position < last, write, start)[1]


def repeats(ids: Ids, position: int | Tensor, matches: Tensor, size: int, pad: int = PAD) -> Ids:
    """Returns the ids that would end an n-gram of `size` a second time, `(rows, width)`, PAD elsewhere.

    With a size of 1 these are all tokens written so far. `matches` are those of `extend_matches`.
    """
    is_written = ops.arange(ops.shape(ids)[1], dtype="int32") < ops.expand_dims(position, -1)
    return ops.where(ops.logical_and(is_written, matches >= size - 1), ids, pad)
