"""An extract is the set of words with the largest expected F1, whole words in the order of the source."""

from __future__ import annotations

from itertools import product

import keras
import numpy as np
import pytest

from seq2seq.pipeline.batches import pad
from seq2seq.search.extraction import extract, word_numbers
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS
from seq2seq.types import Marks

PIECES = ["<pad>", "<unk>", "<s>", "</s>", "▁Paris", "-", "based", "▁firm", ",", '▁"', "word", '"', ".", "▁", "–", "9"]
MARKS = Marks(
    np.array([piece.startswith("▁") for piece in PIECES]),
    np.array([not any(c.isalnum() for c in piece) for piece in PIECES]),
)


def ids(*texts):
    """`(texts, …)` ids of pieces parted by blanks, each ending in EOS."""
    return pad([[*map(PIECES.index, text.split()), EOS] for text in texts])


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("▁Paris - based ▁firm", [0, 0, 0, 1]),
        ("▁Paris , ▁firm .", [0, 1, 2, 3]),
        ('▁" word " . ▁firm', [0, 0, 1, 2, 3]),  # what opens a quotation goes with its first word
        ("▁Paris . based .", [0, 0, 0, 1]),
        ("▁ – ▁ 9 ▁firm", [0, 0, 1, 1, 2]),  # a dash alone is a word
        ("based ▁firm", [0, 1]),  # the first piece begins one too
        ("▁Paris <unk> . <unk>", [0, 0, 0, 0]),  # what is unknown may be a letter
    ],
)
def test_words_end_where_the_next_begins_and_punctuation_behind_them_stands_alone(text, numbers, array):
    found = array(word_numbers(ids(text), MARKS))[0]
    assert found[: len(numbers)].tolist() == numbers
    assert found[len(numbers)] == max(numbers) + 1  # the EOS is none of theirs


def test_padding_changes_no_number(array):
    texts = ("▁Paris - based ▁firm", '▁" word " . ▁firm , .', "▁firm .")
    together = array(word_numbers(ids(*texts), MARKS))
    for row, text in zip(together, texts, strict=True):
        alone = array(word_numbers(ids(text), MARKS))[0]
        np.testing.assert_array_equal(row[: len(alone)], alone)
        bare = array(word_numbers(np.pad(ids(text)[:, :-1], [(0, 0), (0, 3)]), MARKS))[0]  # without its EOS
        np.testing.assert_array_equal(bare[: len(alone) - 1], alone[:-1])


def expected_f1(kept, chances):
    """2 E[words both keep] / (words kept + E[words to keep])."""
    return 2 * chances[kept].sum() / (kept.sum() + chances.sum())


@pytest.mark.parametrize("seed", range(8))
def test_no_set_of_words_has_a_larger_expected_f1(seed, array, compiled):
    random = np.random.default_rng(seed)
    texts = ['▁" word " . ▁firm ▁Paris - based ,', "▁firm ▁Paris .", "▁firm"]
    source = ids(*texts)
    chances = (random.random(source.shape) ** random.choice([0.3, 1, 4])).astype("float32")
    found = compiled(lambda parts: extract(*parts, MARKS))((chances, source))
    numbers = array(word_numbers(source, MARKS))
    for row, text in enumerate(texts):
        pieces = len(text.split())
        of_word = numbers[row, :pieces]
        words = np.array([chances[row, :pieces][of_word == n].mean() for n in range(of_word.max() + 1)], np.float64)
        sets = [np.array(kept) for kept in product([False, True], repeat=len(words)) if any(kept)]
        best = max(sets, key=lambda kept: expected_f1(kept, words))
        wanted = source[row, :pieces][best[of_word]]
        length = int(array(found.lengths)[row, 0])
        assert array(found.ids)[row, 0, :length].tolist() == wanted.tolist()
        assert not array(found.ids)[row, 0, length:].any()
        np.testing.assert_allclose(array(found.scores)[row, 0], expected_f1(best, words), rtol=1e-5)
        np.testing.assert_allclose(
            array(found.log_probabilities)[row, 0], np.log(words[of_word[best[of_word]]]).sum(), rtol=1e-5
        )


def test_what_stands_beside_a_source_changes_nothing(array, rng):
    source = ids("▁firm ▁Paris - based .", "▁firm")
    chances = rng.random(source.shape).astype("float32")
    together, alone = extract(chances, source, MARKS), extract(chances[1:, :2], source[1:, :2], MARKS)
    assert array(together.ids)[1, 0, :1].tolist() == array(alone.ids)[0, 0, :1].tolist() == [7]
    np.testing.assert_array_equal(array(together.scores)[1], array(alone.scores)[0])


def test_a_source_without_pieces_has_nothing_to_keep(array):
    found = extract(np.ones((1, 1), "float32"), ids(""), MARKS)
    assert array(found.lengths).tolist() == [[0]]
    assert np.isfinite(array(found.scores)).all()


def test_chances_of_nought_stay_finite(array):
    source = ids("▁firm ▁Paris")
    found = extract(np.zeros(source.shape, "float32"), source, MARKS)
    assert np.isfinite(array(found.scores)).all()
    assert np.isfinite(array(found.log_probabilities)).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere a graph knows its shapes")
def test_one_graph_takes_any_width(array, rng):
    import tensorflow as tf

    specs = [tf.TensorSpec((None, None), tf.float32), tf.TensorSpec((None, None), tf.int32)]
    run = tf.function(lambda chances, source: extract(chances, source, MARKS), input_signature=specs)
    for texts in (("▁firm",), ("▁firm ▁Paris - based .", "▁firm", "▁ 9")):
        source = ids(*texts)
        chances = rng.random(source.shape).astype("float32")
        for found, wanted in zip(run(chances, source), extract(chances, source, MARKS), strict=True):
            np.testing.assert_array_equal(array(found), array(wanted))


@pytest.mark.parametrize("options", [{"num_best": 2}, {"sampling": True}])
def test_an_extract_is_one_and_not_drawn(options):
    with pytest.raises(ValueError, match="An extract is one text a line"):
        SearchOptions(extract=True, **options)
