"""The state of a prefix beam search, and what follows from it alone. Imports no framework."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.search.ctc import BLANK, Emission

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

NOTHING = -np.inf
"""The log-probability of what is impossible."""
ROOM = 16
"""Open symbols for which room is made at once."""


class Alignments(NamedTuple):
    """For each prefix its best alignment that ends in a blank, row 0, and that in its last symbol, row 1."""

    scores: Floats
    """`(2, n)`: log-probabilities."""
    frames: Integers
    """`(2, n, width)`: the frame of each open symbol; see `Emission`."""
    peaks: Floats
    """`(2, n, width)`: the log-probability of the symbol at that frame."""


class BeamState(NamedTuple):
    """What a beam knows after some frames. No call changes it. n is the number of prefixes, which stand best first."""

    frame: int
    """Frames read."""
    in_blank: Floats
    """`(n,)`: log-probability of all alignments of a prefix that end in a blank."""
    in_symbol: Floats
    """`(n,)`: that of all those that end in its last symbol."""
    extra: Floats
    """`(n,)`: what the language model and bonuses add."""
    last: Integers
    """`(n,)`: the last symbol; -1 of the empty prefix."""
    keys: Keys
    """`(n,)`: a hash of all symbols of a prefix."""
    parents: Keys
    """`(n,)`: the key of the prefix without its last symbol."""
    hot: Integers
    """`(n,)`: states of the hotwords."""
    language: tuple[Any, ...]
    """n states of the language model; empty without one."""
    lengths: Integers
    """`(n,)`: open symbols, those behind the committed ones."""
    ids: Integers
    """`(n, width)`: the open symbols, then anything."""
    alignments: Alignments
    committed: tuple[Emission, ...]
    """Symbols with which all prefixes begin, and which were not taken; see `PrefixBeam.take`."""

    @property
    def totals(self) -> Floats:
        """`(n,)`: log-probabilities of the prefixes."""
        return np.logaddexp(self.in_blank, self.in_symbol)


class Survivors(NamedTuple):
    """The prefixes of the next state; m is their number."""

    origins: Integers
    """`(m,)`: place before the frame, of the prefix itself or of the one that grew."""
    grown: Integers
    """`(m,)`, bool: whether it grew."""
    entered: Integers
    """`(m,)`: place before the frame of the prefix without the last symbol; -1 where the beam has none."""
    last: Integers
    """`(m,)`: last symbols."""
    lengths: Integers
    """`(m,)`: open symbols."""


def hashed(keys: Keys, symbols: Integers) -> Keys:
    """Returns the keys of prefixes with one more symbol each, mixed as by SplitMix64 (Steele et al. 2014)."""
    mixed = keys + (symbols.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def widened(state: BeamState, width: int) -> BeamState:
    """Returns the state with room for at least `width` open symbols."""
    if width <= state.ids.shape[1]:
        return state
    more = ROOM

    def pad(array: NDArray[Any]) -> NDArray[Any]:
        return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, more)])

    scores, frames, peaks = state.alignments
    return state._replace(ids=pad(state.ids), alignments=Alignments(scores, pad(frames), pad(peaks)))


def align(state: BeamState, frame: Floats, survivors: Survivors) -> Alignments:
    """Returns the best alignments of the survivors after a frame, `(size,)`: the recursion of the sums, with maxima."""
    at, grown, entered, last, lengths = survivors
    n, m = len(state.last), len(at)
    scores = state.alignments.scores.reshape(-1)  # a prefix at i ends in a blank at i, in its symbol at n + i
    best = np.arange(n) + n * (scores[n:] > scores[:n])
    own = np.where(last >= 0, frame[last], NOTHING)
    staying = np.where(grown, NOTHING, scores[n + at] + own)
    before = np.where(state.last[entered] == last, entered, best[entered])
    entering = np.where(entered >= 0, scores[before] + own, NOTHING)
    enters = entering > staying
    sources = np.stack([best[at], np.where(enters, before, n + at)])  # (2, m)
    frames, peaks = (part.reshape(2 * n, -1)[sources] for part in state.alignments[1:])
    in_blank = np.where(grown, NOTHING, scores[best[at]] + frame[BLANK])
    if frames.shape[2]:
        row, place = np.arange(m), lengths - 1
        surer = (lengths > 0) & (enters | (own > peaks[1, row, place]))
        row, place = row[surer], place[surer]
        frames[1, row, place], peaks[1, row, place] = state.frame, own[surer]
    return Alignments(np.stack([in_blank, np.maximum(entering, staying)]), frames, peaks)


def emissions_of(state: BeamState, place: int, count: int) -> tuple[Emission, ...]:
    """Returns the first `count` open symbols of a prefix, as its best alignment emits them."""
    scores, frames, peaks = state.alignments
    row = int(scores[1, place] > scores[0, place])
    parts = state.ids[place, :count], frames[row, place, :count], np.exp(peaks[row, place, :count])
    return tuple(Emission(*each) for each in zip(*(part.tolist() for part in parts), strict=True))


def shared(state: BeamState) -> int:
    """Returns how many open symbols all prefixes share. The last one of a prefix may go on, and does not count."""
    width = max(int(state.lengths.min()) - 1, 0)
    same = (state.ids[:, :width] == state.ids[0, :width]).all(axis=0)
    return width if same.all() else int(same.argmin())


def commit(state: BeamState) -> BeamState:
    """Moves what all prefixes share to the committed symbols."""
    count = shared(state)
    if not count:
        return state
    scores, frames, peaks = state.alignments
    return state._replace(
        lengths=state.lengths - count,
        ids=state.ids[:, count:].copy(),
        alignments=Alignments(scores, frames[:, :, count:].copy(), peaks[:, :, count:].copy()),
        committed=(*state.committed, *emissions_of(state, 0, count)),
    )


def bound(state: BeamState, most: int | None) -> BeamState:
    """Drops prefixes that disagree with the best on symbols so old that more than `most` would stay open."""
    if most is None or state.lengths.max() - shared(state) <= most:
        return state
    cut = max(0, min(state.lengths.max() - most, state.lengths[0] - 1))
    keep = (state.ids[:, :cut] == state.ids[0, :cut]).all(axis=1) & (state.lengths <= cut + most)
    if cut:
        keep &= state.lengths > cut
    scores, frames, peaks = state.alignments
    return state._replace(
        **{
            name: getattr(state, name)[keep]
            for name in ("in_blank", "in_symbol", "extra", "last", "keys", "parents", "hot", "lengths", "ids")
        },
        language=tuple(each for each, is_kept in zip(state.language, keep, strict=False) if is_kept),
        alignments=Alignments(scores[:, keep], frames[:, keep], peaks[:, keep]),
    )
