"""Which lines are computed together, and their ids as one array. Imports no framework."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq.pipeline.padding import pad, padded
from seq2seq.symbols import EOS
from seq2seq.types import Padded


def by_length(sources: Sequence[Sequence[int]], batch_size: int) -> list[list[int]]:
    """Groups the indices of the sources that are not empty, longest first: the largest batch comes first."""
    order = sorted((i for i, ids in enumerate(sources) if ids), key=lambda i: -len(sources[i]))
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def pad_with_eos(sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns `(len(sequences), longest + 1)` int32: each sequence, its EOS, then PAD."""
    return pad([[*ids, EOS] for ids in sequences])


def padded_with_eos(sequences: Sequence[Sequence[int]]) -> Padded:
    """As `pad_with_eos`, with the mask: True at the ids and the EOS of each sequence."""
    return padded([[*ids, EOS] for ids in sequences])
