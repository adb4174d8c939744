"""The toolkit's encoder-decoder of the experiments: one table of ids, trained on pairs, searched greedily."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from seq2seq.lab.training import Arrays
from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.encoder import RNNEncoder
from seq2seq.layers.frontends import TokenEmbedding
from seq2seq.layers.heads import VocabularyHead
from seq2seq.layers.options import AttentionOptions
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search.greedy import greedy_search
from seq2seq.symbols import PAD
from seq2seq.types import Ids, Logits, Padded, Tensor

Translate = Callable[[np.ndarray], list[list[int]]]
"""From sources `(rows, source)`, each with an EOS, to the ids of their translations, without EOS."""


def new_translator(
    size: int, units: int, seed: int, attention: AttentionOptions | None = AttentionOptions(), both: bool = True
) -> Seq2Seq:
    """Returns a built GRU encoder-decoder; its first weights depend on the seed alone.

    Args:
        size: Number of ids.
        units: Width of the embedding, of what the encoder gives for each position, of the decoder and its features.
        seed: Of the weights.
        attention: Of the decoder; None: it has the encoder's last state alone.
        both: The encoder has half of the units in each direction; otherwise all read from left to right.
    """
    keras.utils.set_random_seed(seed)
    table = TokenEmbedding(size, units)
    encoder = RNNEncoder(units // 2 if both else units, "gru", bidirectional=both)
    decoder = RNNDecoder(units, "gru", attention=attention, readout_units=units)
    model = Seq2Seq(table, encoder, table, decoder, VocabularyHead(size))
    model.build()
    return model


def paired_loss(model: Any, batch: Arrays, training: bool) -> Tensor:
    """The mean cross-entropy of the target's ids, in nats.

    A batch begins with source, target, what follows in it and the weights of that, `(rows, steps)` each, as of `Pairs`.
    """
    source, target, following, weights, *_ = batch
    logits = model({"source": source, "source_mask": source != PAD, "target_input": target}, training=training)
    return weighted_loss(logits, following, weights)


def weighted_loss(logits: Logits, following: Ids, weights: Tensor) -> Tensor:
    """The mean cross-entropy over `(rows, steps)` ids, by their weights, in nats."""
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits)
    return tf.reduce_sum(nats * weights) / tf.reduce_sum(weights)


def greedy(model: Seq2Seq) -> Translate:
    """Returns a greedy search, whose graph is made once; an output has at most 3/2 of the source's width and 5 ids."""

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def search(source: Ids) -> Ids:
        encoded = model.encode(Padded(source, source != PAD))
        rows, width = tf.unstack(tf.shape(source))
        longest = width * 3 // 2 + 5
        result, _ = greedy_search(model.step(encoded), encoded.state, tf.fill([rows], longest), longest)
        return result.ids[:, 0]

    return lambda source: [row[row != PAD].tolist() for row in np.asarray(search(tf.constant(source)))]


def attention_weights(model: Seq2Seq, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Returns what each step of the target attends to, `(rows, target, source)`, given the right ids before."""
    encoded = model.encode(Padded(tf.constant(source), tf.constant(source != PAD)))
    return np.asarray(model.align(tf.constant(target), encoded, encoded.state))
