"""Padded ids as the model takes them, for tests that write their ids by hand, 0 at padding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seq2seq.types import Padded


def padded(ids: np.ndarray) -> Padded:
    """`(batch, time)` ids, 0 at padding, with their mask."""
    return Padded(ids, ids != 0)


def named(source: np.ndarray, target_input: np.ndarray, **extras: np.ndarray) -> Mapping[str, Any]:
    """The inputs of a model by name; source and target are padded with 0."""
    return {"source": source, "source_mask": source != 0, "target_input": target_input, **extras}
