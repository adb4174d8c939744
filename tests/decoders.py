"""Decoders from flat options, under the names that recipes use."""

from __future__ import annotations

from typing import Any

from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.options import AttentionOptions

ATTENTION = {"attention": "kind", "attention_units": "units", "attention_position": "position"}
ATTENTION |= {name: name for name in ("heads", "query_input", "input_feeding", "coverage")}


def make_decoder(units: int, attention: str = "additive", **options: Any) -> RNNDecoder:
    """Returns a new decoder; `attention` "none" ignores the other options of attention."""
    given = {"attention": attention, **options}
    kinds = {ATTENTION[name]: given.pop(name) for name in list(given) if name in ATTENTION}
    return RNNDecoder(units, attention=None if attention == "none" else AttentionOptions(**kinds), **given)
