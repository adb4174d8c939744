"""The end of a run: scores of the tests by the finished run folder, as any user loads it; a sample; its exports."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from seq2seq.messages import show
from seq2seq.run.environment import checksums
from seq2seq.run.exports import write_exports
from seq2seq.run.report import read_history, versions
from seq2seq.search.options import SearchOptions
from seq2seq.tasks.language_model.data import Corpus
from seq2seq.tasks.language_model.folder import LanguageRunFolder
from seq2seq.tasks.language_model.readme import write_readme
from seq2seq.tasks.language_model.recipe import Recipe

if TYPE_CHECKING:
    from seq2seq.inference.language import TextModel

SAMPLED = 100
"""Tokens of a sample."""

_log = logging.getLogger(__name__)


def finish(folder: LanguageRunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores every test set, writes samples, exports, README and, last of all, scores.json."""
    from seq2seq.evaluation.language import likelihood
    from seq2seq.export.language import export_language
    from seq2seq.tasks.language_model.loading import load_text_model

    model = load_text_model(folder.path)
    scores: dict[str, Any] = {}
    for name, text in data.tests.items():
        _log.info("Scoring %s", name)
        found = likelihood(model, text)
        scores[name] = {measure: asdict(score) for measure, score in found.scores().items()}
        show("\n".join([name, *(f"{m:20} {s['score']:10.3f}   {s['signature']}" for m, s in scores[name].items())]))
    sample = write_sample(model, recipe.seed)
    folder.write(folder.samples_file, sample + "\n")
    show(f"\nA sample:\n{sample}\n")
    write_exports(folder, recipe.exports, lambda form, path: export_language(form, model, path))
    write_readme(folder, recipe, scores, read_history(folder))
    sums = {name: checksums(files) for name, files in data.test_files.items()}
    # Last of all: a run with scores is a finished run.
    folder.write_json(folder.scores_file, {"tests": scores, "data": sums, "versions": versions()})
    shutil.rmtree(folder.stores, ignore_errors=True)


def write_sample(model: TextModel, seed: int, length: int = SAMPLED) -> str:
    """Returns a text of `length` tokens that the model writes from nothing."""
    from seq2seq.inference.writing import text_of

    drawn = islice(model.sample(model.begin(), SearchOptions(top_p=0.95), seed), length)
    return text_of(model.codec, [tokens[0].id for tokens in drawn])
