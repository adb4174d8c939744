"""Few cases of many options in which every two values meet: a fault of two options at once shows as in all products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

Row = dict[str, Any]


def all_pairs(options: Mapping[str, Sequence[Any]], allowed: Callable[[Row], bool]) -> list[Row]:
    """Rows of one value for each option, such that every two values that go together are in one of them.

    Args:
        options: The values of each option.
        allowed: Whether these values go together; of a row that lacks some options too.
    """
    open_pairs = {pair: None for pair in pairs_of(options) if complete(dict(pair), options, allowed, {}) is not None}
    rows = []
    while open_pairs:
        row = complete(dict(next(iter(open_pairs))), options, allowed, open_pairs)
        assert row is not None
        for pair in pairs_in(row, options):
            open_pairs.pop(pair, None)
        rows.append(row)
    return rows


def pairs_of(options: Mapping[str, Sequence[Any]]) -> Iterator[tuple[tuple[str, Any], tuple[str, Any]]]:
    """All pairs of values of two options, whether they go together or not."""
    for one, other in combinations(options, 2):
        yield from (((one, a), (other, b)) for a in options[one] for b in options[other])


def pairs_in(row: Row, names: Mapping[str, Any]) -> Iterator[tuple[tuple[str, Any], tuple[str, Any]]]:
    """The pairs of values that meet in a row, which may lack some options."""
    given = [name for name in names if name in row]
    return (((one, row[one]), (other, row[other])) for one, other in combinations(given, 2))


def complete(
    row: Row, options: Mapping[str, Sequence[Any]], allowed: Callable[[Row], bool], wanted: Mapping[Any, None]
) -> Row | None:
    """The row with values for the options it lacks, those with most of the wanted pairs; None if none is allowed."""
    if not allowed(row):
        return None
    name = next((name for name in options if name not in row), None)
    if name is None:
        return row
    rows = [row | {name: value} for value in options[name]]
    rows.sort(key=lambda each: -sum(pair in wanted for pair in pairs_in(each, options)))
    return next((full for each in rows if (full := complete(each, options, allowed, wanted)) is not None), None)
