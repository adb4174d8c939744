"""The words after `seq2seq train`: positional ones, and fields of a recipe with their values."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from seq2seq.run.parsing import RecipeError

SEVERAL = {f"data.{part}.{side}" for part in ("train", "added", "validation", "test") for side in ("source", "target")}
SEVERAL |= {"source", "target"}
SEVERAL |= {f"data.{name}" for name in ("target_columns", "future", "historic", "static")}
SEVERAL |= {"model.lags", "model.levels", "scoring.level"}
"""Fields that may be given several values: files, columns of a table, or numbers."""


def read_flags(arguments: Sequence[str], variants: Collection[str] = ()) -> tuple[list[str], dict[str, str]]:
    """Returns the positional words, and the values by field: `--FIELD VALUE` or `--FIELD=VALUE`.

    Args:
        arguments: The words of the command line.
        variants: The first of these is a positional word, even after a field that takes several values.

    Raises:
        RecipeError: a field has no value, or is given twice.
    """
    words: list[str] = []
    flags: dict[str, str] = {}
    name = ""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            if name in SEVERAL and (words or word not in variants):
                flags[name] += f",{word}"
            else:
                words.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not rest:
                raise RecipeError(f"--{name} expects a value.")
            value = rest.pop(0)
        if name in flags:
            raise RecipeError(f"--{name} is given twice.")
        flags[name] = value
    return words, flags
