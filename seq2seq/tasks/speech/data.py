"""From the data section of a recipe to its utterances: the catalogue, or the user's own manifests."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seq2seq.audio.manifest import Manifest, Utterance
from seq2seq.tasks.speech.recipe import Data


@dataclass(frozen=True)
class Corpus:
    """The utterances of a run."""

    train: Sequence[Utterance]
    validation: Sequence[Utterance]
    validation_manifest: Path
    tests: dict[str, Path]
    """Manifests by name; what `seq2seq evaluate --test NAME` finds later."""
    files: tuple[Path, ...]
    """The manifests of training and validation."""


def find_corpus(data: Data) -> Corpus:
    """Returns the utterances that `data` names, fetched if need be.

    Raises:
        ValueError: an unknown split; a manifest or a recording that is missing, or cannot be downloaded.
    """
    train, validation, tests = manifests_of(data)
    utterances = [list(Manifest(path)) for path in (train, validation)]
    for path in tests.values():
        list(Manifest(path))  # an error in it is reported before the training
    files = (*_files(train), *_files(validation))
    return Corpus(utterances[0][: data.max_train or None], utterances[1], validation, tests, files)


def manifests_of(data: Data) -> tuple[Path, Path, dict[str, Path]]:
    """Returns the manifests of training, of validation, and of the tests by name."""
    if data.corpus == "files":
        tests = {"test": Path(data.test)} if data.test else {}
        return Path(data.train), Path(data.validation), tests
    module = importlib.import_module(f"seq2seq.catalogue.{data.corpus}")
    train, validation = (module.load(split) for split in data.splits)
    return train, validation, {name: module.load(name) for name in data.tests}


def _files(manifest: Path) -> list[Path]:
    """Returns the manifest, or the files of a Kaldi folder."""
    if not manifest.is_dir():
        return [manifest]
    return [file for name in ("wav.scp", "text", "segments", "utt2spk") if (file := manifest / name).is_file()]
