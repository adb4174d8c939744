"""From the data section of a recipe to its pieces: the catalogue, or the user's own files."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seq2seq.music.notes import Music
from seq2seq.music.reading import SUFFIXES, read_music
from seq2seq.tasks.music.recipe import Recipe
from seq2seq.tasks.token_model import VALIDATION
from seq2seq.text.corpus import CorpusError, split_paths

HELD_OUT = 20
"""One piece in so many is held out where no validation data are given."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """The pieces of a run."""

    train: Sequence[Music]
    validation: Sequence[Music]
    tests: dict[str, Sequence[Music]]
    """By name; what `seq2seq evaluate --test NAME` finds later."""
    files: tuple[Path, ...] = ()
    """The user's own, of training and validation."""
    test_files: tuple[Path, ...] = ()


def find_corpus(recipe: Recipe) -> Corpus:
    """Returns the pieces that a recipe names, fetched if need be.

    Raises:
        ValueError: an unknown split, or a file that is missing, damaged or cannot be downloaded.
    """
    data = recipe.data
    corpus = _own(recipe) if data.corpus == "files" else _catalogued(recipe)
    for name, pieces in (("Training", corpus.train), ("Validation", corpus.validation), *corpus.tests.items()):
        if not any(piece.notes for piece in pieces):
            raise CorpusError(f"{name} data hold no note: there is nothing to learn or to score.")
    if data.max_train:
        return Corpus(corpus.train[: data.max_train], corpus.validation, corpus.tests, corpus.files, corpus.test_files)
    return corpus


def catalogued(recipe: Recipe, split: str) -> Sequence[Music]:
    """Returns a split of the recipe's data set of the catalogue; ValueError if there is none or it is not available."""
    module = importlib.import_module(f"seq2seq.catalogue.{recipe.data.corpus}")
    options = {} if recipe.data.chords else {"chords": False}
    found: Sequence[Music] = module.load(split, recipe.events.steps_per_quarter, **options)
    return found


def _catalogued(recipe: Recipe) -> Corpus:
    tests = {name: catalogued(recipe, name) for name in recipe.data.tests}
    return Corpus(catalogued(recipe, "train"), catalogued(recipe, VALIDATION), tests)


def _own(recipe: Recipe) -> Corpus:
    data = recipe.data
    files = own_files(data.train, "--data.train")

    def read(paths: Sequence[Path]) -> list[Music]:
        return read_pieces(paths, recipe.events.steps_per_quarter, data.chords)

    pieces = read(files)
    test_files = own_files(data.test, "--data.test") if data.test else []
    tests: dict[str, Sequence[Music]] = {"test": read(test_files)} if test_files else {}
    if data.validation:
        more = own_files(data.validation, "--data.validation")
        return Corpus(pieces, read(more), tests, (*files, *more), tuple(test_files))
    if len(pieces) < 2:
        raise CorpusError(
            f"--data.train: {data.train} has {len(pieces)} pieces, so none can be held out for validation. Give more, "
            "or --data.validation FILE."
        )
    held_out = [piece for number, piece in enumerate(pieces) if number % HELD_OUT == HELD_OUT // 2 % len(pieces)]
    train = [piece for number, piece in enumerate(pieces) if number % HELD_OUT != HELD_OUT // 2 % len(pieces)]
    return Corpus(train, held_out, tests, tuple(files), tuple(test_files))


def own_files(names: str, option: str) -> list[Path]:
    """Returns the files that a user named, those of folders in the order of their names.

    Raises:
        CorpusError: there is no such file, or a folder holds no music.
    """
    found: list[Path] = []
    for path in split_paths(names):
        if not path.exists():
            raise CorpusError(f"{option}: {path}: no such file or folder.")
        inside = (
            sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        )
        if not inside:
            raise CorpusError(f"{option}: {path} holds no file that ends in {', '.join(SUFFIXES)}.")
        found += inside
    return found


def read_pieces(files: Iterable[Path], steps_per_quarter: int, chords: bool = True) -> list[Music]:
    """Returns the pieces of files, on a grid, and says in the log what they lose; ValueError names one that cannot be
    read."""
    return [piece for file in files for piece in read_music(file, steps_per_quarter, chords, _log.warning)]
