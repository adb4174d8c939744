"""The manifests that a recogniser is evaluated on."""

from __future__ import annotations

from pathlib import Path

from seq2seq.run.folder import RunFolderError
from seq2seq.tasks.speech.data import find_corpus
from seq2seq.tasks.speech.folder import SpeechRunFolder

VALIDATION = "validation"
"""The name under which the validation data can be evaluated, to choose options."""


def find_manifest(run: Path, test: str | None, manifest: str | None) -> tuple[str, Path]:
    """Returns the name and the manifest of what was given: a manifest, a test set of the run, or its first test set.

    Raises:
        ValueError: there is no such test set.
    """
    if manifest:
        return manifest, Path(manifest)
    folder = SpeechRunFolder(run)
    recipe = folder.load_recipe()
    if test == VALIDATION:
        return VALIDATION, find_corpus(recipe.data).validation_manifest
    own = recipe.data.corpus == "files"
    tests = folder.load_tests() if own else find_corpus(recipe.data).tests
    if not tests:
        raise RunFolderError("This run has no test set. Give a manifest: --manifest FILE.")
    name = test or next(iter(tests))
    if name not in tests:
        raise RunFolderError(
            f"This run knows the test sets {', '.join(tests)}. Received: {name!r}. Or give --manifest FILE."
        )
    return name, tests[name]
