"""Checks the progress in a checkpoint: a correct checksum does not mean that a run can continue from its values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from seq2seq.training.guard import Watch

COUNTS = {"epoch", "epochs", "patience_from", "step"}
TIMES = {"seconds", "tokens_per_second"}


def check_progress(progress: dict[str, Any], epochs: int, steps: int, columns: Iterable[str]) -> None:
    """Checks what `recipe.train` reads of a checkpoint's progress.

    Args:
        progress: Any JSON object.
        epochs: Of the whole run.
        steps: Of an epoch. Subword sampling makes epochs of somewhat different lengths, so twice as many pass.
        columns: Of a row of the history, beside its epoch.

    Raises:
        ValueError: it is no progress of such a run. The message names the value.
    """
    if missing := sorted({*COUNTS, *TIMES, "history", "watch"} - set(progress)):
        raise ValueError(f"its progress has no {', '.join(missing)}")
    for name in COUNTS:
        _check(name, progress[name], _is_count(progress[name]), "a whole number from 0")
    for name in TIMES:
        _check(name, progress[name], is_finite(progress[name]) and progress[name] >= 0, "a number from 0")
    epoch = progress["epoch"]
    _check("epoch", epoch, epoch <= epochs, f"at most {epochs}")
    _check("step", progress["step"], progress["step"] <= 2 * steps, f"at most {2 * steps}")
    _check("patience_from", progress["patience_from"], progress["patience_from"] <= epoch, f"at most {epoch}")
    _check_watch(progress["watch"])
    if "skipped" in progress:
        _check("skipped", progress["skipped"], _is_count(progress["skipped"]), "a whole number from 0")
    _check_history(progress["history"], epoch, list(columns))


def is_finite(value: Any) -> bool:
    """Whether a JSON value is a number that a float can hold."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number above the largest float
        return False


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def _check(name: str, value: Any, is_right: bool, expected: str) -> None:
    if not is_right:
        raise ValueError(f"its progress has {name} {str(value)[:40]!r}, expected {expected}")


def _check_watch(watch: Any) -> None:
    known = {field.name: field.type for field in fields(Watch)}
    _check("watch", watch, isinstance(watch, dict) and set(watch) <= set(known), f"an object of {', '.join(known)}")
    for name, value in watch.items():
        if known[name] == "int":
            _check(name, value, _is_count(value), "a whole number from 0")
        else:
            _check(name, value, is_finite(value) or (value is None and "None" in str(known[name])), "a number")


def _check_history(history: Any, epoch: int, columns: list[str]) -> None:
    if not isinstance(history, list) or len(history) != epoch:
        raise ValueError(f"its history is no list of {epoch} rows")
    for number, row in enumerate(history, 1):
        if not isinstance(row, dict) or row.get("epoch") != number or isinstance(row["epoch"], bool):
            raise ValueError(f"row {number} of its history is no row of epoch {number}")
        for name, value in row.items():
            _check(name, value, is_finite(value) or (isinstance(value, str) and name not in columns), "a number")
        if missing := [name for name in columns if name not in row]:
            raise ValueError(f"row {number} of its history has no {', '.join(missing)}")
