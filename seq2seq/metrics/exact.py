"""Scores for short outputs (transliteration, inflection, classification): exact match and character error rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seq2seq import __version__
from seq2seq.metrics.bleu import check_parallel
from seq2seq.metrics.score import Score

_HOW = f"chars:code-points|cased|blanks:single|seq2seq|version:{__version__}"
"""Part of the signatures: what is compared."""


def exact_match(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Percentage of lines equal to their reference; blanks are collapsed and stripped."""
    matches = exact_match_lines(hypotheses, references)
    return Score(float(matches.mean()), f"exact_match|{_HOW}")


def exact_match_lines(hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """`(lines,)`: 100 for each line equal to its reference, otherwise 0."""
    check_parallel(hypotheses, references)
    return np.asarray([100.0 * (_tidy(h) == _tidy(r)) for h, r in zip(hypotheses, references, strict=True)])


def character_error_rate(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Levenshtein (1966) edits per 100 reference characters, over all lines; lower is better."""
    edits, lengths = character_errors(hypotheses, references)
    return Score(100 * float(edits.sum()) / max(float(lengths.sum()), 1.0), f"cer|edits:levenshtein|{_HOW}")


def character_errors(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Edits and reference characters of each line, `(lines,)` each."""
    check_parallel(hypotheses, references)
    pairs = [(_tidy(h), _tidy(r)) for h, r in zip(hypotheses, references, strict=True)]
    return np.asarray([edit_distance(h, r) for h, r in pairs], float), np.asarray([len(r) for _, r in pairs], float)


def edit_distance(one: str, other: str) -> int:
    """Fewest character insertions, deletions and substitutions that turn one text into the other.

    A column of the table of distances is two bit vectors of its differences, in integers (Myers 1999; Hyyrö 2003).
    """
    if not one:
        return len(other)
    size = len(one)
    full, last = (1 << size) - 1, 1 << (size - 1)
    places: dict[str, int] = {}
    for i, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << i
    rises, falls, distance = full, 0, size
    for character in other:
        equal = places.get(character, 0)
        diagonal = (((equal & rises) + rises) ^ rises) | equal | falls
        right, left = falls | ~(diagonal | rises) & full, diagonal & rises
        distance += bool(right & last) - bool(left & last)
        right = right << 1 | 1
        rises = (left << 1 | ~(diagonal | right)) & full
        falls = right & diagonal & full
    return distance


def _tidy(text: str) -> str:
    return " ".join(text.split())
