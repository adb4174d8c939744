"""Source ids to hypotheses: the one path from a model and options to a search, in memory and in exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from seq2seq.indexing import gather, repeat_rows
from seq2seq.inference.constraints import ConstraintArrays
from seq2seq.layers.decoder_state import track_coverage
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search.beam import beam_search
from seq2seq.search.greedy import greedy_search, sample_search
from seq2seq.search.mbr import choose_by_mbr
from seq2seq.search.options import SearchOptions
from seq2seq.search.scoring import coverage_penalty
from seq2seq.search.start import Start, prefill
from seq2seq.search.step import StepFunction
from seq2seq.search.terms import Terms
from seq2seq.symbols import PAD
from seq2seq.text.extraction import extract
from seq2seq.types import Encoded, Ids, Marks, Mask, Padded, SearchResult, State, Tensor

MIN_BEAM_FOR_TERMS = 10
"""A search with terms to include has at least this beam: each term keeps a part of it waiting."""


def search(
    model: Seq2Seq,
    source: Any,
    options: SearchOptions,
    *,
    uniforms: Tensor | None = None,
    constraints: ConstraintArrays | None = None,
    terms: bool = False,
    whole_beam: bool = False,
    marks: Marks | None = None,
) -> SearchResult:
    """Encodes `source` once and searches as `options` say.

    Args:
        model: A built `Seq2Seq`, or an `Ensemble`.
        source: `Padded`, `(batch, width)`, int32: ids that end in EOS; for an ensemble one for each member, of which
            the first decides how long the output may be.
        options: How to search; `num_best` is the n of the result.
        uniforms: For sampling, the randomness, `(batch, num_best, …)`; see `sample_search`.
        constraints: On the output of each source; limits grow by the tokens that they require. A prefix is read in one
            call of the decoder.
        terms: Whether any output must include a term.
        whole_beam: Return all hypotheses of the beam instead of `num_best`.
        marks: Of the source's vocabulary; required to extract.

    Raises:
        ValueError: a coverage penalty for a model without attention, an extract by one without a selector
            or without marks.
    """
    encoded = model.encode(source, training=False)
    first = first_of(source)
    if options.extract:
        if marks is None:
            raise ValueError("To extract, a search requires the marks of the source's vocabulary.")
        return extract(model.keep_probabilities(encoded), first, marks)
    state, penalize = _track_coverage(model, encoded, options)

    def step(ids: Ids, state: State) -> tuple[Tensor, State]:
        logits, state = model.decode(ops.expand_dims(ids, 1), encoded, state, training=False)
        return ops.squeeze(logits, 1), state

    def decode(ids: Ids, mask: Mask, state: State) -> tuple[Tensor, State]:
        return model.decode(ids, encoded, state, training=False, mask=mask)

    start = exclude = include = None
    if constraints is not None:
        start, state = prefill(decode, state, constraints.prefix, _count(constraints.prefix))
        exclude = constraints.exclude
        include = Terms(constraints.terms, constraints.term_numbers) if terms else None
    limits, longest = _output_limits(first.mask, options, constraints, terms)
    if options.sampling:
        return _sample(step, state, limits, longest, uniforms, options, exclude=exclude, start=start)
    if options.beam_size == 1 and include is None:
        return greedy_search(step, state, limits, longest, options, exclude=exclude, start=start)[0]
    size = options.beam_size
    if include is not None:
        size = max(size, -(-MIN_BEAM_FOR_TERMS // options.groups) * options.groups)
    count = size if whole_beam else options.num_best
    beam_options = options.changed(beam_size=size, num_best=size if options.mbr else count)
    beam, _ = beam_search(
        step,
        state,
        limits,
        longest,
        beam_options,
        exclude=exclude,
        terms=include,
        penalize=penalize,
        start=start,
    )
    return choose_by_mbr(beam, options.mbr, count) if options.mbr else beam


def _track_coverage(
    model: Seq2Seq, encoded: Encoded, options: SearchOptions
) -> tuple[State, Callable[[State], Tensor] | None]:
    """Returns the decoder's first state and the penalty of states; None where the options set none."""
    if not options.coverage_penalty or options.beam_size == 1:
        return encoded.state, None
    if not model.has_attention:
        raise ValueError("A coverage penalty requires attention, and this model has none.")
    memory = encoded.source_memory

    def penalize(state: State) -> Tensor:
        return coverage_penalty(state.coverage[0], memory.mask, options.coverage_penalty)

    return track_coverage(encoded.state, memory), penalize


def _count(ids: Ids) -> Tensor:
    """The number of tokens in each row of `(batch, n)`, then PAD."""
    return ops.sum(ops.cast(ops.not_equal(ids, PAD), "int32"), axis=1)


def _output_limits(
    mask: Mask, options: SearchOptions, constraints: ConstraintArrays | None, terms: bool
) -> tuple[Tensor, int | Tensor]:
    """Returns the largest number of output tokens of each source, `(batch,)`, and of any."""
    lengths = ops.sum(ops.cast(mask, "int32"), axis=1) - 1  # the EOS of the source does not count
    required, widest = 0, 0
    if constraints is not None:
        for ids in (constraints.prefix, constraints.terms) if terms else (constraints.prefix,):
            required, widest = required + _count(ids), widest + ops.shape(ids)[1]
    width = ops.shape(mask)[1]
    minimum, maximum = (min, max) if isinstance(width, int) else (ops.minimum, ops.maximum)
    limits = options.output_limit(lengths, ops.minimum, ops.maximum, required)
    return limits, options.output_limit(width, minimum, maximum, widest)


def _sample(
    step: StepFunction,
    state: State,
    limits: Tensor,
    longest: int | Tensor,
    uniforms: Tensor,
    options: SearchOptions,
    *,
    exclude: Ids | None,
    start: Start | None,
) -> SearchResult:
    """Draws `num_best` outputs of each source, each with its own random numbers, and puts the likeliest first."""
    batch, count = ops.shape(limits)[0], options.num_best
    state, start, limits = (repeat_rows(each, count) for each in (state, start, limits))
    uniforms = ops.reshape(uniforms, (batch * count, ops.shape(uniforms)[2]))
    drawn, _ = sample_search(step, state, limits, longest, uniforms, options, exclude=exclude, start=start)
    drawn = SearchResult(*(ops.reshape(part, (batch, count, *ops.shape(part)[2:])) for part in drawn))
    if count == 1:
        return drawn
    order = ops.argsort(-drawn.scores, axis=1)
    return SearchResult(*(gather(part, order) for part in drawn))


def first_of(source: Padded | Sequence[Padded]) -> Padded:
    """The source of a model; of an ensemble that of its first member."""
    return source if isinstance(source, Padded) else source[0]


class Searcher(keras.Model):
    """`search` on one model with one set of options, compiled by Keras for the current backend.

    Args:
        model: A built `Seq2Seq`.
        options: How to search.
        whole_beam: As in `search`.
        terms: As in `search`.
        marks: As in `search`.

    Call arguments:
        inputs: By name `source`; for sampling `uniforms`; with constraints those of `ConstraintArrays`.
    """

    def __init__(
        self,
        model: Seq2Seq,
        options: SearchOptions,
        *,
        whole_beam: bool = False,
        terms: bool = False,
        marks: Marks | None = None,
    ):
        super().__init__(name="searcher", dtype=model.dtype_policy)
        self.model = model
        self.options = options
        self.whole_beam = whole_beam
        self.terms = terms
        self.marks = marks

    def call(self, inputs: dict[str, Any]) -> SearchResult:
        constraints = None
        if "prefix" in inputs:
            constraints = ConstraintArrays(*(inputs[name] for name in ConstraintArrays._fields))
        return search(
            self.model,
            inputs["source"],
            self.options,
            uniforms=inputs.get("uniforms"),
            constraints=constraints,
            terms=self.terms,
            whole_beam=self.whole_beam,
            marks=self.marks,
        )
