"""The names by which recipes and layers choose cells, attention and bridges. Imports no framework."""

from __future__ import annotations

from typing import Literal, get_args

CellName = Literal["simple", "gru", "lstm", "layer_norm_lstm", "ssru", "min_gru"]
"""A recurrent cell; `layers.cells.CELLS` has their classes."""

AttentionName = Literal["none", "additive", "general", "dot", "multi_head"]
"""A kind of attention; `layers.attention.ATTENTIONS` has the classes of all but "none"."""

AttentionPosition = Literal["before", "between", "after", "conditional"]
"""Where a decoder attends among its recurrent layers: before the bottom one, after it, after all, or within the bottom
one, between two transitions of its state."""

BridgeName = Literal["dense", "copy", "zero"]
"""How the encoder's last state becomes the decoder's first; see `layers.bridge.Bridge`."""

CELL_NAMES: tuple[CellName, ...] = get_args(CellName)
ATTENTION_NAMES: tuple[AttentionName, ...] = get_args(AttentionName)
ATTENTION_POSITIONS: tuple[AttentionPosition, ...] = get_args(AttentionPosition)
BRIDGE_NAMES: tuple[BridgeName, ...] = get_args(BridgeName)
