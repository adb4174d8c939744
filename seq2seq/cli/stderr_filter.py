"""Keeps the chatter of TensorFlow's and Ray's C++ sides off the terminal; no environment variable silences it all."""

from __future__ import annotations

import os
import re
import sys
import threading

CHATTER = re.compile(
    rb"^([IWE]\d{4} [\d:.]+ +\d+ \S+\.(cc|h):\d+\]"  # the C++ log, up to errors: a missing GPU is one of them
    rb"|[IWE]0000 00:00:|WARNING: All log messages before absl::InitializeLog|To enable the following instructions:"
    rb"|\[\d{4}-\d\d-\d\d [\d:,]+ [IWE] \d+ \d+\] \S+\.(cc|h):\d+:"  # Ray's C++ log
    rb"|INFO: Created TensorFlow Lite )"
)
SHOW_ALL = "SEQ2SEQ_LOG_ALL"
"""Environment variable: set to 1 to see everything, as when TensorFlow itself fails."""


def install() -> None:
    """Sends file descriptor 2 through a filter that drops lines of `CHATTER`. Python's own stderr is not touched.

    For entry points alone: it changes the whole process, once.
    """
    if os.environ.get(SHOW_ALL):
        return
    try:
        original = os.dup(2)
    except OSError:  # started without a stderr
        return
    read, write = os.pipe()
    os.dup2(write, 2)
    os.close(write)
    sys.stderr = os.fdopen(os.dup(original), "w", buffering=1, encoding="utf-8", errors="backslashreplace")

    def pump() -> None:
        with os.fdopen(read, "rb") as lines:
            for line in lines:
                if not CHATTER.match(line):
                    os.write(original, line)

    threading.Thread(target=pump, daemon=True).start()
