"""Which pieces make a word, and how words are read."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest

from seq2seq.pipeline.padding import padded
from seq2seq.symbols import EOS, NAMES
from seq2seq.text.spelling import FEATURES, fingerprints, mark, spell
from seq2seq.text.words import WordFrontend, sum_by_word, take_by_word, word_numbers
from seq2seq.types import Padded

PIECES = [*NAMES, "▁Paris", "-", "based", "▁firm", ",", '▁"', "word", '"', ".", "▁", "–", "9"]
MARKS = mark(PIECES)


def ids(*texts):
    """`(texts, …)` ids of pieces parted by blanks, each ending in EOS."""
    return padded([[*map(PIECES.index, text.split()), EOS] for text in texts])


def padded_to(ids, more):
    """`ids` and so many positions of padding."""
    return Padded(
        np.pad(ids, [(0, 0), (0, more)]), np.arange(ids.shape[1] + more) < np.full((len(ids), 1), ids.shape[1])
    )


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("▁Paris - based ▁firm", [0, 0, 0, 1]),
        ("▁Paris , ▁firm .", [0, 1, 2, 3]),
        ('▁" word " . ▁firm', [0, 1, 2, 3, 4]),
        ('▁ " word based ▁firm', [0, 0, 1, 1, 2]),  # a blank goes with what stands behind it
        ("▁ word ▁firm", [0, 0, 1]),
        ("▁Paris . based .", [0, 0, 0, 1]),
        ("▁ – ▁ 9 ▁firm", [0, 0, 1, 1, 2]),  # a dash alone is a word
        ("based ▁firm", [0, 1]),  # the first piece begins one too
        ("▁Paris <unk> . <unk>", [0, 0, 0, 0]),  # what is unknown may be a letter
    ],
)
def test_words_stand_between_blanks_and_punctuation_around_them_alone(text, numbers, array):
    found = array(word_numbers(ids(text), MARKS))[0]
    assert found[: len(numbers)].tolist() == numbers
    assert found[len(numbers)] == max(numbers) + 1  # the EOS is none of theirs


def test_without_a_blank_to_give_what_stands_before_a_word_stays_with_it(array):
    without = mark([piece for piece in PIECES if piece != "▁"])
    assert without.blank is None
    found = array(word_numbers(ids('▁" word " . ▁firm'), without))[0]
    assert found.tolist() == [0, 0, 1, 2, 3, 4]


def test_padding_changes_no_number(array):
    texts = ("▁Paris - based ▁firm", '▁" word " . ▁firm , .', "▁firm .")
    together = array(word_numbers(ids(*texts), MARKS))
    for row, text in zip(together, texts, strict=True):
        alone = array(word_numbers(ids(text), MARKS))[0]
        np.testing.assert_array_equal(row[: len(alone)], alone)
        bare = array(word_numbers(padded_to(ids(text).values[:, :-1], 3), MARKS))[0]  # without its EOS
        np.testing.assert_array_equal(bare[: len(alone) - 1], alone[:-1])


def test_what_words_share_goes_to_the_words_and_back(array):
    random = np.random.default_rng(1)
    numbers = np.array([[0, 0, 1, 2, 2, 2], [0, 1, 2, 3, 4, 5]], np.int32)
    values = random.integers(-9, 9, (2, 6, 3)).astype("float32")
    sums = array(sum_by_word(values, numbers))
    wanted = [values[0, :2].sum(0), values[0, 2], values[0, 3:].sum(0), *np.zeros((3, 3))]
    np.testing.assert_array_equal(sums, np.stack([wanted, values[1]]))
    for row in range(2):
        np.testing.assert_array_equal(array(take_by_word(values, numbers))[row], values[row][numbers[row]])


@pytest.fixture(scope="module", params=[("unigram", False), ("bpe", True)], ids=["unigram", "bpe"])
def tokenizer(request, tokenizers):
    return tokenizers[request.param]


@pytest.fixture(scope="module")
def reader(tokenizer):
    keras.utils.set_random_seed(1)
    reader = WordFrontend(tokenizer.vocabulary, 8, 6)
    reader.build((None, None))
    return reader


def surfaces(tokenizer, row, numbers):
    """The text of each word, by its pieces."""
    words = [""] * (max(numbers) + 1)
    for piece, number in zip(tokenizer.pieces(row), numbers, strict=True):
        words[number] += piece
    return words


def test_however_a_word_is_cut_its_spelling_is_that_of_the_whole(tokenizer, reader, sentences, array):
    lines = [*sentences[:20], 'A1 b2c3 "Über-Straße" ΣΑΣ 2,000', "!? … x"]
    known = spell(tokenizer.vocabulary).known
    seen = set()
    for seed in range(4):
        rows = tokenizer.sample(lines, 0.5, seed) if seed else tokenizer.encode(lines)
        source = padded([[*row, EOS] for row in rows])
        numbers = word_numbers(source, reader.marks)
        found = array(reader.features(source.values, numbers))
        for row, places, features in zip(rows, array(numbers), found, strict=True):
            words = surfaces(tokenizer, row, places[: len(row)])
            if any(name in word for name in NAMES for word in words):
                continue
            whole = spell([re.sub("<0x..>", "", word) for word in words])
            prints = fingerprints(whole.first, whole.last, whole.kinds)
            wanted = np.where(np.isin(prints, known), np.searchsorted(known, prints) + 1, 0)
            np.testing.assert_array_equal(features[: len(words)], wanted)
            seen |= set(wanted.ravel().tolist())
    assert 0 in seen
    assert len(seen) > 15


def test_a_word_is_the_mean_of_its_pieces_beside_its_spelling(tokenizer, reader, sentences, array):
    source = padded([[*row, EOS] for row in tokenizer.encode(sentences[:5])])
    words, mask = map(array, reader(source))
    vectors = array(reader.own.embeddings)[source.values]
    numbers = array(word_numbers(source, reader.marks))
    features, table = array(reader.features(source.values, numbers)), array(reader.embedding.embeddings)
    assert words.shape == (*source.values.shape, reader.output_dim)
    assert reader.output_dim == 8 + FEATURES * table.shape[1]
    for row in range(len(source.values)):
        real = source.mask[row]
        assert mask[row].sum() == numbers[row][real].max() + 1
        assert mask[row][: mask[row].sum()].all()
        for word in range(mask[row].sum()):
            mean = vectors[row][numbers[row] == word].mean(axis=0)
            wanted = np.concatenate([mean, table[features[row, word]].ravel()])
            np.testing.assert_allclose(words[row, word], wanted, atol=1e-5)


def test_the_pieces_of_a_word_get_what_it_has_and_differ_by_their_own(tokenizer, reader, sentences, array):
    source = padded([[*row, EOS] for row in tokenizer.encode(sentences[:5])])
    values = np.random.default_rng(2).normal(size=(*source.values.shape, 6)).astype("float32")
    numbers, vectors = array(reader.numbers(source)), array(reader.own.embeddings)[source.values]
    wanted = np.take_along_axis(values, numbers[..., None], axis=1) + vectors @ array(reader.within.kernel)
    np.testing.assert_allclose(array(reader.expand_to_tokens(values, source)), wanted, atol=1e-5)


def test_a_reader_of_words_nobody_looks_into_has_no_weights_for_it(tokenizer, array):
    reader = WordFrontend(tokenizer.vocabulary, 8, None)
    reader.build((None, None))
    assert len(reader.weights) == 2
    values, ids = np.ones((1, 3, 4), np.float32), Padded(np.array([[5, 6, 3]], np.int32), np.ones((1, 3), bool))
    assert array(reader.expand_to_tokens(values, ids)).shape == (1, 3, 4)


def test_a_vocabulary_that_shares_nothing_knows_nothing(array):
    reader = WordFrontend([*NAMES, "▁ab", "▁12"], 4, 4)
    source = padded([[4, 5, EOS]])
    assert not array(reader.features(source.values, reader.numbers(source))).any()
