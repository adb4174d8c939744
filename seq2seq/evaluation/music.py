"""Scores of models of music side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seq2seq.evaluation.language import mixture
from seq2seq.inference.music import ScoredMusic


def mixed(pieces: Sequence[ScoredMusic], others: Sequence[ScoredMusic], weight: float) -> list[ScoredMusic]:
    """Returns pieces scored by the mean of two models' probabilities, `weight` of it of the others."""
    return [
        replace(piece, log_probs=mixture(piece.log_probs, other.log_probs, weight))
        for piece, other in zip(pieces, others, strict=True)
    ]
