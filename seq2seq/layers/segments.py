"""Segments of a series: some steps in one vector, so that a recurrent layer takes fewer and larger steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.types import Padded, Shape, Tensor


@keras.saving.register_keras_serializable("seq2seq")
class SegmentEmbedding(keras.layers.Layer):
    """Projects segments of `length` steps to vectors, with ReLU (Lin et al. 2023, SegRNN).

    Args:
        length: Steps of a segment, at least 1.
        units: Width of the vectors.
        dropout: Rate on the vectors, in training only.

    Call arguments:
        source: `Padded`, `(rows, time, features)`, float; `time` is a multiple of `length`.

    Returns:
        `Padded`, `(rows, time / length, units)`: a segment is real if its first step is.
    """

    def __init__(self, length: int, units: int, dropout: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.length = length
        self.units = units
        self.dropout = keras.layers.Dropout(dropout)
        self.projection = keras.layers.Dense(units, "relu", name="projection")

    @property
    def output_dim(self) -> int:
        """Width of the vectors."""
        return self.units

    def build(self, source_shape: Shape) -> None:
        self.width = int(source_shape[-1] or 0)
        self.projection.build((None, None, self.length * self.width))
        self.built = True

    def call(self, source: Padded, training: bool | None = None) -> Padded:
        values, mask = source
        rows = ops.shape(values)[0]
        joined = ops.reshape(values, (rows, -1, self.length * self.width))
        real = ops.reshape(mask, (rows, -1, self.length))[:, :, 0]
        return Padded(self.dropout(self.projection(joined), training=training), real)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "length": self.length,
            "units": self.units,
            "dropout": self.dropout.rate,
        }


@keras.saving.register_keras_serializable("seq2seq")
class LinearSkip(keras.layers.Layer):
    """A linear map from all values of a context to all steps of a horizon, side by side with the recurrent network.

    It starts at 0; `assign` gives it the weights of a regression.

    Args:
        horizon: Steps.

    Call arguments:
        values: `(rows, context)`, float.

    Returns:
        `(rows, horizon)`, float32.
    """

    def __init__(self, horizon: int, **kwargs: Any):
        super().__init__(**{"dtype": "float32", **kwargs})  # whatever the rest computes in
        self.horizon = horizon

    def build(self, values_shape: Shape) -> None:
        self.kernel = self.add_weight((values_shape[-1], self.horizon), "zeros", name="kernel")
        self.built = True

    def assign(self, weights: Any) -> None:
        """Sets the weights, `(context, horizon)`."""
        self.kernel.assign(weights)

    def call(self, values: Tensor) -> Tensor:
        return ops.matmul(values, self.kernel)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "horizon": self.horizon}
