"""Which words or tokens of a source and its target belong together, and Pharaoh's format for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product

from seq2seq.text.examples import AlignmentPoints

_POINT = re.compile(r"([0-9]+)-([0-9]+)", re.ASCII)


def format_alignment(points: Iterable[tuple[int, int]]) -> str:
    """Returns an alignment in Pharaoh's format: `source-target`, separated by spaces."""
    return " ".join(f"{source}-{target}" for source, target in points)


def parse_alignment(line: str, source_size: int, target_size: int) -> AlignmentPoints:
    """Returns the points of a line in Pharaoh's format; an empty line has none.

    Args:
        line: The text.
        source_size: Words of the source; every source position must be below it.
        target_size: Words of the target.

    Raises:
        ValueError: a word is not `source-target`, or a position is outside the sentence.
    """
    points: AlignmentPoints = []
    for word in line.split():
        match = _POINT.fullmatch(word)
        if match is None:
            raise ValueError(f"expected alignments as source-target, such as 0-0 1-2. Received: {word[:40]!r}")
        point = int(match[1]), int(match[2])
        for side, position, size in zip(("source", "target"), point, (source_size, target_size), strict=True):
            if position >= size:
                raise ValueError(
                    f"{word[:40]!r} aligns word {position} of the {side}, which has {size} words, counted from 0."
                )
        points.append(point)
    return points


def align_words(
    token_points: Iterable[tuple[int, int]], source_words: Sequence[int], target_words: Sequence[int]
) -> AlignmentPoints:
    """Returns the alignment of the words that aligned tokens belong to, each point once, in order.

    Args:
        token_points: Aligned tokens.
        source_words: The number of each source token's word.
        target_words: The number of each target token's word.
    """
    return sorted({(source_words[source], target_words[target]) for source, target in token_points})


def align_tokens(
    word_points: Iterable[tuple[int, int]], source_words: Sequence[int], target_words: Sequence[int]
) -> AlignmentPoints:
    """Returns all tokens of each aligned word with all tokens of the word it is aligned to, each point once, in order.

    Args:
        word_points: Aligned words.
        source_words: The number of each source token's word.
        target_words: The number of each target token's word.
    """
    sources, targets = _tokens_by_word(source_words), _tokens_by_word(target_words)
    return sorted(
        {point for source, target in word_points for point in product(sources.get(source, ()), targets.get(target, ()))}
    )


def _tokens_by_word(words: Sequence[int]) -> dict[int, list[int]]:
    tokens: dict[int, list[int]] = {}
    for position, word in enumerate(words):
        tokens.setdefault(word, []).append(position)
    return tokens
