"""`seq2seq train FILE …`: a recipe for the user's own files, sized by how much text they have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from seq2seq.cli.recipe_flags import read_flags
from seq2seq.files import is_plain_name
from seq2seq.run.parsing import RecipeError, override
from seq2seq.run.start import as_the_start
from seq2seq.tasks import TASKS, named_recipes
from seq2seq.tasks.text_to_text.presets import explanation, fitted, measure
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.text.corpus import CorpusError, Text, holds_both_sides, kind_of, split_paths, text_at
from seq2seq.text.header import LANGUAGES
from seq2seq.text.opening import COMPRESSED, check_kind

BASE = "custom"
"""The variant that a task has for the user's own files."""
DEFAULT_TASK = next(iter(TASKS))
UNKNOWN_LANGUAGE = "und"
"""ISO 639-2: undetermined."""


class OwnRecipe(NamedTuple):
    """What `seq2seq train FILE …` trains."""

    recipe: Recipe
    folder: Path
    """The run folder: by default runs/ and the recipe's name."""
    notice: str
    """What was chosen for the corpus, why, and how to change it."""


def is_own_files(words: Sequence[str]) -> bool:
    """Whether the words after `seq2seq train` name files: an option comes first, or what looks like a path."""
    first = words[0]
    return first.startswith("--") or Path(first).is_file() or "." in first or "/" in first


def read(arguments: Sequence[str]) -> OwnRecipe:
    """Returns the recipe for the files and fields on a command line.

    Args:
        arguments: `FILE …`, or `--source FILE … --target FILE …`; then `--task`, `--run-folder` and recipe fields.

    Raises:
        ValueError: files that are missing, of an unknown kind, not both sides, too small or damaged; an unknown field.
    """
    words, flags = read_flags(arguments)
    task, folder = flags.pop("task", DEFAULT_TASK), flags.pop("run-folder", "")
    base = _base(task)
    for side in ("source", "target"):
        if side in flags:
            flags[f"data.train.{side}"] = flags.pop(side)
    if words and "data.train.source" in flags:
        raise RecipeError(f"Expected files, or --source. Received both: {' '.join(words)} and --source.")
    source, target = ",".join(words) or flags.get("data.train.source", ""), flags.get("data.train.target", "")
    _check_sides(source, target)
    languages = _languages(source, target)
    base = override(base, {
        "name": _stem(split_paths(source)[0]),
        "data.corpus": "files",
        "data.train.source": source,
        "data.tests": "test",
        "data.source_language": languages[0],
        "data.target_language": languages[1],
    })  # fmt: skip
    fields = flags.get("data.source_field", ""), flags.get("data.target_field", "")
    size = measure(_text(source, target, fields))
    path = Path(folder) if folder else default_folder(flags.get("name", base.name))
    recipe = override(as_the_start(fitted(base, size), flags, path), flags)
    unknown = UNKNOWN_LANGUAGE in (recipe.data.source_language, recipe.data.target_language)
    hint = " Name the languages with --data.source_language and --data.target_language." if unknown else ""
    notice = (
        f"{explanation(recipe, size)}\nChange any of it with --FIELD VALUE, such as --training.epochs 5; "
        f"`seq2seq train {task} {BASE} --help` lists the fields.{hint}"
    )
    return OwnRecipe(recipe, path, notice)


def _base(task: str) -> Recipe:
    """Returns the recipe that a task has for own files; RecipeError where it has none."""
    takers = [name for name in TASKS if isinstance(named_recipes(name).get(BASE), Recipe)]
    if task not in takers:
        raise RecipeError(f"--task: expected {' or '.join(takers)} for files of your own. Received: {task!r}")
    base = named_recipes(task)[BASE]
    assert isinstance(base, Recipe)
    return base


def _check_sides(source: str, target: str) -> None:
    """Raises if a file is missing, of a kind that is not text, or has no other side."""
    if not source:
        raise CorpusError(
            "--source is missing: expected one file with both sides (.tsv, .csv, .json, .jsonl), "
            "or --source FILE --target FILE."
        )
    sources = split_paths(source)
    for path in (*sources, *(split_paths(target) if target else [])):
        check_kind(path)
        if not path.exists():
            raise CorpusError(f"{path}: no such file.")
        if not path.is_file():
            raise CorpusError(
                f"{path} is a folder, a pipe or a device. Expected a file: training reads it several times."
            )
    if not target and not holds_both_sides(source):
        plain = next(path for path in sources if kind_of(path) == "lines")
        raise CorpusError(
            f"{plain} holds one side only. Expected two files, --source {plain} --target FILE, or one with both sides: "
            ".tsv, .csv, .json or .jsonl. For a language model of it: seq2seq train language_model custom "
            f"--data.train {plain}"
        )


def _text(source: str, target: str, fields: tuple[str, str]) -> Text:
    return text_at(source, target, *fields)


def _stem(path: Path) -> str:
    """The name of a file without its endings: europarl.en.gz is europarl."""
    name = path.name
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return Path(name).stem


def _languages(source: str, target: str) -> tuple[str, str]:
    """The codes of the languages, by the endings of two files (my.en, my.de) or the name of one (my.en-de.tsv)."""
    if target:
        endings = [_ending(split_paths(paths)[0]) for paths in (source, target)]
        return tuple(ending if ending in LANGUAGES else UNKNOWN_LANGUAGE for ending in endings)  # type: ignore[return-value]  # two
    pair = re.search(r"(?:^|[._-])([a-z]{2})[-_]([a-z]{2})$", _stem(split_paths(source)[0]))
    if pair and set(pair.groups()) <= LANGUAGES:
        return pair[1], pair[2]
    return UNKNOWN_LANGUAGE, UNKNOWN_LANGUAGE


def _ending(path: Path) -> str:
    name = path.name
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return Path(name).suffix[1:]


def default_folder(name: str) -> Path:
    """Returns the folder of a recipe's run; RecipeError for a name that leads out of runs/, as another person's may."""
    parts = Path(name).parts
    if not all(map(is_plain_name, parts)) or not parts:
        raise RecipeError(f"The name {name!r} does not lead into runs/. Give another --name, or a --run-folder.")
    return Path("runs", *parts)
