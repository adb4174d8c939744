"""Beam search over a LiteRT step, in NumPy: what `seq2seq.search` does in a graph, result for result."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from seq2seq.search.options import SearchOptions
from seq2seq.symbols import BOS, PAD
from seq2seq.types import SearchResult

StepFunction = Callable[[np.ndarray, np.ndarray, np.ndarray | None], dict[str, np.ndarray]]
"""`step(ids (rows,), state (rows, …), banned (rows, n) or None)` returns `top` and `top_ids (rows, k + 1)`, the
likeliest tokens with their log-probabilities, FORBIDDEN for EOS and for banned ids among them; `eos (rows,)`, the
log-probability of EOS; and `state`."""

NarrowFunction = Callable[[np.ndarray], np.ndarray | None]
"""`narrow(rows)` is given the rows of the batch that can still change. It returns the rows with which the search goes
on, these and perhaps the first of them again to fill up, and the next steps are for them; or None to keep all."""

FORBIDDEN = np.float32(-1e9)


class LiveBeams(NamedTuple):
    """The hypotheses that may be extended; k is the beam size."""

    ids: np.ndarray
    """`(batch, k, width)`, int32: all tokens, then PAD."""
    totals: np.ndarray
    """`(batch, k)`, float32: log-probabilities; FORBIDDEN where there is no hypothesis."""
    matches: np.ndarray
    """`(batch, k, width)`, int32, of `extend_matches`; all 0 where n-grams may be repeated."""
    state: np.ndarray
    """`(batch, k, …)`: of the model."""


def beam_search(
    step: StepFunction,
    state: np.ndarray,
    limits: np.ndarray,
    options: SearchOptions,
    narrow: NarrowFunction | None = None,
) -> SearchResult:
    """Keeps the best live and the best ended hypotheses of each source; see `seq2seq.search.beam.beam_search`.

    A batch goes on until its last source is finished, long after most of them: `narrow` lets it shrink on the way.

    Args:
        step: The model.
        state: `(batch, …)`, before the first step.
        limits: `(batch,)`, int32: the largest number of tokens, without EOS.
        options: beam_size, num_best, normalization, length_penalty, min_length and no_repeat_ngram are used.
        narrow: Makes the batch smaller.
    """
    batch, k, width = len(limits), options.beam_size, int(limits.max()) + 1
    live, ended = _first(state, batch, k, width)
    result = SearchResult(*map(np.copy, ended))
    normalizers = _normalizer(np.arange(1, width + 1, dtype=np.float32), options)
    rows = np.arange(batch)  # of the result
    last = np.full(batch * k, BOS, np.int32)
    for time in range(width):
        banned = None
        if options.no_repeat_ngram:
            matches = live.matches.reshape(-1, width)
            banned = repeats(live.ids.reshape(-1, width), time, matches, options.no_repeat_ngram)
        output = step(last, live.state.reshape(-1, *state.shape[1:]), banned)
        ended = _end(live, ended, output["eos"].reshape(-1, k), time, normalizers[time], options)
        live = _extend(live, output, time, limits, options)

        best = live.totals[:, 0]
        attainable = np.where(best > FORBIDDEN / 2, best / normalizers[limits], FORBIDDEN)
        is_open = attainable > ended.scores[:, options.num_best - 1]
        if not is_open.any():
            break
        kept = None
        if narrow and not is_open.all():
            still = np.flatnonzero(is_open)
            kept = narrow(still[np.unique(rows[still], return_index=True)[1]])  # a source that fills up counts once
        if kept is not None:
            _store(result, rows, ended)
            rows, limits = rows[kept], limits[kept]
            live, ended = LiveBeams(*(part[kept] for part in live)), SearchResult(*(part[kept] for part in ended))
        last = live.ids[:, :, time].reshape(-1)
    _store(result, rows, ended)
    return SearchResult(result.ids[:, : options.num_best, :-1], *(part[:, : options.num_best] for part in result[1:]))


def _first(state: np.ndarray, batch: int, k: int, width: int) -> tuple[LiveBeams, SearchResult]:
    """The hypotheses before the first step: one live one per source, since k equal ones would stay equal."""
    ids, nothing = np.full((batch, k, width), PAD, np.int32), np.full((batch, k), FORBIDDEN, np.float32)
    totals = nothing.copy()
    totals[:, 0] = 0
    live = LiveBeams(ids, totals, np.zeros_like(ids), np.repeat(state[:, None], k, axis=1))
    return live, SearchResult(ids, np.zeros((batch, k), np.int32), nothing, nothing)


def _end(
    live: LiveBeams, ended: SearchResult, eos: np.ndarray, time: int, normalizer: np.ndarray, options: SearchOptions
) -> SearchResult:
    """Returns the best of the ended hypotheses and of the live ones with an EOS, whose log-probability is `eos`."""
    is_bad = np.isnan(eos).any(axis=1, keepdims=True)
    totals = eos + (live.totals if time >= options.min_length else FORBIDDEN)
    scores = np.where(totals > FORBIDDEN / 2, totals / normalizer, FORBIDDEN)
    if (scores > ended.scores[:, -1:]).any():
        ending = SearchResult(live.ids, np.full_like(ended.lengths, time), totals, scores)
        both = SearchResult(*(np.concatenate(pair, axis=1) for pair in zip(ended, ending, strict=True)))
        best = np.argsort(-both.scores, axis=1, kind="stable")[:, : options.beam_size]
        ended = SearchResult(*(part[np.arange(len(best))[:, None], best] for part in both))
    if is_bad.any():  # a NaN would be lost in comparisons: a source that had one keeps it
        ended = ended._replace(scores=np.where(is_bad, np.float32(np.nan), ended.scores))
    return ended


def _extend(
    live: LiveBeams, output: dict[str, np.ndarray], time: int, limits: np.ndarray, options: SearchOptions
) -> LiveBeams:
    """Returns the best of all live hypotheses with one more token."""
    (batch, k), count = live.totals.shape, output["top"].shape[1]
    rows = np.arange(batch)[:, None]
    totals = (live.totals.reshape(-1, 1) + output["top"]).reshape(batch, -1)
    chosen = np.argsort(-totals, axis=1, kind="stable")[:, :k]
    parents = chosen // count
    ids, tokens = live.ids[rows, parents], output["top_ids"].reshape(batch, -1)[rows, chosen]
    matches = live.matches
    if options.no_repeat_ngram:
        matches = extend_matches(matches[rows, parents], ids, time, tokens)
    ids[:, :, time] = tokens
    totals = np.maximum(totals[rows, chosen], FORBIDDEN)
    totals[time >= limits] = FORBIDDEN  # it can only end, which it has just done
    state = output["state"]
    return LiveBeams(ids, totals, matches, state.reshape(batch, k, *state.shape[1:])[rows, parents])


def extend_matches(matches: np.ndarray, ids: np.ndarray, time: int, tokens: np.ndarray) -> np.ndarray:
    """See `seq2seq.search.rules.extend_matches`."""
    longer = np.zeros_like(matches)
    longer[..., 1 : time + 1] = np.where(ids[..., :time] == tokens[..., None], matches[..., :time] + 1, 0)
    return longer


def repeats(ids: np.ndarray, time: int, matches: np.ndarray, size: int) -> np.ndarray:
    """See `seq2seq.search.rules.repeats`. Returns a single column where no row has such ids."""
    found = np.where(matches[:, :time] >= size - 1, ids[:, :time], PAD)
    return found if found.any() else np.full((len(ids), 1), PAD, np.int32)


def _store(result: SearchResult, rows: np.ndarray, ended: SearchResult) -> None:
    """Writes the ended hypotheses of the sources `rows` into the result."""
    for whole, part in zip(result, ended, strict=True):
        whole[rows] = part


def _normalizer(lengths: np.ndarray, options: SearchOptions) -> np.ndarray:
    """See `seq2seq.search.scoring.length_normalizer`."""
    if options.normalization == "none":
        return np.ones_like(lengths)
    base = lengths if options.normalization == "average" else (lengths + np.float32(5)) / np.float32(6)
    return base ** np.float32(options.length_penalty)
