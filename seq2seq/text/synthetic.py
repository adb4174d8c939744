"""Synthetic pairs of text: which are worth training on, and noise for their source. Imports no framework."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

DROPPED, FURTHEST = 0.1, 3
"""Of `noisy`: share of the words that are dropped, and how many places a word moves at most (Lample et al. 2018)."""
LEAST_LENGTH = 20
"""Pairs whose longer side has fewer characters are not judged by their ratio."""
IN_A_ROW, TIMES = 4, 3
"""A text repeats itself that has a word so many times in a row, or three words in the same order so many times."""


@dataclass(frozen=True)
class PairFilter:
    """Says which pairs are left out, and why.

    Raises:
        ValueError: numbers that leave nothing.
    """

    min_words: int = 1
    """Fewest words of a side. Of text without spaces, a character counts as a word."""
    max_words: int = 100
    length_ratio: float = 3.0
    """How many times the characters of its other side a side may have; of short pairs any number."""

    def __post_init__(self) -> None:
        if self.min_words > self.max_words:
            raise ValueError(
                f"Expected --min-words of at most --max-words. Received: {self.min_words} and {self.max_words}"
            )
        if not self.length_ratio >= 1:
            raise ValueError(f"Expected --length-ratio of at least 1. Received: {self.length_ratio:g}")

    def reason(self, source: str, target: str, may_copy: bool = False) -> str:
        """Returns why a pair is left out, in a few words; empty if it is kept.

        Args:
            source: One side.
            target: The other.
            may_copy: Whether the sides may be the same text.
        """
        if not source.strip() or not target.strip():
            return "an empty side"
        counts = [_words(side) for side in (source, target)]
        if min(counts) < self.min_words or max(counts) > self.max_words:
            return "too few or too many words"
        shorter, longer = sorted((len(source), len(target)))
        if longer >= LEAST_LENGTH and longer > self.length_ratio * shorter:
            return "lengths that do not fit each other"
        if not may_copy and _letters(source) == _letters(target):
            return "copies"
        return "repetitions" if any(map(repeats, (source, target))) else ""


def _words(text: str) -> int:
    words = len(text.split())
    return words if len(text) < 15 * words else len(text)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def repeats(text: str) -> bool:
    """Whether a text goes round in circles, as outputs of a poor model do."""
    words = text.casefold().split()
    if any(len(list(run)) >= IN_A_ROW for _, run in groupby(words)):
        return True
    threes = Counter(zip(words, words[1:], words[2:], strict=False))
    return max(threes.values(), default=0) >= TIMES


def noisy(text: str, seed: Sequence[int]) -> str:
    """Returns a text without some of its words, the others slightly out of order (Lample et al. 2018, 2.3).

    Args:
        text: Words between spaces; one of a single word stays as it is.
        seed: Equal seeds and texts give equal results.
    """
    draw = random.Random(" ".join(map(str, seed)))
    words = text.split()
    kept = [word for word in words if draw.random() >= DROPPED] or words[:1]
    places = [place + draw.uniform(0, FURTHEST + 1) for place in range(len(kept))]
    return " ".join(kept[place] for place in sorted(range(len(kept)), key=places.__getitem__))
