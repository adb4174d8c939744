"""Searches over a step of any model: greedy, sampling and beam search, on every Keras backend.

    result, state = beam_search(step, state, limits, max_length, SearchOptions(beam_size=5))

`step(ids, state) -> (logits, state)` is all that a search knows of a model; no text is involved. Names are imported
when they are first used, so that `seq2seq.search.options` alone needs no framework.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "beam_search": "beam",
    "greedy_search": "greedy",
    "sample_search": "greedy",
    "choose_by_mbr": "mbr",
    "SearchOptions": "options",
    "Start": "start",
    "prefill": "start",
    "Symbols": "step",
    "Terms": "terms",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
