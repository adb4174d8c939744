"""From the data section of a recipe to its text: the catalogue, or the user's own files."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from seq2seq.tasks.language_model.recipe import Data
from seq2seq.text.corpus import CorpusError, split_paths
from seq2seq.text.lines import Lines

HELD_OUT = 20
"""One line in so many is held out at the end of the training text, where no validation text is given."""


@dataclass(frozen=True)
class Slice:
    """Some of the lines of another text."""

    text: Iterable[str]
    start: int = 0
    stop: int | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Those of the whole text."""
        return files_of(self.text)

    def __iter__(self) -> Iterator[str]:
        return islice(iter(self.text), self.start, self.stop)


@dataclass(frozen=True)
class Corpus:
    """The text of a run. Each part can be read any number of times."""

    train: Iterable[str]
    validation: Iterable[str]
    tests: dict[str, Iterable[str]]
    """By name; what `seq2seq evaluate --test NAME` finds later."""
    files: tuple[Path, ...]
    """All files of the training and validation text."""
    test_files: dict[str, tuple[Path, ...]]
    """Those of each test."""


def find_corpus(data: Data) -> Corpus:
    """Returns the text that `data` names, fetched if need be.

    Raises:
        ValueError: an unknown split, a file that is missing or cannot be downloaded.
    """
    if data.corpus == "files":
        corpus = _own(data)
    else:
        module = importlib.import_module(f"seq2seq.catalogue.{data.corpus}")
        train, validation = module.load("train"), module.load("validation")
        tests = {name: module.load(name) for name in data.tests}
        files = (*files_of(train), *files_of(validation))
        corpus = Corpus(train, validation, tests, files, {name: files_of(text) for name, text in tests.items()})
    if empty := [name for name, text in corpus.tests.items() if next(iter(text), None) is None]:
        raise CorpusError(f"Test set {empty[0]} is empty: there is nothing to score.")
    if not data.max_train:
        return corpus
    return replace(corpus, train=Slice(corpus.train, 0, data.max_train))


def own_text(files: str, option: str) -> Lines:
    """Returns the text of files that a user named; CorpusError if one cannot be read again and again."""
    paths = split_paths(files)
    for path in paths:
        if not path.exists():
            raise CorpusError(f"{option}: {path}: no such file.")
        if not path.is_file():
            raise CorpusError(
                f"{option}: {path} is a folder, a pipe or a device. Text is read several times: give a file."
            )
    return Lines(tuple(paths))


def _own(data: Data) -> Corpus:
    train = own_text(data.train, "--data.train")
    test = own_text(data.test, "--data.test") if data.test else None
    tests: dict[str, Iterable[str]] = {"test": test} if test else {}
    test_files = {"test": test.files} if test else {}
    if data.validation:
        validation = own_text(data.validation, "--data.validation")
        return Corpus(train, validation, tests, (*train.files, *validation.files), test_files)
    count, held_out = _held_out(train)
    if count < 2:
        raise CorpusError(
            f"--data.train: {data.train} has {count} {'line' if count == 1 else 'lines'}, so none can be held out for "
            "validation. Break the text into lines, or give --data.validation FILE."
        )
    return Corpus(Slice(train, 0, count - held_out), Slice(train, count - held_out), tests, train.files, test_files)


def own_training_text(data: Data, files: Sequence[Path]) -> Iterable[str]:
    """Returns the training text that `find_corpus` makes of a user's own files, which are found at other paths."""
    text = Lines(tuple(files))
    if data.validation:
        return Slice(text, 0, data.max_train or None)
    count, held_out = _held_out(text)
    return Slice(text, 0, min(count - held_out, data.max_train or count))


def _held_out(text: Lines) -> tuple[int, int]:
    """Returns the number of lines, and how many of the last are held out for validation."""
    count = sum(1 for _ in text)
    return count, -(-count // HELD_OUT)


def files_of(text: object) -> tuple[Path, ...]:
    """Returns the files of a text; of one that is made in memory none."""
    return tuple(getattr(text, "files", ()))
