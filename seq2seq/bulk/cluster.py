"""Tasks on the machines of a Ray cluster, by Ray Data."""

from __future__ import annotations

import importlib.util
import logging
import os
import pickle
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

from seq2seq.bulk.processes import TRIES, portable

Task = TypeVar("Task")
Result = TypeVar("Result")
LOCAL = "local"
"""The address of a cluster that is started here for this process, and ends with it."""
MOST_BLOCKS = 4096
"""Ray Data plans each block; so many cost it nothing yet."""


def check_ray() -> None:
    """Raises ValueError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise ValueError('Ray is not installed. Try pip install "keras-seq2seq-rnn[ray]", or leave --ray out.')


def map_on_ray(
    make: Callable[[], Callable[[Task], Result]], tasks: Sequence[Task], workers: int, address: str
) -> Generator[tuple[Task, Result], None, None]:
    """Yields (task, result) for every task, as `map_on_processes` does; each worker is an actor with a CPU of its own.

    A task whose worker dies is tried again by another, as are those of its block, whether or not they were done.

    Args:
        make: As in `map_on_processes`. It must come to the same on every machine.
        tasks: Picklable.
        workers: Actors, at most; as many as the cluster has CPUs for.
        address: Of the head of a cluster, as `ray.init` takes it, or `LOCAL`.

    Raises:
        ValueError, OSError, MemoryError, RuntimeError: as a worker raised it.
        ConnectionError: there is no such cluster.
        ChildProcessError: Ray gave a task up.
    """
    if not tasks:
        return
    check_ray()
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    import ray.data
    from ray.exceptions import RayError

    cpus = {"num_cpus": workers, "include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **cpus)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConnectionError(f"--ray {address}: no such cluster ({error})") from error
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        rows = [{"place": place, "task": pickle.dumps(task)} for place, task in enumerate(tasks)]
        found = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS)).map_batches(
            _Actor,
            fn_constructor_args=(make,),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
            num_cpus=1,
            max_restarts=-1,
            max_task_retries=TRIES - 1,
        )
        for batch in found.iter_batches(batch_size=1, prefetch_batches=0):
            right, value = pickle.loads(batch["answer"][0])
            if not right:
                raise value
            yield tasks[int(batch["place"][0])], value
    except RayError as error:
        first = str(error).strip().splitlines()[0]
        raise ChildProcessError(f"Ray gave up: {first} The same command goes on where this one ends") from error
    finally:
        ray.shutdown()


class _Actor:
    """What Ray Data makes on each worker."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]]):
        self.make = make
        self.work: Callable[[Any], Any] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        try:
            self.work = self.work or self.make()
            answer = True, self.work(pickle.loads(batch["task"][0]))
        except Exception as error:
            answer = False, portable(error)
        return {"place": batch["place"], "answer": [pickle.dumps(answer)]}
