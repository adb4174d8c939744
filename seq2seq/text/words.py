"""Words: which token belongs to which, and a front end with which an encoder reads words instead of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.symbols import EOS
from seq2seq.text.spelling import FEATURES, FIRST, LAST, fingerprints, mark, spell
from seq2seq.types import Marks, Padded, Shape, Tensor


def word_numbers(source: Padded, marks: Marks) -> Tensor:
    """Returns the number of each token's word, `(batch, source)` int32, from 0.

    Spaces separate words. Punctuation before the first letter or digit and behind the last is not part of a word: each
    such token is a word by itself. So any word can be left out without changing the others; see `find_words`.
    """
    return find_words(source, marks)[0]


def find_words(source: Padded, marks: Marks) -> tuple[Tensor, Tensor]:
    """Finds the words of `(batch, source)` ids.

    Returns:
        The number of each token's word as in `word_numbers`; and which tokens begin a word that has punctuation before
        it instead of a space, `(batch, source)` bool: where that is left out, the word needs a space of its own.
    """
    begins, leading, trailing = _borders(source, marks)
    starts = ops.logical_or(begins, ops.logical_or(leading, trailing))
    return _numbers(starts), leading


def _borders(source: Padded, marks: Marks) -> tuple[Any, Any, Any]:
    """Where words begin: behind a space; behind leading punctuation; and each token of trailing punctuation."""
    ids, mask = source
    first = ops.equal(ops.arange(ops.shape(ids)[1], dtype="int32"), 0)
    begins = ops.logical_or(first, ops.take(marks.begins, ids, axis=0))
    # Neither EOS nor padding belongs to the last word.
    begins = ops.logical_or(begins, ops.logical_or(ops.equal(ids, EOS), ops.logical_not(mask)))
    blanks = _numbers(begins)
    letters = ops.cast(ops.logical_not(ops.take(marks.punctuation, ids, axis=0)), "int32")
    of_word = sum_by_word(letters, blanks)
    some = ops.take_along_axis(of_word, blanks, axis=1) > 0
    so_far, by_its_end = ops.cumsum(letters, axis=1), ops.cumsum(of_word, axis=1)
    last = ops.equal(so_far, ops.take_along_axis(by_its_end, blanks, axis=1))  # no letter comes after this token
    trailing = ops.logical_and(ops.logical_and(some, last), ops.equal(letters, 0))
    if marks.blank is None:  # no space to insert behind punctuation: all before a letter stays with it
        return begins, ops.zeros_like(begins), trailing
    before = ops.take_along_axis(by_its_end - of_word, blanks, axis=1)
    none_yet = ops.equal(so_far - letters, before)  # no letter of the word comes before this token
    behind_blank = ops.equal(ops.concatenate([ops.zeros_like(ids[:, :1]), ids[:, :-1]], axis=1), marks.blank)
    leading = ops.logical_and(ops.logical_and(some, none_yet), ops.logical_not(ops.logical_or(begins, behind_blank)))
    return begins, leading, trailing


def _numbers(begins: Any) -> Any:
    return ops.cumsum(ops.cast(begins, "int32"), axis=1) - 1


def sum_by_word(values: Any, numbers: Any) -> Any:
    """Sums what belongs to the same word.

    Args:
        values: `(batch, source, …)`.
        numbers: `(batch, source)`, int32: the number of each token's word.

    Returns:
        As `values`, the words first; 0 where there is none.
    """
    batch, width = ops.shape(numbers)
    sums = ops.segment_sum(_flat(values), _rows(numbers), num_segments=batch * width)
    return ops.reshape(sums, ops.shape(values))


def take_by_word(values: Any, numbers: Any) -> Any:
    """Gives each token the value of its word: the way back from `sum_by_word`, shapes as there."""
    return ops.reshape(ops.take(_flat(values), _rows(numbers), axis=0), ops.shape(values))


def _rows(numbers: Any) -> Any:
    batch, width = ops.shape(numbers)
    return ops.reshape(ops.expand_dims(ops.arange(batch, dtype="int32") * width, 1) + numbers, (-1,))


def _flat(values: Any) -> Any:
    return ops.reshape(values, (-1, *values.shape[2:]))


@keras.saving.register_keras_serializable("seq2seq")
class WordFrontend(keras.layers.Layer):
    """A front end that lets an encoder read words; the memory has one vector a token all the same.

    The vector of a word is the mean of its tokens' vectors, concatenated with those of its spelling: words that begin
    alike, end alike or look alike share them (Collobert et al. 2011, 6, predict tags from suffixes and capitals in this
    way). A feature that at least two tokens of the vocabulary share has a vector; all others share one. These matrices
    are not shared with the output layer, which would move them too fast for words seen a few times.

    Args:
        pieces: The vocabulary, by its ids.
        units: Width of the vector of a token. That of each feature of the spelling is a quarter of it.
        memory_units: Width of the encoder's outputs; None where no memory is read token by token.

    Call arguments:
        source: `(batch, source)`, int32.

    Returns:
        `(batch, source, output_dim)`, the words first.
    """

    keeps_positions = False

    def __init__(self, pieces: Sequence[str], units: int, memory_units: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.pieces = tuple(pieces)
        self.units = units
        self.memory_units = memory_units
        self.marks = mark(self.pieces)
        self._spelling = spell(self.pieces)
        self.feature_units = max(1, units // 4)
        spread = keras.initializers.RandomNormal(stddev=0.5)
        self.own = keras.layers.Embedding(len(self.pieces), units, spread, name="own")
        self.embedding = keras.layers.Embedding(
            len(self._spelling.known) + 1, self.feature_units, spread, name="spelling"
        )
        self.within = keras.layers.Dense(memory_units, use_bias=False, name="within") if memory_units else None

    @property
    def output_dim(self) -> int:
        """Width of what the encoder reads."""
        return self.units + FEATURES * self.feature_units

    def build(self, source_shape: Shape | None = None) -> None:
        self.own.build((None, None))
        self.embedding.build((None, None, FEATURES))
        if self.within is not None:
            self.within.build((None, None, self.units))
        self.built = True

    def call(self, source: Padded) -> Padded:
        numbers, vectors = self.numbers(source), self.own(source.values)
        pieces = sum_by_word(ops.cast(source.mask, "int32"), numbers)  # padding has words of its own
        own = sum_by_word(vectors, numbers) / ops.expand_dims(ops.cast(ops.maximum(pieces, 1), vectors.dtype), -1)
        spelling = self.embedding(self.features(source.values, numbers))  # (batch, source, FEATURES, feature_units)
        spelling = ops.reshape(spelling, (*ops.shape(numbers), FEATURES * self.feature_units))
        return Padded(ops.concatenate([own, spelling], axis=-1), pieces > 0)

    def expand_to_tokens(self, values: Tensor, source: Padded) -> Tensor:
        """Returns one vector a token: that of its word, plus a projection of the token's own vector.

        Args:
            values: `(batch, source, memory_units)`: of the words, which come first.
            source: `(batch, source)`, int32.

        Returns:
            `(batch, source, memory_units)`.
        """
        memory = take_by_word(values, self.numbers(source))
        return memory if self.within is None else memory + self.within(self.own(source.values))

    def repeat_for_tokens(self, values: Tensor, source: Padded) -> Tensor:
        """Gives each token the value of its word; shapes as in `take_by_word`."""
        return take_by_word(values, self.numbers(source))

    def numbers(self, source: Padded) -> Tensor:
        """Returns the number of each token's word, `(batch, source)` int32; see `word_numbers`."""
        return word_numbers(source, self.marks)

    def features(self, source: Any, numbers: Any) -> Any:
        """Returns the features of each word's spelling, `(batch, source, FEATURES)` int32; 0: without a vector."""
        lengths = ops.take(self._spelling.lengths, source, axis=0)
        whole = sum_by_word(lengths, numbers)
        end = ops.cumsum(lengths, axis=1) - take_by_word(ops.cumsum(whole, axis=1) - whole, numbers)
        before, behind = end - lengths, take_by_word(whole, numbers) - end  # letters of the word on either side
        first = self._placed(self._spelling.first, source, before, numbers, FIRST)
        last = self._placed(self._spelling.last, source, behind, numbers, LAST)
        kinds = ops.minimum(sum_by_word(ops.take(self._spelling.kinds, source, axis=0), numbers), 1)
        return self._find(ops.stack(fingerprints(first, last, kinds), axis=-1))

    def _placed(self, letters: Any, source: Any, offset: Any, numbers: Any, width: int) -> Any:
        """The letters at the first `width` places of each word, counted from the end that `letters` begins at."""
        given = ops.expand_dims(ops.take(letters, source, axis=0), 2)  # (batch, source, 1, letters)
        places = ops.expand_dims(offset, -1) + ops.arange(width, dtype="int32")
        wanted = np.arange(width, dtype=np.int32)[:, None]
        here = ops.equal(ops.expand_dims(places, 2), wanted)  # (batch, source, width, letters)
        return sum_by_word(ops.sum(ops.where(here, given, 0), axis=-1), numbers)

    def _find(self, prints: Any) -> Any:
        """Finds each in the sorted known ones, counted from 1, by bisection; 0 where it is not among them."""
        known = self._spelling.known
        steps = max(len(known), 1).bit_length()
        table = np.concatenate([[-1], known, [2**31 - 1] * (2**steps - len(known) - 1)]).astype(np.int32)
        place = ops.zeros_like(prints)
        for step in (2**power for power in range(steps - 1, -1, -1)):
            probe = place + step
            place = ops.where(ops.take(table, probe, axis=0) <= prints, probe, place)
        return ops.where(ops.equal(ops.take(table, place, axis=0), prints), place, 0)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pieces": list(self.pieces),
            "units": self.units,
            "memory_units": self.memory_units,
        }
