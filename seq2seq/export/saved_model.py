"""A SavedModel that takes text and gives text: tokeniser, encoder, search and detokeniser in one graph.

Loaded by `tf.saved_model.load` or TensorFlow Serving, with tensorflow-text's operations registered. A SavedModel is a
program: load only those you trust.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from seq2seq.export.graphs import check_backend, largest, text_checks, traced, write_version
from seq2seq.inference.searcher import search
from seq2seq.symbols import BOS, EOS, NAMES, PAD
from seq2seq.types import Padded, SearchResult

if TYPE_CHECKING:
    from seq2seq.inference.generator import Generator

_TEXT = tf.TensorSpec((None,), tf.string, "text")
_IDS = tf.TensorSpec((None, None), tf.int32, "ids")
_LENGTHS = tf.TensorSpec((None,), tf.int32, "lengths")


class IdsService(tf.Module):
    """Ids to ids; needs TensorFlow's own operations alone.

    Args:
        generator: Network, tokenisers and search; what it searches with is fixed in the graph.

    Raises:
        ValueError: the generator draws at random, which a served model does not.
    """

    def __init__(self, generator: Generator):
        super().__init__(name="translator")
        if generator.options.sampling:
            raise ValueError("An exported model searches, it does not draw at random: export without sampling.")
        # The network stays behind the generator, where TensorFlow does not look: it would save the variables twice.
        self._generator = generator
        self._options = generator.options
        self.weights = [variable.value for variable in generator.model.variables]
        searched = traced(self._trace_search, _IDS, _LENGTHS)  # once for all signatures

        def search_once(ids: Any, lengths: Any) -> tuple[SearchResult, Padded]:
            return searched(ids, lengths)

        self._search = search_once  # not `searched`, which TensorFlow would save as one more function to call
        self.translate_ids = traced(self._translate_ids, _IDS, _LENGTHS)

    def _trace_search(self, ids: Any, lengths: Any) -> tuple[SearchResult, Padded]:
        """Searches for `(batch, width)` ids of which `lengths` count; rows of none stay empty.

        Returns the result and the ids that the encoder read.
        """
        limit = self._options.max_input
        if self._options.cut_input:
            lengths = tf.minimum(lengths, limit)
        longest = largest(lengths)
        short = tf.debugging.assert_less_equal(longest, limit, f"An input has more than {limit} tokens; split it.")
        with tf.control_dependencies([short]):
            longest = tf.identity(longest)
        places = tf.range(longest + 1)[tf.newaxis]
        ends = lengths[:, tf.newaxis]
        ids = tf.pad(ids[:, :longest], [[0, 0], [0, 1]])
        source = Padded(tf.where(places < ends, ids, tf.where(places == ends, EOS, PAD)), places <= ends)
        found = search(self._generator.model, source, self._options, marks=self._generator.marks())
        some = (lengths > 0)[:, tf.newaxis]
        ids = tf.where(some[:, :, tf.newaxis], found.ids, PAD)
        counted, gains = (tf.where(some, part, 0) for part in (found.lengths, found.log_probabilities))
        return SearchResult(ids, counted, gains, found.scores), source

    def _in_text_order(self, found: SearchResult) -> Any:
        """The output ids in the order of the text, for a model that writes from right to left."""
        if not self._generator.target_tokenizer.right_to_left:
            return found.ids
        rows = tf.reshape(found.ids, (-1, tf.shape(found.ids)[2]))
        rows = tf.reverse_sequence(rows, tf.reshape(found.lengths, (-1,)), seq_axis=1)
        return tf.reshape(rows, tf.shape(found.ids))

    def _best(self, tensor: Any) -> Any:
        """Without the axis of hypotheses where there is one only."""
        return tensor[:, 0] if self._options.num_best == 1 else tensor

    def _translate_ids(self, ids: Any, lengths: Any) -> dict[str, Any]:
        """`ids (batch, width)`, `lengths (batch,)` -> `ids`, `lengths`, `log_probability`, best hypothesis first."""
        fits = tf.debugging.assert_less_equal(
            largest(lengths), tf.shape(ids)[1], "A length is larger than the width of the ids."
        )
        with tf.control_dependencies([fits, tf.debugging.assert_non_negative(lengths, "A length is negative.")]):
            lengths = tf.identity(lengths)
        found, _ = self._search(ids, lengths)
        ids, gains = self._in_text_order(found), found.log_probabilities
        parts = {"ids": ids, "lengths": found.lengths, "log_probability": gains}
        return {name: self._best(part) for name, part in parts.items()}

    def signatures(self) -> dict[str, Any]:
        """By the names that a client calls."""
        return {"serving_default": self.translate_ids, "ids": self.translate_ids}


class TextService(IdsService):
    """Text to text, by tensorflow-text's operations; it can do with ids too, and shows its attention."""

    def __init__(self, generator: Generator):
        from seq2seq.text.in_graph import GraphTokenizer

        super().__init__(generator)
        self._source = GraphTokenizer(generator.source_tokenizer.model)
        self._target = GraphTokenizer(generator.target_tokenizer.model)
        sides = generator.source_tokenizer, generator.target_tokenizer
        self._source_pieces, self._target_pieces = (side.pieces(range(side.size)) for side in sides)
        self.translate = traced(self._translate, _TEXT)
        self.explain = None if not generator.has_attention else traced(self._explain, _TEXT)

    def _search_text(self, text: Any) -> tuple[SearchResult, Padded]:
        with tf.control_dependencies(text_checks(text)):
            text = tf.identity(text)
        ids = self._source.encode(text)
        return self._search(ids.to_tensor(PAD), tf.cast(ids.row_lengths(), tf.int32))

    def _to_text(self, found: SearchResult) -> Any:
        shape = tf.shape(found.lengths)
        rows = tf.reshape(self._in_text_order(found), (-1, tf.shape(found.ids)[2]))
        return tf.reshape(self._target.decode(rows, tf.reshape(found.lengths, (-1,))), shape)

    def _translate(self, text: Any) -> dict[str, Any]:
        """`text (batch,)` -> `text`, `log_probability`: `(batch,)`, or `(batch, n)`, best hypothesis first."""
        found, _ = self._search_text(text)
        parts = {"text": self._to_text(found), "log_probability": found.log_probabilities}
        return {name: self._best(part) for name, part in parts.items()}

    def _explain(self, text: Any) -> dict[str, Any]:
        """`text (batch,)` -> the best hypothesis: `text`, its `pieces (batch, t)`, the source's `source_pieces
        (batch, s)`, and `attention (batch, t, s)`. EOS is the last of each; behind it all is empty or 0."""
        found, source = self._search_text(text)
        ids, lengths = found.ids[:, 0], found.lengths[:, 0]
        some = lengths > 0
        width = largest(lengths)
        places, ends = tf.range(width + 1)[tf.newaxis], lengths[:, tf.newaxis]
        ids = tf.pad(ids[:, :width], [[0, 0], [0, 1]])
        target = tf.where(places < ends, ids, tf.where((places == ends) & some[:, tf.newaxis], EOS, PAD))
        source_shown = tf.where(some[:, tf.newaxis], source.values, PAD)
        encoded = self._generator.model.encode(source, training=False)
        weights = self._generator.model.align(_begin(target), encoded, encoded.state)
        kept = tf.cast(target != PAD, weights.dtype)[:, :, tf.newaxis]
        return {
            "text": self._to_text(found)[:, 0],
            "pieces": _surface(self._target_pieces, target),
            "source_pieces": _surface(self._source_pieces, source_shown),
            "attention": weights * kept,
        }

    def signatures(self) -> dict[str, Any]:
        """By the names that a client calls."""
        attention = {} if self.explain is None else {"attention": self.explain}
        return {"serving_default": self.translate, "ids": self.translate_ids, **attention}


def export_saved_model(generator: Generator, folder: Path, ids_only: bool = False) -> Path:
    """Writes the next version, `folder/1`, `folder/2`, …, whole or not at all.

    TensorFlow Serving takes `folder` as a model's base path and serves its highest version.

    Args:
        generator: What to export; its search is fixed in the graph.
        folder: Made if missing.
        ids_only: Leave out all that needs tensorflow-text: `serving_default` is then ids to ids.

    Returns:
        The folder of the version.
    """
    check_backend()
    service = IdsService(generator) if ids_only else TextService(generator)
    return write_version(service, folder)


def _begin(target: Any) -> Any:
    """What the decoder reads to write `target`: BOS, then `target` without its last step."""
    return tf.pad(target[:, :-1], [[0, 0], [1, 0]], constant_values=BOS)


def _surface(pieces: list[str], ids: Any) -> Any:
    """The pieces of ids; "" for PAD."""
    table = ["" if i == PAD else NAMES[EOS] if i == EOS else piece for i, piece in enumerate(pieces)]
    return tf.gather(tf.constant(table), ids)
