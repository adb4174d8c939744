"""What the tests of the commands share."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest

from seq2seq.cli.main import main


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process; returns exit code, stdout and stderr."""

    def call(*words: Any, text: bytes = b"") -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        capfdbinary.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse
            code = stop.code
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return call
