import os
import signal

import pytest

from seq2seq.cli.common import EXIT_FAILED, EXIT_MISTAKE, guarded
from seq2seq.signals import EXIT_INTERRUPTED


def _interrupted_in_a_graph():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        raise AssertionError("Nesting violated")


def _raise(error):
    raise error


Exhausted = type("ResourceExhaustedError", (Exception,), {})
"""As TensorFlow's: of a full disk as of memory."""


@pytest.mark.parametrize(
    ("work", "code", "message"),
    [
        (lambda: None, 0, ""),
        (lambda: _raise(ValueError("the beam is too wide")), EXIT_MISTAKE, "error: the beam is too wide\n"),
        (
            lambda: _raise(OSError(28, "No space left on device", "x")),
            EXIT_FAILED,
            "x: No space left on device. Free some",
        ),
        (lambda: _raise(OSError(27, "File too large", "x")), EXIT_FAILED, "x: File too large. A limit on the size of"),
        (lambda: _raise(Exhausted("write: No space left on device")), EXIT_FAILED, "error: No space left on device."),
        (lambda: _raise(KeyboardInterrupt()), EXIT_INTERRUPTED, "Stopped.\n"),
        (_interrupted_in_a_graph, EXIT_INTERRUPTED, "Stopped.\n"),
    ],
)
def test_every_end_has_its_code_and_one_message(work, code, message, capsys):
    before = signal.getsignal(signal.SIGINT)
    assert guarded(work, interrupted="Stopped.") == code
    assert message in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


def test_a_bug_is_not_dressed_up_as_a_mistake():
    with pytest.raises(AssertionError):
        guarded(lambda: _raise(AssertionError()))
