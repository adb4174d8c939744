"""What a recipe has against the errors of a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seq2seq.series.grid import TableError
from seq2seq.text.tables import HeaderError

COLUMNS = "Say which columns to read by --data.time_column, --data.target_columns and --data.id_column."
ADVICE = {
    "columns": COLUMNS,
    "frequency": "The field is --data.frequency.",
    "off_grid": "The fields are --data.frequency and --data.irregular.",
    "duplicates": "The fields are --data.time_zone and --data.irregular.",
}
"""By the rule that a table breaks."""


@contextmanager
def fields_named() -> Iterator[None]:
    """Adds to the error of a table which fields of its recipe help, as TableError."""
    try:
        yield
    except HeaderError as error:
        raise TableError(f"{str(error).removesuffix('.')}. {COLUMNS}", "columns") from None
    except TableError as error:
        advice = ADVICE.get(error.rule)
        if advice is None:
            raise
        raise TableError(f"{error} {advice}", error.rule) from None
