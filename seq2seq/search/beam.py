"""Beam search: the best n hypotheses of a source, found together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from seq2seq.search.greedy import StepFunction
from seq2seq.search.rules import FORBIDDEN, Rules, forbid, forbid_control_symbols
from seq2seq.search.scoring import length_normalizer
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
    strength: float = 1.0,
    rules: Rules = Rules(),
    penalize: Callable[[State], Any] | None = None,
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
        normalization, strength: See `scoring.length_normalizer`.
        rules: What must not be written where; no limit is below their shortest length.
        penalize: `penalize(state) -> (rows,)`: what is added to the score of hypotheses that end in this state, after
            normalisation; never above 0.

    Returns:
        A `SearchResult` with n = `num_best`. Where the search space holds fewer, the rest has score -1e9 and length 0.
    """
    if beam_size < 1:
        raise ValueError(f"beam_size must be at least 1. Received: {beam_size}")
    if not 1 <= num_best <= beam_size:
        raise ValueError(f"num_best must be in 1 to beam_size. Received: num_best={num_best}, beam_size={beam_size}")
    if strength < 0:
        raise ValueError(f"strength must not be negative: the search could not end early. Received: {strength}")
    k, batch, width = beam_size, ops.shape(limits)[0], max_length + 1
    first_rows = ops.expand_dims(ops.arange(batch, dtype="int32") * k, 1)  # (batch, 1)
    best_normalizer = length_normalizer(ops.cast(limits, "float32") + 1.0, normalization, strength)

    def pick(tensor: Any, beams: Any) -> Any:
        """`(batch, m, …)` at `(batch, n)` -> `(batch, n, …)`."""
        index = ops.reshape(beams, (*ops.shape(beams), *([1] * (len(tensor.shape) - 2))))
        return ops.take_along_axis(tensor, index, axis=1)

    def body(time: Any, live: dict[str, Any], ended: dict[str, Any], state: Any) -> tuple[Any, ...]:
        logits, state = step(ops.reshape(live["last"], (-1,)), state)
        size = logits.shape[-1]
        log_probabilities = ops.log_softmax(forbid_control_symbols(logits))  # (batch * k, size)
        log_probabilities = forbid(log_probabilities, ops.reshape(live["ids"], (-1, width)), time, rules)
        eos = ops.reshape(log_probabilities[:, EOS], (batch, k)) + live["total"]  # (batch, k)

        # Ended: those of before, and the live ones with an EOS.
        length = ops.cast(time + 1, "float32")
        alive = eos > FORBIDDEN / 2
        scores = eos / length_normalizer(length, normalization, strength)
        if penalize is not None:
            scores = scores + ops.reshape(penalize(state), (batch, k))
        scores = ops.where(alive, scores, FORBIDDEN)
        candidates = {
            "ids": ops.concatenate([ended["ids"], live["ids"]], axis=1),
            "total": ops.concatenate([ended["total"], eos], axis=1),
            "lengths": ops.concatenate([ended["lengths"], ops.full((batch, k), 1, dtype="int32") * time], axis=1),
            "scores": ops.concatenate([ended["scores"], scores], axis=1),
        }
        _, best = ops.top_k(candidates["scores"], k)
        ended = {name: pick(tensor, best) for name, tensor in candidates.items()}

        # Live: the k best pieces of each beam are enough to hold the k best of all.
        wide = min(k, size - 1)
        no_eos = ops.one_hot(EOS, size, dtype="float32") * FORBIDDEN
        values, pieces = ops.top_k(log_probabilities + no_eos, wide)  # (batch * k, wide)
        totals = ops.reshape(live["total"], (-1, 1)) + values
        totals, chosen = ops.top_k(ops.reshape(totals, (batch, k * wide)), k)  # (batch, k)
        chosen = ops.cast(chosen, "int32")
        parents = chosen // wide
        last = ops.take_along_axis(ops.reshape(ops.cast(pieces, "int32"), (batch, k * wide)), chosen, axis=1)
        here = ops.equal(ops.arange(width, dtype="int32"), time)
        ids = ops.where(here, ops.expand_dims(last, 2), pick(live["ids"], parents))
        # At its limit a hypothesis could only end, and that it has just done.
        totals = ops.where(ops.expand_dims(time >= limits, 1), FORBIDDEN, ops.maximum(totals, FORBIDDEN))
        rows = ops.reshape(first_rows + parents, (-1,))
        state = keras.tree.map_structure(lambda tensor: ops.take(tensor, rows, axis=0), state)
        return time + 1, {"ids": ids, "last": last, "total": totals}, ended, state

    def go_on(time: Any, live: dict[str, Any], ended: dict[str, Any], state: Any) -> Any:
        top = live["total"][:, 0]
        attainable = ops.where(top > FORBIDDEN / 2, top / best_normalizer, FORBIDDEN)
        open_sources = attainable > ended["scores"][:, num_best - 1]
        return ops.logical_and(time < width, ops.any(open_sources))

    filled = ops.full((batch, k), FORBIDDEN, dtype="float32")
    blank = ops.full((batch, k, width), PAD, dtype="int32")
    live = {
        "ids": blank,
        "last": ops.full((batch, k), BOS, dtype="int32"),
        # One live hypothesis at the start: k equal ones would stay equal.
        "total": ops.where(ops.equal(ops.arange(k, dtype="int32"), 0), 0.0, filled),
    }
    ended = {"ids": blank, "total": filled, "lengths": ops.zeros((batch, k), "int32"), "scores": filled}
    state = keras.tree.map_structure(lambda tensor: ops.repeat(tensor, k, axis=0), state)
    _, _, ended, _ = ops.while_loop(go_on, body, (ops.zeros((), "int32"), live, ended, state))
    n = num_best
    return SearchResult(
        ended["ids"][:, :n, :-1], ended["lengths"][:, :n], ended["total"][:, :n], ended["scores"][:, :n]
    )
