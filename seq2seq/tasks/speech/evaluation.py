"""Error rates of a recogniser on a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.audio.manifest import Manifest, Utterance
from seq2seq.evaluation.recognition import Heard
from seq2seq.metrics.error_rate import error_rates
from seq2seq.metrics.score import Score
from seq2seq.run.folder import RunFolderError
from seq2seq.tasks.speech.codec import load_samples
from seq2seq.tasks.speech.data import find_corpus
from seq2seq.tasks.speech.folder import SpeechRunFolder

if TYPE_CHECKING:
    from seq2seq.inference.recognition import Recognizer

BLOCK = 256
"""Utterances that are in memory at once."""
VALIDATION = "validation"
"""The name under which the validation data can be evaluated, to choose options."""


@dataclass(frozen=True)
class Evaluated:
    """A manifest and what was heard of it."""

    utterances: list[Utterance]
    texts: list[str]
    scores: Mapping[str, Score]
    seconds: float
    """Of sound."""

    def heard(self, test: str) -> list[Heard]:
        """Returns the utterances of a test set of this name, and what was heard."""
        return [Heard(test, u.place, u.text, text) for u, text in zip(self.utterances, self.texts, strict=True)]


def evaluate(recognizer: Recognizer, manifest: Path, channel: int) -> Evaluated:
    """Transcribes the utterances of a manifest and counts the errors; `channel` is as in a recipe.

    Raises:
        ValueError: the manifest or a recording is missing or damaged, or there is no utterance.
    """
    utterances = list(Manifest(manifest))
    texts, seconds = list[str](), 0.0
    for start in range(0, len(utterances), BLOCK):
        samples = [load_samples(utterance, recognizer.rate, channel) for utterance in utterances[start : start + BLOCK]]
        seconds += sum(len(part) for part in samples) / recognizer.rate
        found = recognizer.transcribe_frames([recognizer.frontend.frames(part) for part in samples])
        texts += [result.text for result in found]
    return Evaluated(utterances, texts, error_rates(texts, [u.text for u in utterances]), seconds)


def find_manifest(run: Path, test: str | None, manifest: str | None) -> Path:
    """Returns the manifest that was given, that of a test set of the run, or of its first test set.

    Raises:
        ValueError: there is no such test set.
    """
    if manifest:
        return Path(manifest)
    folder = SpeechRunFolder(run)
    recipe = folder.load_recipe()
    if test == VALIDATION:
        return find_corpus(recipe.data).validation_manifest
    own = recipe.data.corpus == "files"
    tests = folder.load_tests() if own else find_corpus(recipe.data).tests
    if not tests:
        raise RunFolderError("This run has no test set. Give a manifest: --manifest FILE.")
    name = test or next(iter(tests))
    if name not in tests:
        raise RunFolderError(
            f"This run knows the test sets {', '.join(tests)}. Received: {name!r}. Or give --manifest FILE."
        )
    return tests[name]
