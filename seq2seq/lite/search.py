"""Beam search over a LiteRT step, in NumPy: what `seq2seq.search` does in a graph, result for result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seq2seq.symbols import BOS, PAD
from seq2seq.types import SearchResult

Step = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]
"""`step(ids (rows,), state (rows, …))` -> `top`, `top_ids (rows, k)`: the likeliest pieces but EOS, with their
log-probabilities; `eos (rows,)`, that of EOS; `state`."""

FORBIDDEN = np.float32(-1e9)


def beam_search(
    step: Step,
    state: np.ndarray,
    limits: np.ndarray,
    beam_size: int,
    num_best: int = 1,
    normalization: str = "average",
    strength: float = 1.0,
) -> SearchResult:
    """Keeps the best live and the best ended hypotheses of each source; see `seq2seq.search.beam.beam_search`."""
    k, batch, width = beam_size, len(limits), int(limits.max()) + 1
    rows = np.arange(batch)[:, None]
    best_normalizer = _normalizer(limits.astype(np.float32) + 1, normalization, strength)
    live_ids = np.full((batch, k, width), PAD, np.int32)
    live_total = np.full((batch, k), FORBIDDEN, np.float32)
    live_total[:, 0] = 0  # one live hypothesis at the start: k equal ones would stay equal
    last = np.full(batch * k, BOS, np.int32)
    ended_ids, ended_lengths = live_ids.copy(), np.zeros((batch, k), np.int32)
    ended_total = np.full((batch, k), FORBIDDEN, np.float32)
    ended_scores = ended_total.copy()
    state = np.repeat(state, k, axis=0)
    for time in range(width):
        found = step(last, state)
        eos = found["eos"].reshape(batch, k) + live_total
        normalizer = _normalizer(np.float32(time + 1), normalization, strength)
        scores = np.where(eos > FORBIDDEN / 2, eos / normalizer, FORBIDDEN)
        scores = np.concatenate([ended_scores, scores], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        ended_scores = scores[rows, best]
        ended_total = np.concatenate([ended_total, eos], axis=1)[rows, best]
        ended_lengths = np.concatenate([ended_lengths, np.full((batch, k), time, np.int32)], axis=1)[rows, best]
        ended_ids = np.concatenate([ended_ids, live_ids], axis=1)[rows, best]

        totals = (live_total.reshape(-1, 1) + found["top"]).reshape(batch, -1)
        wide = found["top"].shape[1]
        chosen = np.argsort(-totals, axis=1, kind="stable")[:, :k]
        parents = chosen // wide
        live_ids = live_ids[rows, parents]
        live_ids[:, :, time] = found["top_ids"].reshape(batch, -1)[rows, chosen]
        last = np.ascontiguousarray(live_ids[:, :, time].reshape(-1))
        live_total = np.maximum(totals[rows, chosen], FORBIDDEN)
        live_total[time >= limits] = FORBIDDEN  # it could only end, and that it has just done
        state = found["state"][(rows * k + parents).reshape(-1)]
        top = live_total[:, 0]
        attainable = np.where(top > FORBIDDEN / 2, top / best_normalizer, FORBIDDEN)
        if not (attainable > ended_scores[:, num_best - 1]).any():
            break
    n = num_best
    return SearchResult(ended_ids[:, :n, :-1], ended_lengths[:, :n], ended_total[:, :n], ended_scores[:, :n])


def _normalizer(lengths: np.ndarray | np.float32, kind: str, strength: float) -> np.ndarray | np.float32:
    """See `seq2seq.search.scoring.length_normalizer`."""
    if kind == "none":
        return np.ones_like(lengths)
    base = lengths if kind == "average" else (lengths + np.float32(5)) / np.float32(6)
    return base ** np.float32(strength)
