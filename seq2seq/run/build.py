"""A recipe from its corpus to a finished run."""

from __future__ import annotations

from seq2seq.distributed import team
from seq2seq.messages import show
from seq2seq.run.config import Recipe
from seq2seq.run.environment import record_start
from seq2seq.run.finish import record_data, score_tests, show_examples
from seq2seq.run.folder import RunFolder
from seq2seq.run.prepare import Corpus, learn_tokenizers
from seq2seq.run.train import train


def build(folder: RunFolder, recipe: Recipe, corpus: Corpus) -> None:
    """Trains and scores `recipe` in `folder`, from wherever an earlier run of it has stopped; prints examples.

    Of several processes the first scores and prints.
    """
    if team.is_leader():
        record_data(folder, corpus)
        record_start(folder)
    source, target = team.leader_first(lambda: learn_tokenizers(folder, recipe, corpus), folder.load_tokenizers)
    train(folder, recipe, corpus, source, target)
    if not team.is_leader():
        return
    score_tests(folder, recipe, corpus.tests)
    show(show_examples(folder, corpus.tests))
