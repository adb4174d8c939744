"""Beam search: the best n hypotheses of each source, found together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.indexing import gather, repeat_rows
from seq2seq.search.options import SearchOptions
from seq2seq.search.rules import Rules, extend_matches, forbid, forbid_control_symbols, matches_of
from seq2seq.search.scoring import length_normalizer
from seq2seq.search.start import Start
from seq2seq.search.step import FORBIDDEN, StepFunction, Symbols
from seq2seq.search.terms import (
    TermProgress,
    Terms,
    advance,
    all_satisfied,
    allocate_beam,
    candidates,
    count_missing,
    progress_of,
    start_terms,
)
from seq2seq.types import Ids, SearchResult, State, Tensor


class LiveBeams(NamedTuple):
    """The hypotheses that may be extended. m is the beam of a group, `parts` is batch * groups."""

    token: Ids
    """`(parts, m)`, int32: the last token, which the model reads next."""
    ids: Ids
    """`(parts, m, width)`, int32: all tokens, then PAD."""
    totals: Tensor
    """`(parts, m)`, float32: log-probabilities; FORBIDDEN where there is no hypothesis."""
    matches: Tensor | tuple[()]
    """`(parts, m, width)`, int32, of `extend_matches`; empty where n-grams may be repeated."""
    progress: TermProgress | tuple[()]
    """Of the terms, `(parts, m, …)`; empty without terms."""


class EndedBeams(NamedTuple):
    """The best hypotheses that have ended, best first."""

    ids: Ids
    """`(parts, m, width)`, int32: all tokens without EOS, then PAD."""
    lengths: Tensor
    """`(parts, m)`, int32: tokens without EOS."""
    totals: Tensor
    """`(parts, m)`, float32: log-probabilities, EOS included."""
    scores: Tensor
    """`(parts, m)`, float32: totals after length normalisation and penalty. FORBIDDEN where there is no hypothesis; NaN
    throughout a part in which the model computed one."""
    state: State
    """Of the model after the last token, `(parts, m, …)`; () where it is not kept."""


class LoopState(NamedTuple):
    """What the loop carries from step to step."""

    time: Tensor
    """int32 scalar: steps done."""
    live: LiveBeams
    ended: EndedBeams
    state: State
    """Of the model for the live hypotheses, `(parts * m, …)`."""


class Extension(NamedTuple):
    """The tokens by which a beam grows."""

    tokens: Ids
    """`(parts, m)`, int32."""
    parents: Tensor
    """`(parts, m)`, int32: index of the hypothesis that each token extends."""
    totals: Tensor
    """`(parts, m)`, float32: log-probabilities of the longer hypotheses."""


def beam_search(
    step: StepFunction,
    state: State,
    limits: Tensor,
    max_length: int | Tensor,
    options: SearchOptions = SearchOptions(),
    *,
    exclude: Ids | None = None,
    terms: Terms | None = None,
    penalize: Callable[[State], Tensor] | None = None,
    start: Start | None = None,
    symbols: Symbols = Symbols(),
    keep_state: bool = False,
) -> tuple[SearchResult, State]:
    """Keeps the `beam_size` best live hypotheses of each source and the `beam_size` best ended ones.

        step = lambda ids, state: (ops.take(table, ids, axis=0), state)  # a model that knows only the last id
        result, _ = beam_search(step, (), ops.full((4,), 10), 10, SearchOptions(beam_size=3, num_best=2))

    A source is finished when none of its live hypotheses can still beat its `num_best`-th ended one: log-probabilities
    only fall, so a live one can end at best with what it has now, divided by the normaliser of its longest length.
    With a beam as wide as the search space the result is the true best.

    Args:
        step: The model; called with `(batch * beam_size,)` ids. The beams of a source are neighbours.
        state: Before the first step; tensors of `(batch, …)`.
        limits: `(batch,)`, int32: the largest number of tokens, without EOS; a hypothesis that reaches it ends there.
            No limit is below `min_length`.
        max_length: int or scalar tensor: the largest of `limits`.
        options: beam_size, num_best, normalization, length_penalty, groups, diversity (Vijayakumar et al. 2018),
            min_length and no_repeat_ngram are used. Diversity decides which hypotheses stay in the beam; scores are the
            model's own.
        exclude: `(batch, phrases, n)`, int32, PAD before shorter ones: phrases that must not be written.
        terms: What a hypothesis must contain to end; limits leave room for it. The rules may make it impossible.
        penalize: `penalize(state) -> (rows,)`, at most 0: what is added to the normalised score of hypotheses that end
            in this state.
        start: What every hypothesis of a source begins with; see `prefill`. None: nothing, the model reads BOS.
        symbols: Of the vocabulary.
        keep_state: Whether to return the state after the last token of each hypothesis, its EOS not read; it costs
            some time.

    Returns:
        A `SearchResult` with n = `num_best`. Where the search space holds fewer, the rest has score -1e9 and length 0.
        And the state, `(batch * num_best, …)`, meaningless for the rest; () if not kept.
    """
    groups = options.groups
    # A group is searched like a source of its own, except for the diversity.
    limits = repeat_rows(ops.cast(limits, "int32"), groups)
    search = _BeamSearch(
        options,
        Rules(options.min_length, options.no_repeat_ngram, exclude, symbols),
        repeat_rows(terms, groups),
        penalize,
        ops.expand_dims(limits, 1),
        length_normalizer(ops.cast(limits, "float32") + 1.0, options.normalization, options.length_penalty),
        max_length + 1,
        repeat_rows(start, groups),
        keep_state,
    )

    def body(loop: LoopState) -> tuple[LoopState]:
        log_probs, state = search.run_step(step, loop)
        ended = search.end(loop, log_probs, state)
        live, parents = search.extend(loop, log_probs)
        state = search.reorder(state, parents)
        return (LoopState(loop.time + 1, live, ended, state),)

    (loop,) = ops.while_loop(search.goes_on, body, (search.first(state),))
    return _best(loop.ended, options)


@dataclass(frozen=True)
class _BeamSearch:
    """The constants of one search, and the parts of its step as pure functions."""

    options: SearchOptions
    rules: Rules
    terms: Terms | None
    """Of each part."""
    penalize: Callable[[State], Tensor] | None
    limits: Tensor
    """`(parts, 1)`, int32."""
    best_normalizer: Tensor
    """`(parts,)`, float32: of the longest output."""
    width: int | Tensor
    """Of the longest output and an EOS."""
    start: Start | None
    """Of each part."""
    keep_state: bool

    @property
    def parts(self) -> int | Tensor:
        return ops.shape(self.limits)[0]

    @property
    def beam_size(self) -> int:
        """Of a part: m."""
        return self.options.beam_size // self.options.groups

    def first(self, state: State) -> LoopState:
        """Returns the state of the loop before the first step, from that of the model, `(batch, …)`."""
        parts, m = self.parts, self.beam_size
        pad, bos, _ = self.rules.symbols
        ids = ops.full((parts, self.width), pad, dtype="int32")
        blank = ops.full((parts, m, self.width), pad, dtype="int32")
        nothing = ops.full((parts, m), FORBIDDEN, dtype="float32")
        # One live hypothesis at the start: m equal ones would stay equal.
        is_first = ops.equal(ops.arange(m, dtype="int32"), 0)
        if self.start is None:
            token, totals, scores = ops.full((parts, m), bos, dtype="int32"), ops.where(is_first, 0.0, nothing), nothing
            matches = ops.zeros_like(blank) if self.rules.no_repeat else ()
            progress = () if self.terms is None else start_terms(self.terms, m)
            written = blank
        else:
            start = self.start
            total = ops.expand_dims(start.log_probabilities, 1)
            scores = ops.where(ops.isnan(total), float("nan"), nothing)  # see `end`
            totals = ops.where(is_first, total, nothing)
            ids = ops.concatenate([start.ids, ids], axis=1)[:, : self.width]
            token, written = self._repeat(start.token), self._repeat(ids)
            matches = self._repeat(matches_of(ids, start.lengths)) if self.rules.no_repeat else ()
            progress = ()
            if self.terms is not None:
                progress = TermProgress(*map(self._repeat, progress_of(self.terms, ids, start.lengths)))
        live = LiveBeams(token, written, totals, matches, progress)
        state = repeat_rows(state, self.options.beam_size)
        ended = EndedBeams(blank, ops.zeros((parts, m), "int32"), nothing, scores, self._kept(state))
        return LoopState(ops.zeros((), "int32"), live, ended, state)

    def _repeat(self, tensor: Tensor) -> Tensor:
        """`(parts, …)` -> `(parts, m, …)`."""
        return ops.repeat(ops.expand_dims(tensor, 1), self.beam_size, axis=1)

    def _kept(self, state: State) -> State:
        """`(parts * m, …)` -> `(parts, m, …)`; () where no state is kept."""
        if not self.keep_state:
            return ()
        shape = self.parts, self.beam_size
        return keras.tree.map_structure(lambda tensor: ops.reshape(tensor, (*shape, *ops.shape(tensor)[1:])), state)

    def _position(self, loop: LoopState) -> Tensor:
        """Tokens of the live hypotheses: a scalar, or `(parts, 1)` where they start with different numbers."""
        return loop.time if self.start is None else loop.time + ops.expand_dims(self.start.lengths, 1)

    def run_step(self, step: StepFunction, loop: LoopState) -> tuple[Tensor, State]:
        """Returns the log-probabilities of what may follow, `(parts, m, size)`, and the state `(parts * m, …)`."""
        live, m = loop.live, self.beam_size
        logits, state = step(ops.reshape(live.token, (-1,)), loop.state)
        log_probs = ops.log_softmax(forbid_control_symbols(logits, self.rules.symbols))  # (parts * m, size)
        ids = ops.reshape(live.ids, (-1, self.width))
        matches = ops.reshape(live.matches, (-1, self.width)) if self.rules.no_repeat else None
        position = self._position(loop)
        if self.start is not None:
            position = repeat_rows(position[:, 0], m)
        log_probs = forbid(log_probs, ids, position, self.rules, matches)
        return ops.reshape(log_probs, (self.parts, m, logits.shape[-1])), state

    def end(self, loop: LoopState, log_probs: Tensor, state: State) -> EndedBeams:
        """Returns the best of the ended hypotheses and of the live ones with an EOS."""
        live, ended, position = loop.live, loop.ended, self._position(loop)
        eos = log_probs[:, :, self.rules.symbols.eos]
        # A NaN would be lost in comparisons: a part that had one keeps it to the end.
        is_bad = ops.logical_or(ops.any(ops.isnan(eos), axis=1, keepdims=True), ops.isnan(ended.scores[:, :1]))
        totals = eos + live.totals  # (parts, m)
        if self.terms is not None:
            totals = ops.where(all_satisfied(TermProgress(*live.progress)), totals, FORBIDDEN)
        length = ops.cast(position + 1, "float32")
        scores = totals / length_normalizer(length, self.options.normalization, self.options.length_penalty)
        if self.penalize is not None:
            # At worst still above what is forbidden.
            penalty = ops.reshape(self.penalize(state), ops.shape(scores))
            scores = ops.maximum(scores + penalty, FORBIDDEN / 16)
        scores = ops.where(totals > FORBIDDEN / 2, scores, FORBIDDEN)
        lengths = ops.zeros_like(ended.lengths) + position
        ending = EndedBeams(live.ids, lengths, totals, scores, self._kept(state))
        both = keras.tree.map_structure(lambda *pair: ops.concatenate(pair, axis=1), ended, ending)
        _, best = ops.top_k(both.scores, self.beam_size)
        chosen: EndedBeams = keras.tree.map_structure(lambda tensor: gather(tensor, best), both)
        return chosen._replace(scores=ops.where(is_bad, float("nan"), chosen.scores))

    def extend(self, loop: LoopState, log_probs: Tensor) -> tuple[LiveBeams, Tensor]:
        """Returns the best of all live hypotheses with one more token, and the parent of each, `(parts, m)`."""
        live, position = loop.live, self._position(loop)
        log_probs = log_probs + ops.one_hot(self.rules.symbols.eos, log_probs.shape[-1], dtype="float32") * FORBIDDEN
        room = self.limits - position - 1  # (parts, 1)
        if self.options.groups == 1:
            extension = _extend(log_probs, log_probs, live.totals, live.progress, room, self.terms)
        else:
            extension = self._extend_diversely(log_probs, live, room)
        tokens, parents, totals = extension
        # At its limit a hypothesis can only end, which it has just done.
        totals = ops.where(position >= self.limits, FORBIDDEN, ops.maximum(totals, FORBIDDEN))
        before = gather(live.ids, parents)
        is_here = ops.equal(ops.arange(self.width, dtype="int32"), ops.expand_dims(position, -1))
        ids = ops.where(is_here, ops.expand_dims(tokens, 2), before)
        matches: Tensor | tuple[()] = ()
        if self.rules.no_repeat:
            matches = extend_matches(gather(live.matches, parents), before, position, tokens)
        progress: TermProgress | tuple[()] = ()
        if self.terms is not None:
            progress = advance(self.terms, TermProgress(*(gather(part, parents) for part in live.progress)), tokens)
        return LiveBeams(tokens, ids, totals, matches, progress), parents

    def _extend_diversely(self, log_probs: Tensor, live: LiveBeams, room: Tensor) -> Extension:
        """As `_extend`, group after group: each is kept from the tokens that those before it take in this step."""
        groups, size = self.options.groups, log_probs.shape[-1]

        def of_group(group: int, nest: Any) -> Any:
            return keras.tree.map_structure(
                lambda tensor: ops.reshape(tensor, (-1, groups, *ops.shape(tensor)[1:]))[:, group], nest
            )

        taken: Tensor = 0.0
        extensions: list[Extension] = []
        for group in range(groups):
            own, totals, progress, group_room = of_group(group, (log_probs, live.totals, live.progress, room))
            terms = None if self.terms is None else of_group(group, self.terms)
            worth = own - self.options.diversity * ops.expand_dims(taken, 1) if extensions else own
            extension = _extend(own, worth, totals, progress, group_room, terms)
            is_real = ops.expand_dims(ops.cast(extension.totals > FORBIDDEN / 2, "float32"), 2)
            taken = taken + ops.sum(ops.one_hot(extension.tokens, size, dtype="float32") * is_real, axis=1)
            extensions.append(extension)  # taken: (batch, size)
        parts = zip(*extensions, strict=True)
        return Extension(*(ops.reshape(ops.stack(part, axis=1), (-1, self.beam_size)) for part in parts))

    def reorder(self, state: State, parents: Tensor) -> State:
        """The rows of `(parts * m, …)` from which the new live hypotheses go on."""
        first_rows = ops.expand_dims(ops.arange(self.parts, dtype="int32") * self.beam_size, 1)
        rows = ops.reshape(first_rows + parents, (-1,))
        return keras.tree.map_structure(lambda tensor: gather(tensor, rows), state)

    def goes_on(self, loop: LoopState) -> Tensor:
        """Whether a live hypothesis of any part can still be among the `num_best` ended ones."""
        top = ops.max(loop.live.totals, axis=1)
        attainable = ops.where(top > FORBIDDEN / 2, top / self.best_normalizer, FORBIDDEN)
        is_open = attainable > loop.ended.scores[:, min(self.options.num_best, self.beam_size) - 1]
        return ops.logical_and(loop.time < self.width, ops.any(is_open))


def _best(ended: EndedBeams, options: SearchOptions) -> tuple[SearchResult, State]:
    """The `num_best` best of all groups of each source, and their states."""
    if options.groups > 1:
        ended = keras.tree.map_structure(
            lambda tensor: ops.reshape(tensor, (-1, options.beam_size, *ops.shape(tensor)[2:])), ended
        )
        _, best = ops.top_k(ended.scores, options.num_best)
        ended = keras.tree.map_structure(lambda tensor: gather(tensor, best), ended)
    ids, lengths, totals, scores, state = keras.tree.map_structure(lambda tensor: tensor[:, : options.num_best], ended)
    state = keras.tree.map_structure(lambda tensor: ops.reshape(tensor, (-1, *ops.shape(tensor)[2:])), state)
    return SearchResult(ids[:, :, :-1], lengths, totals, scores), state


def _extend(
    log_probs: Tensor,
    worth: Tensor,
    totals: Tensor,
    progress: TermProgress | tuple[()],
    room: Tensor,
    terms: Terms | None,
) -> Extension:
    """Returns the extensions that stay in the beam.

    Args:
        log_probs: `(parts, m, size)`: of what may follow each hypothesis.
        worth: As `log_probs`: what decides who stays.
        totals: `(parts, m)`: of the hypotheses.
        progress: Of the hypotheses.
        room: `(parts, 1)`, int32: how many more tokens each may write after this one.
        terms: What must be written.
    """
    parts, m, size = ops.shape(log_probs)
    # The m best tokens of each hypothesis are enough to hold the m best of all.
    values, tokens = ops.top_k(worth, min(m, size - 1))  # (parts, m, n)
    tokens = ops.cast(tokens, "int32")
    if terms is not None:
        values, tokens = _add_candidates(worth, values, tokens, candidates(terms, TermProgress(*progress)))
    n = ops.shape(tokens)[2]
    sums = ops.reshape(ops.expand_dims(totals, 2) + values, (parts, m * n))
    tokens = ops.reshape(tokens, (parts, m * n))
    if terms is None:
        sums, chosen = ops.top_k(sums, m)  # (parts, m)
    else:
        longer = advance(terms, TermProgress(*(ops.repeat(part, n, axis=1) for part in progress)), tokens)
        missing = count_missing(longer)
        sums = ops.where(missing > room, FORBIDDEN, sums)
        _, chosen = ops.top_k(allocate_beam(sums, missing, ops.shape(terms.tokens)[1]), m)
        sums = gather(sums, chosen)
    chosen = ops.cast(chosen, "int32")
    parents = chosen // n
    tokens = gather(tokens, chosen)
    if worth is not log_probs:
        own = gather(gather(log_probs, parents), ops.expand_dims(tokens, 2))[:, :, 0]
        own = own + gather(totals, parents)
        sums = ops.where(sums > FORBIDDEN / 2, own, FORBIDDEN)
    return Extension(tokens, parents, sums)


def _add_candidates(worth: Tensor, values: Tensor, tokens: Ids, more: Ids) -> tuple[Tensor, Ids]:
    """Adds the candidates `more (parts, m, terms)` to the n best tokens of each hypothesis, each token once.

    Returns:
        Values and tokens, `(parts, m, n + terms)`; FORBIDDEN for those that are already there, and for -1.
    """
    index = ops.arange(ops.shape(more)[2], dtype="int32")
    is_known = ops.any(ops.equal(ops.expand_dims(more, 3), ops.expand_dims(tokens, 2)), axis=3)
    is_before = ops.expand_dims(index, 0) < ops.expand_dims(index, 1)
    is_equal = ops.equal(ops.expand_dims(more, 3), ops.expand_dims(more, 2))
    is_twice = ops.any(ops.logical_and(is_equal, is_before), axis=3)  # two terms begin with it
    is_none = more < 0
    more = ops.maximum(more, 0)
    dropped = ops.logical_or(ops.logical_or(is_known, is_twice), is_none)
    more_values = ops.where(dropped, FORBIDDEN, gather(worth, more))
    return ops.concatenate([values, more_values], axis=2), ops.concatenate([tokens, more], axis=2)
