"""Tasks on the machines of a Ray cluster, by Ray Data."""

from __future__ import annotations

import logging
import os
import pickle
import re
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from seq2seq.bulk.processes import TRIES, deaths_message, portable
from seq2seq.early import HOME
from seq2seq.extras import require
from seq2seq.signals import RunFailed

Task = TypeVar("Task")
Result = TypeVar("Result")
LOCAL = "local"
"""The address of a cluster that this process starts and ends."""
MOST_BLOCKS = 4096
"""Ray Data plans each block; up to this many the plan costs nothing."""


def check_ray() -> None:
    """Raises MissingPackage if Ray is not installed."""
    require("ray")


def map_on_ray(
    make: Callable[[], Callable[[Task], Result]],
    tasks: Sequence[Task],
    workers: int,
    address: str,
    notify: Callable[[str], None],
    name: Callable[[Task], str] = str,
) -> Generator[tuple[Task, Result], None, None]:
    """Yields (task, result) for every task, as `map_on_processes` does; each worker is an actor with a CPU of its own.

    A task whose worker dies is tried again by another, as are those of its block, whether or not they were done.

    Args:
        make: As in `map_on_processes`. It must come to the same on every machine.
        tasks: Picklable.
        workers: Actors, at most; as many as the cluster has CPUs for.
        address: Of the head of a cluster, as `ray.init` takes it, or `LOCAL`.
        notify: Takes messages for the user.
        name: Returns what messages call a task.

    Raises:
        ValueError, OSError, MemoryError, RuntimeError: as a worker raised it.
        ConnectionError: there is no such cluster.
        RunFailed: workers died at a task again and again, or Ray gave up.
    """
    if not tasks:
        return
    check_ray()
    _check_address(address)
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    import ray.data
    from ray.exceptions import RayError

    own = {"num_cpus": workers, "include_dashboard": False} if address == LOCAL else {}
    fewest = workers if address == LOCAL else 1  # a cluster may have fewer CPUs to spare, and grow
    try:
        with _at_home():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConnectionError(f"--ray {address}: no such cluster ({_reason(error)})") from error
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        ray.data.DataContext.get_current().enable_progress_bars = False
        tries = ray.remote(num_cpus=0)(_Tries).remote()
        rows = [{"place": place, "task": pickle.dumps(task)} for place, task in enumerate(tasks)]
        answers = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS)).map_batches(
            _Actor,
            fn_constructor_args=(make, tries),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=fewest, max_size=workers),
            num_cpus=1,
        )
        for batch in answers.iter_batches(batch_size=1, prefetch_batches=0):
            task = tasks[int(batch["place"][0])]
            died, is_result, value = pickle.loads(batch["answer"][0])
            if died == TRIES:
                raise RunFailed(deaths_message(name(task)))
            if died:
                notify(f"A worker died at {name(task)}; another tried again.")
            if not is_result:
                raise value
            yield task, value
    except RayError as error:
        first = str(error).strip().splitlines()[0]
        raise RunFailed(f"Ray gave up: {first} The same command goes on where this one ends.") from error
    finally:
        ray.shutdown()


@contextmanager
def _at_home() -> Iterator[None]:
    """Works in the folder of this package meanwhile: Ray puts the working folder on the search path of workers."""
    before = os.open(".", os.O_RDONLY)
    os.chdir(HOME)
    try:
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def _check_address(address: str) -> None:
    """Raises ConnectionError if nothing listens at HOST:PORT; Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if not re.fullmatch(r"[\w.-]+|\[[\da-fA-F:]+\]", host) or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(f"--ray {address}: no such cluster ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return str(error).strip().rstrip(".")


class _Tries:
    """An actor that counts how often each task was begun and not finished; Ray itself retries without limit."""

    def __init__(self) -> None:
        self.begun: dict[int, int] = {}

    def begin(self, place: int) -> int:
        """Returns how many workers died at the task."""
        before = self.begun.get(place, 0)
        self.begun[place] = before + 1
        return before

    def end(self, place: int) -> None:
        self.begun.pop(place, None)


class _Actor:
    """The worker that Ray Data makes.

    Args:
        make: Makes what does the work.
        tries: An actor of `_Tries`.
    """

    def __init__(self, make: Callable[[], Callable[[Any], Any]], tries: Any):
        self.make = make
        self.tries = tries
        self.work: Callable[[Any], Any] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        import ray

        place = int(batch["place"][0])
        died = ray.get(self.tries.begin.remote(place))
        is_result, value = False, None
        if died < TRIES:
            try:
                self.work = self.work or self.make()
                is_result, value = True, self.work(pickle.loads(batch["task"][0]))
            except Exception as error:
                value = portable(error)
            ray.get(self.tries.end.remote(place))
        return {"place": batch["place"], "answer": [pickle.dumps((died, is_result, value))]}
