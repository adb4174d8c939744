"""What several processes that train one model need: other dropout in each, and the same weights in all."""

from __future__ import annotations

import zlib
from typing import Any

import keras
import numpy as np

STRIDE = 1_000_003
"""Between the seeds of two processes."""


class SharedLossScale(keras.optimizers.LossScaleOptimizer):
    """Keras' dynamic loss scaling, which looks at the sums of the gradients: all processes then decide alike."""

    exchange: Any = None

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        super().apply(self.exchange.sum(grads), trainable_variables)


def part_seeds(trainee: keras.Model, rank: int) -> None:
    """Gives the random generators of a model, which are as in process 0, the seeds of process `rank`."""
    for variable in trainee.variables:
        if rank and _is_seed(variable):
            state = np.array(keras.ops.convert_to_numpy(variable))  # [seed, how often it was drawn]
            state[0] += STRIDE * rank
            variable.assign(state)


def checksum(trainee: keras.Model) -> int:
    """Returns a number of 32 bits that tells weights and optimizers apart; random generators do not count."""
    found = 0
    for variable in [*trainee.variables, *trainee.optimizer.variables]:
        if not _is_seed(variable):
            found = zlib.crc32(np.ascontiguousarray(keras.ops.convert_to_numpy(variable)).tobytes(), found)
    return found


def _is_seed(variable: Any) -> bool:
    return str(variable.path).endswith("seed_generator_state")
