"""Source ids to hypotheses: the one way from a model and options to a search, in memory and in exports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seq2seq.inference.constraints import ConstraintArrays
from seq2seq.layers.decoder_state import track_coverage
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search.beam import beam_search
from seq2seq.search.greedy import greedy_search, sample_search
from seq2seq.search.mbr import choose_by_mbr
from seq2seq.search.options import SearchOptions
from seq2seq.search.rules import Rules
from seq2seq.search.scoring import coverage_penalty
from seq2seq.search.terms import Terms
from seq2seq.symbols import PAD
from seq2seq.text.extraction import extract
from seq2seq.types import Marks, Padded, SearchResult

TERMS_BEAM = 10
"""A search with terms to include has at least this beam: some of it waits for each of them."""


def search(
    model: Seq2Seq,
    source: Any,
    options: SearchOptions,
    uniforms: Any = None,
    constraints: ConstraintArrays | None = None,
    terms: bool = False,
    whole_beam: bool = False,
    marks: Marks | None = None,
) -> SearchResult:
    """Encodes `source` once and searches as `options` say.

    Args:
        model: A built `Seq2Seq`, or an `Ensemble`.
        source: `(batch, width)`, int32: ids that end in EOS; for an ensemble a tuple, an entry a member, of which the
            first decides how long the output may be.
        options: How to search; `num_best` is the n of the result.
        uniforms: For sampling, the randomness, `(batch, num_best, …)`; see `sample_search`.
        constraints: What is asked of each source's output; limits grow by what they need.
        terms: Whether any output must include something.
        whole_beam: Return all hypotheses of the beam instead of `num_best`.
        marks: Of the source's vocabulary; wanted to extract.

    Raises:
        ValueError: a coverage penalty for a model without attention, an extract by one without a selector
            or without marks.
    """
    encoded = model.encode(source, training=False)
    if options.extract:
        if marks is None:
            raise ValueError("To extract, a search wants the marks of the source's vocabulary.")
        return extract(model.keep_probabilities(encoded), first_of(source), marks)
    start, penalize = encoded.state, None
    if options.coverage_penalty and options.beam_size > 1:
        if not model.has_attention:
            raise ValueError("A coverage penalty wants attention, and this model has none.")
        start = track_coverage(encoded.state, encoded.source_memory)

        def penalize(state: Any) -> Any:
            return coverage_penalty(state.coverage[0], encoded.source_memory.mask, options.coverage_penalty)

    def step(ids: Any, state: Any) -> tuple[Any, Any]:
        logits, state = model.decode(ops.expand_dims(ids, 1), encoded, state, training=False)
        return ops.squeeze(logits, 1), state

    mask = first_of(source).mask
    lengths = ops.sum(ops.cast(mask, "int32"), axis=1) - 1  # the EOS of the source does not count
    limits = options.output_limit(lengths, ops.minimum, ops.maximum)
    width = ops.shape(mask)[1]
    longest = options.output_limit(width, *(() if isinstance(width, int) else (ops.minimum, ops.maximum)))
    rules, due = Rules(options.min_length, options.no_repeat_ngram), None
    if constraints is not None:
        rules = rules._replace(prefix=constraints.prefix, exclude=constraints.exclude)
        needed = constraints.prefix, *((constraints.terms,) if terms else ())
        limits = limits + sum(ops.sum(ops.cast(ops.not_equal(ids, PAD), "int32"), axis=1) for ids in needed)
        longest = longest + sum(ops.shape(ids)[1] for ids in needed)
        due = Terms(constraints.terms, constraints.term_numbers) if terms else None
    if options.sampling:
        return _sample(step, start, limits, longest, uniforms, rules, options)
    if options.beam_size == 1 and due is None:
        return greedy_search(step, start, limits, longest, rules)
    size = options.beam_size
    if due is not None:
        size = max(size, -(-TERMS_BEAM // options.groups) * options.groups)
    kept = size if options.mbr or whole_beam else options.num_best
    shape = (size, kept, options.normalization, options.length_penalty)
    found = beam_search(step, start, limits, longest, *shape, rules, penalize, options.groups, options.diversity, due)
    if not options.mbr:
        return found
    return choose_by_mbr(found, options.mbr, size if whole_beam else options.num_best)


def _sample(
    step: Any, state: Any, limits: Any, longest: Any, uniforms: Any, rules: Rules, options: SearchOptions
) -> SearchResult:
    """Draws `num_best` texts of each source, each by numbers of its own, and puts the likeliest first."""
    batch, count = ops.shape(limits)[0], options.num_best
    narrow = (options.temperature, options.top_k, options.top_p)
    state = keras.tree.map_structure(lambda tensor: ops.repeat(tensor, count, axis=0), state)
    uniforms = ops.reshape(uniforms, (batch * count, ops.shape(uniforms)[2]))
    found = sample_search(step, state, ops.repeat(limits, count), longest, uniforms, *narrow, rules)
    found = SearchResult(*(ops.reshape(part, (batch, count, *ops.shape(part)[2:])) for part in found))
    if count == 1:
        return found
    order = ops.argsort(-found.scores, axis=1)
    ids = ops.take_along_axis(found.ids, ops.expand_dims(order, 2), axis=1)
    return SearchResult(ids, *(ops.take_along_axis(part, order, axis=1) for part in found[1:]))


def first_of(source: Padded | Sequence[Padded]) -> Padded:
    """The source of a model; of an ensemble that of its first member."""
    return source if isinstance(source, Padded) else source[0]


class Searcher(keras.Model):
    """`search` on one model with one set of options, compiled by Keras for the backend at hand.

    Args:
        model: A built `Seq2Seq`.
        options: How to search.
        whole_beam, terms, marks: As in `search`.

    Call arguments:
        inputs: By name `source`; for sampling `uniforms`; with constraints those of `ConstraintArrays`.
    """

    def __init__(
        self,
        model: Seq2Seq,
        options: SearchOptions,
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
        asked = None
        if "prefix" in inputs:
            asked = ConstraintArrays(*(inputs[name] for name in ConstraintArrays._fields))
        uniforms = inputs.get("uniforms")
        how = uniforms, asked, self.terms, self.whole_beam, self.marks
        return search(self.model, inputs["source"], self.options, *how)
