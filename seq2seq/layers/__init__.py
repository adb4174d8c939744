"""Layers: recurrent encoders and decoders, attention, embeddings and output heads.

They are Keras layers. An encoder reads vectors and a mask and returns its outputs and its last state, both values:

>>> import keras
>>> from seq2seq.layers import RNNEncoder
>>> encoder = RNNEncoder(units=8, cell="lstm", num_layers=2, bidirectional=False)
>>> vectors = keras.random.normal((3, 5, 4))
>>> mask = keras.ops.ones((3, 5), "bool")
>>> whole = encoder(vectors, mask)
>>> tuple(whole.values.shape)
(3, 5, 8)

So a stream can be encoded part by part, each from the state after the part before:

>>> first = encoder(vectors[:, :2], mask[:, :2])
>>> second = encoder(vectors[:, 2:], mask[:, 2:], state=first.state)
>>> bool(keras.ops.max(keras.ops.abs(whole.values[:, 2:] - second.values)) < 1e-5)
True
"""

from typing import TYPE_CHECKING

from seq2seq.lazy import lazy_names

if TYPE_CHECKING:
    from seq2seq.layers.attention import AdditiveAttention as AdditiveAttention
    from seq2seq.layers.attention import DotAttention as DotAttention
    from seq2seq.layers.attention import GeneralAttention as GeneralAttention
    from seq2seq.layers.attention import MultiHeadAttention as MultiHeadAttention
    from seq2seq.layers.cells import GRUCell as GRUCell
    from seq2seq.layers.cells import LayerNormLSTMCell as LayerNormLSTMCell
    from seq2seq.layers.cells import LSTMCell as LSTMCell
    from seq2seq.layers.cells import MinGRUCell as MinGRUCell
    from seq2seq.layers.cells import SimpleCell as SimpleCell
    from seq2seq.layers.cells import SSRUCell as SSRUCell
    from seq2seq.layers.ctc import CTCHead as CTCHead
    from seq2seq.layers.decoder import RNNDecoder as RNNDecoder
    from seq2seq.layers.encoder import EncoderOutput as EncoderOutput
    from seq2seq.layers.encoder import RNNEncoder as RNNEncoder
    from seq2seq.layers.frontends import ColumnEmbedding as ColumnEmbedding
    from seq2seq.layers.frontends import FrameStack as FrameStack
    from seq2seq.layers.frontends import TokenEmbedding as TokenEmbedding
    from seq2seq.layers.frontends import VectorProjection as VectorProjection
    from seq2seq.layers.heads import BernoulliHead as BernoulliHead
    from seq2seq.layers.heads import PointerHead as PointerHead
    from seq2seq.layers.heads import Selector as Selector
    from seq2seq.layers.heads import VocabularyHead as VocabularyHead
    from seq2seq.layers.label_decoder import LabelDecoder as LabelDecoder
    from seq2seq.layers.lookahead import Lookahead as Lookahead
    from seq2seq.layers.options import AttentionOptions as AttentionOptions
    from seq2seq.layers.options import DropoutOptions as DropoutOptions

__all__ = [
    "AdditiveAttention",
    "AttentionOptions",
    "BernoulliHead",
    "CTCHead",
    "ColumnEmbedding",
    "DotAttention",
    "DropoutOptions",
    "EncoderOutput",
    "FrameStack",
    "GRUCell",
    "GeneralAttention",
    "LSTMCell",
    "LabelDecoder",
    "LayerNormLSTMCell",
    "Lookahead",
    "MinGRUCell",
    "MultiHeadAttention",
    "PointerHead",
    "RNNDecoder",
    "RNNEncoder",
    "SSRUCell",
    "Selector",
    "SimpleCell",
    "TokenEmbedding",
    "VectorProjection",
    "VocabularyHead",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "attention": ["AdditiveAttention", "DotAttention", "GeneralAttention", "MultiHeadAttention"],
        "cells": ["GRUCell", "LSTMCell", "LayerNormLSTMCell", "MinGRUCell", "SSRUCell", "SimpleCell"],
        "ctc": ["CTCHead"],
        "decoder": ["RNNDecoder"],
        "encoder": ["EncoderOutput", "RNNEncoder"],
        "frontends": ["ColumnEmbedding", "FrameStack", "TokenEmbedding", "VectorProjection"],
        "heads": ["BernoulliHead", "PointerHead", "Selector", "VocabularyHead"],
        "label_decoder": ["LabelDecoder"],
        "lookahead": ["Lookahead"],
        "options": ["AttentionOptions", "DropoutOptions"],
    },
)
