"""Several local processes that train one model: started, watched and ended together. Imports no framework."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress

from seq2seq.distributed.team import CLUSTER, LAUNCHED
from seq2seq.signals import GRACE, RunFailed, Terminated
from seq2seq.spawning import safe_environment

LEAVE = 5.0
"""Seconds for the others to end by themselves after process 0; TensorFlow's sums do not react to signals."""
PATIENCE = 8.0
"""Seconds for process 0 to find the same mistake and report it itself when another process fails."""
LINES = 20
"""Last lines of a lost process that are shown."""


def launch(command: Sequence[str], workers: int) -> int:
    """Runs `command` in so many processes that find each other by TF_CONFIG; returns the exit code of process 0.

    Only process 0 prints and gets Ctrl-C and SIGTERM: it keeps a checkpoint; the others end with it.

    Raises:
        ValueError: TF_CONFIG is set already.
        RunFailed: a process was lost; the others are ended.
    """
    if os.environ.get(CLUSTER):
        raise ValueError(
            f"{CLUSTER} makes this command one process of a cluster; --workers N starts N local ones. Use only one."
        )
    with ExitStack() as stack:
        team = []
        for rank, variables in enumerate(_environments(workers)):
            team.append(_Worker(command, rank, variables))
            stack.callback(team[-1].end)
        try:
            return _watch(team)
        except (KeyboardInterrupt, Terminated) as error:
            is_terminated = isinstance(error, Terminated)
            team[0].process.send_signal(signal.SIGTERM if is_terminated else signal.SIGINT)
            # A second Ctrl-C comes out of here; all that is left ends with the stack.
            code = team[0].wait(GRACE - 0.5 if is_terminated else None)
            if code is None or code < 0:
                raise
            return code


def _watch(team: Sequence[_Worker]) -> int:
    """Waits for the end of process 0, or for the loss of any."""
    first, others = team[0], team[1:]
    while (code := first.process.poll()) is None:
        for worker in others:
            if worker.process.poll():
                code_of_first = first.wait(PATIENCE if worker.process.returncode > 0 else 0)
                if code_of_first is None or code_of_first <= 0:
                    raise RunFailed(worker.loss(len(team)))
                return code_of_first
        time.sleep(0.1)
    if code < 0:
        raise RunFailed(first.loss(len(team)))
    if code == 0:
        until = time.monotonic() + LEAVE
        for worker in others:
            worker.wait(max(0.0, until - time.monotonic()))
    return code


class _Worker:
    """A process of the run.

    Args:
        command: What it runs.
        rank: Its number, from 0.
        variables: Of its environment.
    """

    def __init__(self, command: Sequence[str], rank: int, variables: Mapping[str, str]):
        self.rank = rank
        self.last: deque[str] = deque(maxlen=LINES)
        self.process = subprocess.Popen(
            command,
            env=variables,
            stdin=subprocess.PIPE,  # its end tells the process that this one is gone
            stdout=subprocess.DEVNULL if rank else None,
            stderr=subprocess.PIPE if rank else None,
            start_new_session=True,  # Ctrl-C goes to all processes of a terminal
            text=True,
            errors="replace",
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def wait(self, seconds: float | None) -> int | None:
        """Returns the exit code; None if the process does not end in time."""
        with suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        return None

    def end(self) -> None:
        """Ends the process, if it has not ended: its files are whole at any time."""
        self.process.kill()
        self.process.wait()
        self.reader.join(1)
        for stream in (self.process.stdin, self.process.stderr):
            if stream:
                stream.close()

    def loss(self, workers: int) -> str:
        """Returns the message for a lost process."""
        self.reader.join(1)
        code = self.process.returncode
        end = f"signal {-code}" if code < 0 else f"exit code {code}"
        lines = "".join(f"\n  {line}" for line in self.last)
        last = f"\nIts last lines:{lines}" if lines and code > 0 else ""
        return (
            f"process {self.rank} of {workers} was lost ({end}); the others were ended. The same command goes on from "
            f"the last checkpoint. A process that the system ends often means too little memory: use fewer --workers "
            f"in a new folder.{last}"
        )

    def _read(self) -> None:
        for line in self.process.stderr or ():
            self.last.append(line.rstrip())


def _environments(workers: int) -> list[dict[str, str]]:
    """Returns the environment of each process: its place in the cluster and its share of the cores."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(workers)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = str(max(1, cores // workers))
    shared = {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads, **safe_environment(), LAUNCHED: "1"}
    tasks = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}} for i in range(workers)]
    return [{**shared, CLUSTER: json.dumps(task)} for task in tasks]
