"""`seq2seq doctor --table FILE`: look at series before training on them."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

from seq2seq.cli.arguments import positive, utf8
from seq2seq.messages import show
from seq2seq.outputs import STDOUT, check_outputs
from seq2seq.series.cells import Columns
from seq2seq.series.grid import Irregular


@dataclass(frozen=True)
class TableOptions:
    """The table to look at, and how it is to be read."""

    table: str | None
    id_column: str
    time_column: str
    target_column: tuple[str, ...]
    covariates: tuple[str, ...]
    static: tuple[str, ...]
    frequency: str | None
    irregular: Irregular
    time_zone: str
    horizon: int | None
    context: int | None


_NONE = TableOptions(None, Columns.id, Columns.time, (str(Columns.target),), (), (), None, "error", "", None, None)
"""Where nothing is given."""


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that name a table and its columns."""
    group = parser.add_argument_group("series")
    group.add_argument(
        "--table",
        metavar="FILE",
        help="instead of --source: a row for each reading, as .csv, .tsv, .jsonl or .parquet; or GluonTS JSON lines",
    )

    def name(flag: str, default: str, about: str) -> None:
        group.add_argument(flag, type=utf8, default=default, metavar="NAME", help=f"{about} (default {default})")

    name("--id-column", _NONE.id_column, "column that names the series")
    name("--time-column", _NONE.time_column, "column of the time stamps")
    group.add_argument(
        "--target-column",
        type=utf8,
        nargs="+",
        default=list(_NONE.target_column),
        metavar="NAME",
        help="column of the values (default y); several: a series each",
    )
    group.add_argument(
        "--covariates", type=utf8, nargs="+", default=[], metavar="NAME", help="columns of numbers known beside them"
    )
    group.add_argument(
        "--static",
        type=utf8,
        nargs="+",
        default=[],
        metavar="NAME",
        help="columns that are the same all through a series",
    )
    group.add_argument(
        "--frequency", type=utf8, metavar="ALIAS", help="such as h, 15min, D, W, MS (default: inferred from the stamps)"
    )
    group.add_argument(
        "--irregular",
        choices=get_args(Irregular),
        default=_NONE.irregular,
        help="stamps off the grid: refuse them, move them to its nearest point, take rows as they come (default error)",
    )
    group.add_argument(
        "--time-zone",
        type=utf8,
        default=_NONE.time_zone,
        metavar="ZONE",
        help="of stamps without an offset: Europe/Berlin",
    )
    group.add_argument("--horizon", type=positive, metavar="N", help="steps that a forecast is for")
    group.add_argument("--context", type=positive, metavar="N", help="steps that it is made from")


def meant_table(options: TableOptions, recipe: str | None, run: str | None) -> TableOptions | None:
    """Returns the table that is meant, and how it is read; None where the options are about something else.

    A recipe of forecasting, or a run, gives its table, columns, horizon and context.

    Raises:
        ValueError: options of a table without one, or beside a recipe, which has its own.
    """
    given = [name for name in _names() if getattr(options, name) != getattr(_NONE, name) and name != "table"]
    if recipe or run:
        found = _of_recipe(options, recipe, run)
        if found and given:
            raise ValueError(f"--{given[0].replace('_', '-')} is the recipe's: leave it out, or leave out the recipe.")
        if options.table and not found:
            raise ValueError(f"--table goes with a recipe or a run of forecasting. Received: {recipe or run}")
        return found
    if options.table:
        return options
    if given:
        raise ValueError(f"--{given[0].replace('_', '-')} needs --table.")
    return None


def _names() -> list[str]:
    return [field.name for field in fields(TableOptions)]


def _of_recipe(options: TableOptions, recipe: str | None, run: str | None) -> TableOptions | None:
    """Returns what a recipe of forecasting says of its table; None where it is none, or another is meant, too."""
    from seq2seq.cli.doctor_audio import recipes_meant
    from seq2seq.tasks.forecast.recipe import Recipe

    meant = recipes_meant(recipe, run)
    known = [each for each in meant if isinstance(each, Recipe)]
    if not known or (len(known) < len(meant) and not options.table):
        return None
    data, window = known[0].data, known[0].window
    if not options.table and data.corpus != "files":
        raise ValueError(
            f"{recipe or run} learns from the catalogue ({data.corpus}). Give your own table: --table FILE."
        )
    return TableOptions(
        options.table or data.train,
        data.id_column,
        data.time_column,
        data.target_columns,
        (*data.future, *data.historic),
        data.static,
        data.frequency or None,
        data.irregular,
        data.time_zone,
        window.horizon,
        window.context,
    )


def look_at_table(options: TableOptions, as_json: bool) -> int:
    """Examines a table and shows the report. Returns the exit code."""
    from seq2seq.doctor.progress import StageProgress
    from seq2seq.doctor.table import Asked, as_text, examine

    path = Path(options.table or "")
    check_outputs([path], {"standard output": STDOUT})
    target = options.target_column
    columns = Columns(
        options.id_column,
        options.time_column,
        target[0] if len(target) == 1 else target,
        options.covariates,
        options.static,
    )
    progress = StageProgress()
    report = examine(
        path,
        Asked(columns, options.frequency, options.irregular, options.time_zone, options.horizon, options.context or 0),
        progress,
    )
    progress.clear()
    show(json.dumps(report.as_json(), indent=2, ensure_ascii=False) if as_json else as_text(report))
    return 1 if report.refused else 0
