"""How pieces are spelled, and the features that words share."""

from __future__ import annotations

import numpy as np

from seq2seq.symbols import NAMES
from seq2seq.text.spelling import FEATURES, fingerprints, mark, spell

WORDS = ["▁Walking", "▁walking", "walking", "▁talking", "▁walks", "▁WALKS", "▁1999", "▁20", ".", "▁x"]


def prints(pieces):
    found = spell(pieces)
    return fingerprints(found.first, found.last, found.kinds)


def shared(one, other):
    """How many features two pieces have in common."""
    first, second = prints([one, other])
    return int((first == second).sum())


def test_words_share_what_they_are_spelled_alike_in():
    assert shared("▁walking", "walking") == FEATURES  # the position is not part of the spelling
    assert shared("▁Walking", "▁walking") == FEATURES - 1  # nor are capitals but of what it is made of
    assert shared("▁walking", "▁talking") == 3  # two ends and the kinds
    assert shared("▁walking", "▁walks") == 2  # a beginning and the kinds
    assert shared("▁walks", "▁WALKS") == FEATURES - 1
    assert shared("▁1999", "▁20") == 1
    assert shared("▁1999", "▁walks") == 0
    assert shared("▁(walks", "▁walks,") == FEATURES  # the letters alone count
    assert shared("▁Straße", "▁STRASSE") == FEATURES - 1


def test_known_features_belong_to_two_pieces_and_to_no_control_symbol():
    pieces = [*NAMES, *WORDS, "▁"]
    found = spell(pieces)
    numbers, count = np.unique(prints(WORDS), return_counts=True)
    np.testing.assert_array_equal(found.known, numbers[count > 1])
    assert found.known.dtype == np.int32
    assert (np.diff(found.known) > 0).all()
    assert found.lengths.tolist() == [0] * len(NAMES) + [7, 7, 7, 7, 5, 5, 4, 2, 0, 1, 0]


def test_features_of_different_spellings_get_different_fingerprints():
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = [f"{a}{b}{c}xyz{c}{b}{a}" for a in letters for b in letters for c in letters]
    found = prints(words)
    assert found.min() >= 0
    assert found.max() < 2**21
    for feature, different in ((0, 26**3), (1, 26**3), (2, 26**2), (3, 26**3)):
        assert len(np.unique(found[:, feature])) > 0.99 * different


def test_letters_beyond_the_basic_plane_are_counted_as_one():
    found = spell(["▁\U00010400\U0010fffd\U0001f600a"])  # a letter, a private one, a face, a letter
    assert found.lengths.tolist() == [2]
    assert found.kinds[0].tolist() == [1, 1, 0, 1]
    assert (fingerprints(found.first, found.last, found.kinds) >= 0).all()


def test_a_byte_is_not_a_letter():
    found = spell(["▁ab", "<0xE2>", "<0x>"])
    assert found.lengths.tolist() == [2, 0, 2]
    assert found.kinds.any(axis=1).tolist() == [True, False, True]


def test_marks_hold_which_pieces_begin_a_word_and_which_have_no_letter():
    found = mark(["▁ab", "c", "▁", "▁.", "1"])
    assert found.begins.tolist() == [True, False, True, True, False]
    assert found.punctuation.tolist() == [False, False, True, True, False]


def test_an_empty_vocabulary_has_no_features():
    for pieces in ([], list(NAMES)):
        found = spell(pieces)
        assert found.first.shape == (len(pieces), 5)
        assert not found.known.size
