"""What a command does once in its own process, before anything else. Not for imports: it changes the whole process."""

from __future__ import annotations

import codecs
import os
import sys

from seq2seq.cli import stderr_filter
from seq2seq.early import search_path
from seq2seq.spawning import SAFE_PATH


def start_process() -> None:
    """Makes text UTF-8 whatever the locale, keeps libraries off closed streams, and children off the working folder."""
    _start_again_with_utf8()
    _fill_closed_streams()
    stderr_filter.install()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    sys.path[:] = search_path()
    os.environ[SAFE_PATH] = "1"
    if given := os.environ.get("PYTHONPATH"):
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(os.path.isabs, given.split(os.pathsep)))
    # Keras would take number formats from a file of the user's, and write one: here the run decides, and KERAS_BACKEND.
    os.environ["KERAS_HOME"] = os.devnull


def _start_again_with_utf8() -> None:
    """Begins anew where Python takes arguments and file names for ASCII, as in the locale C: they are UTF-8."""
    if codecs.lookup(sys.getfilesystemencoding()).name == "ascii" and sys.executable:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _fill_closed_streams() -> None:
    """Puts the null device where a standard stream is closed: the next file that is opened would get its number.

    `sys.stdin` and `sys.stdout` stay None, by which commands know; `sys.stderr` takes what it gets and drops it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stderr is None:  # `print(file=None)` would write to standard output
        sys.stderr = open(2, "w", closefd=False)
