"""From the rates of a recipe to the options of its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seq2seq.layers.options import DropoutOptions

if TYPE_CHECKING:
    from seq2seq.tasks.text_to_text.recipe import Decoder, Encoder


def dropout_of(section: Encoder | Decoder) -> DropoutOptions:
    """Returns what the layers of an encoder or decoder drop."""
    return DropoutOptions(
        section.dropout,
        section.variational_dropout,
        section.input_dropout,
        section.output_dropout,
        section.word_dropout,
        section.weight_dropout,
    )
