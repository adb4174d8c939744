"""Links of pieces and of words, and the numbers of the words that pieces belong to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.metrics.subsequence import longest_common_subsequence
from seq2seq.symbols import NAMES, UNK
from seq2seq.text.alignment import format_links, parse_links, to_pieces, to_words, word_numbers

quick = settings(max_examples=100, deadline=None, derandomize=True, database=None)
LINKS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=20)


@quick
@given(links=LINKS)
def test_what_was_formatted_is_parsed(links):
    assert parse_links(format_links(links), 31, 31) == links


def test_the_format_is_pharaohs():
    assert format_links([(0, 0), (12, 3)]) == "0-0 12-3"
    assert parse_links("  0-0\t12-3 ", 13, 4) == [(0, 0), (12, 3)]
    assert parse_links("", 0, 0) == []


@pytest.mark.parametrize("line", ["0", "0-", "-1", "0-0 1", "0-0-0", "a-b", "0:0", "٣-٣", "0-0,1-1", "0 - 0"])
def test_what_is_no_link_is_refused(line):
    with pytest.raises(ValueError, match="expected links as source-target"):
        parse_links(line, 9, 9)


@pytest.mark.parametrize(("line", "side", "size"), [("2-0", "source", 2), ("0-0 1-3", "target", 3)])
def test_a_link_to_no_word_is_refused(line, side, size):
    with pytest.raises(ValueError, match=f"of the {side}, which has {size}"):
        parse_links(line, 2, 3)


def test_the_mark_begins_a_word_and_so_does_the_first_piece():
    assert word_numbers(["▁Stra", "ße", "▁", "!", "▁is", "▁", "<unk>"]) == [0, 0, 1, 1, 2, 3, 3]
    assert word_numbers(["ße", "▁is"]) == [0, 1]
    assert word_numbers([]) == []


@quick
@given(source=st.lists(st.sampled_from("abc"), max_size=6), target=st.lists(st.sampled_from("abc"), max_size=6))
def test_common_words_are_equal_and_cross_nowhere(source, target):
    links = longest_common_subsequence(source, target)
    assert all(source[i] == target[j] for i, j in links)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(links))
    assert len(links) == len(longest_common_subsequence(target, source))


def test_links_of_words_are_those_of_their_pieces_once_each_in_order():
    assert to_words([(2, 0), (1, 1), (0, 1), (0, 0)], [0, 0, 1], [0, 1]) == [(0, 0), (0, 1), (1, 0)]
    assert to_pieces([(1, 0), (0, 1)], [0, 0, 1], [0, 1, 1]) == [(0, 1), (0, 2), (1, 1), (1, 2), (2, 0)]
    assert to_pieces([(0, 0), (5, 0)], [0], [0]) == [(0, 0)]  # of a word that was cut off nothing is left


@quick
@given(links=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 4))), data=st.data())
def test_links_of_words_survive_the_way_over_their_pieces(links, data):
    source, target = ([word for word in range(size) for _ in range(data.draw(st.integers(1, 3)))] for size in (4, 5))
    assert to_words(to_pieces(links, source, target), source, target) == sorted(links)


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_the_pieces_of_a_word_have_its_number(tokenizers, sentences, kind):
    tokenizer = tokenizers[kind, False]
    for encode in (tokenizer.encode, lambda lines: tokenizer.sample(lines, 0.3, 1)):
        ids = encode(sentences[:50])
        for line, row, numbers in zip(sentences, ids, tokenizer.word_numbers(sentences[:50], ids), strict=False):
            words = line.split()
            groups = [[i for i, n in zip(row, numbers, strict=True) if n == word] for word in range(len(words))]
            assert tokenizer.decode(groups) == words


@pytest.mark.parametrize(
    "line",
    ["cat ½ dog", "\u200b cat dog", "cat´s cat \u200b\u200b dog", " cat\u00a0\u3000dog ", "a\u200bb dog", "☃ ☃☃ dog"],
)
def test_words_that_normalising_adds_or_takes_shift_no_number(tokenizers, line):
    tokenizer = tokenizers["bpe", False]
    ids = tokenizer.encode([line])
    (numbers,) = tokenizer.word_numbers([line], ids)
    words = line.split()
    (dog,) = tokenizer.encode(["dog"])
    assert numbers[-len(dog) :] == [len(words) - 1] * len(dog)
    assert words[-1] == "dog"
    assert set(numbers[: -len(dog)]) <= set(range(len(words) - 1))
    short = [ids[0][:-1]]
    assert tokenizer.word_numbers([line], short) == [numbers[:-1]]


def test_filled_is_decoded_with_words_for_the_unknown(tokenizers, sentences):
    tokenizer = tokenizers["unigram", False]
    cat, dog = (tokenizer.pieces(ids) for ids in tokenizer.encode(["cat", "dog"]))
    pieces = ["▁", NAMES[UNK], *cat, NAMES[UNK], *dog]
    assert tokenizer.fill(pieces, ["</s>", "▁x"]) == "</s> cat▁x dog"
    ids = tokenizer.encode(sentences[:20])
    assert [tokenizer.fill(tokenizer.pieces(row), []) for row in ids] == tokenizer.decode(ids)
