"""The texts that a language model is evaluated on, and what stands beside it: n-grams of the same training text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from seq2seq.inference.text_scoring import ScoredLine
from seq2seq.symbols import EOS
from seq2seq.tasks.language_model.data import find_corpus, own_text
from seq2seq.tasks.language_model.folder import LanguageRunFolder
from seq2seq.tasks.token_model import VALIDATION, chosen_test
from seq2seq.text.ngrams import KneserNey


def open_text(run: Path, test: str | None, text: str | None) -> Iterable[str]:
    """Returns a test set of the run's recipe or its validation text, or the text of files; else the first test set.

    Raises:
        ValueError: there is no such test set, or no such file.
    """
    folder = LanguageRunFolder(run)
    recipe = folder.load_recipe()
    if text:
        return own_text(text, "--text")
    if test == VALIDATION:
        return find_corpus(recipe.data).validation
    # Files that a user named are found from any folder; the catalogue knows how its own are read.
    own = recipe.data.corpus == "files"
    tests: Mapping[str, Iterable[str]] = folder.load_tests() if own else find_corpus(recipe.data).tests
    return chosen_test(tests, test, "--text FILE")


class Baseline:
    """An n-gram model with modified Kneser-Ney smoothing over a run's tokens, which learns from its training text.

    Of characters the context goes on over the ends of lines, of other tokens it begins with each line, as is usual.

    Args:
        run: A run folder.
        order: Tokens of an n-gram.
    """

    def __init__(self, run: Path, order: int):
        folder = LanguageRunFolder(run)
        recipe = folder.load_recipe()
        self.codec, self.order = folder.load_codec(), order
        own = recipe.data.corpus == "files"
        train = folder.load_training_text() if own else find_corpus(recipe.data).train
        self.model = KneserNey(self.codec.size, order, continued=recipe.tokenizer.kind == "characters")
        self.model.fit([[*ids, EOS] for ids in self.codec.encode(list(train))])

    def score(self, lines: Iterable[str]) -> list[ScoredLine]:
        """Scores the lines of one text."""
        text = list(lines)
        rows = [[*ids, EOS] for ids in self.codec.encode(text)]
        scores = self.model.score(rows)
        return [ScoredLine(line, tuple(ids), found) for line, ids, found in zip(text, rows, scores, strict=True)]
