"""What a command does first in its own process. Never call it on import: it changes the whole process."""

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
    # Keras reads number formats from the user's settings file, and writes one; here the run and KERAS_BACKEND decide.
    os.environ["KERAS_HOME"] = os.devnull


def _start_again_with_utf8() -> None:
    """Restarts Python in UTF-8 mode where it decodes arguments and file names as ASCII, as in the locale C."""
    if codecs.lookup(sys.getfilesystemencoding()).name == "ascii" and sys.executable:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _fill_closed_streams() -> None:
    """Opens the null device for each closed standard stream; otherwise the next file gets its number.

    `sys.stdin` and `sys.stdout` stay None, so that commands can tell; `sys.stderr` drops what it gets.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stderr is None:  # `print(file=None)` would write to standard output
        sys.stderr = open(2, "w", closefd=False)
