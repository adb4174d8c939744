"""The tokeniser inside a TensorFlow graph: the same SentencePiece model, run by tensorflow-text.

For exports that take and return text. Nothing else imports tensorflow-text.
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

    `keras.utils.set_random_seed` destroys every tensorflow-text tokenizer made before it: set the seed first.

    Args:
        model: A serialised SentencePiece model that holds the control symbols of `seq2seq.symbols`.

    Raises:
        ValueError: the bytes are not such a model.
    """

    def __init__(self, model: bytes):
        super().__init__(name="graph_tokenizer")
        tokenizer = SubwordTokenizer(model)  # checks the model: tensorflow-text would fail only at the first line
        self._removes_space = tokenizer.adds_space
        self._adds_space = tokenizer.adds_space or tokenizer.marks_capitals
        self._tokenizer = tensorflow_text.SentencepieceTokenizer(model=model, out_type=tf.int32)

    def encode(self, text: Any) -> tf.RaggedTensor:
        """Returns the ids of each line without BOS or EOS.

        Args:
            text: `(batch,)`, string, UTF-8. An invalid byte becomes U+FFFD.

        Returns:
            `(batch, None)`, ragged int32; an empty line has no ids.
        """
        text = tf.convert_to_tensor(text, tf.string)
        if self._adds_space:  # as `SubwordTokenizer` does
            text = tf.where(text == "", text, tf.strings.join([" ", text]))
        return self._tokenizer.tokenize(text)

    def decode(self, ids: Any, lengths: Any | None = None) -> tf.Tensor:
        """Returns the text of each row of ids, without control symbols.

        Args:
            ids: `(batch, None)`, ragged int32; or `(batch, width)`, dense and padded.
            lengths: `(batch,)`, int32: the number of ids in each dense row; None: all but PAD.

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
        return tf.strings.regex_replace(text, r"\A ", "") if self._removes_space else text
