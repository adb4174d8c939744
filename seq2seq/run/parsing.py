"""Recipes from strings and from JSON, and as the text of `--help`. All errors are reported together, in plain words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ValidationError

from seq2seq.pipeline.plan import Batching
from seq2seq.search.options import SearchOptions

RecipeT = TypeVar("RecipeT", bound=BaseModel)


LARGEST = 2**31 - 1
"""Of the whole numbers of a recipe; the libraries below take no larger ones."""


class RecipeError(ValueError):
    """A recipe cannot be made from what was given. The message lists every error."""


def override(recipe: RecipeT, changes: Mapping[str, str]) -> RecipeT:
    """Returns `recipe` with fields replaced, by dotted names, from strings.

    Raises:
        RecipeError: unknown fields (with the nearest name), wrong types, contradictions: all at once.
    """
    known, optional = dict(leaves(recipe)), set(optional_fields(recipe))
    values: dict[str, Any] = recipe.model_dump()
    unknown = []
    for name, text in changes.items():
        if name not in known:
            unknown.append(f"--{name}: no such field.{_nearest(name, list(known))}")
            continue
        *path, last = name.split(".")
        place = values
        for part in path:
            place = place[part]
        if text == "none" and name in optional:
            place[last] = None
        else:
            place[last] = _parts(text) if isinstance(known[name], tuple) else text
    return _validated(type(recipe), values, unknown)


def _parts(text: str) -> list[str]:
    """Splits at commas, except within braces, brackets and parentheses, as regular expressions have them."""
    return [part for part in re.split(r",(?![^\[({]*[\])}])", text) if part]


def from_json(kind: type[RecipeT], values: Any, place: str) -> RecipeT:
    """Returns the recipe that `values`, read from JSON at `place`, describe; RecipeError names `place`."""
    if not isinstance(values, dict):
        raise RecipeError(f"{place}: expected a JSON object with a recipe. Received: {type(values).__name__}")
    # Of another task all other fields would be wrong too, and say nothing.
    known = get_args(kind.model_fields["task"].annotation) if "task" in kind.model_fields else ()
    if known and values.get("task", known[0]) not in known:
        raise RecipeError(
            f"{place}: expected a run of the task {' or '.join(known)}. Received: {str(values['task'])[:80]!r}"
        )
    try:
        return _validated(kind, values, [])
    except RecipeError as error:
        raise RecipeError(f"{place}: {error}") from None


def leaves(recipe: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every field that is no section, with its dotted name and its value."""
    names = list(type(recipe).model_fields) if isinstance(recipe, BaseModel) else [f.name for f in fields(recipe)]
    for name in names:
        value = getattr(recipe, name)
        if isinstance(value, (BaseModel, Batching, SearchOptions)):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def optional_fields(recipe: Any, prefix: str = "") -> Iterator[str]:
    """Yields the dotted names of the fields that may be None."""
    for name, kind in get_type_hints(type(recipe)).items():
        value = getattr(recipe, name, None)
        if isinstance(value, (BaseModel, Batching, SearchOptions)):
            yield from optional_fields(value, f"{prefix}{name}.")
        elif type(None) in get_args(kind):
            yield prefix + name


def _validated(kind: type[RecipeT], values: dict[str, Any], problems: Sequence[str]) -> RecipeT:
    problems = list(problems)
    try:
        recipe = kind.model_validate(values)
        problems += [
            f"--{name}: expected at most {LARGEST:,}. Received: {value:,}"
            for name, value in leaves(recipe)
            if isinstance(value, int) and value > LARGEST
        ]
    except ValidationError as error:
        known = [name for name, _ in leaves(kind())]
        problems += [_describe_error(dict(detail), known) for detail in error.errors()]
    except OverflowError as error:
        problems.append(f"A number is too large ({error}).")
    if problems:
        raise RecipeError("\n".join(problems))
    return recipe


def _describe_error(detail: dict[str, Any], known: list[str]) -> str:
    """Returns one line for one error of pydantic."""
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"--{name}: no such field.{_nearest(name, known)}"
    if detail["type"] == "value_error":
        words = str(detail["ctx"]["error"])
        return f"--{name}: {words}" if name else words
    if detail["type"] == "string_unicode":
        return f"--{name}: expected UTF-8. Received: {str(detail['input'])[:80]!r}"
    return f"--{name}: {detail['msg']}. Received: {str(detail['input'])[:80]!r}"


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if not close:  # perhaps only the last part of the name was given
        ends = {full.rsplit(".", 1)[-1]: full for full in known}
        close = [ends[end] for end in difflib.get_close_matches(name.rsplit(".", 1)[-1], list(ends), n=1)]
    return f" Did you mean --{close[0]}?" if close else ""


def describe(recipe: BaseModel) -> str:
    """Returns the text of `--help`: every field with type, default in this recipe, and meaning."""
    schema = type(recipe).model_json_schema()
    lines: list[str] = []

    def walk(node: dict[str, Any], values: Any, prefix: str) -> None:
        for name, field in node["properties"].items():
            field = {**schema["$defs"].get(field.get("$ref", "").rsplit("/", 1)[-1], {}), **field}
            value = getattr(values, name)
            meaning = " ".join(field.get("description", "").split())
            if "properties" in field:
                lines.append(f"\n{meaning}")
                walk(field, value, f"{prefix}{name}.")
            else:
                lines.append(f"  --{prefix}{name} {_type(field)}  (default: {show(value)})\n      {meaning}")

    walk(schema, recipe, "")
    return "\n".join(lines)


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return "|".join(_type(kind) for kind in field["anyOf"])
    if "enum" in field:
        return "|".join(field["enum"])
    names = {"integer": "INT", "number": "FLOAT", "boolean": "true|false", "array": "A,B,…", "string": "TEXT"}
    return names.get(field["type"], "none")


def show(value: Any) -> str:
    """Returns the value of a field as it is written on a command line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value) if value not in ("", None) else "none"
