"""The end of a run: scores of the tests beside those of simple baselines."""

from __future__ import annotations

from seq2seq.tasks.forecast.data import Corpus
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.recipe import Recipe


def finish(folder: ForecastRunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores every test set."""
    raise NotImplementedError
