"""What every task from text to text does alike: the functions that `run.task.Task` lists."""

from __future__ import annotations

VERBS = (
    "translate",
    "summarize",
    "evaluate",
    "compare",
    "align",
    "score",
    "rerank",
    "average",
    "export",
    "doctor",
)
"""Verbs of the command line that take such a run."""
EXPORTS = ("saved_model", "litert", "onnx")
"""Forms that `seq2seq export` writes."""
