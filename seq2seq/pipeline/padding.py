"""Rows of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seq2seq.types import Padded


def pad(rows: Sequence[Any], width: int | None = None, dtype: str = "int32", shape: tuple[int, ...] = ()) -> np.ndarray:
    """Returns `(len(rows), width, *shape)`, zeros after the end of each row.

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


def padded(rows: Sequence[Any], width: int | None = None, dtype: str = "int32", shape: tuple[int, ...] = ()) -> Padded:
    """Returns rows and arguments of `pad` as an array with its mask, which follows from the lengths of the rows."""
    values = pad(rows, width, dtype, shape)
    lengths = np.asarray([len(row) for row in rows], np.int32)
    return Padded(values, np.arange(values.shape[1]) < lengths[:, np.newaxis])
