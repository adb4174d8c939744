"""Which words or pieces of a sentence and its translation belong together, and Pharaoh's format for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product

from seq2seq.types import AlignmentPoints

BEGIN = "▁"
"""How SentencePiece marks a piece that begins a word."""

_LINK = re.compile(r"([0-9]+)-([0-9]+)", re.ASCII)


def format_links(links: Iterable[tuple[int, int]]) -> str:
    """Returns the links as Pharaoh writes them: `source-target`, blanks between."""
    return " ".join(f"{source}-{target}" for source, target in links)


def parse_links(line: str, source_size: int, target_size: int) -> AlignmentPoints:
    """Returns the links of a line that `format_links` wrote; a blank one has none.

    Args:
        line: The text.
        source_size: Words of the source; every place must be below it.
        target_size: Words of the target.

    Raises:
        ValueError: something that is no link, or a place outside of the sentence.
    """
    links: AlignmentPoints = []
    for word in line.split():
        found = _LINK.fullmatch(word)
        if found is None:
            raise ValueError(f"expected links as source-target, such as 0-0 1-2. Received: {word[:40]!r}")
        link = int(found[1]), int(found[2])
        for side, place, size in zip(("source", "target"), link, (source_size, target_size), strict=True):
            if place >= size:
                raise ValueError(f"{word[:40]!r} links word {place} of the {side}, which has {size}, counted from 0.")
        links.append(link)
    return links


def word_numbers(pieces: Sequence[str]) -> list[int]:
    """Returns the number of each piece's word, from 0: where a text has a blank, "▁" or another, a word begins behind.

    A piece with the end of a word and more is of that word; one of blanks alone is of the word behind it.
    """
    numbers, number, inside = [], -1, False
    for piece in pieces:
        first = None
        for character in piece:
            if character == BEGIN or character.isspace():
                inside = False
                continue
            number, inside = number + (not inside), True
            first = number if first is None else first
        blank = number if inside else number + 1
        numbers.append(blank if first is None else first)
    last = max(number, 0)
    return [min(number, last) for number in numbers]


_BYTE = re.compile("<0x([0-9A-F]{2})>")


def joined_bytes(pieces: Sequence[str]) -> list[str]:
    """Returns the pieces; of single bytes that follow each other the first has their characters, the others none."""
    found: list[str] = []
    run = bytearray()
    for piece in (*pieces, ""):
        byte = _BYTE.fullmatch(piece)
        if run and byte is None:
            found[len(found) - len(run)] = run.decode("utf-8", "replace")
            run.clear()
        if byte:
            run.append(int(byte[1], 16))
        found.append("" if byte else piece)
    return found[:-1]


def to_words(
    links: Iterable[tuple[int, int]], source_words: Sequence[int], target_words: Sequence[int]
) -> AlignmentPoints:
    """Returns the links of words that have linked pieces, each once, in order.

    Args:
        links: Of pieces.
        source_words: The number of each source piece's word, as `word_numbers` counts.
        target_words: The same of the target.
    """
    return sorted({(source_words[source], target_words[target]) for source, target in links})


def to_pieces(
    links: Iterable[tuple[int, int]], source_words: Sequence[int], target_words: Sequence[int]
) -> AlignmentPoints:
    """Returns the links of all pieces of a word with all pieces of each word it is linked to, each once, in order."""
    sources, targets = _places(source_words), _places(target_words)
    return sorted(
        {pair for source, target in links for pair in product(sources.get(source, ()), targets.get(target, ()))}
    )


def _places(words: Sequence[int]) -> dict[int, list[int]]:
    """The pieces of each word."""
    found: dict[int, list[int]] = {}
    for place, word in enumerate(words):
        found.setdefault(word, []).append(place)
    return found
