"""Translation with a network that is built in a moment: for laws about the driver of a run, whatever it trains.

As a program, it takes the arguments of `python -m recipes.translation`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from recipes.translation import RECIPES
from seq2seq.cli.train import run_recipe
from seq2seq.metrics.score import Score
from seq2seq.pipeline.plan import Plan
from seq2seq.run.build import build
from seq2seq.run.folder import RunFolder
from seq2seq.tasks import translation
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.task import TextCodec
from seq2seq.types import Batch


def build_model(recipe: Any, codec: TextCodec) -> Any:
    """Returns a built `SmallModel`."""
    from tests.small_model import SmallModel

    return SmallModel(codec.target.size, recipe.model.decoder.dropout)


def untrained_model(folder: RunFolder, weights: Any = ()) -> Any:
    """Returns the network of a run, built."""
    from tests.small_model import SmallModel

    return SmallModel(TextRunFolder(folder.path).load_tokenizers()[1].size)


def validator(model: Any, codec: TextCodec, data: Any, recipe: Any) -> Callable[[float], dict[str, Score]]:
    """Returns a score that is always the same: the loss chooses the best epoch."""
    return lambda nll: {codec.score: Score(50.0, "constant")}


def finish(folder: RunFolder, recipe: Any, data: Any) -> None:
    """Ends the run with a score that depends on its seed."""
    score = {"score": 10.0 * recipe.seed, "signature": "ten times the seed"}
    folder.write_json(folder.scores_file, {"tests": {"test": {"chrf": score}}})


OWN = {"build_model": build_model, "untrained_model": untrained_model, "validator": validator, "finish": finish}
SMALL_TASK: Any = SimpleNamespace(**{**vars(translation), **OWN})
"""As the module `seq2seq.tasks.translation`."""


PAUSE = "SMALL_TASK_PAUSE"
"""A variable: seconds before each batch, for those who want to meet a run at work."""


def run_small(words: Sequence[str]) -> int:
    """Carries out `python -m recipes.translation` with these arguments, by the small task; returns the exit code."""

    get = Plan.__getitem__

    def get_batch(plan: Plan, number: int) -> Batch:
        time.sleep(float(os.environ.get(PAUSE, "0")))
        return get(plan, number)

    def build_small(folder: RunFolder, recipe: Any) -> None:
        with patch("seq2seq.run.report.write_curves"), patch.object(Plan, "__getitem__", get_batch):
            build(folder, recipe, SMALL_TASK)

    return run_recipe(RECIPES, "python -m tests.small_task", "", words, build_small)


if __name__ == "__main__":
    sys.exit(run_small(sys.argv[1:]))
