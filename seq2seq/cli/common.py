"""What every command does alike: quiet start, logs to stderr, one message for a mistake, an exit code for scripts."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable

EXIT_MISTAKE = 2
"""The input or the arguments are wrong; the message says how."""
EXIT_FAILED = 1
"""Something broke that is not the user's doing."""
EXIT_INTERRUPTED = 130
"""Ctrl-C."""


def quiet_start() -> None:
    """Silences the frameworks and sends our own log to stderr. Call before anything imports TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")
    logging.basicConfig(format="%(message)s", stream=sys.stderr, level=logging.WARNING)
    logging.getLogger("seq2seq").setLevel(logging.INFO)
    logging.getLogger("data").setLevel(logging.INFO)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def guarded(work: Callable[[], int | None], interrupted: str = "Interrupted.") -> int:
    """Runs `work` and returns its exit code; a user's mistake becomes one message on stderr, never a traceback."""
    try:
        return _interruptible(work) or 0
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does: nothing is wrong, nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_MISTAKE
    except OSError as error:
        hint = " Free some space and run the same command again." if error.errno == errno.ENOSPC else ""
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror or error}.{hint}", file=sys.stderr)
        return EXIT_FAILED
    except MemoryError:
        print("error: out of memory. Use smaller batches.", file=sys.stderr)
        return EXIT_FAILED


def _interruptible(work: Callable[[], int | None]) -> int | None:
    """Runs `work`; whatever a Ctrl-C has led to comes out as KeyboardInterrupt.

    Interrupted in the middle of a graph, TensorFlow raises errors of its own on the way out.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    pressed: list[int] = []

    def press(number: int, frame: object) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        return work()
    except Exception:
        if pressed:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, before)
