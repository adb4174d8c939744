"""The embedded sentences as words and marks. Imports no framework."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice

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
