"""What a search sees of a model: one function."""

from __future__ import annotations

from collections.abc import Callable

from seq2seq.types import Ids, State, Tensor

StepFunction = Callable[[Ids, State], tuple[Tensor, State]]
"""`step(ids (rows,), state) -> (logits (rows, size), state)`. State is a nest of `(rows, …)` tensors."""
