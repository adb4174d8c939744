"""What every command does: quiet start, logs to stderr, one message for a mistake, an exit code for scripts."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tempfile
from collections.abc import Callable

from seq2seq.extras import missing_message
from seq2seq.messages import VisibleFormatter, say
from seq2seq.signals import EXIT_INTERRUPTED, EXIT_TERMINATED, RunFailed, Terminated, handle_signals

EXIT_MISTAKE = 2
"""The input or the arguments are wrong; the message says how."""
EXIT_FAILED = 1
"""Something failed that the user did not cause."""

HINTS = {
    errno.ENOSPC: " Free some space and run the same command again.",
    errno.EDQUOT: " Free some space and run the same command again.",
    errno.EFBIG: " A limit on the size of files is set (ulimit -f): raise it and run the same command again.",
}
"""System error -> what the user can do."""


def quiet_start() -> None:
    """Silences the frameworks and sends our own log to stderr. Call before anything imports TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(VisibleFormatter("%(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("seq2seq").setLevel(logging.INFO)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def guarded(work: Callable[[], int | None], interrupted: str = "Interrupted.") -> int:
    """Runs `work` and returns its exit code; a user's mistake becomes one message on stderr, never a traceback."""
    try:
        with handle_signals():
            code = work() or 0
            if sys.stdout is not None:
                sys.stdout.flush()
            return code
    except KeyboardInterrupt:
        say(f"\n{interrupted}")
        return EXIT_INTERRUPTED
    except Terminated:
        say("\nTerminated.")
        return EXIT_TERMINATED
    except BrokenPipeError:
        # The reader of the output has ended, as `head` does: that is no error.
        _drop_output()
        return 0
    except ValueError as error:
        say(f"error: {error}")
        return EXIT_MISTAKE
    except ModuleNotFoundError as error:
        if not (message := missing_message(error.name)):
            raise
        say(f"error: {message}")
        return EXIT_MISTAKE
    except OSError as error:
        _drop_output()
        hint = HINTS.get(error.errno or 0, "")
        if str(error.filename).startswith(tempfile.gettempdir()):
            hint += " The variable TMPDIR names another folder for temporary files." if hint else ""
        place = f"{error.filename}: " if error.filename else ""
        say(f"error: {place}{error.strerror or error}.{hint}")
        return EXIT_FAILED
    except RunFailed as error:
        say(f"error: {error}")
        return EXIT_FAILED
    except Exception as error:
        for number in HINTS:  # TensorFlow and HDF5 report the system's errors as text
            if os.strerror(number) in str(error):
                place = f" Temporary files are in {tempfile.gettempdir()}; TMPDIR names another folder."
                say(f"error: {os.strerror(number)}.{HINTS[number]}{place}")
                return EXIT_FAILED
        if not _is_out_of_memory(error):
            raise
        say("error: out of memory. Use smaller batches, a smaller beam or a smaller model.")
        return EXIT_FAILED


def _drop_output() -> None:
    """Discards what standard output did not take; otherwise Python reports it once more when it exits."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_out_of_memory(error: Exception) -> bool:
    # TensorFlow has its own class, JAX a text; neither is imported here.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return bool(kinds & {"MemoryError", "ResourceExhaustedError"}) or "RESOURCE_EXHAUSTED" in str(error)
