"""The tokeniser of a language model: a `Vocabulary` or a `SubwordTokenizer`, and its file. Imports no framework."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seq2seq.symbols import EOS, NAMES
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.vocabulary import Vocabulary

Codec = Vocabulary | SubwordTokenizer
"""What turns lines into ids and back."""
VOCABULARY_FILE = "vocabulary.json"
TOKENIZER_FILE = "tokenizer.model"


def codec_file(codec: Codec) -> str:
    """Returns the name of the file of a tokeniser."""
    return VOCABULARY_FILE if isinstance(codec, Vocabulary) else TOKENIZER_FILE


def load_codec(path: Path) -> Codec:
    """Reads a file with one of the names above; ValueError names a missing or damaged one."""
    return Vocabulary.load(path) if path.name == VOCABULARY_FILE else SubwordTokenizer.load(path)


def word_bounds(codec: Codec) -> tuple[list[int], list[int]]:
    """Returns the ids that begin a word, and the ids between words, such as a space."""
    if isinstance(codec, Vocabulary):
        units = range(len(NAMES), codec.size)
        if codec.kind == "words":
            return [*units], []
        return [], [unit for unit in units if codec.vocabulary[unit].isspace()]
    return [unit for unit, begins in enumerate(codec.marks().begins) if begins and unit >= len(NAMES)], []


def word_starts(codec: Codec) -> np.ndarray | None:
    """Returns before which ids a word has ended, `(size,)`, bool: EOS, words, punctuation; None for characters."""
    if isinstance(codec, Vocabulary):
        if codec.kind != "words":
            return None
        starts = np.ones(codec.size, bool)
    else:
        marks = codec.marks()
        starts = np.asarray(marks.begins) | np.asarray(marks.punctuation)
    starts[EOS] = True
    return starts
