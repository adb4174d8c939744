"""A recipe from its corpus to a finished run."""

from __future__ import annotations

from seq2seq.recipe.config import Recipe
from seq2seq.recipe.environment import record_start
from seq2seq.recipe.finish import record_data, score_tests, show_examples
from seq2seq.recipe.prepare import Corpus, learn_tokenizers
from seq2seq.recipe.run_folder import RunFolder
from seq2seq.recipe.train import train
from seq2seq.recipe.workers import exchange, losses_told


def build(folder: RunFolder, recipe: Recipe, corpus: Corpus) -> None:
    """Trains and scores `recipe` in `folder`, from wherever an earlier run of it has stopped; prints examples.

    Of several workers the first one writes, and scores; the others train along with it.
    """
    team = exchange()
    if team is None:
        record_data(folder, corpus)
        record_start(folder)
        train(folder, recipe, corpus, *learn_tokenizers(folder, recipe, corpus))
    else:
        if recipe.training.precision == "mixed_float16":
            raise ValueError("Several workers want --training.precision float32 or mixed_bfloat16, not mixed_float16.")
        with losses_told(team.rank):
            if team.rank == 0:
                record_data(folder, corpus)
                record_start(folder, team.world)
                learn_tokenizers(folder, recipe, corpus)
            team.wait()
            train(folder, recipe, corpus, *folder.load_tokenizers(), team)
            team.wait()
        if team.rank:
            return
    score_tests(folder, recipe, corpus.tests)
    print(show_examples(folder, corpus.tests))
