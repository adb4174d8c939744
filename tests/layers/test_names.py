"""Every name that a recipe may give has its class."""

from __future__ import annotations

from seq2seq.layers.attention import ATTENTIONS
from seq2seq.layers.cells import CELLS
from seq2seq.layers.names import ATTENTION_NAMES, CELL_NAMES


def test_every_name_of_a_cell_and_of_attention_has_its_class():
    assert tuple(CELLS) == CELL_NAMES
    assert ("none", *ATTENTIONS) == ATTENTION_NAMES
