"""The hypothesis that agrees best with the others, in NumPy: what `seq2seq.search.consensus` does in a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq.lite.search import FORBIDDEN
from seq2seq.search.options import AGREEMENT_ORDERS
from seq2seq.types import SearchResult


def choose_by_consensus(found: SearchResult, exponent: float, num_best: int) -> SearchResult:
    """See `seq2seq.search.consensus.choose_by_consensus`."""
    places = np.zeros((len(found.ids), num_best), np.intp)
    expected = np.full((len(found.ids), num_best), FORBIDDEN, np.float32)
    for row, (ids, lengths, gains, scores) in enumerate(zip(*found, strict=True)):
        real = int((scores > FORBIDDEN / 2).sum())  # they stand first
        votes = np.exp(exponent * (gains[:real] - gains[:real].max()))
        alike = agreement([line[:length].tolist() for line, length in zip(ids[:real], lengths[:real], strict=True)])
        agreed = np.pad(alike @ (votes / votes.sum()), (0, len(scores) - real), constant_values=FORBIDDEN)
        places[row] = np.argsort(-agreed, kind="stable")[:num_best]
        expected[row] = agreed[places[row]]
    here = np.arange(len(places))[:, None]
    ids, lengths, log_probabilities = (part[here, places] for part in found[:3])
    return SearchResult(ids, lengths, log_probabilities, expected)


def agreement(hypotheses: Sequence[Sequence[int]]) -> np.ndarray:
    """`(n, n)`: how alike hypotheses are; see `seq2seq.search.consensus.agreement`."""
    n = len(hypotheses)
    total = np.zeros((n, n), np.float32)
    for order in range(1, AGREEMENT_ORDERS + 1):
        numbers: dict[tuple[int, ...], int] = {}
        grams = [
            [numbers.setdefault(tuple(ids[i : i + order]), len(numbers)) for i in range(len(ids) - order + 1)]
            for ids in hypotheses
        ]
        counts = np.stack([np.bincount(found, minlength=len(numbers) + 1) for found in map(_ints, grams)])
        sizes = counts.sum(axis=1)
        both = sizes[:, None] + sizes[None]
        shared = np.minimum(counts[:, None], counts[None]).sum(axis=2)
        total += np.where(both > 0, 2 * shared / np.maximum(both, 1), 1).astype(np.float32)
    return total / np.float32(AGREEMENT_ORDERS)


def _ints(values: list[int]) -> np.ndarray:
    return np.asarray(values, np.intp)  # an empty list would be floats
