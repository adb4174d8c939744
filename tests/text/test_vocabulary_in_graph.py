"""A vocabulary in a graph cuts and joins as the one in memory."""

from __future__ import annotations

import pytest
import tensorflow as tf

from seq2seq.symbols import BOS, EOS, PAD, UNK
from seq2seq.text.vocabulary import Vocabulary
from seq2seq.text.vocabulary_in_graph import GraphVocabulary
from tests.language_models import LINES, ODD

BLANKS = ["".join(f"{chr(number)}a" for number in range(0x3001) if chr(number).isspace())]


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_ids_and_text_are_those_of_the_vocabulary_in_memory(kind):
    vocabulary = Vocabulary.learn(LINES, kind)
    graph, lines = GraphVocabulary(vocabulary), [*LINES, *ODD, *BLANKS]
    expected = vocabulary.encode(lines)
    assert graph.encode(lines).to_list() == expected
    rows = [*expected, [], [BOS, 5, UNK, EOS, 6, PAD]]
    ragged = tf.ragged.constant(rows, tf.int32, row_splits_dtype=tf.int64)
    texts = [text.decode() for text in graph.decode(ragged).numpy()]
    assert texts == vocabulary.decode(rows)
