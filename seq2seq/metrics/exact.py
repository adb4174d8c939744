"""Exact match, for short outputs (transliteration, inflection, classification)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq import __version__
from seq2seq.metrics.bleu import check_parallel
from seq2seq.metrics.score import Score


def exact_match(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Percentage of lines equal to their reference; blanks are collapsed and stripped."""
    matches = exact_match_lines(hypotheses, references)
    how = f"chars:code-points|cased|blanks:single|seq2seq|version:{__version__}"
    return Score(float(matches.mean()), f"exact_match|{how}")


def exact_match_lines(hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """`(lines,)`: 100 for each line equal to its reference, otherwise 0."""
    check_parallel(hypotheses, references)
    return np.asarray([100.0 * (h.split() == r.split()) for h, r in zip(hypotheses, references, strict=True)])
