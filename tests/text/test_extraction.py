"""An extract is the set of words with the largest expected F1, whole words in the order of the source."""

from __future__ import annotations

from itertools import product

import keras
import numpy as np
import pytest

from seq2seq.pipeline.padding import padded
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS
from seq2seq.text.extraction import extract
from seq2seq.text.spelling import mark
from seq2seq.text.words import word_numbers
from seq2seq.types import Padded

PIECES = ["<pad>", "<unk>", "<s>", "</s>", "▁Paris", "-", "based", "▁firm", ",", '▁"', "word", '"', ".", "▁", "–", "9"]
MARKS = mark(PIECES)


def ids(*texts):
    """`(texts, …)` ids of pieces parted by blanks, each ending in EOS."""
    return padded([[*map(PIECES.index, text.split()), EOS] for text in texts])


def expected_f1(kept, chances):
    """2 E[words both keep] / (words kept + E[words to keep])."""
    return 2 * chances[kept].sum() / (kept.sum() + chances.sum())


def written(source, kept):
    """The ids of an extract: what is kept, and a blank before what would lose its own with what opens its word."""
    found, opening = [], True
    for place, number in enumerate(source):
        opening = bool(MARKS.begins[number]) or opening
        lost = opening and not MARKS.begins[number] and place > 0 and not kept[place - 1]
        found += [MARKS.blank, number] if kept[place] and lost else [number] if kept[place] else []
        opening = opening and bool(MARKS.punctuation[number])
    return found


@pytest.mark.parametrize(
    ("text", "kept", "extract_of_it"),
    [
        ('▁firm ▁" word " .', "11110", '▁firm ▁" word "'),
        ('▁firm ▁" word " .', "10101", "▁firm ▁ word ."),
        ('▁firm ▁" word " .', "11000", '▁firm ▁"'),
        ('▁firm ▁" word " .', "10000", "▁firm"),
        ('▁firm ▁ " " word', "10011", '▁firm ▁ " word'),
        ('▁firm ▁ " " word', "10001", "▁firm ▁ word"),
        ("▁Paris - based , ▁firm", "00011", ", ▁firm"),
        ('" word', "01", "▁ word"),
    ],
)
def test_a_word_whose_opening_mark_is_left_out_keeps_its_blank(text, kept, extract_of_it, array):
    source = ids(text)
    chances = np.array([[*map(float, kept), 0.0]], np.float32)
    found = extract(chances, source, MARKS)
    wanted = [PIECES.index(piece) for piece in extract_of_it.split()]
    assert array(found.ids)[0, 0].tolist() == [*wanted, *[0] * (source.values.shape[1] - len(wanted))]
    assert array(found.lengths).tolist() == [[len(wanted)]]
    assert array(found.log_probabilities).tolist() == [[0.0]]


@pytest.mark.parametrize("seed", range(8))
def test_no_set_of_words_has_a_larger_expected_f1(seed, array, compiled):
    random = np.random.default_rng(seed)
    texts = ['▁firm ▁" word " . ▁Paris - based ▁ " 9', '▁firm ▁Paris . ▁" " word', "▁firm"]
    source = ids(*texts)
    chances = (random.random(source.values.shape) ** random.choice([0.3, 1, 4])).astype("float32")
    found = compiled(lambda parts: extract(*parts, MARKS))((chances, source))
    numbers = array(word_numbers(source, MARKS))
    for row, text in enumerate(texts):
        pieces = len(text.split())
        of_word = numbers[row, :pieces]
        words = np.array([chances[row, :pieces][of_word == n].mean() for n in range(of_word.max() + 1)], np.float64)
        sets = [np.array(kept) for kept in product([False, True], repeat=len(words)) if any(kept)]
        best = max(sets, key=lambda kept: expected_f1(kept, words))
        length = int(array(found.lengths)[row, 0])
        assert array(found.ids)[row, 0, :length].tolist() == written(source.values[row, :pieces], best[of_word])
        assert not array(found.ids)[row, 0, length:].any()
        np.testing.assert_allclose(array(found.scores)[row, 0], expected_f1(best, words), rtol=1e-5)
        np.testing.assert_allclose(
            array(found.log_probabilities)[row, 0], np.log(words[of_word[best[of_word]]]).sum(), rtol=1e-5
        )


def test_what_stands_beside_a_source_changes_nothing(array, rng):
    source = ids("▁firm ▁Paris - based .", "▁firm")
    chances = rng.random(source.values.shape).astype("float32")
    together, alone = (
        extract(chances, source, MARKS),
        extract(chances[1:, :2], Padded(*(part[1:, :2] for part in source)), MARKS),
    )
    assert array(together.ids)[1, 0, :1].tolist() == array(alone.ids)[0, 0, :1].tolist() == [7]
    np.testing.assert_array_equal(array(together.scores)[1], array(alone.scores)[0])


def test_a_source_without_pieces_has_nothing_to_keep(array):
    found = extract(np.ones((1, 1), "float32"), ids(""), MARKS)
    assert array(found.lengths).tolist() == [[0]]
    assert np.isfinite(array(found.scores)).all()


def test_chances_of_nought_stay_finite(array):
    source = ids("▁firm ▁Paris")
    found = extract(np.zeros(source.values.shape, "float32"), source, MARKS)
    assert np.isfinite(array(found.scores)).all()
    assert np.isfinite(array(found.log_probabilities)).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere a graph knows its shapes")
def test_one_graph_takes_any_width(array, rng):
    import tensorflow as tf

    floats, ints, flags = (tf.TensorSpec((None, None), dtype) for dtype in (tf.float32, tf.int32, tf.bool))
    specs = [floats, Padded(ints, flags)]
    run = tf.function(lambda chances, source: extract(chances, source, MARKS), input_signature=specs)
    for texts in (("▁firm",), ("▁firm ▁Paris - based .", "▁firm", "▁ 9")):
        source = ids(*texts)
        chances = rng.random(source.values.shape).astype("float32")
        for found, wanted in zip(run(chances, source), extract(chances, source, MARKS), strict=True):
            np.testing.assert_array_equal(array(found), array(wanted))


@pytest.mark.parametrize("options", [{"num_best": 2}, {"sampling": True}])
def test_an_extract_is_one_and_not_drawn(options):
    with pytest.raises(ValueError, match="An extract is one text a line"):
        SearchOptions(extract=True, **options)
