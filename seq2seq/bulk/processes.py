"""Tasks on several processes of this machine. One that dies is replaced; one whose parent dies ends."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from seq2seq.signals import RunFailed
from seq2seq.spawning import spawn_context

Task = TypeVar("Task")
Result = TypeVar("Result")
TRIES = 2
"""At most this many workers die at one task; then the run fails."""


def map_on_processes(
    make: Callable[[], Callable[[Task], Result]],
    tasks: Sequence[Task],
    workers: int,
    notify: Callable[[str], None],
    name: Callable[[Task], str] = str,
) -> Generator[tuple[Task, Result], None, None]:
    """Yields (task, result) for every task, in the order in which they are done.

    Each worker is a fresh interpreter that calls `make` once and what that returns for each of its tasks.

    Args:
        make: Makes what does the work. It, the tasks and the results must be picklable.
        tasks: Hashable.
        workers: Processes, at least 1; there are never more than tasks.
        notify: Takes messages for the user.
        name: Returns what messages call a task.

    Raises:
        ValueError, OSError, MemoryError: as a worker raised it.
        RunFailed: two workers died at the same task.
        RuntimeError: a worker failed otherwise; it holds the traceback.
    """
    waiting, died = deque(tasks), dict.fromkeys(tasks, 0)
    team: list[_Worker[Task]] = []
    try:
        for _ in range(min(workers, len(waiting))):
            team.append(_Worker(make, waiting.popleft()))
        while team:
            ready = wait([worker.connection for worker in team])
            for worker in [worker for worker in team if worker.connection in ready]:
                try:
                    is_result, value = worker.connection.recv()
                except (EOFError, OSError):
                    task = worker.task
                    team.remove(worker)
                    ending, died[task] = worker.end(), died[task] + 1
                    if died[task] == TRIES:
                        raise RunFailed(deaths_message(f"{name(task)} ({ending})")) from None
                    notify(f"A worker died at {name(task)} ({ending}); another tries again.")
                    team.append(_Worker(make, task))
                    continue
                if not is_result:
                    raise value
                task = worker.task
                if waiting:
                    worker.give(waiting.popleft())
                else:
                    team.remove(worker)
                    worker.process.terminate()
                    worker.end()
                yield task, value
    finally:
        for worker in team:
            worker.process.terminate()
        for worker in team:
            worker.end()


class _Worker(Generic[Task]):
    """A process with its task."""

    def __init__(self, make: Callable[[], Callable[[Task], Any]], task: Task):
        context = spawn_context()  # a fork does not copy the threads of libraries
        self.connection, worker_end = context.Pipe()
        self.process = context.Process(target=_work, args=(make, worker_end), daemon=True)
        self.process.start()
        worker_end.close()  # otherwise the end of the process goes unnoticed
        self.give(task)

    def give(self, task: Task) -> None:
        self.task = task
        with suppress(OSError):  # the death of a worker is noticed where results are awaited
            self.connection.send(task)

    def end(self) -> str:
        """Waits a moment for the process to end, kills it if it does not, and returns how it ended."""
        self.process.join(1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.connection.close()
        code = self.process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _work(make: Callable[[], Callable[[Any], Any]], connection: Connection) -> None:
    """Runs in each worker: does tasks until the connection closes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work = None
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            work = work or make()
            answer = True, work(task)
        except Exception as error:
            answer = False, portable(error)
        connection.send(answer)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
        os._exit(1)


def deaths_message(place: str) -> str:
    """Returns the message for a task at which too many workers died."""
    return (
        f"{TRIES} workers died at {place}. Is there enough memory for so many workers? Fewer need less. "
        "The same command goes on where this one ends."
    )


def portable(error: Exception) -> Exception:
    """Returns an exception that any process can unpickle and that `guarded` reports as it would report `error`."""
    if isinstance(error, ValueError):
        return ValueError(str(error))
    if isinstance(error, OSError) and error.errno:
        return OSError(error.errno, error.strerror, error.filename)
    if isinstance(error, MemoryError):
        return MemoryError(str(error))
    return RuntimeError("in a worker:\n" + "".join(traceback.format_exception(error)))
