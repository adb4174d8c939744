"""A vocabulary of words or characters inside a TensorFlow graph, for exports that take and return text."""

from __future__ import annotations

import sys
from typing import Any

import tensorflow as tf

from seq2seq.symbols import BOS, EOS, NAMES, PAD, UNK
from seq2seq.text.vocabulary import Vocabulary

_BLANKS = "".join(rf"\x{{{number:x}}}" for number in range(sys.maxunicode + 1) if chr(number).isspace())
"""What Python takes for white space, as the inside of a class of a regular expression."""


class GraphVocabulary(tf.Module):
    """Text to ids and back as graph operations that a SavedModel can hold; agrees with `Vocabulary`.

    Args:
        vocabulary: Of words or characters.
    """

    def __init__(self, vocabulary: Vocabulary):
        super().__init__(name="graph_vocabulary")
        self._kind = vocabulary.kind
        surfaces = vocabulary.vocabulary
        units = tf.lookup.KeyValueTensorInitializer(
            tf.constant(surfaces[len(NAMES) :]), tf.range(len(NAMES), len(surfaces), dtype=tf.int32)
        )
        self._table = tf.lookup.StaticHashTable(units, UNK)
        self._texts = [vocabulary.decode([[number]])[0] for number in range(len(surfaces))]

    def encode(self, text: Any) -> tf.RaggedTensor:
        """Returns the ids of each line without BOS or EOS.

        Args:
            text: `(batch,)`, string, UTF-8.

        Returns:
            `(batch, None)`, ragged int32; an empty line has no ids.
        """
        text = tf.convert_to_tensor(text, tf.string)
        if self._kind == "words":
            units = tf.strings.split(tf.strings.regex_replace(text, f"[{_BLANKS}]+", " "))
        else:
            units = tf.strings.unicode_split(text, "UTF-8", errors="replace")
        return units.with_values(self._table.lookup(units.values))

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns the text of each row of `(batch, None)` ids, without control symbols: `(batch,)`, string, UTF-8."""
        controls = [tf.not_equal(ids, control) for control in (PAD, BOS, EOS)]
        kept = tf.ragged.boolean_mask(ids, controls[0] & controls[1] & controls[2])
        units = kept.with_values(tf.gather(tf.constant(self._texts), kept.values))
        return tf.strings.reduce_join(units, axis=1, separator=" " if self._kind == "words" else "")
