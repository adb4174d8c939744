"""Searches: greedy, sampling and beam, as functions of a step `(ids, state) -> (logits, state)`; and over the frames of
connectionist temporal classification.

A step can be a function of any model; `Seq2Seq.step` returns that of an encoded source. This one depends on the last id
only, and ends after 4, 5, 6. PAD is 0, UNK 1, BOS 2 and EOS 3, as in `seq2seq.symbols`:

>>> from keras import ops
>>> from seq2seq.search import SearchOptions, beam_search, greedy_search
>>> following = ops.one_hot([4, 4, 4, 4, 5, 6, 3], 7)
>>> def step(ids, state):
...     return 5.0 * ops.take(following, ids, axis=0), state
>>> limits = ops.full((1,), 8, "int32")  # at most 8 tokens
>>> result, _ = greedy_search(step, (), limits, 8)
>>> ops.convert_to_numpy(result.ids[0, 0]).tolist()
[4, 5, 6, 0, 0, 0, 0, 0]

A beam search returns several hypotheses, the best first:

>>> result, _ = beam_search(step, (), limits, 8, SearchOptions(beam_size=4, num_best=2))
>>> tuple(result.ids.shape)
(1, 2, 8)

A prefix beam reads frames of log-probabilities, blank first, in NumPy. Its state is a value, so that a stream may come
in parts:

>>> import numpy as np
>>> from seq2seq.search import PrefixBeam
>>> log_probs = np.log([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
>>> beam = PrefixBeam(size=3)
>>> state = beam.advance(beam.start(), log_probs[:2])
>>> beam.results(state, last=False)[0].ids
(1,)
>>> beam.results(beam.advance(state, log_probs[2:]))[0].ids
(1, 2)
"""

from typing import TYPE_CHECKING

from seq2seq.lazy import lazy_names

if TYPE_CHECKING:
    from seq2seq.search.beam import beam_search as beam_search
    from seq2seq.search.ctc import Labelling as Labelling
    from seq2seq.search.ctc import best_path as best_path
    from seq2seq.search.greedy import greedy_search as greedy_search
    from seq2seq.search.greedy import sample_search as sample_search
    from seq2seq.search.hotwords import Hotwords as Hotwords
    from seq2seq.search.mbr import choose_by_mbr as choose_by_mbr
    from seq2seq.search.options import SearchOptions as SearchOptions
    from seq2seq.search.prefix_beam import PrefixBeam as PrefixBeam
    from seq2seq.search.prefix_beam import PrefixBeamOptions as PrefixBeamOptions
    from seq2seq.search.prefix_beam import prefix_beam_search as prefix_beam_search
    from seq2seq.search.start import Start as Start
    from seq2seq.search.start import prefill as prefill
    from seq2seq.search.step import StepFunction as StepFunction
    from seq2seq.search.step import Symbols as Symbols
    from seq2seq.search.terms import Terms as Terms

__all__ = [
    "Hotwords",
    "Labelling",
    "PrefixBeam",
    "PrefixBeamOptions",
    "SearchOptions",
    "Start",
    "StepFunction",
    "Symbols",
    "Terms",
    "beam_search",
    "best_path",
    "choose_by_mbr",
    "greedy_search",
    "prefill",
    "prefix_beam_search",
    "sample_search",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "beam": ["beam_search"],
        "ctc": ["Labelling", "best_path"],
        "greedy": ["greedy_search", "sample_search"],
        "hotwords": ["Hotwords"],
        "mbr": ["choose_by_mbr"],
        "options": ["SearchOptions"],
        "prefix_beam": ["PrefixBeam", "PrefixBeamOptions", "prefix_beam_search"],
        "start": ["Start", "prefill"],
        "step": ["StepFunction", "Symbols"],
        "terms": ["Terms"],
    },
)
