"""English sentences of the grammar corpus: a text for language models that needs no download.

Much of a sentence can be predicted from its beginning: agreement, which objects a verb takes, its particle. Every
sentence of validation and test holds a pair of words that never occurs in training.
"""

from __future__ import annotations

from seq2seq.text.lines import Lines

from . import grammar_files

NAME = "sentences"
LANGUAGES = ("en",)
SPLITS = {"train": "train", "validation": "dev", "test": "test"}
"""The splits of the grammar corpus, by the names that data sets for language models share."""
LICENCE, CITATION = grammar_files.LICENCE, grammar_files.CITATION


def load(split: str) -> Lines:
    """Returns the sentences of a split, generated on first use; ValueError for an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"The sentences have the splits {', '.join(SPLITS)}. Received: {split!r}")
    return Lines((grammar_files.load(SPLITS[split], "en", "de").source,))
