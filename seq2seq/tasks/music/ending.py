"""The end of a run: scores of the tests by the finished run folder, as any user loads it; a composition."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict
from typing import Any

from seq2seq.messages import show
from seq2seq.run.environment import checksums
from seq2seq.run.report import read_history, versions
from seq2seq.tasks.music.data import Corpus
from seq2seq.tasks.music.folder import MusicRunFolder
from seq2seq.tasks.music.readme import write_readme
from seq2seq.tasks.music.recipe import Recipe

_log = logging.getLogger(__name__)


def finish(folder: MusicRunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores every test set and writes the README and, last of all, scores.json."""
    from seq2seq.inference.music import likelihood
    from seq2seq.tasks.music.loading import load_model

    model = load_model(folder.path)
    scores: dict[str, Any] = {}
    for name, pieces in data.tests.items():
        _log.info("Scoring %s", name)
        found = likelihood(model.score(pieces)).scores(model.conditions)
        scores[name] = {measure: asdict(score) for measure, score in found.items()}
        show("\n".join([name, *(f"{m:20} {s['score']:10.3f}   {s['signature']}" for m, s in scores[name].items())]))
    write_readme(folder, recipe, scores, read_history(folder))
    # Last of all: a run with scores is a finished run.
    folder.write_json(folder.scores_file, {"tests": scores, "data": checksums(data.test_files), "versions": versions()})
    shutil.rmtree(folder.stores, ignore_errors=True)
