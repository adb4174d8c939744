"""From the encoder's last state to the decoder's first."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.layers.cells import CellState
from seq2seq.layers.names import BRIDGE_NAMES, BridgeName


@keras.saving.register_keras_serializable("seq2seq")
class Bridge(keras.layers.Layer):
    """Gives each tensor of the decoder's state its first value.

    Decoder layer i reads encoder layer i, or the encoder's top layer where the encoder has fewer; each decoder tensor
    (h, c) reads the encoder tensor at the same index, or its first where the encoder's cell has fewer.

    Args:
        kind: "dense": tanh(W s + b) (Bahdanau et al. 2015, A.2.2); "copy": s itself, the widths must be equal
            (Sutskever et al. 2014); "zero": zeros, so that the decoder reads the source by attention alone.
        sizes: For each decoder layer the widths of its state's tensors.

    Call arguments:
        state: For each encoder layer a list of `(batch, size)`.

    Returns:
        For each decoder layer a list of `(batch, size)`.

    Raises:
        ValueError: `kind` is unknown, or "copy" is given different widths.
    """

    def __init__(self, kind: BridgeName, sizes: list[list[int]], **kwargs: Any):
        super().__init__(**kwargs)
        if kind not in BRIDGE_NAMES:
            raise ValueError(f"Unknown bridge. Expected one of {', '.join(BRIDGE_NAMES)}. Received: {kind!r}")
        self.kind = kind
        self.sizes = sizes
        self.projections: list[list[keras.layers.Dense]] = []

    def build(self, sizes: list[list[int]]) -> None:
        """Builds for an encoder whose state has these widths, a list for each layer."""
        for index, expected in enumerate(self.sizes):
            given = self._sources(sizes, index)
            if self.kind == "copy" and given != expected:
                raise ValueError(
                    "The bridge 'copy' needs states of equal widths. "
                    f"Received: encoder layer {min(index, len(sizes) - 1)} has {given}, decoder layer {index} has "
                    f"{expected}. Change the units, or use the bridge 'dense'."
                )
            if self.kind == "dense":
                layers = [keras.layers.Dense(w, activation="tanh", name=f"{index}_{i}") for i, w in enumerate(expected)]
                for layer, size in zip(layers, given, strict=True):
                    layer.build((None, size))
                self.projections.append(layers)
        self.built = True

    def call(self, state: list[CellState]) -> list[CellState]:
        result = []
        for index, expected in enumerate(self.sizes):
            given = self._sources(state, index)
            if self.kind == "dense":
                result.append([layer(s) for layer, s in zip(self.projections[index], given, strict=True)])
            elif self.kind == "copy":
                result.append(list(given))
            else:
                rows = ops.shape(given[0])[0]
                result.append([ops.zeros((rows, width), dtype=given[0].dtype) for width in expected])
        return result

    def _sources(self, layers: list[list[Any]], index: int) -> list[Any]:
        """Returns what the tensors of decoder layer `index` read: of each layer's tensors, or of their widths."""
        given = layers[min(index, len(layers) - 1)]
        return [given[i] if i < len(given) else given[0] for i in range(len(self.sizes[index]))]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind, "sizes": self.sizes}
