"""The recurrent encoder: vectors in, one memory vector a position out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

import keras
from keras import ops

from seq2seq.layers.cells import CellState, make_cell, state_sizes, zero_state
from seq2seq.layers.dropout import drop_weights, make_dropouts, make_step_dropout, make_weight_dropouts
from seq2seq.layers.names import CellName
from seq2seq.layers.options import DropoutOptions
from seq2seq.layers.recurrence import Implementation, choose_implementation, run_layer
from seq2seq.types import Mask, Shape, Tensor


class EncoderOutput(NamedTuple):
    """What one call of the encoder returns."""

    values: Tensor
    """`(batch, source, memory_dim)`, float; no meaning at padding."""
    mask: Mask
    """`(batch, source)`, bool: which positions of `values` are real."""
    state: list[CellState]
    """For each layer the state after its last real step, `(batch, size * directions)` each."""


@keras.saving.register_keras_serializable("seq2seq")
class RNNEncoder(keras.layers.Layer):
    """Stacked recurrent layers over vectors of any kind: embedded text, audio frames, measurements.

    An encoder of one direction can go on over a stream: the outputs of the parts of a sequence, each encoded from the
    state after the part before, are the outputs of the whole sequence.

    Args:
        units: Width of one direction, at least 1.
        cell: A `CellName`.
        num_layers: Layers on top of each other, at least 1.
        bidirectional: Run each layer in both directions and concatenate the outputs; the memory is then 2 x units wide.
        residual: Add a layer's input to its output wherever they are equally wide (Wu et al. 2016).
        dropout: `DropoutOptions`, or a rate on every layer's input and on the memory; in training only.

    Call arguments:
        inputs: `(batch, source, features)`, float.
        mask: `(batch, source)`, bool, True at the left; in training at least once in every row.
        state: The `state` of an `EncoderOutput`, to go on from; None: zeros. One direction only.

    Returns:
        `EncoderOutput`.

    Raises:
        ValueError: an unknown cell, a number out of its range, or a state given to a bidirectional encoder.
    """

    def __init__(
        self,
        units: int,
        cell: CellName = "gru",
        num_layers: int = 1,
        bidirectional: bool = True,
        residual: bool = False,
        dropout: DropoutOptions | float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.supports_masking = True  # otherwise Keras warns of a mask given by name
        if num_layers < 1:
            raise ValueError(f"An encoder needs at least one layer. Received: num_layers={num_layers}")
        self.units = units
        self.cell = cell
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.dropout = DropoutOptions.of(dropout)
        directions = ("forward", "backward") if bidirectional else ("forward",)
        self.layers = [
            [make_cell(cell, units, f"{direction}_{number}") for direction in directions]
            for number in range(num_layers)
        ]
        self.step_dropout = make_step_dropout(self.dropout)
        self.dropouts = make_dropouts(self.dropout, num_layers)
        self.weight_dropouts = make_weight_dropouts(self.dropout, [cell for cells in self.layers for cell in cells])

    @property
    def memory_dim(self) -> int:
        """Width of the values."""
        return self.units * len(self.layers[0])

    @property
    def state_sizes(self) -> list[list[int]]:
        """For each layer the widths of its state's tensors, the directions concatenated."""
        return [[size * len(cells) for size in state_sizes(cells[0])] for cells in self.layers]

    def build(self, inputs_shape: Shape, mask_shape: Shape | None = None, state_shape: Any = None) -> None:
        width = inputs_shape[-1]
        for cells in self.layers:
            for cell in cells:
                cell.build((None, width))
            width = self.memory_dim
        self.built = True

    def call(
        self, inputs: Tensor, mask: Mask, state: list[CellState] | None = None, training: bool | None = None
    ) -> EncoderOutput:
        if state is not None and self.bidirectional:
            raise ValueError("A bidirectional encoder needs the whole sequence: it cannot go on from a state.")
        values, finals = self.step_dropout(inputs, training=training), []
        for number, dropout in enumerate(self.dropouts[:-1]):
            start = None if state is None else state[number]
            dropped = dropout(values, training=training)
            outputs, final = self._run(number, dropped, mask, start, training)
            values = outputs + values if self.residual and values.shape[-1] == outputs.shape[-1] else outputs
            finals.append(final)
        return EncoderOutput(self.dropouts[-1](values, training=training), mask, finals)

    def _run(
        self, number: int, inputs: Tensor, mask: Mask, state: CellState | None, training: bool | None
    ) -> tuple[Tensor, CellState]:
        """Runs one layer, in one or both directions."""
        cells = self.layers[number]
        dropouts = self.weight_dropouts[number * len(cells) :]
        outputs, finals = [], []
        for cell, reverse, dropout in zip(cells, (False, True), dropouts, strict=False):
            start = zero_state(cell, ops.shape(inputs)[0]) if state is None else state
            kernel = drop_weights(dropout, cell, training)
            output, final = run_layer(cell, inputs, start, mask, reverse, training, kernel)
            outputs.append(output)
            finals.append(final)
        if len(cells) == 1:
            return outputs[0], finals[0]
        return ops.concatenate(outputs, -1), [ops.concatenate(pair, -1) for pair in zip(*finals, strict=True)]

    def compute_mask(self, inputs: Tensor, previous_mask: Mask | None) -> None:
        """Attaches no mask to the outputs: masks are passed as values."""

    def implementations(self) -> list[Implementation]:
        """How each layer runs over time in training, from the bottom up."""
        return [choose_implementation(cells[0], inputs_known=True) for cells in self.layers]

    def get_config(self) -> dict[str, Any]:
        names = ("units", "cell", "num_layers", "bidirectional", "residual")
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own, "dropout": asdict(self.dropout)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> RNNEncoder:
        return cls(**{**config, "dropout": DropoutOptions.of(config["dropout"])})
