"""The recurrent encoder: vectors in, one memory vector a position out."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.layers.cells import make_cell, state_sizes, zero_state
from seq2seq.layers.dropout import sequence_dropout
from seq2seq.layers.names import CellName
from seq2seq.layers.recurrence import Implementation, choose_implementation, run_layer


@keras.saving.register_keras_serializable("seq2seq")
class RNNEncoder(keras.layers.Layer):
    """Stacked recurrent layers over vectors of any kind: embedded text, audio frames, measurements.

    Args:
        units: Width of one direction, at least 1.
        cell: A `CellName`.
        num_layers: Layers on top of each other, at least 1.
        bidirectional: Read each layer's input in both directions and concatenate; the memory is then 2 x units wide.
        residual: Add a layer's input to its output wherever they are equally wide (Wu et al. 2016).
        dropout: Rate on every layer's input and on the memory, in training only.
        variational_dropout: One mask a sequence instead of one a step.

    Call arguments:
        inputs: `(batch, source, features)`, float.
        mask: `(batch, source)`, bool, True at the left.

    Returns:
        values `(batch, source, memory_dim)` and for each layer its last state, a list of `(batch, memory_dim)`.

    Raises:
        ValueError: an unknown cell, or a number out of its range.
    """

    def __init__(
        self,
        units: int,
        cell: CellName = "gru",
        num_layers: int = 1,
        bidirectional: bool = True,
        residual: bool = False,
        dropout: float = 0.0,
        variational_dropout: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if num_layers < 1:
            raise ValueError(f"An encoder needs at least one layer. Received: num_layers={num_layers}")
        self.units = units
        self.cell = cell
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.residual = residual
        self.dropout = dropout
        self.variational_dropout = variational_dropout
        directions = ("forward", "backward") if bidirectional else ("forward",)
        self.layers = [[make_cell(cell, units) for _ in directions] for _ in range(num_layers)]
        self.dropouts = [sequence_dropout(dropout, variational_dropout, f"dropout_{i}") for i in range(num_layers + 1)]

    @property
    def memory_dim(self) -> int:
        return self.units * len(self.layers[0])

    @property
    def state_sizes(self) -> list[list[int]]:
        """For each layer the widths of its state's tensors, the directions concatenated."""
        return [[size * len(cells) for size in state_sizes(cells[0])] for cells in self.layers]

    def build(self, inputs_shape: Any, mask_shape: Any = None) -> None:
        width = inputs_shape[-1]
        for cells in self.layers:
            for cell in cells:
                cell.build((None, width))
            width = self.memory_dim

    def call(self, inputs: Any, mask: Any, training: bool | None = None) -> tuple[Any, list[list[Any]]]:
        sequence, states = inputs, []
        for dropout, cells in zip(self.dropouts, self.layers, strict=False):
            below = sequence
            dropped = dropout(sequence, training=training)
            outputs, finals = [], []
            for cell, reverse in zip(cells, (False, True), strict=False):
                zeros = zero_state(cell, ops.shape(dropped)[0])
                output, final = run_layer(cell, dropped, zeros, mask, reverse, training)
                outputs.append(output)
                finals.append(final)
            sequence = ops.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0]
            if self.residual and below.shape[-1] == sequence.shape[-1]:
                sequence = sequence + below
            states.append(
                [ops.concatenate(pair, -1) if len(pair) > 1 else pair[0] for pair in zip(*finals, strict=True)]
            )
        return self.dropouts[-1](sequence, training=training), states

    def implementations(self) -> list[Implementation]:
        """How each layer goes through time in training, from the bottom up."""
        return [choose_implementation(cells[0], inputs_known=True) for cells in self.layers]

    def get_config(self) -> dict[str, Any]:
        names = ("units", "cell", "num_layers", "bidirectional", "residual", "dropout", "variational_dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
