"""A recipe from its data to a finished run."""

from __future__ import annotations

from typing import Any

from seq2seq.distributed import team
from seq2seq.messages import show
from seq2seq.run.environment import record_start
from seq2seq.run.folder import RunFolder
from seq2seq.run.train import train
from seq2seq.tasks.text_to_text.data import find_corpus
from seq2seq.tasks.text_to_text.finish import record_data, score_tests, show_examples
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.prepare import learn_tokenizers


def build(run: RunFolder, recipe: Any) -> None:
    """Trains and scores `recipe` in the run folder, from wherever an earlier run of it has stopped; prints examples.

    Of several processes the first scores and prints.
    """
    folder, corpus = TextRunFolder(run.path), find_corpus(recipe.data)
    if team.is_leader():
        record_data(folder, corpus)
        record_start(folder)
    source, target = team.leader_first(lambda: learn_tokenizers(folder, recipe, corpus), folder.load_tokenizers)
    train(folder, recipe, corpus, source, target)
    if not team.is_leader():
        return
    score_tests(folder, recipe, corpus.tests)
    show(show_examples(folder, corpus.tests))
