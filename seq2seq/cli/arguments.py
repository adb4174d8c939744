"""Arguments that several verbs share, and the one step from parsed arguments to a frozen value of options."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from seq2seq.search.options import MOST, POSITIVE_FIELDS, option_fields
from seq2seq.text.corpus import Text, text_at

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    OptionsT = TypeVar("OptionsT", bound=DataclassInstance)

BATCHES = 32
"""So many batches of lines are read together and sorted by length."""
INPUT_LIMITS = ("max_input", "cut_input")
"""The fields of `SearchOptions` that matter where a source is read and nothing is searched."""


def options_from(kind: type[OptionsT], arguments: argparse.Namespace) -> OptionsT:
    """Returns the options of a verb: each field of the dataclass `kind` takes the argument of its name.

    A field whose type is a dataclass is a group of options: it takes its own fields from the same arguments. Lists
    become tuples.
    """
    kinds = get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in fields(kind):
        if kinds[field.name] is SearchChanges:
            values[field.name] = SearchChanges.of(arguments)
        elif is_dataclass(kinds[field.name]):
            values[field.name] = options_from(kinds[field.name], arguments)
        else:
            value = getattr(arguments, field.name)
            values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def positive(text: str) -> int:
    """An argparse type: an int of at least 1."""
    value = int(text)
    if not 1 <= value <= MOST:
        raise argparse.ArgumentTypeError(f"must be from 1 to {MOST:,}, received {str(value)[:40]}")
    return value


def utf8(value: str) -> str:
    """An argparse type: text, which must be UTF-8; the name of a file need not be."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"expected UTF-8, received {os.fsencode(value)!r}") from None
    return value


@dataclass(frozen=True)
class SearchChanges:
    """The fields of `SearchOptions` that the user gave; all others stay as in the run's recipe."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> SearchChanges:
        """Returns the given ones among the fields that are arguments, and a verb's --n-best as `num_best`."""
        given = vars(arguments)
        names = [field.name for field in option_fields() if given.get(field.name) is not None]
        n_best = given.get("n_best", 1)
        many = {"num_best": n_best} if isinstance(n_best, int) and n_best > 1 else {}
        return cls({name: given[name] for name in names} | many)


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for each field of `SearchOptions` except `num_best`, which verbs call --n-best."""
    names = [field.name for field in option_fields() if field.name != "num_best"]
    _add_search_fields(parser.add_argument_group("search (default: as in the run's recipe)"), names)


def add_input_limits(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of search that also matter to verbs that read a source and do not search."""
    _add_search_fields(parser.add_argument_group("long lines (default: as in the run's recipe)"), INPUT_LIMITS)


def _add_search_fields(group: Any, names: list[str] | tuple[str, ...]) -> None:
    flags = {field.name: f"--{field.name.replace('_', '-')}" for field in option_fields()}
    for field in option_fields():
        if field.name not in names:
            continue
        about = field.help.replace("%", "%%")
        for name, flag in flags.items():  # a help text names other flags as the user writes them
            about = about.replace(name, flag) if "_" in name else about
        options: dict[str, Any] = {"help": about, "default": None}
        if field.type is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif field.choices:
            options["choices"] = field.choices
        else:
            options["type"] = positive if field.name in POSITIVE_FIELDS else field.type
            options["metavar"] = "N" if field.type is int else "X"
        group.add_argument(flags[field.name], **options)


def add_batch_size(parser: argparse.ArgumentParser, about: str) -> None:
    """Adds --batch-size; `about` says what is computed together."""
    parser.add_argument("--batch-size", type=positive, default=64, metavar="N", help=f"{about} (default 64)")


@dataclass(frozen=True)
class PairOptions:
    """Where pairs of source and target are."""

    source: str | None
    target: str | None
    source_field: str
    target_field: str

    def open(self) -> Text:
        """Returns the pairs; errors as `text_at`."""
        return text_at(self.source or "", self.target or "", self.source_field, self.target_field)


def add_pair_arguments(parser: argparse.ArgumentParser, source: str, target: str, required: bool = True) -> None:
    """Adds --source and --target, files of pairs, and the names of fields where one file holds both sides.

    Args:
        parser: Takes the arguments.
        source: The help text of --source.
        target: The help text of --target.
        required: Whether --source must be given.
    """
    parser.add_argument("--source", metavar="FILE", required=required, help=f"{source}; several: FILE,FILE")
    parser.add_argument("--target", metavar="FILE", help=target)
    parser.add_argument(
        "--source-field",
        type=utf8,
        default="",
        metavar="NAME",
        help="the source's field in JSON (a.b: b within a), or its column of a table",
    )
    parser.add_argument("--target-field", type=utf8, default="", metavar="NAME", help="the target's field or column")
