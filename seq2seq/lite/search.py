"""Beam search over a LiteRT step, in NumPy: what `seq2seq.search` does in a graph, result for result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seq2seq.symbols import BOS, PAD
from seq2seq.types import SearchResult

Step = Callable[[np.ndarray, np.ndarray, np.ndarray | None], dict[str, np.ndarray]]
"""`step(ids (rows,), state (rows, …), banned (rows, n) or None)` -> `top`, `top_ids (rows, k + 1)`: the likeliest
pieces with their log-probabilities, EOS and what is banned forbidden where among them; `eos (rows,)`, that of EOS;
`state`."""

Narrow = Callable[[np.ndarray], np.ndarray | None]
"""`narrow(sources)` hears which can still change, by their present places, and returns those to go on with: these, the
first perhaps repeated to fill up; None: all. From then on the steps are for them."""

FORBIDDEN = np.float32(-1e9)


def beam_search(
    step: Step,
    state: np.ndarray,
    limits: np.ndarray,
    beam_size: int,
    num_best: int = 1,
    normalization: str = "average",
    length_penalty: float = 1.0,
    narrow: Narrow | None = None,
    min_length: int = 0,
    no_repeat: int = 0,
) -> SearchResult:
    """Keeps the best live and the best ended hypotheses of each source; see `seq2seq.search.beam.beam_search`.

    A batch goes on until its last source is done, long after most of them: `narrow` lets it shrink on the way.
    `min_length` and `no_repeat` are the rules of `seq2seq.search.rules`.
    """
    k, batch, width = beam_size, len(limits), int(limits.max()) + 1
    rows, here = np.arange(batch)[:, None], np.arange(batch)
    live_ids = np.full((batch, k, width), PAD, np.int32)
    matches = np.zeros_like(live_ids)
    live_total = np.full((batch, k), FORBIDDEN, np.float32)
    live_total[:, 0] = 0  # one live hypothesis at the start: k equal ones would stay equal
    last = np.full(batch * k, BOS, np.int32)
    worst = np.full_like(live_total, FORBIDDEN)
    ended = SearchResult(live_ids, np.zeros((batch, k), np.int32), worst, worst)
    found = SearchResult(*map(np.copy, ended))
    state = np.repeat(state, k, axis=0)
    normalizers = _normalizer(np.arange(1, width + 1, dtype=np.float32), normalization, length_penalty)
    longest = normalizers[limits]  # of the EOS at the limit
    for time in range(width):
        banned = None
        if no_repeat:
            banned = repeats(live_ids.reshape(-1, width), time, matches.reshape(-1, width), no_repeat)
        now = step(last, state, banned)
        not_numbers = np.isnan(now["eos"].reshape(-1, k)).any(axis=1, keepdims=True)
        eos = now["eos"].reshape(-1, k) + (live_total if time >= min_length else FORBIDDEN)
        normalizer = normalizers[time]
        scores = np.where(eos > FORBIDDEN / 2, eos / normalizer, FORBIDDEN)
        if (scores > ended.scores[:, -1:]).any():
            ending = SearchResult(live_ids, np.full_like(ended.lengths, time), eos, scores)
            both = SearchResult(*(np.concatenate(pair, axis=1) for pair in zip(ended, ending, strict=True)))
            best = np.argsort(-both.scores, axis=1, kind="stable")[:, :k]
            ended = SearchResult(*(part[rows, best] for part in both))
        if not_numbers.any():  # a NaN would be lost in comparisons: a source that had one keeps it
            ended = ended._replace(scores=np.where(not_numbers, np.float32(np.nan), ended.scores))

        totals = (live_total.reshape(-1, 1) + now["top"]).reshape(len(here), -1)
        chosen = np.argsort(-totals, axis=1, kind="stable")[:, :k]
        parents = chosen // now["top"].shape[1]
        live_ids, chosen_ids = live_ids[rows, parents], now["top_ids"].reshape(len(here), -1)[rows, chosen]
        if no_repeat:
            matches = extend_matches(matches[rows, parents], live_ids, time, chosen_ids)
        live_ids[:, :, time] = chosen_ids
        live_total = np.maximum(totals[rows, chosen], FORBIDDEN)
        live_total[time >= limits] = FORBIDDEN  # it could only end, and that it has just done
        state = now["state"][(rows * k + parents).reshape(-1)]

        top = live_total[:, 0]
        attainable = np.where(top > FORBIDDEN / 2, top / longest, FORBIDDEN)
        is_open = attainable > ended.scores[:, num_best - 1]
        if not is_open.any():
            break
        kept = None
        if narrow and not is_open.all():
            still = np.flatnonzero(is_open)
            still = still[np.unique(here[still], return_index=True)[1]]  # what fills up counts no source twice
            kept = narrow(still)
        if kept is not None:
            _settle(found, here, ended)
            here, limits, live_ids, live_total = here[kept], limits[kept], live_ids[kept], live_total[kept]
            longest, matches = longest[kept], matches[kept]
            ended = SearchResult(*(part[kept] for part in ended))
            state = state.reshape(-1, k, state.shape[-1])[kept].reshape(-1, state.shape[-1])
            rows = rows[: len(kept)]
        last = live_ids[:, :, time].reshape(-1)
    _settle(found, here, ended)
    return SearchResult(found.ids[:, :num_best, :-1], *(part[:, :num_best] for part in found[1:]))


def extend_matches(matches: np.ndarray, ids: np.ndarray, time: int, pieces: np.ndarray) -> np.ndarray:
    """See `seq2seq.search.rules.extend_matches`."""
    grown = np.zeros_like(matches)
    grown[..., 1 : time + 1] = np.where(ids[..., :time] == pieces[..., None], matches[..., :time] + 1, 0)
    return grown


def repeats(ids: np.ndarray, time: int, matches: np.ndarray, size: int) -> np.ndarray:
    """See `seq2seq.search.rules.repeats`; of rows without such ids only one column."""
    found = np.where(matches[:, :time] >= size - 1, ids[:, :time], PAD)
    return found if found.any() else np.full((len(ids), 1), PAD, np.int32)


def _settle(found: SearchResult, here: np.ndarray, ended: SearchResult) -> None:
    """Writes the ended hypotheses of the sources `here` to their places among all."""
    for whole, part in zip(found, ended, strict=True):
        whole[here] = part


def _normalizer(lengths: np.ndarray, kind: str, length_penalty: float) -> np.ndarray:
    """See `seq2seq.search.scoring.length_normalizer`."""
    if kind == "none":
        return np.ones_like(lengths)
    base = lengths if kind == "average" else (lengths + np.float32(5)) / np.float32(6)
    return base ** np.float32(length_penalty)
