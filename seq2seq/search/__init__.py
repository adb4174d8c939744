"""Searches: greedy, sampling and beam, as functions of a step `(ids, state) -> (logits, state)`.

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
"""

from typing import TYPE_CHECKING

from seq2seq.lazy import lazy_names

if TYPE_CHECKING:
    from seq2seq.search.beam import beam_search as beam_search
    from seq2seq.search.greedy import greedy_search as greedy_search
    from seq2seq.search.greedy import sample_search as sample_search
    from seq2seq.search.mbr import choose_by_mbr as choose_by_mbr
    from seq2seq.search.options import SearchOptions as SearchOptions
    from seq2seq.search.start import Start as Start
    from seq2seq.search.start import prefill as prefill
    from seq2seq.search.step import StepFunction as StepFunction
    from seq2seq.search.step import Symbols as Symbols
    from seq2seq.search.terms import Terms as Terms

__all__ = [
    "SearchOptions",
    "Start",
    "StepFunction",
    "Symbols",
    "Terms",
    "beam_search",
    "choose_by_mbr",
    "greedy_search",
    "prefill",
    "sample_search",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "beam": ["beam_search"],
        "greedy": ["greedy_search", "sample_search"],
        "mbr": ["choose_by_mbr"],
        "options": ["SearchOptions"],
        "start": ["Start", "prefill"],
        "step": ["StepFunction", "Symbols"],
        "terms": ["Terms"],
    },
)
