"""Batches for a model that reads tokens and writes tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq.pipeline.padding import padded
from seq2seq.pipeline.plan import Layout, Rows, Widths
from seq2seq.symbols import BOS
from seq2seq.types import Batch


def collate_pairs(store: Rows, rows: np.ndarray, widths: Widths) -> Batch:
    """Returns a batch of the columns "source" and "target" of a token store."""
    source, target = (
        padded([store[name][row] for row in rows], width)
        for name, width in zip(("source", "target"), widths, strict=True)
    )
    return Batch(source, *shift(target.values), target.mask.astype(np.float32))


def collate_aligned_pairs(store: Rows, rows: np.ndarray, widths: Widths) -> Batch:
    """As `collate_pairs`, with the alignment of each pair as the attention that it asks for."""
    shape = (len(rows), widths[1], widths[0])
    alignment = expected_attention([store["alignment"][row] for row in rows], shape)
    return collate_pairs(store, rows, widths)._replace(extras={"alignment": alignment})


PAIRS = Layout(("source", "target"), collate_pairs)
ALIGNED_PAIRS = Layout(("source", "target"), collate_aligned_pairs)


def shift(target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Teacher forcing, in this one place: `(batch, target)` ids -> decoder input and expected output.

    The output is the target itself, up to its EOS; the input is BOS and the same one step later.
    """
    first = np.full((len(target), 1), BOS, target.dtype)
    return np.concatenate([first, target[:, :-1]], axis=1), target


def expected_attention(alignments: Sequence[np.ndarray], shape: tuple[int, int, int]) -> np.ndarray:
    """Returns the attention that alignments ask for: even over the source tokens that a target token is aligned to.

    Args:
        alignments: Of each row, `(points, 2)`: places of aligned tokens in the source and in the target.
        shape: `(batch, target, source)` of the result, float32. Steps without an alignment are 0.
    """
    attention = np.zeros(shape, np.float32)
    for row, points in zip(attention, alignments, strict=True):
        row[points[:, 1], points[:, 0]] = 1.0
    return attention / np.maximum(attention.sum(axis=2, keepdims=True), 1.0)
