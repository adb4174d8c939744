"""How words are spelled: the letters of a vocabulary's pieces, and the features that words share."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq.symbols import NAMES
from seq2seq.text.pieces import BEGIN, is_byte
from seq2seq.types import Marks

FIRST, LAST = 5, 3
"""Letters at the beginning and at the end of a word that count."""
FEATURES = 5
"""Of a word: its first 3 letters, its first 5, its last 2, its last 3, and its kinds of characters."""
_PRIME, _BASE = 2_097_143, 1009  # their product plus a character is just below 2 ** 31


class Spelling(NamedTuple):
    """The spelling of each piece of a vocabulary, by ids, from which the spelling of words follows.

    A letter is the code point of a letter, of a mark on a letter or of a digit, case folded.
    """

    first: Any
    """`(size, FIRST)`, int32: the first letters of a piece, then 0."""
    last: Any
    """`(size, LAST)`, int32: its last letters, the last one first, then 0."""
    lengths: Any
    """`(size,)`, int32: its number of letters."""
    kinds: Any
    """`(size, 4)`, int32: 1 if it has small letters, capitals, digits, other characters."""
    known: Any
    """`(n,)`, int32, ascending: fingerprints of the features that at least two pieces share."""


def mark(pieces: Sequence[str]) -> Marks:
    """Returns where words begin in ids of a vocabulary, and which ids are punctuation."""
    begins = [piece.startswith(BEGIN) for piece in pieces]
    punctuation = [not any(c.isalnum() for c in piece) for piece in pieces]
    blank = list(pieces).index(BEGIN) if BEGIN in pieces else None
    return Marks(np.asarray(begins, bool), np.asarray(punctuation, bool), blank)


def spell(pieces: Sequence[str]) -> Spelling:
    """Returns the spelling of all pieces of a vocabulary; control symbols and single bytes have none."""
    texts = ["" if piece in NAMES or is_byte(piece) else piece.removeprefix(BEGIN) for piece in pieces]
    letters = [[ord(c) for c in text.casefold() if _is_letter(c)] for text in texts]
    first, last = (
        np.asarray([(row[:width] + [0] * width)[:width] for row in rows], np.int32).reshape(-1, width)
        for width, rows in ((FIRST, letters), (LAST, [row[::-1] for row in letters]))
    )
    kinds = np.asarray([_kinds(text) for text in texts], np.int32).reshape(-1, 4)
    features, count = np.unique(fingerprints(first, last, kinds)[[bool(text) for text in texts]], return_counts=True)
    return Spelling(first, last, np.asarray(list(map(len, letters)), np.int32), kinds, features[count > 1])


def _kinds(text: str) -> list[bool]:
    tests = str.islower, str.isupper, str.isdigit, lambda c: not _is_letter(c)
    return [any(map(test, text)) for test in tests]


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def fingerprints(first: Any, last: Any, kinds: Any) -> Any:
    """Returns a number for each feature of words, or of pieces as if they were words. Equal features get equal numbers.

    Different features may collide: with 4,000 known features, one in 500 unknown ones is taken for a known one. Works
    on tensors of any backend.

    Args:
        first: `(…, FIRST)`, int32, as in `Spelling`.
        last: `(…, LAST)`, int32.
        kinds: `(…, 4)`, int32, 0 or 1.

    Returns:
        For each feature `(…,)`, int32, below 2 ** 21: a NumPy array `(…, FEATURES)`, or a list of tensors.
    """
    features = (first[..., :3], first, last[..., :2], last, kinds)
    numbers = []
    for kind, characters in enumerate(features, 1):
        number = kind
        for place in range(characters.shape[-1]):
            number = (number * _BASE + characters[..., place]) % _PRIME
        numbers.append(number)
    return np.stack(numbers, -1) if isinstance(first, np.ndarray) else numbers
