"""For several processes that train one model: different dropout in each, the same weights in all."""

from __future__ import annotations

import zlib
from typing import Any

import keras
import numpy as np

STRIDE = 1_000_003
"""Between the seeds of two processes."""


class SharedLossScale(keras.optimizers.LossScaleOptimizer):
    """Keras' dynamic loss scaling on the sums of the gradients, so that all processes decide alike."""

    exchange: Any = None

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        super().apply(self.exchange.sum(grads), trainable_variables)


def part_seeds(objective: keras.Model, rank: int) -> None:
    """Moves the random generators of a model from the seeds of process 0 to those of process `rank`."""
    for variable in objective.variables:
        if rank and _is_seed(variable):
            state = np.array(keras.ops.convert_to_numpy(variable))  # [seed, how often it was drawn]
            state[0] += STRIDE * rank
            variable.assign(state)


def checksum(objective: keras.Model) -> int:
    """Returns a 32-bit checksum of the weights and the optimizer; random generators are left out."""
    found = 0
    for variable in [*objective.variables, *objective.optimizer.variables]:
        if not _is_seed(variable):
            found = zlib.crc32(np.ascontiguousarray(keras.ops.convert_to_numpy(variable)).tobytes(), found)
    return found


def _is_seed(variable: Any) -> bool:
    return str(variable.path).endswith("seed_generator_state")
