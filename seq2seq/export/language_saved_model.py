"""A SavedModel of a language model: text in and text out, with tokeniser, network and sampling in one graph.

Loaded by `tf.saved_model.load` or TensorFlow Serving; with SentencePiece tensorflow-text's operations must be
registered. A SavedModel is a program: load only those you trust.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.export.graphs import check_backend, largest, text_checks, traced, traced_once, write_version
from seq2seq.inference.language import TextModel
from seq2seq.search.step import FORBIDDEN
from seq2seq.symbols import BOS, EOS, NAMES, PAD
from seq2seq.text.vocabulary import Vocabulary

BLOCK = 1024
"""Tokens whose distributions are made at once, when text is scored."""
MOST_LENGTH = 10_000
"""Tokens of a sample, at most."""
_SMALLEST = 1e-30
_TEXT = (tf.TensorSpec((None,), tf.string, "text"),)
_IDS = (tf.TensorSpec((None, None), tf.int32, "ids"), tf.TensorSpec((None,), tf.int32, "lengths"))
_K = (tf.TensorSpec((), tf.int32, "k"),)
_SAMPLING = (
    tf.TensorSpec((), tf.int32, "length"),
    tf.TensorSpec((), tf.float32, "temperature"),
    tf.TensorSpec((), tf.int32, "top_k"),
    tf.TensorSpec((), tf.float32, "top_p"),
    tf.TensorSpec((), tf.int32, "seed"),
)


class Sampling(NamedTuple):
    """How to draw: scalars."""

    length: Any
    """int32: tokens to draw."""
    temperature: Any
    """float32, above 0."""
    top_k: Any
    """int32; 0 is all."""
    top_p: Any
    """float32, in (0, 1]."""
    seed: Any
    """int32."""


class IdsService(tf.Module):
    """Ids to ids; needs TensorFlow's own operations alone.

    score     `ids (batch, width)`, `lengths (batch,)` -> `log_probabilities (batch, t)` of each id, of the end of the
              line, then 0; `log_probability (batch,)`, their sum
    next      `ids`, `lengths`, `k` -> `ids (batch, k)`, `probability (batch, k)`, best first
    sample    `ids`, `lengths`, `length`, `temperature`, `top_k`, `top_p`, `seed` -> `ids (batch, length)`,
              `log_probabilities (batch, length)`

    A row is a text of its own. It begins as if a line had ended before it; in the ids before a sample EOS ends a line.
    """

    def __init__(self, model: TextModel):
        super().__init__(name="text_model")
        # The network stays behind the model, where TensorFlow does not look: it would save the variables twice.
        self._model = model
        self.weights = [variable.value for variable in model.model.variables]
        self._read = traced_once(self._trace_reading, *_IDS)
        self.score = traced(self._score_ids, *_IDS)
        self.next = traced(self._next_ids, *_IDS, *_K)
        self.sample = traced(self._sample_ids, *_IDS, *_SAMPLING)

    def signatures(self) -> dict[str, Any]:
        """By the names that a client calls."""
        return {"serving_default": self.score, "score": self.score, "next": self.next, "sample": self.sample}

    def _score_ids(self, ids: Any, lengths: Any) -> dict[str, Any]:
        scores = self._score(ids, _checked(ids, lengths))
        return {"log_probabilities": scores.to_tensor(0.0), "log_probability": tf.reduce_sum(scores, axis=1)}

    def _next_ids(self, ids: Any, lengths: Any, k: Any) -> dict[str, Any]:
        found, log_probs = self._next(ids, _checked(ids, lengths), k)
        return {"ids": found, "probability": tf.exp(log_probs)}

    def _sample_ids(self, ids: Any, lengths: Any, *sampling: Any) -> dict[str, Any]:
        drawn, log_probs = self._sample(ids, _checked(ids, lengths), Sampling(*sampling))
        return {"ids": drawn, "log_probabilities": log_probs}

    def _trace_reading(self, ids: Any, lengths: Any) -> tuple[Any, Any]:
        """Reads an EOS and `(batch, width)` ids, of which `lengths` count.

        Returns the features before each id and at the end, `(batch, longest + 1, features_dim)`, and the state.
        """
        network = self._model.model
        width = largest(lengths)
        inputs = tf.pad(ids[:, :width], [[0, 0], [1, 0]], constant_values=EOS)
        mask = tf.range(width + 1)[tf.newaxis] <= lengths[:, tf.newaxis]
        return network.decode_features(inputs, network.initial_state(tf.shape(ids)[0]), training=False, mask=mask)

    def _score(self, ids: Any, lengths: Any) -> tf.RaggedTensor:
        """Returns the log-probabilities of the ids and of the EOS after them, `(batch, None)`."""
        features, _ = self._read(ids, lengths)
        places, ends = tf.range(tf.shape(features)[1])[tf.newaxis], lengths[:, tf.newaxis]
        ids = tf.pad(ids[:, : largest(lengths)], [[0, 0], [0, 1]])
        targets = tf.boolean_mask(tf.where(places < ends, ids, EOS), places <= ends)
        features = tf.boolean_mask(features, places <= ends)

        def score_block(start: Any, scores: Any) -> tuple[Any, Any]:
            block = slice(start, start + BLOCK)
            found = self._model.model.head.log_prob(features[tf.newaxis, block], targets[tf.newaxis, block])
            return start + BLOCK, tf.concat([scores, found[0]], axis=0)

        _, scores = tf.while_loop(
            lambda start, _: start < tf.size(targets),
            score_block,
            (0, tf.zeros((0,))),
            shape_invariants=(tf.TensorShape(()), tf.TensorShape((None,))),
        )
        return tf.RaggedTensor.from_row_lengths(scores, lengths + 1)

    def _log_probs(self, features: Any) -> Any:
        """`(batch, features_dim)` -> `(batch, size)`."""
        logits = self._model.model.head.logits(features[:, tf.newaxis])[:, 0]
        return tf.nn.log_softmax(tf.cast(logits, tf.float32))

    def _next(self, ids: Any, lengths: Any, k: Any) -> tuple[Any, Any]:
        """Returns the likeliest ids and their log-probabilities, `(batch, k)` each."""
        most = self._model.model.target_size - 2  # PAD and BOS never come
        fits = [
            tf.debugging.assert_positive(k, "k must be at least 1."),
            tf.debugging.assert_less_equal(k, most, f"k must be at most {most}, the tokens of the vocabulary."),
        ]
        with tf.control_dependencies(fits):
            k = tf.identity(k)
        features, _ = self._read(ids, lengths)
        log_probs, found = tf.math.top_k(_allowed(self._log_probs(_last(features, lengths))), k)
        return found, log_probs

    def _sample(self, ids: Any, lengths: Any, sampling: Sampling) -> tuple[Any, Any]:
        """Returns the ids that are drawn and their log-probabilities, `(batch, length)` each."""
        with tf.control_dependencies(_sampling_checks(sampling)):
            length = tf.identity(sampling.length)
        # The numbers of a row depend on its place, not on the number of rows.
        shape = tf.stack([tf.shape(ids)[0], length])
        uniforms = tf.random.stateless_uniform(shape, tf.stack([sampling.seed, 0]))
        features, state = self._read(ids, lengths)
        leaves = tf.nest.flatten(state)

        def body(time: Any, features: Any, leaves: list[Any], ids: Any, scores: Any) -> tuple[Any, ...]:
            log_probs = self._log_probs(features)
            drawn = _draw(_allowed(log_probs), uniforms[:, time], sampling)
            ids, scores = ids.write(time, drawn), scores.write(time, tf.gather(log_probs, drawn, batch_dims=1))
            before = tf.nest.pack_sequence_as(state, leaves)
            features, after = self._model.model.decode_features(drawn[:, tf.newaxis], before, training=False)
            return time + 1, features[:, 0], tf.nest.flatten(after), ids, scores

        start = (
            0,
            _last(features, lengths),
            leaves,
            tf.TensorArray(tf.int32, length, element_shape=(None,)),
            tf.TensorArray(tf.float32, length, element_shape=(None,)),
        )
        *_, ids, scores = tf.while_loop(lambda time, *_: time < length, body, start)
        return tf.transpose(ids.stack()), tf.transpose(scores.stack())


class TextService(IdsService):
    """Text to text; the tokens of SentencePiece by tensorflow-text's operations, words and characters by TensorFlow's.

    score     `text (batch,)`, a line each -> `tokens (batch, t)`, the last is `</s>`, then ""; `log_probabilities` and
              `log_probability` as of ids
    next      `text`, `k` -> `tokens (batch, k)`, "\\n" is the end of the line; `probability (batch, k)`
    sample    `text`, `length`, `temperature`, `top_k`, `top_p`, `seed` -> `text (batch,)`, which goes on after the text
              given; `log_probability (batch,)`

    Line breaks in the texts before what comes next or is drawn part lines. An empty text is no line yet.
    """

    def __init__(self, model: TextModel):
        super().__init__(model)
        codec: Any = model.codec
        if isinstance(codec, Vocabulary):
            from seq2seq.text.vocabulary_in_graph import GraphVocabulary

            self._codec: Any = GraphVocabulary(codec)
        else:
            from seq2seq.text.in_graph import GraphTokenizer

            self._codec = GraphTokenizer(codec.model)
        self._names = ["" if i == PAD else name for i, name in enumerate(codec.pieces(range(codec.size)))]
        self.score = traced(self._score_text, *_TEXT)
        self.next = traced(self._next_text, *_TEXT, *_K)
        self.sample = traced(self._sample_text, *_TEXT, *_SAMPLING)

    def _score_text(self, text: Any) -> dict[str, Any]:
        ids = self._codec.encode(_clean(text))
        dense, lengths = _dense(ids)
        scores = self._score(dense, lengths)
        ends = tf.fill((ids.nrows(), 1), NAMES[EOS])
        tokens = tf.concat([tf.ragged.map_flat_values(self._surface, ids), ends], axis=1)
        return {
            "tokens": tokens.to_tensor(""),
            "log_probabilities": scores.to_tensor(0.0),
            "log_probability": tf.reduce_sum(scores, axis=1),
        }

    def _next_text(self, text: Any, k: Any) -> dict[str, Any]:
        ids, _ = self._encode_prompts(_clean(text))
        found, log_probs = self._next(*_dense(ids), k)
        return {"tokens": tf.where(found == EOS, "\n", self._surface(found)), "probability": tf.exp(log_probs)}

    def _sample_text(self, text: Any, *sampling: Any) -> dict[str, Any]:
        ids, line = self._encode_prompts(_clean(text))
        drawn, log_probs = self._sample(*_dense(ids), Sampling(*sampling))
        whole = self._to_text(tf.concat([line, drawn], axis=1))
        written = tf.strings.length(self._codec.decode(line), unit="UTF8_CHAR")
        most = tf.strings.length(whole, unit="UTF8_CHAR")
        rest = tf.strings.substr(whole, tf.minimum(written, most), most, unit="UTF8_CHAR")
        return {"text": rest, "log_probability": tf.reduce_sum(log_probs, axis=1)}

    def _surface(self, ids: Any) -> Any:
        return tf.gather(tf.constant(self._names), ids)

    def _encode_prompts(self, text: Any) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """`(batch,)` texts -> `(batch, None)` ids, in which EOS ends all lines but the last, and those of the last."""
        lines = tf.strings.split(text, "\n")  # (batch, lines); an empty text is one empty line
        ids = self._codec.encode(lines.values)  # (all lines, None)
        last = lines.row_splits[1:] - 1
        # 1 for a line that ends, 0 for the last one of a text
        ends = tf.ones((ids.nrows(),), tf.int64)
        ends = tf.tensor_scatter_nd_update(ends, last[:, tf.newaxis], tf.zeros_like(last))
        breaks = tf.RaggedTensor.from_row_lengths(tf.fill((tf.reduce_sum(ends),), EOS), ends)
        joined = tf.concat([ids, breaks], axis=1)
        whole = tf.RaggedTensor.from_row_splits(joined.values, tf.gather(joined.row_splits, lines.row_splits))
        return whole, tf.gather(ids, last)

    def _to_text(self, ids: tf.RaggedTensor) -> Any:
        """`(batch, None)` ids, in which EOS ends a line -> `(batch,)` text, with a line break for each EOS."""
        rows = tf.concat([ids, tf.fill((ids.nrows(), 1), EOS)], axis=1)
        is_end = rows.values == EOS
        splits = tf.concat([tf.zeros((1,), tf.int64), tf.where(is_end)[:, 0] + 1], axis=0)
        lines = self._codec.decode(tf.RaggedTensor.from_row_splits(rows.values, splits))
        counts = tf.reduce_sum(tf.cast(rows == EOS, tf.int64), axis=1)
        return tf.strings.reduce_join(tf.RaggedTensor.from_row_lengths(lines, counts), axis=1, separator="\n")


def export_language_saved_model(model: TextModel, folder: Path, ids_only: bool = False) -> Path:
    """Writes the next version, `folder/1`, `folder/2`, …, whole or not at all.

    Args:
        model: What to export.
        folder: Made if missing.
        ids_only: Ids in, ids out, by TensorFlow's own operations.

    Returns:
        The folder of the version.
    """
    check_backend()
    return write_version(IdsService(model) if ids_only else TextService(model), folder)


def _checked(ids: Any, lengths: Any) -> Any:
    """Returns the lengths; an error where they do not fit the ids."""
    fits = tf.debugging.assert_less_equal(
        largest(lengths), tf.shape(ids)[1], "A length is larger than the width of the ids."
    )
    with tf.control_dependencies([fits, tf.debugging.assert_non_negative(lengths, "A length is negative.")]):
        return tf.identity(lengths)


def _clean(text: Any) -> Any:
    """Returns the text; an error where it is not UTF-8 or holds a NUL."""
    with tf.control_dependencies(text_checks(text)):
        return tf.identity(text)


def _sampling_checks(sampling: Sampling) -> list[Any]:
    return [
        tf.debugging.assert_positive(sampling.length, "length must be at least 1."),
        tf.debugging.assert_less_equal(sampling.length, MOST_LENGTH, f"length must be at most {MOST_LENGTH}."),
        tf.debugging.assert_positive(sampling.temperature, "temperature must be above 0."),
        tf.debugging.assert_non_negative(sampling.top_k, "top_k must not be negative."),
        tf.debugging.assert_positive(sampling.top_p, "top_p must be above 0."),
        tf.debugging.assert_less_equal(sampling.top_p, 1.0, "top_p must be at most 1."),
    ]


def _dense(ids: tf.RaggedTensor) -> tuple[Any, Any]:
    return ids.to_tensor(PAD), tf.cast(ids.row_lengths(), tf.int32)


def _last(features: Any, lengths: Any) -> Any:
    """`(batch, time, features_dim)` -> `(batch, features_dim)`, those after `lengths` ids."""
    return tf.gather(features, lengths, batch_dims=1)


def _allowed(log_probs: Any) -> Any:
    """Forbids PAD and BOS, which no text holds."""
    size = log_probs.shape[-1]
    never = [number in (PAD, BOS) for number in range(size)]
    return tf.where(tf.constant(never), FORBIDDEN, log_probs)


def _draw(logits: Any, uniforms: Any, sampling: Sampling) -> Any:
    """As `search.greedy.draw`, for options that are tensors: `(batch, size)` and `(batch,)` -> `(batch,)` ids."""
    size = logits.shape[-1]
    values, ids = tf.math.top_k(logits, size)
    top_k = tf.where(sampling.top_k > 0, sampling.top_k, size)
    kept = (values > FORBIDDEN / 2) & (tf.range(size) < top_k)
    weights = tf.where(kept, tf.exp((values - values[:, :1]) / tf.maximum(sampling.temperature, _SMALLEST)), 0.0)
    probabilities = weights / tf.reduce_sum(weights, axis=-1, keepdims=True)
    before = tf.cumsum(probabilities, axis=-1) - probabilities
    probabilities = tf.where(before < tf.maximum(sampling.top_p, _SMALLEST), probabilities, 0.0)
    sums = tf.cumsum(probabilities, axis=-1)
    index = tf.reduce_sum(tf.cast(sums <= (uniforms * sums[:, -1])[:, tf.newaxis], tf.int32), axis=-1)
    last = tf.reduce_sum(tf.cast(probabilities > 0, tf.int32), axis=-1) - 1
    return tf.gather(ids, tf.minimum(index, last), batch_dims=1)
