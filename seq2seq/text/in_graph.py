"""The tokeniser inside a TensorFlow graph: the same SentencePiece model, run by tensorflow-text.

TensorFlow's edge, for exports that take text and give text. Nothing else imports tensorflow-text.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_text

from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.subword import SubwordTokenizer


class GraphTokenizer(tf.Module):
    """Text to ids and back as graph operations that a SavedModel can hold; agrees with `SubwordTokenizer`.

    A process that loads such a SavedModel must import `tensorflow_text` first: it registers the operations.

    `keras.utils.set_random_seed` destroys every tensorflow-text tokenizer made before it: seed first, then make this.

    Args:
        model: A serialised SentencePiece model that holds the control symbols of `seq2seq.symbols`.

    Raises:
        ValueError: the bytes are no such model.
    """

    def __init__(self, model: bytes):
        super().__init__(name="graph_tokenizer")
        tokenizer = SubwordTokenizer(model)  # refuses what is no model, and tensorflow-text fails at the first line
        self._takes_blank = tokenizer.adds_blank
        self._adds_blank = tokenizer.adds_blank or tokenizer.marks_capitals
        self._tokenizer = tensorflow_text.SentencepieceTokenizer(model=model, out_type=tf.int32)

    def encode(self, text: Any) -> tf.RaggedTensor:
        """Returns the ids of each line without BOS or EOS.

        Args:
            text: `(batch,)`, string, UTF-8. A byte that is not UTF-8 becomes U+FFFD, spelt as the model can.

        Returns:
            `(batch, None)`, ragged int32; an empty line has no ids.
        """
        text = tf.convert_to_tensor(text, tf.string)
        if self._adds_blank:  # as `SubwordTokenizer` does
            text = tf.where(text == "", text, tf.strings.join([" ", text]))
        return self._tokenizer.tokenize(text)

    def decode(self, ids: Any, lengths: Any | None = None) -> tf.Tensor:
        """Returns the text of each row of ids; control symbols leave no trace.

        Args:
            ids: `(batch, None)`, ragged int32; or `(batch, width)`, dense and padded.
            lengths: `(batch,)`, int32: how many ids of each dense row count; None: all but PAD.

        Returns:
            `(batch,)`, string, UTF-8.
        """
        if not isinstance(ids, tf.RaggedTensor):
            ids = tf.RaggedTensor.from_tensor(tf.cast(ids, tf.int32), lengths=lengths)
        elif lengths is not None:
            raise ValueError("A ragged tensor knows its lengths: give `lengths` with dense ids only.")
        ids = tf.cast(ids, tf.int32)
        controls = [tf.not_equal(ids, control) for control in (PAD, BOS, EOS)]
        kept = tf.logical_and(tf.logical_and(controls[0], controls[1]), controls[2])
        text = self._tokenizer.detokenize(tf.ragged.boolean_mask(ids, kept))
        return tf.strings.regex_replace(text, r"\A ", "") if self._takes_blank else text
