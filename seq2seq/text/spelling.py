"""What pieces that are spelled alike have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from seq2seq.symbols import NAMES
from seq2seq.text.links import BEGIN


def spelling_features(pieces: Sequence[str]) -> np.ndarray:
    """Numbers the features of each piece's spelling: capitals aside, its letters, the first 3 and 5, the last 2 and 3;
    and its shape, that is what it is made of and whether it begins a word.

    Args:
        pieces: A vocabulary, by its ids.

    Returns:
        `(size, 6)`, int32. 0 is a feature that no other piece has, as all are of a control symbol.
    """
    rows = [_features(piece) for piece in pieces]
    count = Counter(feature for row in rows for feature in row)
    shared = sorted(feature for feature, pieces_with_it in count.items() if pieces_with_it > 1)
    numbers = {feature: number for number, feature in enumerate(shared, 1)}
    found = [[numbers.get(feature, 0) for feature in row] or [0] * 6 for row in rows]
    return np.asarray(found, np.int32).reshape(-1, 6)


def _features(piece: str) -> list[tuple[str, str]]:
    text = piece.removeprefix(BEGIN)
    if piece in NAMES or not text:
        return []
    small = text.casefold()
    values = {"letters": small, "first 3": small[:3], "first 5": small[:5], "last 2": small[-2:], "last 3": small[-3:]}
    return [*values.items(), ("shape", _shape(text) + BEGIN * piece.startswith(BEGIN))]


def _shape(text: str) -> str:
    if text.isdigit():
        return "1"
    if not text[0].isalnum():
        return text[0]
    if text.islower():
        return "a"
    if text.isupper() and len(text) > 1:
        return "AA"
    return "A" if text[0].isupper() else "x"
