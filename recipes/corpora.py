"""From the data section of a recipe to its corpus: the catalogue, or the user's own files."""

from __future__ import annotations

from pathlib import Path

from data import aeslc, grammar_files, multi30k, phrases, sentence_compression, tatoeba
from seq2seq.pipeline.corpus import CorpusError, Linked, Part, Text, text_at
from seq2seq.recipe.config import Data, Files
from seq2seq.recipe.prepare import Corpus

CATALOGUE = {
    "grammar": grammar_files,
    "multi30k": multi30k,
    "tatoeba_spa": tatoeba,
    "phrases": phrases,
    "aeslc": aeslc,
    "sentence_compression": sentence_compression,
}
"""Modules of the catalogue by the names of `data.corpus`."""

VALIDATION = dict.fromkeys(CATALOGUE, "val") | {"grammar": "dev"}
"""What each calls its validation split."""


def find_corpus(data: Data) -> Corpus:
    """Returns the corpus that `data` names, fetched if need be.

    Raises:
        ValueError: an unknown split or language, a file that is missing or cannot be downloaded.
    """
    if data.corpus == "files":
        return _files(data)
    module, languages = CATALOGUE[data.corpus], (data.source_language, data.target_language)
    tests = {name: module.load(name, *languages) for name in data.tests}
    return Corpus(
        _linked(data, module.load("train", *languages)), module.load(VALIDATION[data.corpus], *languages), tests
    )


def _files(data: Data) -> Corpus:
    train = _text(data, data.train, "train")
    tests = {"test": _text(data, data.test, "test")} if data.test.source else {}
    if data.validation.source:
        return Corpus(_linked(data, train), _text(data, data.validation, "validation"), tests)
    return Corpus(Part(_linked(data, train), held_out=False), Part(train, held_out=True), tests)


def _linked(data: Data, train: Text) -> Text | Linked:
    """The training text with its alignments, where the recipe names some."""
    return Linked(train, Path(data.train_alignments)) if data.train_alignments else train


def _text(data: Data, files: Files, name: str) -> Text:
    both = files.source.removesuffix(".gz").endswith((".tsv", ".jsonl"))
    if not files.target and not both:
        raise CorpusError(
            f"--data.{name}.target is missing: {files.source} is no .tsv or .jsonl, "
            "so its targets must be in a file of their own."
        )
    for path in (files.source, files.target):
        if path and not Path(path).is_file():
            raise CorpusError(f"--data.{name}: {path}: no such file.")
    return text_at(files.source, files.target, data.source_field, data.target_field, data.reference_fields)
