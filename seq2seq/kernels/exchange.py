"""Sums over the processes of a run, by TensorFlow's own collectives.

Each process computes a part of every batch on plain variables of its own; the strategy serves as an engine of sums, and
nothing else of it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
"""What a sum raises where another process has gone. Internal errors are the same if they name a connection."""


class Exchange:
    """This process among those that train together, as the variable TF_CONFIG has them.

    It must be made before TensorFlow has done anything else, and is made when all processes are there; a process that
    waits for them heeds no signal, as TensorFlow keeps the interpreter's lock meanwhile. All of them must call the same
    methods in the same order: each waits for the others.

    Args:
        rank: Of this process, from 0.
        world: Processes.
        local: All of them are on this machine, and share its GPUs out among them.

    Raises:
        ValueError: a process sees several devices, or local ones are more than the GPUs.
    """

    def __init__(self, rank: int, world: int, local: bool = False):
        self.rank, self.world = rank, world
        if local:
            _take_a_gpu(rank, world)
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        if self._strategy.num_replicas_in_sync != world:
            raise ValueError(
                f"Expected one device in each of the {world} processes, received "
                f"{self._strategy.num_replicas_in_sync} devices. Show each process one GPU: CUDA_VISIBLE_DEVICES."
            )
        self._asks = tf.Variable(0.0, trainable=False)
        self._asked = tf.Variable(0.0, trainable=False)
        signature = [tf.TensorSpec((None,), tf.float64)]
        self._add: Callable[[Any], Any] = tf.function(self._reduce, input_signature=signature)

    def sum(self, tensors: Sequence[Any]) -> list[Any]:
        """Returns the sums of float tensors over all processes, bit by bit the same in each, in one exchange.

        What is None stays None; gradients given row by row become dense.
        """
        parts = [None if t is None else tf.convert_to_tensor(t) for t in tensors]
        present = [part for part in parts if part is not None]
        flat = tf.concat([tf.reshape(tf.cast(part, tf.float32), (-1,)) for part in present], 0)
        flats = iter(tf.split(self._reduce(flat), [tf.size(part) for part in present], num=len(present)))
        return [None if t is None else tf.cast(tf.reshape(next(flats), tf.shape(t)), t.dtype) for t in parts]

    def sum_of_step(self, *scalars: Any) -> list[Any]:
        """As `sum`, once a step; with it travels whether a process asks to stop."""
        *sums, asked = self.sum([*scalars, self._asks.read_value()])
        self._asked.assign(asked)
        return sums

    def agree(self, asks: bool) -> bool:
        """Between two steps: whether all stop now, because one had asked before the last step. The same in each."""
        self._asks.assign(float(asks))
        return bool(self._asked.numpy() > 0)

    def numbers(self, values: Sequence[float]) -> list[float]:
        """Returns the numbers of process 0, exactly; the others give as many."""
        mine = [float(value) if self.rank == 0 else 0.0 for value in values]
        return [float(value) for value in self._add(tf.constant(mine, tf.float64)).numpy()]

    def any(self, mine: bool) -> bool:
        """Whether it is so in any process; the same in each."""
        return bool(self._add(tf.constant([float(mine)], tf.float64)).numpy()[0] > 0)

    def barrier(self) -> None:
        """Returns when every process has come here."""
        self.numbers([0.0])

    def _reduce(self, tensor: Any) -> Any:
        def every(part: Any) -> Any:
            # Made anew within the replica: the engine wants to know on which device a tensor is.
            return tf.distribute.get_replica_context().all_reduce("sum", tf.identity(part))

        return self._strategy.run(every, args=(tensor,))


def _take_a_gpu(rank: int, world: int) -> None:
    """Leaves this process one GPU of its own, where there are any."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and len(gpus) < world:
        raise ValueError(
            f"--workers {world} wants a GPU for each process, and there are {len(gpus)}. Two processes on one GPU are "
            'no quicker than one. Without any, CUDA_VISIBLE_DEVICES="", the processors compute.'
        )
    if gpus:
        tf.config.set_visible_devices(gpus[rank], "GPU")


def is_loss_of_a_process(error: BaseException) -> bool:
    """Whether an exception out of a step or a sum tells that another process has gone."""
    if isinstance(error, tf.errors.InternalError):
        return any(word in str(error).lower() for word in ("collective", "connection", "socket", "peer"))
    return isinstance(error, LOST)
