"""The embedded sentences as the experiments read them: words, or characters with quotes, brackets and lines."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

import numpy as np

from seq2seq.lab.models import Batches

UNKNOWN, END = "<unk>", "."
"""A word that the vocabulary lacks, and what ends a sentence, before its first word too."""


def sentences(split: str, count: int) -> list[list[str]]:
    """Returns the first `count` sentences of a split, as words and marks in lower case."""
    corpus = importlib.import_module("seq2seq.catalogue.sentences")
    return [words_of(line) for line in islice(corpus.load(split), count)]


def words_of(line: str) -> list[str]:
    """Returns the words and marks of a line, in lower case."""
    return re.findall(r"[\w'-]+|[^\w\s]", line.lower())


def vocabulary_of(text: Sequence[Sequence[str]], size: int) -> list[str]:
    """Returns the `size` most frequent words, the end and the unknown word before them."""
    counts = Counter(word for sentence in text for word in sentence)
    counts.pop(END, None)
    return [UNKNOWN, END, *(word for word, _ in counts.most_common(size - 2))]


def one_hot_batches(ids: np.ndarray, size: int, rows: int, steps: int, seed: int) -> Batches:
    """Yields windows drawn from a text, `(rows, steps, size)`, and the id that follows each, `(rows, steps)`."""
    random, symbols = np.random.default_rng(seed), np.eye(size, dtype=np.float32)
    while True:
        starts = random.integers(0, len(ids) - steps - 1, rows)
        windows = np.stack([ids[start : start + steps + 1] for start in starts])
        yield symbols[windows[:, :-1]], windows[:, 1:].astype(np.int32)
