"""The pieces that a model of music is evaluated on, and what stands beside it: n-grams of the same training pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seq2seq.inference.music import ScoredMusic
from seq2seq.music.notes import Music
from seq2seq.tasks.music.data import catalogued, find_corpus, own_files, read_pieces
from seq2seq.tasks.music.folder import MusicRunFolder
from seq2seq.tasks.token_model import VALIDATION, chosen_test
from seq2seq.text.ngrams import KneserNey

OTHERWISE = "--files FOLDER"


def open_pieces(run: Path, test: str | None, files: str | None) -> Sequence[Music]:
    """Returns a test set of the run's recipe or its validation pieces, or those of files; else the first test set.

    Raises:
        ValueError: there is no such test set, or no such file.
    """
    folder = MusicRunFolder(run)
    recipe = folder.load_recipe()

    def read(paths: Sequence[Path]) -> Sequence[Music]:
        return read_pieces(paths, recipe.events.steps_per_quarter, recipe.data.chords)

    if files:
        return read(own_files(files, "--files"))
    own = recipe.data.corpus == "files"
    if test == VALIDATION:
        return find_corpus(recipe).validation if own else catalogued(recipe, VALIDATION)
    if own:
        found = folder.read_test_files()
        return read(chosen_test({"test": found} if found else {}, test, OTHERWISE))
    return catalogued(recipe, chosen_test({name: name for name in recipe.data.tests}, test, OTHERWISE))


class Baseline:
    """An n-gram model with modified Kneser-Ney smoothing over a run's tokens.

    It learns from the run's training pieces, whose notes the run keeps, each in every transposition that training may
    draw.

    Args:
        run: A run folder.
        order: Tokens of an n-gram.
    """

    def __init__(self, run: Path, order: int):
        folder = MusicRunFolder(run)
        recipe = folder.load_recipe()
        self.codec, self.order, self.transpose = folder.load_codec(), order, recipe.events.transpose
        rows = []
        for piece in folder.load_corpus().pieces():
            tokens = np.asarray(self.codec.tokens(piece), np.int32)
            rows += [self.codec.shifted(tokens, by) for by in self.codec.room(tokens, self.transpose)]
        self.model = KneserNey(self.codec.size, order).fit(rows)

    @property
    def conditions(self) -> str:
        """What decides its numbers, for the signature."""
        return f"kneser-ney:{self.order}|transposed:{self.transpose}"

    def score(self, pieces: Sequence[Music]) -> list[ScoredMusic]:
        """Scores pieces, each by itself."""
        rows = [np.asarray(self.codec.tokens(piece), np.int32) for piece in pieces]
        return [
            ScoredMusic(piece, tokens, log_probs.astype(np.float32), self.codec.frame_numbers(tokens))
            for piece, tokens, log_probs in zip(pieces, rows, self.model.score(rows), strict=True)
        ]
