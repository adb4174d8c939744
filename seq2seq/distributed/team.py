"""The processes that carry out one recipe together. Process 0 is the leader: it alone writes, scores and decides."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from seq2seq.backend import prepare_keras
from seq2seq.files import parse_json
from seq2seq.messages import say
from seq2seq.signals import RunFailed

if TYPE_CHECKING:
    from seq2seq.kernels.exchange import Exchange

T = TypeVar("T")

CLUSTER = "TF_CONFIG"
"""The variable that makes a process one of several: TensorFlow's own."""
LAUNCHED = "SEQ2SEQ_LAUNCHED"
"""Set for processes that `launch` has started: such a process ends when its standard input is closed."""

_exchange: Exchange | None = None


def place(config: str) -> tuple[int, list[str]]:
    """Returns rank and addresses of the processes from the text of TF_CONFIG, (0, []) where it names none or one.

    Raises:
        ValueError: it is no JSON of the known form, or names tasks other than workers and a chief.
    """
    if not config:
        return 0, []
    try:
        values = parse_json(config)
        cluster, task = dict(values.get("cluster") or {}), dict(values.get("task") or {})
        if not cluster:
            return 0, []
        if not {"type", "index"} <= set(task):
            raise ValueError("the task has no type and index")
        if other := sorted({*cluster, str(task["type"])} - {"chief", "worker"}):
            raise ValueError(f"{other[0]} is neither worker nor chief")
        addresses = [_address(one) for kind in ("chief", "worker") for one in list(cluster.get(kind, ()))]
        if len(set(addresses)) < len(addresses):
            raise ValueError("two processes have the same address")
        kind, index = task["type"], task["index"]
        if type(index) is not int or not 0 <= index < len(cluster.get(kind, ())):
            raise ValueError(f"task {kind} {index} is not in the cluster")
        rank = index + (len(cluster.get("chief", ())) if kind == "worker" else 0)
        return (rank, addresses) if len(addresses) > 1 else (0, [])
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{CLUSTER} does not describe a cluster ({error}). Expected, in process 1 of 2: "
            '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 1}}. '
            f"Received: {config}"
        ) from None


def _address(text: Any) -> str:
    host, _, port = str(text).rpartition(":")
    if not isinstance(text, str) or not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{text!r} is no HOST:PORT")
    return text


def wait_for_all(rank: int, addresses: Sequence[str], patience: float = 1.0) -> None:
    """Returns when every other process listens at its address, as this one does meanwhile; says which are missing.

    TensorFlow would wait without a message and without reacting to signals.

    Raises:
        ValueError: another program listens at this process's own address.
    """
    missing = {address: number for number, address in enumerate(addresses) if number != rank}
    own = int(addresses[rank].rpartition(":")[2])
    with ExitStack() as stack:
        try:
            stack.enter_context(socket.create_server(("", own), backlog=2 * len(addresses)))
        except OSError as error:
            raise ValueError(f"{addresses[rank]} is this process's address in {CLUSTER}: {error.strerror}.") from None
        say_at = time.monotonic() + patience
        while missing:
            missing = {address: number for address, number in missing.items() if not _listens(address)}
            if missing and time.monotonic() > say_at:
                names = ", ".join(f"{number} at {address}" for address, number in missing.items())
                say(f"Waiting for process {names} (this is {rank} of {len(addresses)}). Ctrl-C ends this one.")
                say_at = time.monotonic() + 60
            if missing:
                time.sleep(0.2)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with suppress(OSError):
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
        return True
    return False


@contextmanager
def joined() -> Iterator[None]:
    """Joins the processes that TF_CONFIG names, if it names several, when all of them are there.

    Raises:
        ValueError: TF_CONFIG is wrong, or the backend is another than TensorFlow.
        RunFailed: another process is gone.
    """
    global _exchange
    rank, addresses = place(os.environ.get(CLUSTER, ""))
    world = len(addresses)
    if world < 2:
        yield
        return
    if os.environ.get(LAUNCHED):
        threading.Thread(target=_end_with_launcher, daemon=True).start()
    prepare_keras()
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"Several processes train together on the TensorFlow backend only; this is {keras.backend.backend()}. "
            f"Leave --workers and {CLUSTER} out, or set KERAS_BACKEND=tensorflow."
        )
    if not os.environ.get(LAUNCHED):  # their launcher started them all
        wait_for_all(rank, addresses)
    from seq2seq.kernels.exchange import Exchange, is_lost_process

    if rank:
        logging.getLogger("seq2seq").setLevel(logging.WARNING)
    try:
        _exchange = Exchange(rank, world, local=bool(os.environ.get(LAUNCHED)))
        if threading.current_thread() is threading.main_thread():
            # TensorFlow's server takes over SIGTERM and does nothing with it.
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        yield
    except Exception as error:
        if not is_lost_process(error):
            raise
        raise RunFailed(
            f"Another of the {world} processes was lost. Start all of them again with the same command: the run goes "
            "on from its last checkpoint."
        ) from error
    finally:
        _exchange = None


def exchange() -> Exchange | None:
    """Returns the connection to the other processes; None where this one is alone."""
    return _exchange


def size() -> int:
    """Returns the number of processes that carry out the recipe together."""
    return _exchange.world if _exchange else 1


def rank_and_size() -> tuple[int, int]:
    """Returns the rank of this process and the number of processes."""
    return (_exchange.rank, _exchange.world) if _exchange else (0, 1)


def is_leader() -> bool:
    """Whether this process writes, scores and decides."""
    return _exchange is None or _exchange.rank == 0


def barrier() -> None:
    """Returns when every process has called this."""
    if _exchange:
        _exchange.barrier()


def leader_first(make: Callable[[], T], read: Callable[[], T]) -> T:
    """Returns what `make` makes in process 0, and after that what `read` reads of it in the others."""
    if is_leader():
        made = make()
        barrier()
        return made
    barrier()
    return read()


def broadcast(names: Sequence[str], measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Returns the numbers that `measure` gives in process 0, by these names, in every process."""
    numbers = measure() if is_leader() else dict.fromkeys(names, 0.0)
    if _exchange is None:
        return numbers
    return dict(zip(names, _exchange.broadcast([numbers[name] for name in names]), strict=True))


def should_stop(pending: Callable[[], bool]) -> Callable[[], bool]:
    """Returns a function to call after each step: whether all processes stop, as `pending` is true in one of them.

    A process in which it is true does one more step first.
    """
    here = _exchange
    return pending if here is None else lambda: here.should_stop(pending())


def check_equal(count: Callable[[], int], what: str) -> None:
    """Raises RunFailed in all processes where the count of one differs from that of process 0."""
    if _exchange is None:
        return
    number = count()
    if _exchange.any(_exchange.broadcast([number]) != [number]):
        raise RunFailed(
            f"Not all processes have the same {what}. They must see one run folder, on a file system that they share, "
            "and run the same versions of everything."
        )


def _end_with_launcher() -> None:
    while os.read(0, 1):  # past Python's own reader, whose lock would be held when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)
