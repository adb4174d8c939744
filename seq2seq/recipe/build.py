"""A recipe from its corpus to a finished run."""

from __future__ import annotations

from seq2seq.recipe.config import Recipe
from seq2seq.recipe.finish import record_tests, score_tests, show_examples
from seq2seq.recipe.run_folder import RunFolder
from seq2seq.recipe.train import Corpus, learn_tokenizers, train


def build(folder: RunFolder, recipe: Recipe, corpus: Corpus) -> None:
    """Trains and scores `recipe` in `folder`, from wherever an earlier run of it has stopped; prints examples."""
    record_tests(folder, corpus)
    source, target = learn_tokenizers(folder, recipe, corpus)
    train(folder, recipe, corpus, source, target)
    score_tests(folder, recipe, corpus.tests)
    print(show_examples(folder, corpus.tests))
