"""Minimum Bayes risk in NumPy: what `seq2seq.search.mbr` does in a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq.lite.search import FORBIDDEN
from seq2seq.search.options import MBR_ORDERS
from seq2seq.types import SearchResult


def choose_by_mbr(beam: SearchResult, exponent: float, num_best: int) -> SearchResult:
    """See `seq2seq.search.mbr.choose_by_mbr`."""
    best = np.zeros((len(beam.ids), num_best), np.intp)
    scores = np.full((len(beam.ids), num_best), FORBIDDEN, np.float32)
    for row, (ids, lengths, log_probs, row_scores) in enumerate(zip(*beam, strict=True)):
        count = int((row_scores > FORBIDDEN / 2).sum())  # the real ones come first
        weights = np.exp(exponent * (log_probs[:count] - log_probs[:count].max()))
        hypotheses = [line[:length].tolist() for line, length in zip(ids[:count], lengths[:count], strict=True)]
        expected = agreement(hypotheses) @ (weights / weights.sum())
        expected = np.pad(expected, (0, len(row_scores) - count), constant_values=FORBIDDEN)
        best[row] = np.argsort(-expected, kind="stable")[:num_best]
        scores[row] = expected[best[row]]
    rows = np.arange(len(best))[:, None]
    ids, lengths, log_probabilities = (part[rows, best] for part in beam[:3])
    return SearchResult(ids, lengths, log_probabilities, scores)


def agreement(hypotheses: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns `(n, n)`: how similar hypotheses are; see `seq2seq.search.mbr.agreement`."""
    n = len(hypotheses)
    total = np.zeros((n, n), np.float32)
    for order in range(1, MBR_ORDERS + 1):
        numbers: dict[tuple[int, ...], int] = {}
        grams = [
            [numbers.setdefault(tuple(ids[i : i + order]), len(numbers)) for i in range(len(ids) - order + 1)]
            for ids in hypotheses
        ]
        # Of an empty list NumPy would make floats.
        counts = np.stack([np.bincount(np.asarray(row, np.intp), minlength=len(numbers) + 1) for row in grams])
        sizes = counts.sum(axis=1)
        both = sizes[:, None] + sizes[None]
        shared = np.minimum(counts[:, None], counts[None]).sum(axis=2)
        total += np.where(both > 0, 2 * shared / np.maximum(both, 1), 1).astype(np.float32)
    return total / np.float32(MBR_ORDERS)
