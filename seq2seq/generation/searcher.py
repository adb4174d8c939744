"""Source ids to hypotheses: the one way from a model and options to a search, in memory and in exports."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search.beam import beam_search
from seq2seq.search.consensus import choose_by_consensus
from seq2seq.search.greedy import greedy_search, sample_search
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import PAD
from seq2seq.types import SearchResult


def search(model: Seq2Seq, source: Any, options: SearchOptions, uniforms: Any = None) -> SearchResult:
    """Encodes `source` once and searches as `options` say.

    Args:
        model: A built `Seq2Seq`.
        source: `(batch, width)`, int32: ids that end in EOS, then PAD.
        options: How to search; `num_best` is the n of the result.
        uniforms: For sampling, the randomness; see `sample_search`.
    """
    memory = model.encode(source, training=False)

    def step(ids: Any, state: Any) -> tuple[Any, Any]:
        logits, state = model.decode(ops.expand_dims(ids, 1), memory, state, training=False)
        return ops.squeeze(logits, 1), state

    # The EOS of the source is no piece of it.
    lengths = ops.sum(ops.cast(ops.not_equal(source, PAD), "int32"), axis=1) - 1
    limits, longest = _output_limit(lengths, options), _output_limit(ops.shape(source)[1], options)
    if options.sampling:
        narrow = (options.temperature, options.top_k, options.top_p)
        return sample_search(step, memory.state, limits, longest, uniforms, *narrow)
    if options.beam_size == 1:
        return greedy_search(step, memory.state, limits, longest)
    kept = options.beam_size if options.consensus else options.num_best
    shape = (options.beam_size, kept, options.normalization, options.strength)
    found = beam_search(step, memory.state, limits, longest, *shape)
    return choose_by_consensus(found, options.consensus, options.num_best) if options.consensus else found


def _output_limit(length: Any, options: SearchOptions) -> Any:
    """`options.output_limit`, for tensors too."""
    if isinstance(length, int):
        return options.output_limit(length)
    return ops.cast(ops.floor(ops.cast(length, "float32") * options.max_ratio), "int32") + options.max_extra


class Searcher(keras.Model):
    """`search` on one model with one set of options, compiled by Keras for the backend at hand."""

    def __init__(self, model: Seq2Seq, options: SearchOptions):
        super().__init__(name="searcher")
        self.model = model
        self.options = options

    def call(self, inputs: Any) -> SearchResult:
        source, *uniforms = inputs if self.options.sampling else (inputs,)
        return search(self.model, source, self.options, *uniforms)
