"""Options of layers as plain values. Imports no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seq2seq.layers.names import ATTENTION_NAMES, ATTENTION_POSITIONS, AttentionName, AttentionPosition


@dataclass(frozen=True)
class AttentionOptions:
    """How a decoder attends to a memory. A decoder without attention has None in its place.

    Raises:
        ValueError: an unknown name, or options that exclude each other.
    """

    kind: AttentionName = "additive"
    """Any name but "none"."""
    units: int | None = None
    """Width of the keys; None: the decoder's units."""
    heads: int = 4
    """Heads of multi-head attention; ignored by the other kinds."""
    position: AttentionPosition = "before"
    """Where attention is among the recurrent layers; see `RNNDecoder`."""
    query_input: bool = False
    """With position "before": add a projection of the step's input to the query, so that the query depends on the last
    token. In Bahdanau et al. 2015 it does not."""
    input_feeding: bool = False
    """Add the readout to the next step's input (Luong et al. 2015, 3.3)."""
    coverage: bool = False
    """Score each position with the attention that it had at earlier steps; see `layers.attention`. The attention then
    recurs, so it runs in the time loop."""

    def __post_init__(self) -> None:
        kinds = ATTENTION_NAMES[1:]
        if self.kind not in kinds:
            raise ValueError(f"Unknown attention. Expected one of {', '.join(kinds)}. Received: {self.kind!r}")
        if self.position not in ATTENTION_POSITIONS:
            raise ValueError(
                f"Unknown attention position. Expected one of {', '.join(ATTENTION_POSITIONS)}. "
                f"Received: {self.position!r}"
            )
        if self.position == "between" and self.input_feeding:
            raise ValueError('Attention position "between" cannot be combined with input feeding.')
        if self.query_input and self.position != "before":
            raise ValueError(f'query_input requires attention position "before". Received: {self.position!r}')


@dataclass(frozen=True)
class DropoutOptions:
    """What stacked recurrent layers drop in training.

    Raises:
        ValueError: a rate that is not in [0, 1).
    """

    rate: float = 0.0
    """On the input of every layer, and on what comes out of the last one."""
    variational: bool = False
    """One mask for all steps of a sequence instead of one for each step (Gal & Ghahramani 2016)."""
    inputs: float | None = None
    """On the input of the first layer; None: `rate`."""
    outputs: float | None = None
    """On what comes out of the last layer; None: `rate`."""
    steps: float = 0.0
    """Share of the steps whose whole input becomes 0: word dropout, where a step is a word (Sennrich & Zhang 2019)."""
    weights: float = 0.0
    """On the recurrent weights of every layer, the same for all steps (DropConnect; Merity et al. 2018)."""

    def __post_init__(self) -> None:
        for name in ("rate", "inputs", "outputs", "steps", "weights"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise ValueError(f"Expected dropout rates in [0, 1). Received: {name}={value}")

    @classmethod
    def of(cls, value: DropoutOptions | float | Mapping[str, Any]) -> DropoutOptions:
        """Returns options as they are, those of a rate alone, or those that a saved layer has."""
        if isinstance(value, DropoutOptions):
            return value
        return cls(**value) if isinstance(value, Mapping) else cls(value)

    def rates(self, num_layers: int) -> list[float]:
        """Returns the rates on the input of each layer and, last, on what comes out."""
        inputs, outputs = (self.rate if one is None else one for one in (self.inputs, self.outputs))
        return [inputs, *[self.rate] * (num_layers - 1), outputs]
