"""A recipe from its data to a finished run."""

from __future__ import annotations

from seq2seq.distributed import team
from seq2seq.run.environment import record_start
from seq2seq.run.folder import RunFolder
from seq2seq.run.sections import Recipe
from seq2seq.run.start import take_codec
from seq2seq.run.task import Task
from seq2seq.run.train import train


def build(folder: RunFolder, recipe: Recipe, task: Task) -> None:
    """Trains and scores `recipe` in the run folder, from wherever an earlier run of it has stopped.

    Of several processes the first scores.
    """
    data = task.open_data(recipe)
    if team.is_leader():
        task.record_data(folder, data)
        record_start(folder)
        take_codec(folder, recipe, task)
    train(folder, recipe, task, data)
    if team.is_leader():
        task.finish(folder, recipe, data)
