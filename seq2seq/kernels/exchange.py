"""Sums over the processes of a cluster, by TensorFlow's own collective operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


class Exchange:
    """What one process of several shares with the others: sums, numbers, and moments to wait for each other.

    Each process keeps plain variables of its own and runs Keras' `fit`; `tf.distribute` serves as the engine that adds
    tensors up. Every process must ask for the same sums in the same order. Make it before anything else of TensorFlow
    is used; it waits for all processes of the cluster that the variable TF_CONFIG names.

    Args:
        rank: Of this process, from 0.
        world: Number of processes, at least 2.
        name: Of the kind of task in TF_CONFIG.
    """

    def __init__(self, rank: int, world: int, name: str = "worker"):
        self.rank, self.world = rank, world
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        self._device = f"/job:{name}/replica:0/task:{rank}/device:CPU:0"
        self._add = tf.function(self.sum, reduce_retracing=True)

    def sum(self, tensors: Sequence[Any]) -> list[Any]:
        """Returns the sum over all processes of each tensor, shaped alike everywhere. For use in a graph."""

        def add(*values: Any) -> Any:
            return tf.distribute.get_replica_context().all_reduce("sum", list(values))

        with tf.device(self._device):
            return list(self._strategy.run(add, args=tuple(tf.identity(tensor) for tensor in tensors)))

    def told(self, numbers: Sequence[float] | None, count: int) -> list[float]:
        """Returns to every process the `count` numbers of process 0, exactly; the others give None, and wait."""
        values = np.zeros(count) if self.rank else np.asarray(numbers, np.float64)
        return [float(value) for value in self._add([tf.constant(values)])[0].numpy()]

    def wait(self) -> None:
        """Returns when every process has come here."""
        self.told([0.0], 1)
