"""Training by several processes, of one machine or of many: who they are, how they are started, and how they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Any

from seq2seq.stopping import Failed, Terminated

if TYPE_CHECKING:
    from seq2seq.kernels.exchange import Exchange

CLUSTER = "TF_CONFIG"
"""Environment variable: the cluster, and the place of this process in it, as TensorFlow documents it."""
LIFELINE = "SEQ2SEQ_LIFELINE"
"""Environment variable: set by whoever starts a worker; the worker ends when its standard input does."""
EXIT_LOST = 75
"""Of a worker that has lost another one, to the one who started both."""
GRACE = 10.0
"""Seconds that process 0 has to end by itself after another one has ended."""


@dataclass(frozen=True)
class Place:
    """Of a process in its cluster."""

    rank: int
    world: int
    name: str


def place() -> Place | None:
    """Returns the place of this process; None where it is alone.

    Raises:
        ValueError: the variable holds something else than a cluster of workers.
    """
    text = os.environ.get(CLUSTER, "")
    if not text:
        return None
    try:
        config = json.loads(text)
        cluster = {str(name): list(addresses) for name, addresses in config["cluster"].items()}
        name, index = str(config["task"]["type"]), int(config["task"]["index"])
        if set(cluster) != {"worker"} or name != "worker" or not 0 <= index < len(cluster["worker"]):
            raise ValueError("it must name workers and nothing else, and this process must be one of them")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{CLUSTER} is not what a training by several processes wants ({error!r}). Expected, with an index for "
            'each process: {"cluster": {"worker": ["host:port", "host:port"]}, "task": {"type": "worker", "index": 0}}'
        ) from None
    return Place(index, len(cluster["worker"]), name) if len(cluster["worker"]) > 1 else None


@cache
def exchange() -> Exchange | None:
    """Returns what this process shares with the others of its cluster; None where it is alone.

    Raises:
        ValueError: the variable TF_CONFIG is wrong, or the backend has no such engine.
    """
    here = place()
    if here is None:
        return None
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"Several workers want the TensorFlow backend. Received: {keras.backend.backend()}. "
            f"Train with one process: without --workers, and without the variable {CLUSTER}."
        )
    from seq2seq.kernels.exchange import Exchange

    return Exchange(here.rank, here.world, here.name)


def end_with_launcher() -> None:
    """In a worker that was started here: ends the process when the one that started it is gone."""
    if os.environ.get(LIFELINE):

        def watch() -> None:
            with suppress(OSError):
                while os.read(0, 1 << 12):  # not by Python's file object, whose lock would stand in the way of the end
                    pass
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


@contextmanager
def losses_told(rank: int) -> Iterator[None]:
    """Whatever TensorFlow raises when it loses another process comes out as one message."""
    import tensorflow as tf

    errors = tf.errors
    lost = errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.DeadlineExceededError
    try:
        yield
    except (*lost, errors.InternalError) as error:
        if os.environ.get(LIFELINE):
            sys.exit(EXIT_LOST)  # whoever started this process sees who it was, and tells
        first = str(error).strip().splitlines()[0][:200]
        raise Failed(f"Worker {rank} has lost another one ({first}). The same command on all goes on.") from None


def launch(words: Sequence[str], count: int) -> int:
    """Runs a command as `count` workers on this machine; returns the exit code of the first, who alone speaks.

    Args:
        words: Of the command, without the option that led here.
        count: At least 2.

    Raises:
        Failed: a worker was lost; the others have been ended.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = str(max(1, cores // count))
    cluster = {"worker": [f"127.0.0.1:{port}" for port in _free_ports(count)]}
    team: list[subprocess.Popen[bytes]] = []
    logs: list[IO[bytes]] = []
    try:
        for rank in range(count):
            variables = {
                "TF_NUM_INTRAOP_THREADS": share,
                "TF_NUM_INTEROP_THREADS": share,
                **os.environ,
                CLUSTER: json.dumps({"cluster": cluster, "task": {"type": "worker", "index": rank}}),
                LIFELINE: "1",
            }
            logs.append(tempfile.TemporaryFile())
            out = {"stdout": logs[rank], "stderr": logs[rank]} if rank else {}
            # A session of its own: a Ctrl-C is for the launcher, which hands it on to one of them.
            team.append(
                subprocess.Popen(
                    words,
                    stdin=subprocess.PIPE,
                    env=variables,
                    start_new_session=True,
                    **out,  # type: ignore[call-overload]
                )
            )
        return _watch(team, logs)
    finally:
        for process in team:
            process.kill()
        for process in team:
            process.wait()
            if process.stdin:
                process.stdin.close()
        for log in logs:
            log.close()


def _watch(team: Sequence[subprocess.Popen[bytes]], logs: Sequence[IO[bytes]]) -> int:
    """Waits for the first worker, hands signals on to it, and tells when another one is lost."""
    first = team[0]
    lost: tuple[int, float] | None = None
    while True:
        try:
            while first.poll() is None:
                gone = [rank for rank, process in enumerate(team) if rank and process.poll() not in (None, 0)]
                if gone and lost is None:
                    lost = gone[0], time.monotonic()
                if lost and time.monotonic() - lost[1] > GRACE:
                    first.kill()
                time.sleep(0.05)
            break
        except KeyboardInterrupt:
            first.send_signal(signal.SIGINT)
        except Terminated:
            first.send_signal(signal.SIGTERM)
    code = first.wait()
    if lost and code not in (0, 130, 143):
        how = team[lost[0]].returncode
        words = _last_words(logs[lost[0]]) if how > 0 else ""
        told = f"signal {-how}" if how < 0 else f"exit code {how}"
        if code < 0 or how < 0:
            raise Failed(f"Worker {lost[0]} of {len(team)} was lost ({told}).{words} The others were ended.")
    if code < 0:
        raise Failed(f"Worker 0 of {len(team)} was lost (signal {-code}). The others were ended.")
    return code


def _last_words(log: IO[bytes]) -> str:
    with suppress(OSError):
        log.seek(0)
        lines = [line for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return f" Its last words: {lines[-1][:300]}" if lines else ""
    return ""


def _free_ports(count: int) -> list[int]:
    held: list[Any] = []
    try:
        for _ in range(count):
            held.append(socket.socket())
            held[-1].bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()
