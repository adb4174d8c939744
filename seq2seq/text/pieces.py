"""What the pieces of a SentencePiece vocabulary say, and where words begin in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

BEGIN = "▁"
"""How SentencePiece marks a piece that begins a word."""

_BYTE = re.compile("<0x([0-9A-F]{2})>")


def piece_word_numbers(pieces: Sequence[str]) -> list[int]:
    """Returns the number of each piece's word, from 0. A word begins after a space, be it "▁" or another.

    A piece that holds the end of a word and more belongs to that word. A piece of spaces alone belongs to the word
    after it.
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
        space = number if inside else number + 1
        numbers.append(space if first is None else first)
    last = max(number, 0)
    return [min(number, last) for number in numbers]


def is_byte(piece: str) -> bool:
    """Whether a piece stands for a single byte."""
    return bool(_BYTE.fullmatch(piece))


def join_bytes(pieces: Sequence[str]) -> list[str]:
    """Returns the pieces with the characters of consecutive single bytes at the first of them; the others are empty."""
    joined: list[str] = []
    run = bytearray()
    for piece in (*pieces, ""):
        byte = _BYTE.fullmatch(piece)
        if run and byte is None:
            joined[len(joined) - len(run)] = run.decode("utf-8", "replace")
            run.clear()
        if byte:
            run.append(int(byte[1], 16))
        joined.append("" if byte else piece)
    return joined[:-1]
