"""Prefix beam search over the outputs of connectionist temporal classification. Imports no framework.

Each prefix of a label has the sum over all its alignments (Graves & Jaitly 2014; Hannun et al. 2014), to which a
language model and preferred words may add. A stream is read as it comes, and the state of the search is a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from seq2seq.search.ctc import BLANK, Emission, Labelling, checked
from seq2seq.search.hotwords import Hotwords
from seq2seq.search.prefix_state import (
    NOTHING,
    Alignments,
    BeamState,
    Floats,
    Integers,
    Survivors,
    align,
    bound,
    commit,
    emissions_of,
    hashed,
    widened,
)

COMMIT_EVERY = 16
"""Frames between two looks for what all prefixes share. It is counted from the first frame of a stream, so that the way
in which the stream is cut changes nothing."""


class LanguageModel(Protocol):
    """What a beam asks of a language model. Its states are opaque, one for a prefix, and no call changes them."""

    @property
    def end(self) -> int | None:
        """The id that ends a text; None: a text may end anywhere, at no cost."""

    def start(self) -> Any:
        """Returns the state of the empty prefix."""

    def scores(self, states: Sequence[Any], ids: Integers) -> Floats:
        """Returns the log-probability of an id after each state: `(n,)` for n of both, at most 0."""

    def extend(self, states: Sequence[Any], ids: Integers) -> Sequence[Any]:
        """Returns the states after one more id each; asked only for prefixes that stay in the beam."""


@dataclass(frozen=True)
class PrefixBeamOptions:
    """How widely a beam searches, and what counts how much."""

    beam_size: int = 16
    """Prefixes kept at each frame."""
    top_k: int | None = 20
    """Symbols by which prefixes may grow at a frame, the likeliest; None: all."""
    min_log_prob: float = -9.0
    """In nats: a less likely symbol does not extend a prefix. -inf: every symbol does."""
    threshold: float = 14.0
    """In nats: a prefix whose score is as far below the best is dropped. inf: none is."""
    weight: float = 0.5
    """What a nat of the language model counts; at 0 it is not asked."""
    insertion_bonus: float = 0.0
    """Added for each symbol, to make up for what a language model takes from longer labels."""
    max_open: int | None = 200
    """Most symbols on which prefixes may disagree: of older ones the best prefix decides, so that the state of a stream
    stays of constant size. Fewer give final text earlier. None: no limit."""

    def __post_init__(self) -> None:
        for name in ("beam_size", "top_k", "max_open"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1. Received: {value}")
        if not self.threshold > 0:
            raise ValueError(f"threshold must be above 0. Received: {self.threshold}")
        if not self.min_log_prob <= 0:
            raise ValueError(f"min_log_prob must be at most 0. Received: {self.min_log_prob}")
        if not 0 <= self.weight < np.inf:
            raise ValueError(f"weight must be a number of at least 0. Received: {self.weight}")
        if not np.isfinite(self.insertion_bonus):
            raise ValueError(f"insertion_bonus must be a number. Received: {self.insertion_bonus}")


class _Growth(NamedTuple):
    """Prefixes that are not in the beam and may come into it; m is their number."""

    origins: Integers
    """`(m,)`: place in the beam of the prefix that grows."""
    symbols: Integers
    """`(m,)`: by what it grows."""
    masses: Floats
    """`(m,)`: log-probabilities of all alignments of the longer prefix."""
    extra: Floats
    """`(m,)`: as in `BeamState`."""


def prefix_beam_search(
    log_probs: ArrayLike,
    options: PrefixBeamOptions = PrefixBeamOptions(),
    language_model: LanguageModel | None = None,
    hotwords: Hotwords | None = None,
    num_best: int = 1,
) -> list[Labelling]:
    """Returns the best labels of `(time, size)` log-probabilities in nats, best first; see `PrefixBeam`."""
    values = checked(log_probs)
    beam = PrefixBeam(values.shape[1], options, language_model, hotwords)
    return beam.results(beam.advance(beam.start(), values), num_best)


class PrefixBeam:
    """Keeps the best prefixes of labels from frame to frame.

    The score of a label is its log-probability, plus `weight` times that of the language model, plus `insertion_bonus`
    for each symbol, plus the bonus of its hotwords. With a beam as wide as the space of labels and nothing pruned, all
    results are exact. Among equal scores a prefix that was in the beam comes first, then the one that grew from the
    better prefix, then the one that grew by the smaller id.

    Args:
        size: Number of ids, the blank among them.
        options: See there.
        language_model: Over the same ids; None: without one.
        hotwords: Over the same ids; None: without any.

    Raises:
        ValueError: hotwords over another number of ids.
    """

    def __init__(
        self,
        size: int,
        options: PrefixBeamOptions = PrefixBeamOptions(),
        language_model: LanguageModel | None = None,
        hotwords: Hotwords | None = None,
    ):
        self.size, self.options = size, options
        self.language_model = language_model if options.weight else None
        self.hotwords = Hotwords((), 0.0, size) if hotwords is None else hotwords
        if (known := self.hotwords.gains.shape[1]) != size:
            raise ValueError(f"Hotwords must have the ids of the outputs. Received: {known:,} ids and {size:,} outputs")
        self.symbols = np.delete(np.arange(size), BLANK)

    def at_least(self, beam_size: int) -> PrefixBeam:
        """Returns this search, with so many prefixes where it has fewer."""
        if beam_size <= self.options.beam_size:
            return self
        options = replace(self.options, beam_size=beam_size)
        return PrefixBeam(self.size, options, self.language_model, self.hotwords)

    @property
    def is_greedy(self) -> bool:
        """Whether one prefix is kept and nothing but the outputs counts, so that the best path is as good."""
        plain = self.language_model is None and not self.hotwords.gains.any() and not self.options.insertion_bonus
        return self.options.beam_size == 1 and plain

    def start(self) -> BeamState:
        """Returns the state before the first frame, in which there is only the empty prefix."""
        zero = np.zeros(1, np.int64)
        return BeamState(
            frame=0,
            in_blank=np.zeros(1),
            in_symbol=np.full(1, NOTHING),
            extra=np.zeros(1),
            last=zero - 1,
            keys=np.ones(1, np.uint64),
            parents=np.zeros(1, np.uint64),
            hot=zero + Hotwords.START,
            language=() if self.language_model is None else (self.language_model.start(),),
            lengths=zero,
            ids=np.zeros((1, 0), np.int64),
            alignments=Alignments(np.array([[0.0], [NOTHING]]), np.zeros((2, 1, 0), np.int64), np.zeros((2, 1, 0))),
            committed=(),
        )

    def advance(self, state: BeamState, log_probs: ArrayLike) -> BeamState:
        """Returns the state after the frames of a chunk, of which there may be any number.

        Args:
            state: Before them.
            log_probs: `(frames, size)`, in nats; -inf is impossible.

        Raises:
            ValueError: another shape, NaN, numbers above 0, or a frame at which nothing is possible; named.
        """
        chunk = checked(log_probs, self.size, state.frame)
        for row, symbols in zip(chunk, self._likely(chunk), strict=True):
            state = self._step(state, row, symbols)
            if state.frame % COMMIT_EVERY == 0:
                state = commit(bound(state, self.options.max_open))
        return state

    def results(self, state: BeamState, num_best: int = 1, last: bool = True) -> list[Labelling]:
        """Returns the best labels, best first, without what was taken; fewer than asked where the beam has fewer.

        Args:
            state: After any frame.
            num_best: How many.
            last: Whether the text ends here. Then the language model scores its end and an incomplete hotword loses its
                bonus.
        """
        totals = state.totals
        scores = totals + state.extra
        if last:
            scores = scores + self.hotwords.closing[state.hot]
            if self.language_model is not None and self.language_model.end is not None:
                ends = np.full(len(scores), self.language_model.end)
                scores = scores + self.options.weight * self.language_model.scores(state.language, ends)
        order = np.argsort(-scores, kind="stable")[:num_best]
        return [
            Labelling(
                (*state.committed, *emissions_of(state, place, int(state.lengths[place]))),
                float(totals[place]),
                float(scores[place]),
            )
            for place in order
        ]

    @staticmethod
    def take(state: BeamState) -> tuple[tuple[Emission, ...], BeamState]:
        """Returns the symbols that nothing will change, and the state without them.

        They begin every label. Where a stream takes them after each chunk, the state does not grow.
        """
        return state.committed, state._replace(committed=())

    def _likely(self, chunk: Floats) -> list[Integers]:
        """Returns for each frame the symbols by which prefixes may grow, in ascending order."""
        of_symbols, k = chunk[:, self.symbols], self.options.top_k
        likely = (of_symbols >= self.options.min_log_prob) & (of_symbols > NOTHING)
        if k is not None and k < len(self.symbols):
            among = np.zeros_like(likely)
            np.put_along_axis(among, np.argsort(-of_symbols, axis=1, kind="stable")[:, :k], True, axis=1)
            likely &= among
        return [self.symbols[row] for row in likely]

    def _step(self, state: BeamState, frame: Floats, symbols: Integers) -> BeamState:
        """Reads one frame, `(size,)` log-probabilities, at which prefixes may grow by `symbols`."""
        totals = state.totals
        own = np.where(state.last >= 0, frame[state.last], NOTHING)
        # Where the beam has the prefix without the last symbol, alignments enter from it.
        is_parent = state.parents[:, None] == state.keys  # (n, n)
        has_parent, parents = is_parent.any(axis=1), is_parent.argmax(axis=1)
        # From a symbol to its equal there is a blank in between.
        entering = np.where(state.last[parents] == state.last, state.in_blank[parents], totals[parents]) + own
        in_blank = totals + frame[BLANK]
        in_symbol = np.logaddexp(state.in_symbol + own, np.where(has_parent, entering, NOTHING))
        scores = np.logaddexp(in_blank, in_symbol) + state.extra
        growth = self._grow(state, frame, symbols, scores, (parents[has_parent], state.last[has_parent]))
        scores = np.concatenate([scores, growth.masses + growth.extra])
        order = np.argsort(-scores, kind="stable")[: self.options.beam_size]
        order = order[scores[order] > scores[order[0]] - self.options.threshold]
        if not len(order):
            raise ValueError(
                f"Expected a frame at which something is possible. Received: -inf for all, frame {state.frame:,}"
            )
        n = len(state.last)
        grown = order >= n
        new, at = order[grown] - n, order.copy()
        at[grown] = growth.origins[new]
        last = state.last[at]
        last[grown] = growth.symbols[new]
        entered = np.where(grown, at, np.where(has_parent, parents, -1)[at])
        survivors = Survivors(at, grown, entered, last, state.lengths[at] + grown)
        in_blank, in_symbol, extra = in_blank[at], in_symbol[at], state.extra[at]
        in_blank[grown], in_symbol[grown], extra[grown] = NOTHING, growth.masses[new], growth.extra[new]
        keys = state.keys[at]
        state = widened(state, int(survivors.lengths.max()))
        ids = state.ids[at]
        ids[grown, survivors.lengths[grown] - 1] = growth.symbols[new]
        return BeamState(
            frame=state.frame + 1,
            in_blank=in_blank,
            in_symbol=in_symbol,
            extra=extra,
            last=last,
            keys=np.where(grown, hashed(keys, last), keys),
            parents=np.where(grown, keys, state.parents[at]),
            hot=np.where(grown, self.hotwords.following[state.hot[at], last], state.hot[at]),
            language=self._extend(state, survivors),
            lengths=survivors.lengths,
            ids=ids,
            alignments=align(state, frame, survivors),
            committed=state.committed,
        )

    def _grow(
        self,
        state: BeamState,
        frame: Floats,
        symbols: Integers,
        staying: Floats,
        known: tuple[Integers, Integers],
    ) -> _Growth:
        """Returns the longer prefixes that can be among the best.

        Args:
            state: Before the frame.
            frame: `(size,)`.
            symbols: Those by which prefixes may grow, ascending.
            staying: `(n,)`: scores of the prefixes of the beam after the frame.
            known: Places and symbols, `(k,)` each, of what is in the beam already.
        """
        masses = np.where(symbols == state.last[:, None], state.in_blank[:, None], state.totals[:, None])
        masses = masses + frame[symbols]  # (n, symbols)
        if len(symbols):
            places = np.minimum(np.searchsorted(symbols, known[1]), len(symbols) - 1)
            tried = symbols[places] == known[1]
            masses[known[0][tried], places[tried]] = NOTHING
        extra = state.extra[:, None] + (self.options.insertion_bonus + self.hotwords.gains[state.hot[:, None], symbols])
        # No language model raises a score. So only what is above these limits without it need be asked for.
        least = staying.max() - self.options.threshold
        if len(staying) >= self.options.beam_size:
            least = max(least, staying.min())
        origins, columns = np.nonzero(masses + extra > least)
        masses, extra, symbols = masses[origins, columns], extra[origins, columns], symbols[columns]
        if self.language_model is not None and len(symbols):
            scores = self.language_model.scores([state.language[at] for at in origins], symbols)
            extra = extra + self.options.weight * scores
        return _Growth(origins, symbols, masses, extra)

    def _extend(self, state: BeamState, survivors: Survivors) -> tuple[Any, ...]:
        """Returns the states of the language model for the survivors."""
        if self.language_model is None:
            return ()
        found = [state.language[at] for at in survivors.origins]
        grown = np.flatnonzero(survivors.grown)
        if len(grown):
            extended = self.language_model.extend([found[at] for at in grown], survivors.last[grown])
            for at, new in zip(grown, extended, strict=True):
                found[at] = new
        return tuple(found)
