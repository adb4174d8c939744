"""What pieces that are spelled alike have in common."""

from __future__ import annotations

from itertools import product

import numpy as np

from seq2seq.symbols import NAMES
from seq2seq.text.spelling import spelling_features

PIECES = [*NAMES, "▁Walking", "▁walking", "walking", "▁talking", "▁walks", "▁1999", "▁20", ".", "▁", "▁zq"]


def shared(features, one, other):
    """How many features two pieces have in common."""
    a, b = (features[PIECES.index(piece)] for piece in (one, other))
    return int(((a == b) & (a > 0)).sum())


def test_pieces_share_what_they_are_spelled_alike_in():
    features = spelling_features(PIECES)
    assert features.dtype == np.int32
    assert shared(features, "▁Walking", "▁walking") == 5  # all but the shape
    assert shared(features, "▁walking", "walking") == 5  # which tells what begins a word
    assert shared(features, "▁walking", "▁talking") == 3  # two ends and the shape
    assert shared(features, "▁walking", "▁walks") == 2  # a beginning and the shape
    assert shared(features, "▁1999", "▁20") == 1
    assert shared(features, "▁1999", "▁walks") == shared(features, ".", "▁walks") == 0


def test_control_symbols_and_features_of_one_piece_alone_are_0():
    features = spelling_features(PIECES)
    assert not features[: len(NAMES)].any()
    assert not features[PIECES.index("▁")].any()
    for number in np.unique(features[features > 0]):
        assert (features == number).any(axis=1).sum() > 1
    assert sorted(np.unique(features)) == list(range(features.max() + 1))


def test_what_two_pieces_share_does_not_depend_on_their_ids(tokenizers):
    pieces = tokenizers["bpe", False].vocabulary
    there, back = spelling_features(pieces), spelling_features(pieces[::-1])[::-1]
    for a, b in product(range(0, len(pieces), 7), repeat=2):
        np.testing.assert_array_equal((there[a] == there[b]) & (there[a] > 0), (back[a] == back[b]) & (back[a] > 0))


def test_a_vocabulary_of_nothing_has_no_features():
    assert spelling_features([]).shape == (0, 6)
    assert spelling_features([*NAMES]).shape == (len(NAMES), 6)
