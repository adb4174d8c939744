"""Alignments of tokens and of words, and the numbers of the words that tokens belong to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.metrics.subsequence import longest_common_subsequence
from seq2seq.symbols import NAMES, UNK
from seq2seq.text.alignment import align_tokens, align_words, format_alignment, parse_alignment
from seq2seq.text.pieces import piece_word_numbers

quick = settings(max_examples=100, deadline=None, derandomize=True, database=None)
POINTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=20)


@quick
@given(points=POINTS)
def test_what_was_formatted_is_parsed(points):
    assert parse_alignment(format_alignment(points), 31, 31) == points


def test_the_format_is_pharaohs():
    assert format_alignment([(0, 0), (12, 3)]) == "0-0 12-3"
    assert parse_alignment("  0-0\t12-3 ", 13, 4) == [(0, 0), (12, 3)]
    assert parse_alignment("", 0, 0) == []


@pytest.mark.parametrize("line", ["0", "0-", "-1", "0-0 1", "0-0-0", "a-b", "0:0", "٣-٣", "0-0,1-1", "0 - 0"])
def test_other_formats_are_refused(line):
    with pytest.raises(ValueError, match="expected alignments as source-target"):
        parse_alignment(line, 9, 9)


@pytest.mark.parametrize(("line", "side", "size"), [("2-0", "source", 2), ("0-0 1-3", "target", 3)])
def test_positions_outside_the_sentence_are_refused(line, side, size):
    with pytest.raises(ValueError, match=f"of the {side}, which has {size} words"):
        parse_alignment(line, 2, 3)


def test_a_word_begins_at_the_mark_and_at_the_first_piece():
    assert piece_word_numbers(["▁Stra", "ße", "▁", "!", "▁is", "▁", "<unk>"]) == [0, 0, 1, 1, 2, 3, 3]
    assert piece_word_numbers(["ße", "▁is"]) == [0, 1]
    assert piece_word_numbers([]) == []


@quick
@given(source=st.lists(st.sampled_from("abc"), max_size=6), target=st.lists(st.sampled_from("abc"), max_size=6))
def test_common_words_are_equal_and_cross_nowhere(source, target):
    points = longest_common_subsequence(source, target)
    assert all(source[i] == target[j] for i, j in points)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(points))
    assert len(points) == len(longest_common_subsequence(target, source))


def test_words_are_aligned_as_their_tokens_once_each_in_order():
    assert align_words([(2, 0), (1, 1), (0, 1), (0, 0)], [0, 0, 1], [0, 1]) == [(0, 0), (0, 1), (1, 0)]
    assert align_tokens([(1, 0), (0, 1)], [0, 0, 1], [0, 1, 1]) == [(0, 1), (0, 2), (1, 1), (1, 2), (2, 0)]
    assert align_tokens([(0, 0), (5, 0)], [0], [0]) == [(0, 0)]  # nothing is left of a word that was cut off


@quick
@given(points=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 4))), data=st.data())
def test_the_alignment_of_words_survives_that_of_their_tokens(points, data):
    source, target = ([word for word in range(size) for _ in range(data.draw(st.integers(1, 3)))] for size in (4, 5))
    assert align_words(align_tokens(points, source, target), source, target) == sorted(points)


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_the_tokens_of_a_word_have_its_number(tokenizers, sentences, kind):
    tokenizer = tokenizers[kind, False]
    for encode in (tokenizer.encode, lambda lines: tokenizer.sample(lines, 0.3, 1)):
        ids = encode(sentences[:50])
        for line, row, numbers in zip(sentences, ids, tokenizer.line_word_numbers(sentences[:50], ids), strict=False):
            words = line.split()
            groups = [[i for i, n in zip(row, numbers, strict=True) if n == word] for word in range(len(words))]
            assert tokenizer.decode(groups) == words


@pytest.mark.parametrize(
    "line",
    ["cat ½ dog", "\u200b cat dog", "cat´s cat \u200b\u200b dog", " cat\u00a0\u3000dog ", "a\u200bb dog", "☃ ☃☃ dog"],
)
def test_words_that_normalisation_adds_or_removes_shift_no_number(tokenizers, line):
    tokenizer = tokenizers["bpe", False]
    ids = tokenizer.encode([line])
    (numbers,) = tokenizer.line_word_numbers([line], ids)
    words = line.split()
    (dog,) = tokenizer.encode(["dog"])
    assert numbers[-len(dog) :] == [len(words) - 1] * len(dog)
    assert words[-1] == "dog"
    assert set(numbers[: -len(dog)]) <= set(range(len(words) - 1))
    short = [ids[0][:-1]]
    assert tokenizer.line_word_numbers([line], short) == [numbers[:-1]]


def test_filling_decodes_with_words_in_place_of_unknown_tokens(tokenizers, sentences):
    tokenizer = tokenizers["unigram", False]
    cat, dog = (tokenizer.pieces(ids) for ids in tokenizer.encode(["cat", "dog"]))
    pieces = ["▁", NAMES[UNK], *cat, NAMES[UNK], *dog]
    assert tokenizer.fill(pieces, ["</s>", "▁x"]) == "</s> cat▁x dog"
    ids = tokenizer.encode(sentences[:20])
    assert [tokenizer.fill(tokenizer.pieces(row), []) for row in ids] == tokenizer.decode(ids)
