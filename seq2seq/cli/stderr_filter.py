"""Keeps the chatter of TensorFlow's and Ray's C++ sides off the terminal; no environment variable silences it all."""

from __future__ import annotations

import os
import re
import signal
import sys

CHATTER = re.compile(
    rb"^([IWE]\d{4} [\d:.]+ +\d+ \S+\.(cc|h):\d+\]"  # the C++ log, up to errors: a missing GPU is one of them
    rb"|[IWE]0000 00:00:|WARNING: All log messages before absl::InitializeLog|To enable the following instructions:"
    rb"|\[\d{4}-\d\d-\d\d [\d:,]+ [IWE] \d+ \d+\] \S+\.(cc|h):\d+:"  # Ray's C++ log
    rb"|INFO: Created TensorFlow Lite )"
)
SHOW_ALL = "SEQ2SEQ_LOG_ALL"
"""Environment variable: set to 1 to see everything, as when TensorFlow itself fails."""
NOT_FOR_THE_FILTER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that may go to all processes of a terminal; the filter ends after those that write to it."""


def install() -> None:
    """Sends file descriptor 2 through a filter that drops lines of `CHATTER`. Python's own stderr is not touched.

    The filter is a process of its own: when TensorFlow aborts this one, its last lines, which say why, still arrive.
    For entry points alone, before there are threads: it changes the whole process, once.
    """
    if os.environ.get(SHOW_ALL):
        return
    original = os.dup(2)
    read, write = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, NOT_FOR_THE_FILTER)
    if os.fork() == 0:
        _filter(read, original)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NOT_FOR_THE_FILTER)
    os.close(read)
    os.dup2(write, 2)
    os.close(write)
    sys.stderr = os.fdopen(original, "w", buffering=1, encoding="utf-8", errors="backslashreplace")


def _filter(read: int, original: int) -> None:
    """What the filter's process does, until every process that writes to it has ended."""
    try:
        for number in NOT_FOR_THE_FILTER:
            signal.signal(number, signal.SIG_IGN)
        os.dup2(original, 2)
        os.dup2(read, 0)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # who waits for the end of a pipe must not wait for the filter
        os.close(1)
        with os.fdopen(0, "rb") as lines:
            for line in lines:
                if not CHATTER.match(line):
                    os.write(2, line)
    finally:
        os._exit(0)
