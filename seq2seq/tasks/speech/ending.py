"""The end of a run: error rates of the tests by the finished run folder, as any user loads it; its exports."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict
from typing import Any

from seq2seq.evaluation.recognition import Heard, evaluate, table
from seq2seq.messages import show
from seq2seq.run.exports import write_exports
from seq2seq.run.report import read_history, versions
from seq2seq.tasks.speech.data import Corpus
from seq2seq.tasks.speech.folder import SpeechRunFolder
from seq2seq.tasks.speech.readme import write_readme
from seq2seq.tasks.speech.recipe import Recipe

SHOWN = 10
"""Utterances that are shown of a test set."""

_log = logging.getLogger(__name__)


def finish(folder: SpeechRunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores every test set, writes what was heard, exports, README and, last of all, scores.json."""
    from seq2seq.export.acoustic import export_acoustic
    from seq2seq.tasks.speech.loading import load_recognizer

    recognizer = load_recognizer(folder.path)
    scores: dict[str, Any] = {}
    heard: list[Heard] = []
    for name, manifest in data.tests.items():
        _log.info("Transcribing %s", name)
        found = evaluate(recognizer, manifest, recipe.data.channel)
        scores[name] = {measure: asdict(score) for measure, score in found.scores.items()}
        show("\n".join([name, *(f"{m:8} {s['score']:8.2f}   {s['signature']}" for m, s in scores[name].items())]))
        heard += found.heard(name)
        for utterance, text in [*zip(found.utterances, found.texts, strict=True)][:SHOWN]:
            show(f"  {'=' if utterance.text == text else '≠'} {utterance.text} | {text}")
    folder.write(folder.samples_file, table(heard))
    write_exports(folder, recipe.exports, lambda form, path: export_acoustic(form, recognizer, path))
    write_readme(folder, recipe, scores, read_history(folder))
    # Last of all: a run with scores is a finished run.
    folder.write_json(folder.scores_file, {"tests": scores, "versions": versions()})
    shutil.rmtree(folder.stores, ignore_errors=True)
