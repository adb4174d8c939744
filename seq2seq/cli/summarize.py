"""`seq2seq summarize RUN`: `translate` under the name that fits a run which summarises."""

from __future__ import annotations

from seq2seq.cli.translate import add_arguments, run

__all__ = ["add_arguments", "run"]
