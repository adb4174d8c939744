"""From the data section of a recipe to its corpus: the catalogue, or the user's own files."""

from __future__ import annotations

import importlib
import logging
from dataclasses import replace
from itertools import islice
from pathlib import Path

from seq2seq.tasks.text_to_text.prepare import Corpus
from seq2seq.tasks.text_to_text.recipe import Data, Files
from seq2seq.text.corpus import (
    AlignedText,
    CorpusError,
    Joined,
    ParallelText,
    Part,
    Text,
    holds_both_sides,
    split_paths,
    text_at,
)
from seq2seq.text.header import is_header

_log = logging.getLogger(__name__)

CATALOGUE = {
    "grammar": "grammar_files",
    "multi30k": "multi30k",
    "tatoeba_spa": "tatoeba",
    "sigmorphon_g2p": "sigmorphon",
    "phrases": "phrases",
    "aeslc": "aeslc",
    "sentence_compression": "sentence_compression",
}
"""Modules of `seq2seq.catalogue` by the names of `data.corpus`."""

VALIDATION = dict.fromkeys(CATALOGUE, "val") | {"grammar": "dev"}
"""What each calls its validation split."""


def find_corpus(data: Data) -> Corpus:
    """Returns the corpus that `data` names, fetched if need be.

    Raises:
        ValueError: an unknown split or language, a file that is missing or cannot be downloaded.
    """
    corpus = _files(data) if data.corpus == "files" else _of_catalogue(data)
    return replace(corpus, added=_added(data)) if data.added.source else corpus


def _of_catalogue(data: Data) -> Corpus:
    module = importlib.import_module(f"seq2seq.catalogue.{CATALOGUE[data.corpus]}")
    languages = data.source_language, data.target_language
    tests = {name: module.load(name, *languages) for name in data.tests}
    return Corpus(
        _aligned(data, module.load("train", *languages)), module.load(VALIDATION[data.corpus], *languages), tests
    )


def _files(data: Data) -> Corpus:
    train = _text(data, data.train, "train")
    _check_weights(data)
    tests = {"test": _text(data, data.test, "test")} if data.test.source else {}
    if data.validation.source:
        return Corpus(_aligned(data, train), _text(data, data.validation, "validation"), tests)
    paths = split_paths(data.train.source)
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise CorpusError(
            f"--data.train.source names {twice} twice, so pairs that are held out for validation would be trained on "
            "as well. Name a validation text: --data.validation.source FILE."
        )
    return Corpus(Part(_aligned(data, train), held_out=False), Part(train, held_out=True), tests)


def _added(data: Data) -> Text:
    # Another source than the corpus, so its fields have their usual names.
    return _text(
        data.model_copy(update={"source_field": "", "target_field": "", "reference_fields": ()}), data.added, "added"
    )


def _check_weights(data: Data) -> None:
    """Raises CorpusError where the weights of training files do not fit the files."""
    paths, weights = split_paths(data.train.source), data.train_weights
    if weights and len(weights) != len(paths):
        raise CorpusError(
            f"--data.train_weights expects a number for each of the {len(paths)} training file{'s' * (len(paths) > 1)} "
            f"({', '.join(map(str, paths))}). Received {len(weights)}: {','.join(f'{weight:g}' for weight in weights)}"
        )
    if weights and (twice := next((path for path in paths if paths.count(path) > 1), None)):
        raise CorpusError(
            f"--data.train.source names {twice} twice. With --data.train_weights name it once, with the sum of its "
            "weights."
        )
    added = split_paths(data.added.source) if data.added.source else []
    if weights and (both := next((path for path in added if path in paths), None)):
        raise CorpusError(
            f"--data.added.source names {both}, which --data.train.source names with a weight: once is enough."
        )


def _aligned(data: Data, train: Text) -> Text | AlignedText:
    """The training text with its alignments, where the recipe names some."""
    if not data.train_alignments:
        return train
    _check_file(Path(data.train_alignments), "train_alignments")
    return AlignedText(train, Path(data.train_alignments))


def _check_file(path: Path, name: str) -> None:
    """Raises CorpusError if there is no file that can be read again and again, as training does."""
    if not path.exists():
        raise CorpusError(f"--data.{name}: {path}: no such file.")
    if not path.is_file():
        raise CorpusError(
            f"--data.{name}: {path} is a folder, a pipe or a device. Training reads a file several times."
        )


def _text(data: Data, files: Files, name: str) -> Text:
    for path in (*split_paths(files.source), *(split_paths(files.target) if files.target else [])):
        _check_file(path, name)
    text = text_at(files.source, files.target, data.source_field, data.target_field, data.reference_fields)
    if not files.target and not holds_both_sides(files.source):
        raise CorpusError(
            f"--data.{name}.target is missing: {files.source} is no .tsv, .csv, .json or .jsonl, "
            "so its targets must be in a file of their own."
        )
    _warn_of_names(text, data, name)
    return text


def _warn_of_names(text: Text, data: Data, name: str) -> None:
    """Warns of a TSV that is read as two columns without names, and begins with what reads as names."""
    for one in text.texts if isinstance(text, Joined) else [text]:
        if isinstance(one, ParallelText) and one.target is None:
            sample = [(pair.source, pair.target) for pair in islice(one, 50)]
            if sample and is_header(sample[0], sample[1:], (data.source_language, data.target_language)):
                _log.warning(
                    "--data.%s: the first line of %s reads as names of columns (%s, %s), and is taken for a pair. "
                    "If they are names: --data.source_field %s --data.target_field %s",
                    *(name, one.source, *sample[0], *sample[0]),
                )
