"""Greedy search and sampling: one hypothesis per source, one token per step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import ops

from seq2seq.indexing import gather
from seq2seq.search.options import SearchOptions
from seq2seq.search.rules import Rules, extend_matches, forbid, forbid_control_symbols, matches_of
from seq2seq.search.start import Start
from seq2seq.search.step import FORBIDDEN, StepFunction, Symbols
from seq2seq.types import Ids, SearchResult, State, Tensor

SMALLEST = 1e-30
"""A smaller temperature or top_p is replaced by this: float32 would make it 0."""

ChooseFunction = Callable[[Tensor, Tensor], Ids]
"""`choose(logits (rows, size), position) -> ids (rows,)`; the position is a scalar or `(rows,)`."""


class LoopState(NamedTuple):
    """What the loop carries from step to step."""

    time: Tensor
    """int32 scalar: steps done."""
    token: Ids
    """`(rows,)`, int32: the last token, which the model reads next."""
    ids: Ids
    """`(rows, width)`, int32: all tokens and an EOS, then PAD."""
    lengths: Tensor
    """`(rows,)`, int32: tokens of each row, without EOS."""
    log_probabilities: Tensor
    """`(rows,)`, float32: the sum over tokens and EOS."""
    ended: Tensor
    """`(rows,)`, bool: whether it has an EOS."""
    matches: Tensor | tuple[()]
    """`(rows, width)`, int32, of `extend_matches`; empty where n-grams may be repeated."""
    state: State
    """Of the model, `(rows, …)`."""


def follow(
    step: StepFunction,
    state: State,
    limits: Tensor,
    max_length: int | Tensor,
    choose: ChooseFunction,
    *,
    rules: Rules = Rules(),
    start: Start | None = None,
    keep_state: bool = False,
) -> tuple[SearchResult, State]:
    """Extends one hypothesis per row with the tokens that `choose` picks, until all have ended.

    Args:
        step: The model.
        state: Before the first step; tensors of `(rows, …)`.
        limits: `(rows,)`, int32: the largest number of tokens, without EOS; a hypothesis that reaches it ends there.
        max_length: int or scalar tensor: the largest of `limits`.
        choose: Picks the next id.
        rules: What must not be written where; no limit is below their `min_length`.
        start: What is written before; None: nothing, the model reads BOS.
        keep_state: Whether to return the state after the last token of each hypothesis, its EOS not read; it costs
            some time.

    Returns:
        A `SearchResult` with n = 1, whose score is the log-probability; and the state, `(rows, …)`, () if not kept.
    """
    rows, width = ops.shape(limits)[0], max_length + 1  # the last column is for an EOS
    limits = ops.cast(limits, "int32")
    pad, _, eos = rules.symbols

    def body(loop: LoopState) -> tuple[LoopState]:
        position = loop.time if start is None else loop.time + start.lengths
        logits, state = step(loop.token, loop.state)
        logits = forbid_control_symbols(logits, rules.symbols)
        allowed = forbid(logits, loop.ids, position, rules, loop.matches if rules.no_repeat else None)
        chosen = ops.where(position >= limits, eos, ops.cast(choose(allowed, position), "int32"))
        chosen_logit = ops.squeeze(gather(logits, ops.expand_dims(chosen, 1)), 1)
        log_prob = chosen_logit - ops.logsumexp(logits, axis=-1)  # of the chosen token only
        chosen = ops.where(loop.ended, pad, chosen)
        ended = ops.logical_or(loop.ended, ops.equal(chosen, eos))
        is_here = ops.equal(ops.arange(width, dtype="int32"), ops.expand_dims(position, -1))
        new = LoopState(
            loop.time + 1,
            chosen,
            ops.where(is_here, ops.expand_dims(chosen, 1), loop.ids),
            loop.lengths + ops.cast(ops.logical_not(ended), "int32"),
            loop.log_probabilities + ops.where(loop.ended, 0.0, log_prob),
            ended,
            extend_matches(loop.matches, loop.ids, position, chosen) if rules.no_repeat else (),
            _where_ended(loop.ended, loop.state, state) if keep_state else state,
        )
        return (new,)

    def goes_on(loop: LoopState) -> Tensor:
        return ops.logical_and(loop.time < width, ops.logical_not(ops.all(loop.ended)))

    (loop,) = ops.while_loop(goes_on, body, (_first(state, rows, width, rules, start),))
    ids = ops.where(ops.equal(loop.ids, eos), pad, loop.ids)[:, :-1]
    score = ops.expand_dims(loop.log_probabilities, 1)
    result = SearchResult(ops.expand_dims(ids, 1), ops.expand_dims(loop.lengths, 1), score, score)
    return result, loop.state if keep_state else ()


def _first(state: State, rows: int | Tensor, width: int | Tensor, rules: Rules, start: Start | None) -> LoopState:
    ids = ops.full((rows, width), rules.symbols.pad, dtype="int32")
    token = ops.full((rows,), rules.symbols.bos, dtype="int32")
    lengths, total = ops.zeros((rows,), "int32"), ops.zeros((rows,), "float32")
    matches: Tensor | tuple[()] = ops.zeros_like(ids) if rules.no_repeat else ()
    if start is not None:
        ids = ops.concatenate([start.ids, ids], axis=1)[:, :width]
        token, lengths, total = start.token, start.lengths, start.log_probabilities
        matches = matches_of(ids, lengths) if rules.no_repeat else ()
    return LoopState(ops.zeros((), "int32"), token, ids, lengths, total, ops.zeros((rows,), "bool"), matches, state)


def _where_ended(ended: Tensor, old: State, new: State) -> State:
    """The old state of rows that have ended, the new one of the others."""

    def choose(before: Tensor, after: Tensor) -> Tensor:
        return ops.where(ops.reshape(ended, (-1, *[1] * (len(after.shape) - 1))), before, after)

    return keras.tree.map_structure(choose, old, new)


def greedy_search(
    step: StepFunction,
    state: State,
    limits: Tensor,
    max_length: int | Tensor,
    options: SearchOptions = SearchOptions(),
    *,
    exclude: Ids | None = None,
    start: Start | None = None,
    symbols: Symbols = Symbols(),
    keep_state: bool = False,
) -> tuple[SearchResult, State]:
    """Takes the likeliest token at every step.

        step = lambda ids, state: (ops.take(table, ids, axis=0), state)  # a model that knows only the last id
        result, _ = greedy_search(step, (), limits=ops.full((4,), 10), max_length=10)

    Args:
        step: The model.
        state: Before the first step; tensors of `(rows, …)`.
        limits: As in `follow`.
        max_length: As in `follow`.
        options: min_length and no_repeat_ngram are used.
        exclude: `(rows, phrases, n)`, int32, PAD before shorter ones: phrases that must not be written.
        start: What is written before; see `prefill`.
        symbols: Of the vocabulary.
        keep_state: As in `follow`.

    Returns:
        As `follow`.
    """
    rules = Rules(options.min_length, options.no_repeat_ngram, exclude, symbols)
    return follow(step, state, limits, max_length, _likeliest, rules=rules, start=start, keep_state=keep_state)


def _likeliest(logits: Tensor, position: Tensor) -> Ids:
    return ops.argmax(logits, -1)


def sample_search(
    step: StepFunction,
    state: State,
    limits: Tensor,
    max_length: int | Tensor,
    uniforms: Tensor,
    options: SearchOptions = SearchOptions(),
    *,
    exclude: Ids | None = None,
    start: Start | None = None,
    symbols: Symbols = Symbols(),
    keep_state: bool = False,
) -> tuple[SearchResult, State]:
    """Draws every token from the model's distribution, after temperature, top_k and top_p.

    Args:
        step: The model.
        state: Before the first step; tensors of `(rows, …)`.
        limits: As in `follow`.
        max_length: As in `follow`.
        uniforms: `(rows, max_length + 1)`, float32 in [0, 1): the randomness, one number per position. The draws of a
            row depend on its numbers alone, so the same numbers give the same output in any batch.
        options: temperature, top_k, top_p (Holtzman et al. 2020), min_length and no_repeat_ngram are used.
        exclude: As in `greedy_search`.
        start: As in `greedy_search`.
        symbols: As in `greedy_search`.
        keep_state: As in `follow`.

    Returns:
        As `follow`; log-probabilities are the model's own, before temperature and cuts.
    """

    def choose(logits: Tensor, position: Tensor) -> Ids:
        if len(position.shape):
            position = ops.minimum(position, ops.shape(uniforms)[1] - 1)  # a row that has ended may be past its end
            uniform = gather(uniforms, ops.expand_dims(position, 1))[:, 0]
        else:
            uniform = ops.take(uniforms, position, axis=1)
        return draw(logits, uniform, options)

    rules = Rules(options.min_length, options.no_repeat_ngram, exclude, symbols)
    return follow(step, state, limits, max_length, choose, rules=rules, start=start, keep_state=keep_state)


def draw_by_id(logits: Tensor, uniform: Tensor) -> Ids:
    """Draws one id per row from the whole distribution, without the sorting of `draw`, which takes longer than the
    model where the vocabulary is large. The same numbers draw other ids than there.

    Args:
        logits: `(rows, size)`, float32.
        uniform: `(rows,)`, float32 in [0, 1).

    Returns:
        `(rows,)`, int32.
    """
    sums = ops.cumsum(ops.exp(logits - ops.max(logits, axis=-1, keepdims=True)), axis=-1)
    threshold = ops.expand_dims(uniform * sums[:, -1], 1)
    # Rounding may push the threshold up to the sum of all: the last id that has a chance is then drawn.
    has_chance = ops.logical_and(sums <= threshold, sums < sums[:, -1:])
    return ops.sum(ops.cast(has_chance, "int32"), axis=-1)


def draw(logits: Tensor, uniform: Tensor, options: SearchOptions) -> Ids:
    """Draws one id per row.

    Args:
        logits: `(rows, size)`, float32.
        uniform: `(rows,)`, float32 in [0, 1).
        options: temperature, top_k and top_p are used.

    Returns:
        `(rows,)`, int32.
    """
    size = logits.shape[-1]
    values, ids = ops.top_k(logits, min(options.top_k, size) if options.top_k else size)
    # Divided after the subtraction: neither a small temperature nor a large one leaves the range of float32.
    weights = ops.exp((values - values[:, :1]) / max(options.temperature, SMALLEST))
    weights = ops.where(values > FORBIDDEN / 2, weights, 0.0)  # however large the temperature
    probabilities = weights / ops.sum(weights, axis=-1, keepdims=True)
    before = ops.cumsum(probabilities, axis=-1) - probabilities
    probabilities = ops.where(before < max(options.top_p, SMALLEST), probabilities, 0.0)
    sums = ops.cumsum(probabilities, axis=-1)
    threshold = uniform * sums[:, -1]
    index = ops.sum(ops.cast(sums <= ops.expand_dims(threshold, 1), "int32"), axis=-1)
    # Rounding may push the threshold beyond the last token that may be drawn.
    last = ops.sum(ops.cast(probabilities > 0, "int32"), axis=-1) - 1
    place = ops.maximum(ops.minimum(index, last), 0)  # of logits that are no numbers there is no last one
    return gather(ids, ops.expand_dims(place, 1))[:, 0]
