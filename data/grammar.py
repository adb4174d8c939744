"""English-German sentences of a small grammar, made on the spot: a corpus that needs no download.

The tables stand in `data.grammar_lexicon`; `grammar_words` reads them, `grammar_syntax` declines and orders, and
`grammar_writer` draws. The translation is a function of the source: whatever decides a German word (the particle of a
verb, the predicate that tells one bat from the other) stands in the English sentence, most of it to the right. A dev or
test sentence holds a pair of words (`Pair`) that training never shows together.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import cache

from .grammar_words import Sentence
from .grammar_writer import Writer

NAME = "grammar"
LANGUAGES = ("en", "de")
SPLITS = {"train": 30_000, "dev": 500, "test": 1_000}


@cache
def _corpus() -> dict[str, tuple[Sentence, ...]]:
    """All splits, training first: the others may use its word forms only, and need a pair it lacks."""
    seen: set[str] = set()
    words: set[str] = set()
    corpus = {}
    for split, size in SPLITS.items():
        writer = Writer(zlib.crc32(f"{NAME}/{split}".encode()), reserved=split != "train")
        sentences: list[Sentence] = []
        wanted = 0
        while len(sentences) < size:
            sentence = writer.sentence()
            reserved = sum(pair.reserved for pair in sentence.pairs)
            forms = words_of(sentence)
            fit = split == "train" or (reserved > wanted and forms <= words)
            if not fit or sentence.english in seen or sentence.german in seen:
                continue
            seen.update(sentence[:2])
            sentences.append(sentence)
            wanted = len(sentences) % 2 if split == "test" else 0
            if split == "train":
                words |= forms
        corpus[split] = tuple(sentences)
    return corpus


def words_of(sentence: Sentence) -> set[str]:
    """The word forms of both sides, each with its language."""
    sides = zip(LANGUAGES, sentence[:2], strict=True)
    return {f"{language} {word}" for language, text in sides for word in re.findall(r"\w+", text)}


def derivations(split: str) -> tuple[Sentence, ...]:
    """Returns the sentences of a split with the pairs in them; ValueError for an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"The grammar has the splits {', '.join(SPLITS)}. Received: {split!r}")
    return _corpus()[split]


def generate(split: str) -> Iterator[tuple[str, str]]:
    """Yields the English and German sentences of a split, the same ones on every machine.

    Args:
        split: One of `SPLITS`.

    Raises:
        ValueError: an unknown split; raised on the call, not on the first sentence.
    """
    return ((sentence.english, sentence.german) for sentence in derivations(split))
