"""What a search sees of a model: functions, a state and the ids of three symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.types import Ids, Mask, State, Tensor

StepFunction = Callable[[Ids, State], tuple[Tensor, State]]
"""`step(ids (rows,), state) -> (logits (rows, size), state)`. State is a nest of `(rows, …)` tensors."""

DecodeFunction = Callable[[Ids, Mask, State], tuple[Tensor, State]]
"""`decode(ids (rows, time), mask (rows, time), state) -> (logits (rows, time, size), state)`. The mask is True at the
left of each row; the state of a row is the one after its last real id, its old state if it has none."""


class Symbols(NamedTuple):
    """The ids of a vocabulary that have a meaning for a search. PAD and BOS are never written."""

    pad: int = PAD
    """Fills outputs, and fills prompts and phrases up to their widths."""
    bos: int = BOS
    """The first input of the model; it may be equal to EOS."""
    eos: int = EOS
    """Ends an output."""


FORBIDDEN = -1e9
"""The log-probability of what must not be chosen."""
