"""Beam search: the best n hypotheses of a source, found together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import ops

from seq2seq.search.rules import FORBIDDEN, Rules, extend_matches, forbid, forbid_control_symbols
from seq2seq.search.scoring import length_normalizer
from seq2seq.search.step import StepFunction
from seq2seq.search.terms import (
    TermProgress,
    Terms,
    advance,
    all_satisfied,
    allocate_beam,
    candidates,
    count_missing,
    start_terms,
)
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.types import SearchResult, State


def beam_search(
    step: StepFunction,
    state: State,
    limits: Any,
    max_length: Any,
    beam_size: int,
    num_best: int = 1,
    normalization: str = "average",
    length_penalty: float = 1.0,
    rules: Rules = Rules(),
    penalize: Callable[[State], Any] | None = None,
    groups: int = 1,
    diversity: float = 0.0,
    terms: Terms | None = None,
) -> SearchResult:
    """Keeps the `beam_size` best live hypotheses of each source and the `beam_size` best ended ones.

    A source is finished when none of its live hypotheses can still beat its `num_best`-th ended one: log-probabilities
    only fall, so a live one can end at best with what it has now, divided by the normaliser of its longest length.
    With a beam as wide as the search space the result is the true best.

    Args:
        step: The model, as search sees it; called with `(batch * beam_size,)` ids. Beams of a source are neighbours.
        state: Before the first step; tensors of `(batch, …)`.
        limits: `(batch,)`, int32: the most pieces of each, EOS not counted; a hypothesis that reaches it ends there.
        max_length: int or scalar tensor: the largest of `limits`.
        beam_size: At least 1.
        num_best: How many hypotheses to return, 1 to `beam_size`.
        normalization, length_penalty: See `scoring.length_normalizer`.
        rules: What must not be written where; no limit is below their shortest length.
        penalize: `penalize(state) -> (rows,)`: what is added to the score of hypotheses that end in this state, after
            normalisation; never above 0.
        groups: Into how many equal parts the beam falls, each a beam of its own (Vijayakumar et al. 2018).
        diversity: What a piece loses for every earlier group's hypothesis that takes it in the same step, in nats.
            It decides who stays in the beam; scores are the model's own.
        terms: What hypotheses must hold to end; limits leave room for it. The rules may make it impossible.

    Returns:
        A `SearchResult` with n = `num_best`. Where the search space holds fewer, the rest has score -1e9 and length 0.
    """
    if beam_size < 1:
        raise ValueError(f"beam_size must be at least 1. Received: {beam_size}")
    if not 1 <= num_best <= beam_size:
        raise ValueError(f"num_best must be in 1 to beam_size. Received: num_best={num_best}, beam_size={beam_size}")
    if length_penalty < 0:
        raise ValueError(
            f"length_penalty must not be negative: the search could not end early. Received: {length_penalty}"
        )
    if groups < 1 or beam_size % groups:
        raise ValueError(
            f"groups must be at least 1 and divide beam_size. Received: groups={groups}, beam_size={beam_size}"
        )
    # A group is searched like a source of its own, in all but the diversity: `parts` are all groups of all sources.
    m, batch, width = beam_size // groups, ops.shape(limits)[0], max_length + 1
    parts = batch * groups
    limits = ops.repeat(limits, groups)
    first_rows = ops.expand_dims(ops.arange(parts, dtype="int32") * m, 1)  # (parts, 1)
    best_normalizer = length_normalizer(ops.cast(limits, "float32") + 1.0, normalization, length_penalty)
    if terms is not None:
        terms = Terms(*(ops.repeat(part, groups, axis=0) for part in terms))

    def body(time: Any, live: dict[str, Any], ended: dict[str, Any], state: Any) -> tuple[Any, ...]:
        logits, state = step(ops.reshape(live["last"], (-1,)), state)
        size = logits.shape[-1]
        log_probabilities = ops.log_softmax(forbid_control_symbols(logits))  # (parts * m, size)
        not_numbers = ops.any(ops.isnan(ops.reshape(log_probabilities[:, EOS], (parts, m))), axis=1, keepdims=True)
        written = [ops.reshape(live[name], (-1, width)) for name in ("ids", "matches") if name in live]
        log_probabilities = forbid(log_probabilities, written[0], time, rules, *written[1:])
        eos = ops.reshape(log_probabilities[:, EOS], (parts, m)) + live["total"]  # (parts, m)
        if terms is not None:
            eos = ops.where(all_satisfied(live["progress"]), eos, FORBIDDEN)

        # Ended: those of before, and the live ones with an EOS.
        length = ops.cast(time + 1, "float32")
        alive = eos > FORBIDDEN / 2
        scores = eos / length_normalizer(length, normalization, length_penalty)
        if penalize is not None:
            # At worst still above what is forbidden.
            scores = ops.maximum(scores + ops.reshape(penalize(state), (parts, m)), FORBIDDEN / 16)
        scores = ops.where(alive, scores, FORBIDDEN)
        all_ended = {
            "ids": ops.concatenate([ended["ids"], live["ids"]], axis=1),
            "total": ops.concatenate([ended["total"], eos], axis=1),
            "lengths": ops.concatenate([ended["lengths"], ops.full((parts, m), 1, dtype="int32") * time], axis=1),
            "scores": ops.concatenate([ended["scores"], scores], axis=1),
        }
        _, best = ops.top_k(all_ended["scores"], m)
        # A NaN would be lost in comparisons: a part that had one keeps it to the end.
        not_numbers = ops.logical_or(not_numbers, ops.isnan(ended["scores"][:, :1]))
        ended = {name: _pick(tensor, best) for name, tensor in all_ended.items()}
        ended["scores"] = ops.where(not_numbers, float("nan"), ended["scores"])

        # Live: the m best pieces of each beam are enough to hold the m best of all.
        no_eos = ops.one_hot(EOS, size, dtype="float32") * FORBIDDEN
        log_probs = ops.reshape(log_probabilities + no_eos, (parts, m, size))
        room = limits - time - 1
        if groups == 1:
            last, parents, totals = _extend(log_probs, log_probs, live, room, terms)
        else:
            last, parents, totals = _extend_diversely(log_probs, live, room, terms, groups, diversity)
        here = ops.equal(ops.arange(width, dtype="int32"), time)
        before = _pick(live["ids"], parents)
        ids = ops.where(here, ops.expand_dims(last, 2), before)
        # At its limit a hypothesis could only end, and that it has just done.
        totals = ops.where(ops.expand_dims(time >= limits, 1), FORBIDDEN, ops.maximum(totals, FORBIDDEN))
        grown = {"ids": ids, "last": last, "total": totals}
        if "matches" in live:
            grown["matches"] = extend_matches(_pick(live["matches"], parents), before, time, last)
        if terms is not None:
            progress = TermProgress(*(_pick(part, parents) for part in live["progress"]))
            grown["progress"] = advance(terms, progress, last)
        rows = ops.reshape(first_rows + parents, (-1,))
        state = keras.tree.map_structure(lambda tensor: ops.take(tensor, rows, axis=0), state)
        return time + 1, grown, ended, state

    def go_on(time: Any, live: dict[str, Any], ended: dict[str, Any], state: Any) -> Any:
        top = ops.max(live["total"], axis=1)
        attainable = ops.where(top > FORBIDDEN / 2, top / best_normalizer, FORBIDDEN)
        open_parts = attainable > ended["scores"][:, min(num_best, m) - 1]
        return ops.logical_and(time < width, ops.any(open_parts))

    filled = ops.full((parts, m), FORBIDDEN, dtype="float32")
    blank = ops.full((parts, m, width), PAD, dtype="int32")
    live = {
        "ids": blank,
        "last": ops.full((parts, m), BOS, dtype="int32"),
        # One live hypothesis at the start: m equal ones would stay equal.
        "total": ops.where(ops.equal(ops.arange(m, dtype="int32"), 0), 0.0, filled),
    }
    if rules.no_repeat:
        live["matches"] = ops.zeros_like(blank)
    if terms is not None:
        live["progress"] = start_terms(terms, m)
    ended = {"ids": blank, "total": filled, "lengths": ops.zeros((parts, m), "int32"), "scores": filled}
    state = keras.tree.map_structure(lambda tensor: ops.repeat(tensor, beam_size, axis=0), state)
    _, _, ended, _ = ops.while_loop(go_on, body, (ops.zeros((), "int32"), live, ended, state))
    if groups > 1:
        ended = {name: ops.reshape(part, (batch, beam_size, *part.shape[2:])) for name, part in ended.items()}
        _, best = ops.top_k(ended["scores"], num_best)
        ended = {name: _pick(part, best) for name, part in ended.items()}
    n = num_best
    return SearchResult(
        ended["ids"][:, :n, :-1], ended["lengths"][:, :n], ended["total"][:, :n], ended["scores"][:, :n]
    )


def _pick(tensor: Any, beams: Any) -> Any:
    """`(parts, m, …)` at `(parts, n)` -> `(parts, n, …)`."""
    index = ops.reshape(beams, (*ops.shape(beams), *([1] * (len(tensor.shape) - 2))))
    return ops.take_along_axis(tensor, index, axis=1)


def _extend(log_probs: Any, worth: Any, live: dict[str, Any], room: Any, terms: Terms | None) -> tuple[Any, Any, Any]:
    """Returns the pieces, the parents and the totals, `(parts, m)` each, of the hypotheses that stay in the beam.

    Args:
        log_probs: `(parts, m, size)`: log-probabilities of what may follow each.
        worth: As `log_probs`: what it is chosen by.
        live: The beam.
        room: `(parts,)`, int32: how many more pieces each may write after this one.
        terms: What must be written.
    """
    parts, m, size = log_probs.shape[0] or ops.shape(log_probs)[0], log_probs.shape[1], log_probs.shape[2]
    wide = min(m, size - 1)
    values, pieces = ops.top_k(worth, wide)  # (parts, m, wide)
    pieces = ops.cast(pieces, "int32")
    if terms is None:
        n = wide
        totals = ops.reshape(ops.expand_dims(live["total"], 2) + values, (parts, m * n))
        values, chosen = ops.top_k(totals, m)  # (parts, m)
    else:
        due = candidates(terms, live["progress"])  # (parts, m, terms)
        at_due = ops.take_along_axis(worth, due, axis=2)
        # Each piece once: not those that are among the best anyway, nor that two terms begin with.
        known = ops.any(ops.equal(ops.expand_dims(due, 3), ops.expand_dims(pieces, 2)), axis=3)
        places = ops.arange(ops.shape(due)[2], dtype="int32")
        before = ops.expand_dims(places, 0) < ops.expand_dims(places, 1)
        twice = ops.any(ops.logical_and(ops.equal(ops.expand_dims(due, 3), ops.expand_dims(due, 2)), before), axis=3)
        none = ops.logical_or(ops.logical_or(known, twice), ops.equal(due, PAD))
        values = ops.concatenate([values, ops.where(none, FORBIDDEN, at_due)], axis=2)
        pieces = ops.concatenate([pieces, due], axis=2)
        n = ops.shape(pieces)[2]
        totals = ops.reshape(ops.expand_dims(live["total"], 2) + values, (parts, m * n))
        progress = TermProgress(*(ops.repeat(part, n, axis=1) for part in live["progress"]))
        lack = count_missing(advance(terms, progress, ops.reshape(pieces, (parts, m * n))))
        totals = ops.where(lack > ops.expand_dims(room, 1), FORBIDDEN, totals)
        _, chosen = ops.top_k(allocate_beam(totals, lack, ops.shape(terms.tokens)[1]), m)
        values = ops.take_along_axis(totals, chosen, axis=1)
    chosen = ops.cast(chosen, "int32")
    parents = chosen // n
    last = ops.take_along_axis(ops.reshape(pieces, (parts, m * n)), chosen, axis=1)
    if worth is not log_probs:
        own = ops.take_along_axis(_pick(log_probs, parents), ops.expand_dims(last, 2), axis=2)[:, :, 0]
        own = own + ops.take_along_axis(live["total"], parents, axis=1)
        values = ops.where(values > FORBIDDEN / 2, own, FORBIDDEN)
    return last, parents, values


def _extend_diversely(
    log_probs: Any, live: dict[str, Any], room: Any, terms: Terms | None, groups: int, diversity: float
) -> tuple[Any, Any, Any]:
    """As `_extend`, group after group: each sees what the ones before it have taken in this step."""
    size = log_probs.shape[2]

    def of(tensor: Any, group: int) -> Any:
        return ops.reshape(tensor, (-1, groups, *tensor.shape[1:]))[:, group]

    taken, found = None, []
    for group in range(groups):
        own, mine, space = keras.tree.map_structure(partial(of, group=group), (log_probs, live, room))
        due = None if terms is None else Terms(*(of(part, group) for part in terms))
        worth = own if taken is None else own - diversity * ops.expand_dims(taken, 1)
        last, parents, totals = _extend(own, worth, mine, space, due)
        real = ops.expand_dims(ops.cast(totals > FORBIDDEN / 2, "float32"), 2)
        counts = ops.sum(ops.one_hot(last, size, dtype="float32") * real, axis=1)  # (batch, size)
        taken = counts if taken is None else taken + counts
        found.append((last, parents, totals))
    return tuple(ops.reshape(ops.stack(part, axis=1), (-1, part[0].shape[1])) for part in zip(*found, strict=True))
