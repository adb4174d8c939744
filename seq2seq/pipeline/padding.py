"""Rows of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def pad(rows: Sequence[Any], width: int | None = None, dtype: str = "int32", shape: tuple[int, ...] = ()) -> np.ndarray:
    """Returns `(len(rows), width, *shape)`, zeros behind the end of each row.

    Args:
        rows: Each `(length, *shape)`, at most `width` long.
        width: None: that of the longest row, at least 1.
        dtype: Of the result.
        shape: Of one entry.
    """
    width = max([1, *map(len, rows)]) if width is None else width
    padded = np.zeros((len(rows), width, *shape), dtype)
    for target, row in zip(padded, rows, strict=True):
        if len(row):
            target[: len(row)] = row
    return padded
