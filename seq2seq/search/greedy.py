"""Greedy search and sampling: one hypothesis a source, one piece a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from seq2seq.search.rules import FORBIDDEN, Rules, extend_matches, forbid, forbid_control_symbols
from seq2seq.search.step import StepFunction
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.types import SearchResult, State

SMALLEST = 1e-30
"""A temperature or a share below this is taken for this: float32 would make it 0."""

Choose = Callable[[Any, Any], Any]
"""`choose(logits (rows, size), time) -> ids (rows,)`."""


def follow(
    step: StepFunction, state: State, limits: Any, max_length: Any, choose: Choose, rules: Rules = Rules()
) -> SearchResult:
    """Extends one hypothesis a row by what `choose` picks, until each has ended.

    Args:
        step: The model, as search sees it.
        state: Before the first step; tensors of `(batch, …)`.
        limits: `(batch,)`, int32: the most pieces of each, EOS not counted; a hypothesis that reaches it ends there.
        max_length: int or scalar tensor: the largest of `limits`.
        choose: Picks the next id.
        rules: What must not be written where; no limit is below their shortest length.

    Returns:
        A `SearchResult` with n = 1; the score is the log-probability.
    """
    rows = ops.shape(limits)[0]
    width = max_length + 1  # the last place is for an EOS

    def body(
        time: Any, last: Any, ids: Any, total: Any, lengths: Any, done: Any, matches: list[Any], state: Any
    ) -> tuple[Any, ...]:
        logits, state = step(last, state)
        logits = forbid_control_symbols(logits)
        allowed = forbid(logits, ids, time, rules, *matches)
        chosen = ops.where(time >= limits, EOS, ops.cast(choose(allowed, time), "int32"))
        logit = ops.squeeze(ops.take_along_axis(logits, ops.expand_dims(chosen, 1), axis=1), 1)
        gain = logit - ops.logsumexp(logits, axis=-1)  # of one piece: nobody needs the others'
        chosen = ops.where(done, PAD, chosen)
        total = total + ops.where(done, 0.0, gain)
        done = ops.logical_or(done, ops.equal(chosen, EOS))
        lengths = lengths + ops.cast(ops.logical_not(done), "int32")
        matches = [extend_matches(part, ids, time, chosen) for part in matches]
        here = ops.equal(ops.arange(width, dtype="int32"), time)  # (width,)
        ids = ops.where(here, ops.expand_dims(chosen, 1), ids)
        return time + 1, chosen, ids, total, lengths, done, matches, state

    def go_on(time: Any, last: Any, ids: Any, total: Any, lengths: Any, done: Any, *rest: Any) -> Any:
        return ops.logical_and(time < width, ops.logical_not(ops.all(done)))

    blank = ops.full((rows, width), PAD, dtype="int32")
    start = (
        ops.zeros((), "int32"),
        ops.full((rows,), BOS, dtype="int32"),
        blank,
        ops.zeros((rows,), "float32"),
        ops.zeros((rows,), "int32"),
        ops.zeros((rows,), "bool"),
        [ops.zeros_like(blank)] if rules.no_repeat else [],
        state,
    )
    _, _, ids, total, lengths, *_ = ops.while_loop(go_on, body, start)
    ids = ops.where(ops.equal(ids, EOS), PAD, ids)[:, :-1]
    score = ops.expand_dims(total, 1)
    return SearchResult(ops.expand_dims(ids, 1), ops.expand_dims(lengths, 1), score, score)


def greedy_search(
    step: StepFunction, state: State, limits: Any, max_length: Any, rules: Rules = Rules()
) -> SearchResult:
    """Takes the likeliest piece at every step; see `follow` for the arguments."""
    return follow(step, state, limits, max_length, lambda logits, time: ops.argmax(logits, -1), rules)


def sample_search(
    step: StepFunction,
    state: State,
    limits: Any,
    max_length: Any,
    uniforms: Any,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    rules: Rules = Rules(),
) -> SearchResult:
    """Draws every piece from the model's distribution, made narrower if asked.

    Args:
        step, state, limits, max_length: As in `follow`.
        uniforms: `(batch, max_length + 1)`, float32 in [0, 1): the randomness, one number a piece. A row's draws
            depend on its numbers alone, so the same numbers give the same text in any batch.
        temperature: Divides the logits, above 0; small is close to greedy.
        top_k: Draw among the k likeliest only; 0: all.
        top_p: Draw among the fewest likeliest whose probabilities sum to p, in (0, 1] (Holtzman et al. 2020).
        rules: As in `follow`.

    Returns:
        As `follow`; log-probabilities are the model's own, before temperature and cuts.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be above 0. Received: {temperature}")
    if top_k < 0:
        raise ValueError(f"top_k must not be negative. Received: {top_k}")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p must be in (0, 1]. Received: {top_p}")

    def choose(logits: Any, time: Any) -> Any:
        size = logits.shape[-1]
        values, ids = ops.top_k(logits, min(top_k, size) if top_k else size)
        # Divided after the subtraction: neither a small temperature nor a large one leaves the range of float32.
        likelihoods = ops.exp((values - values[:, :1]) / max(temperature, SMALLEST))
        likelihoods = ops.where(values > FORBIDDEN / 2, likelihoods, 0.0)  # however large the temperature
        probabilities = likelihoods / ops.sum(likelihoods, axis=-1, keepdims=True)
        before = ops.cumsum(probabilities, axis=-1) - probabilities
        probabilities = ops.where(before < max(top_p, SMALLEST), probabilities, 0.0)
        sums = ops.cumsum(probabilities, axis=-1)
        threshold = ops.take(uniforms, time, axis=1) * sums[:, -1]
        place = ops.sum(ops.cast(sums <= ops.expand_dims(threshold, 1), "int32"), axis=-1)
        # Rounding may push the threshold to the very end, past the last piece that may be drawn.
        last = ops.sum(ops.cast(probabilities > 0, "int32"), axis=-1) - 1
        return ops.take_along_axis(ids, ops.expand_dims(ops.minimum(place, last), 1), axis=1)[:, 0]

    return follow(step, state, limits, max_length, choose, rules)
