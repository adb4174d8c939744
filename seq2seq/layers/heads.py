"""The output layer over a vocabulary."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("seq2seq")
class VocabularyHead(keras.layers.Layer):
    """logits = features · kernelᵀ + bias. The kernel stands as an embedding does, `(size, features)`, to be shared.

    Args:
        size: Number of ids.
        tied: Use the kernel given at each call (Press & Wolf 2017) instead of one of its own.

    Call arguments:
        features: `(…, features_dim)`, float.
        shared: `(size, features_dim)`: the embedding, where tied.

    Returns:
        `(…, size)` logits, before any softmax.
    """

    def __init__(self, size: int, tied: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size
        self.tied = tied

    def build(self, features_shape: Any) -> None:
        self.bias = self.add_weight((self.size,), "zeros", name="bias")
        if not self.tied:
            self.kernel = self.add_weight((self.size, features_shape[-1]), "glorot_uniform", name="kernel")
        self.built = True

    def weights_for(self, shared: Any | None) -> tuple[Any, Any]:
        """Returns `(kernel (size, features_dim), bias (size,))`."""
        return (ops.convert_to_tensor(shared if self.tied else self.kernel), ops.convert_to_tensor(self.bias))

    def call(self, features: Any, shared: Any | None = None) -> Any:
        kernel, bias = self.weights_for(shared)
        return ops.matmul(features, ops.transpose(ops.cast(kernel, features.dtype))) + ops.cast(bias, features.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "tied": self.tied}
