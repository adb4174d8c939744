"""Sums over the processes of a run, by TensorFlow's own collectives.

Each process computes a part of every batch on its own plain variables. Of TensorFlow's strategy only the sums are used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from seq2seq.types import Tensor

LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
"""What a sum raises when another process is lost; so do internal errors that name a connection."""


class Exchange:
    """This process among those that train together, which the variable TF_CONFIG lists.

    It must be created before TensorFlow has done anything else, and waits for all processes; meanwhile signals are not
    handled, as TensorFlow keeps the interpreter's lock. All processes must call the same methods in the same order, as
    each call waits for the others.

    Args:
        rank: Of this process, from 0.
        world: Number of processes.
        local: All of them are on this machine, and each takes one of its GPUs.

    Raises:
        ValueError: a process sees several devices, or there are more local processes than GPUs.
    """

    def __init__(self, rank: int, world: int, local: bool = False):
        self.rank, self.world = rank, world
        if local:
            _take_gpu(rank, world)
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        if self._strategy.num_replicas_in_sync != world:
            raise ValueError(
                f"Expected one device in each of the {world} processes. Received: "
                f"{self._strategy.num_replicas_in_sync} devices. Set CUDA_VISIBLE_DEVICES to one GPU in each process."
            )
        self._stop_requested = tf.Variable(0.0, trainable=False)  # here
        self._stop_requests = tf.Variable(0.0, trainable=False)  # in all processes
        signature = [tf.TensorSpec((None,), tf.float64)]
        self._add: Callable[[Tensor], Tensor] = tf.function(self._reduce, input_signature=signature)

    def sum(self, tensors: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Returns the sums of float tensors over all processes in one exchange, bit by bit the same in each.

        None stays None; gradients given row by row become dense.
        """
        parts = [None if t is None else tf.convert_to_tensor(t) for t in tensors]
        present = [part for part in parts if part is not None]
        flat = tf.concat([tf.reshape(tf.cast(part, tf.float32), (-1,)) for part in present], 0)
        flats = iter(tf.split(self._reduce(flat), [tf.size(part) for part in present], num=len(present)))
        return [None if t is None else tf.cast(tf.reshape(next(flats), tf.shape(t)), t.dtype) for t in parts]

    def sum_of_step(self, *scalars: Tensor) -> list[Tensor]:
        """As `sum`, once a step; it also exchanges whether a process asks to stop."""
        *sums, requests = self.sum([*scalars, self._stop_requested.read_value()])
        self._stop_requests.assign(requests)
        return sums

    def should_stop(self, requested: bool) -> bool:
        """Returns between two steps whether all stop now, because one had asked before the last step.

        The answer is the same in every process.

        Args:
            requested: Whether this process asks all to stop.
        """
        self._stop_requested.assign(float(requested))
        return bool(self._stop_requests.numpy() > 0)

    def broadcast(self, values: Sequence[float]) -> list[float]:
        """Returns the numbers of process 0, exactly; the others give as many."""
        own = [float(value) if self.rank == 0 else 0.0 for value in values]
        return [float(value) for value in self._add(tf.constant(own, tf.float64)).numpy()]

    def any(self, value: bool) -> bool:
        """Returns whether `value` is true in any process; the same in each."""
        return bool(self._add(tf.constant([float(value)], tf.float64)).numpy()[0] > 0)

    def barrier(self) -> None:
        """Returns when every process has called it."""
        self.broadcast([0.0])

    def _reduce(self, tensor: Tensor) -> Tensor:
        def add(part: Tensor) -> Tensor:
            # A copy made within the replica: the strategy must know on which device a tensor is.
            return tf.distribute.get_replica_context().all_reduce("sum", tf.identity(part))

        return self._strategy.run(add, args=(tensor,))


def _take_gpu(rank: int, world: int) -> None:
    """Leaves this process one GPU of its own, if there are any."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and len(gpus) < world:
        raise ValueError(
            f"--workers {world} needs a GPU for each process. Received: {len(gpus)}. Two processes on one GPU are no "
            'faster than one. To train on the CPU, set CUDA_VISIBLE_DEVICES="".'
        )
    if gpus:
        tf.config.set_visible_devices(gpus[rank], "GPU")


def is_lost_process(error: BaseException) -> bool:
    """Returns whether an exception of a step or a sum means that another process is lost."""
    if isinstance(error, tf.errors.InternalError):
        return any(word in str(error).lower() for word in ("collective", "connection", "socket", "peer"))
    return isinstance(error, LOST)
