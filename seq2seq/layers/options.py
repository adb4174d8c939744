"""Options of layers as plain values. Imports no framework."""

from __future__ import annotations

from dataclasses import dataclass

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
