"""A look at the next steps, for models of one direction."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seq2seq.types import Mask, Shape, Tensor, Vectors


@keras.saving.register_keras_serializable("seq2seq")
class Lookahead(keras.layers.Layer):
    """Adds to each vector a mixture of the next ones, feature by feature (lookahead convolution, Wang et al. 2016).

    Its output is the input plus the mixture: it starts as the identity.

    Args:
        steps: How far it looks, at least 1: so long a stream waits.

    Call arguments:
        inputs: `(batch, time, features)`, float.
        mask: `(batch, time)`, bool, True at the left. What lies behind the end counts as zeros.

    Returns:
        As `inputs`; no meaning at padding.

    Raises:
        ValueError: fewer than one step.
    """

    def __init__(self, steps: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        if steps < 1:
            raise ValueError(f"Expected at least one step to look ahead. Received: steps={steps}")
        self.steps = steps

    def build(self, inputs_shape: Shape, mask_shape: Shape | None = None) -> None:
        self.kernel = self.add_weight((self.steps + 1, inputs_shape[-1]), "zeros", name="kernel")
        self.built = True

    def call(self, inputs: Vectors, mask: Mask) -> Vectors:
        real = ops.where(ops.expand_dims(mask, 2), inputs, 0)
        return self.mix(ops.pad(real, [[0, 0], [0, self.steps], [0, 0]]), ops.shape(inputs)[1])

    def mix(self, known: Vectors, time: int | Tensor) -> Vectors:
        """Returns the outputs of the first `time` steps of `known`, `(batch, time + steps, features)`."""
        kernel = ops.cast(self.kernel, known.dtype)
        return known[:, :time] + sum(known[:, shift : shift + time] * kernel[shift] for shift in range(self.steps + 1))

    def compute_mask(self, inputs: Vectors, previous_mask: Mask | None) -> None:
        """Attaches no mask to the outputs: masks are passed as values."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}
