"""The bonus of a text is that of the listed words in it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from seq2seq.search.hotwords import Hotwords

A, B, SPACE, SIZE = 1, 2, 3, 6
PIECE_A, PIECE_B = 4, 5
"""Pieces that have a space in front of a and b."""


def bonus(hotwords, text):
    state, total = Hotwords.START, 0.0
    for symbol in text:
        total += hotwords.gains[state, symbol]
        state = hotwords.following[state, symbol]
    return total, total + hotwords.closing[state]


def by_words(text, words, starts=(), parts=()):
    """Splits the text into words and looks each up."""
    found, word = 0, []
    for symbol in [*text, None]:
        if symbol is None or symbol in starts or symbol in parts:
            found += len(word) * (word in words)
            word = []
        if symbol is not None and symbol not in parts:
            word.append(symbol)
    return found


@pytest.mark.parametrize(
    ("words", "starts", "parts", "symbols"),
    [
        ([[A], [A, B, A], [B, B]], (), (SPACE,), (A, B, SPACE)),
        ([[PIECE_A, B], [PIECE_A], [PIECE_B, A, A]], (PIECE_A, PIECE_B), (), (A, B, PIECE_A, PIECE_B)),
        ([[PIECE_A, B], [B, A]], (PIECE_A,), (SPACE,), (A, B, SPACE, PIECE_A)),
        ([], (), (SPACE,), (A, SPACE)),
    ],
)
def test_a_text_has_the_bonus_of_each_listed_word_in_it(words, starts, parts, symbols):
    hotwords = Hotwords([*words, *words], 0.5, SIZE, starts, parts)
    for length in range(6):
        for text in itertools.product(symbols, repeat=length):
            assert bonus(hotwords, text)[1] == pytest.approx(0.5 * by_words(text, words, starts, parts)), text


def test_the_bonus_comes_symbol_by_symbol_and_goes_where_the_word_breaks_off():
    hotwords = Hotwords([[A, B, A]], 2.0, SIZE, parts=(SPACE,))
    assert [bonus(hotwords, text)[0] for text in ([A], [A, B], [A, B, B], [A, B, SPACE])] == [2, 4, 0, 0]
    assert [bonus(hotwords, text)[0] for text in ([A, B, A], [A, B, A, SPACE], [A, B, A, A])] == [6, 6, 0]
    assert bonus(hotwords, [A, B]) == (4, 0)  # the text ends within the word


@pytest.mark.parametrize(
    ("words", "given", "message"),
    [
        ([[]], 1.0, "at least one symbol"),
        ([[A], [A, 6]], 1.0, r"from 0 to 5\. Received: 6 in \[1, 6\]"),
        ([[A, SPACE, B]], 1.0, r"a single word.*Received: \[1, 3, 2\], where 3"),
        ([[A, PIECE_A]], 1.0, "where 4 begins or parts"),
        ([[A]], -1.0, "at least 0. Received: -1"),
        ([[A]], np.nan, "Received: nan"),
    ],
)
def test_what_cannot_be_a_hotword_is_refused(words, given, message):
    with pytest.raises(ValueError, match=message):
        Hotwords(words, given, SIZE, (PIECE_A,), (SPACE,))
