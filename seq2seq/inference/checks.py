"""Checks of what users pass to a generator, and of what its model computes. Imports no framework."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping

import numpy as np


def check_texts(lines: Iterable[str]) -> list[str]:
    """Returns lines as a list of texts; raises TypeError for an item that is no text, by its index."""
    if isinstance(lines, str | bytes | Mapping):
        raise TypeError(f"Expected several lines, as a list of texts. Received: {_excerpt(lines)}")
    try:
        items = list(lines)
    except TypeError:
        raise TypeError(f"Expected several lines, as a list of texts. Received: {_excerpt(lines)}") from None
    for index, item in enumerate(items):
        if not isinstance(item, str):
            hint = " Decode it first." if isinstance(item, bytes) else ""
            raise TypeError(f"lines[{index}]: expected text. Received: {_excerpt(item)}.{hint}")
    return [str(item) for item in items]  # NumPy has a text type of its own


def check_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns (source, target) pairs as a list; raises TypeError for an item that is no pair, by its index."""
    checked = []
    for index, pair in enumerate(pairs):
        if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise TypeError(f"pairs[{index}]: expected a source and a target, both text. Received: {_excerpt(pair)}")
        checked.append((str(pair[0]), str(pair[1])))
    return checked


def check_batch_size(batch_size: int) -> int:
    """Returns `batch_size` as an int; raises ValueError if it is no whole number of at least 1."""
    try:
        size = 0 if isinstance(batch_size, bool) else operator.index(batch_size)
    except TypeError:
        size = 0
    if size < 1:
        raise ValueError(f"batch_size must be a whole number of at least 1. Received: {batch_size!r}")
    return size


def check_numbers(scores: np.ndarray) -> None:
    """Raises ValueError if a score of a model is NaN: some of its weights are."""
    if np.isnan(scores).any():
        raise ValueError(
            "The model computes scores that are no numbers (NaN): its weights are damaged. "
            "Train or export it again, or use the weights of an earlier epoch."
        )


def _excerpt(value: object) -> str:
    return f"{str(value)[:40]!r} ({type(value).__name__})"
