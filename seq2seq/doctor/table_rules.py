"""The rules of `series.grid` on rows: what breaks one is counted and mended, so that the look can go on behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.doctor.listed import Listing
from seq2seq.series.frequency import MONTHS, Frequency, infer_frequency, month_anchor, parse_frequency
from seq2seq.series.grid import Irregular, Rows, TableError, in_order, to_table
from seq2seq.series.stamps import NO_OFFSET, NUMBER
from seq2seq.series.table import Integers, SeriesTable, offsets_of, show_stamp

Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Rules:
    """How stamps are taken."""

    frequency: Frequency | None = None
    irregular: Irregular = "error"
    time_zone: str = ""

    @classmethod
    def of(cls, frequency: str | None, irregular: Irregular, time_zone: str) -> Rules:
        """Returns the rules; ValueError for an unknown frequency."""
        return cls(parse_frequency(frequency) if frequency else None, irregular, time_zone)


@dataclass(frozen=True)
class Settled:
    """Rows that break no rule."""

    rows: Rows
    rules: Rules
    table: SeriesTable | None
    """None where nothing mends them."""
    repeated: Integers
    """The wall clock of rows whose stamp their series had already."""


def settle(rows: Rows, rules: Rules, found: Listing) -> Settled:
    """Makes a table of rows; for each rule that they break, adds findings and mends them."""
    repeated = np.zeros(0, np.int64)
    broken: set[str] = set()
    while True:
        try:
            return Settled(rows, rules, to_table(rows, rules.frequency, rules.irregular, rules.time_zone), repeated)
        except TableError as error:
            rule = error.rule
            if rule == "duplicates":
                repeated = np.concatenate([repeated, rows.walls[_again(rows, rules)[0]]])
            mend = MEND.get(rule)
            if mend is None or rule in broken:
                found.add("unreadable", str(error))
                return Settled(rows, rules, None, repeated)
            broken.add(rule)
            rows, rules = mend(rows, rules, found, str(error))
        if not len(rows.codes):
            return Settled(rows, rules, None, repeated)


def keep(rows: Rows, kept: Booleans) -> Rows:
    """Returns some of the rows; series of which none is left are gone."""
    numbers, place = np.flatnonzero(kept), rows.place
    used, codes = np.unique(rows.codes[kept], return_inverse=True)
    return replace(
        rows,
        ids=[rows.ids[code] for code in used.tolist()],
        codes=codes.astype(np.int64),
        walls=rows.walls[kept],
        zones=rows.zones[kept],
        values=rows.values[kept],
        place=lambda row: place(int(numbers[row])),
        covariates={name: column[kept] for name, column in rows.covariates.items()},
        static={name: (own[kept], values) for name, (own, values) in rows.static.items()},
    )


def _kinds(rows: Rows, rules: Rules, found: Listing, message: str) -> tuple[Rows, Rules]:
    kinds = np.where(rows.zones > NUMBER, 0, rows.zones)
    known, counts = np.unique(kinds, return_counts=True)
    usual = kinds == known[counts.argmax()]
    found.add("kinds", message, int((~usual).sum()))
    return keep(rows, usual), rules


def _zones(rows: Rows, rules: Rules, found: Listing, message: str) -> tuple[Rows, Rules]:
    offsets, counts = np.unique(rows.zones, return_counts=True)
    usual = offsets[counts.argmax()]
    found.add("zones", message, len(rows.zones) - int(counts.max()))
    for offset, count in zip(offsets.tolist(), counts.tolist(), strict=True):
        if found.is_open("zones"):
            row = int((rows.zones == offset).argmax())
            hours = f"{offset / 3.6e9:+.4g} h" + (" (most)" if offset == usual else "")
            found.add("zones", f"{rows.place(row)}: the first of {count:,} rows with {hours}", 0)
    return replace(rows, walls=rows.walls - rows.zones, zones=np.zeros_like(rows.zones)), rules


def _dates(rows: Rows, rules: Rules, found: Listing, message: str) -> tuple[Rows, Rules]:
    found.add("dates", message, len(rows.walls))
    years, months, days = rows.walls // 10_000, rows.walls // 100 % 100, rows.walls % 100
    first = ((years - 1970) * 12 + months - 1).astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
    walls = first + (days - 1) * 86_400_000_000
    return replace(rows, walls=walls, zones=np.full(len(walls), NO_OFFSET)), rules


def _again(rows: Rows, rules: Rules) -> tuple[Integers, Integers]:
    """Returns the rows whose stamp their series has already, and the first row with that stamp of each."""
    numbers = bool(rows.zones[0] == NUMBER)
    order, stamps, _ = in_order(rows, rules.frequency, numbers, rules.time_zone)
    same = (np.diff(rows.codes[order]) == 0) & (np.diff(stamps[order]) == 0)
    group = np.concatenate([[0], np.cumsum(~same)])
    # Within a stamp the order is that of the file: the sort is stable.
    begin = np.flatnonzero(np.concatenate([[True], ~same]))
    later = np.flatnonzero(same) + 1
    return order[later], order[begin[group[later]]]


def _duplicates(rows: Rows, rules: Rules, found: Listing, message: str) -> tuple[Rows, Rules]:
    later, first = _again(rows, rules)
    found.add("duplicates", message, len(later))
    unit = "step" if rows.zones[0] == NUMBER else "us"
    for row, other in sorted(zip(later.tolist(), first.tolist(), strict=True))[:8]:
        values = rows.values[[other, row]]
        same = "the same value" if values[0] == values[1] or np.isnan(values).all() else f"{values[0]} and {values[1]}"
        stamp = show_stamp(int(rows.walls[row]), unit)
        text = f"{rows.place(row)}: as {rows.place(other)}: {rows.ids[rows.codes[row]]!r}, {stamp}: {same}"
        if found.is_open("duplicates") and not message.startswith(f"{rows.place(row)}:"):
            found.add("duplicates", text, 0)
    kept = np.ones(len(rows.codes), bool)
    kept[later] = False
    return keep(rows, kept), rules


def _no_frequency(rows: Rows, rules: Rules, found: Listing, message: str) -> tuple[Rows, Rules]:
    found.add("no_frequency", message, 1)
    if rules.frequency is not None:  # of the wrong kind
        return rows, replace(rules, frequency=None)
    return rows, replace(rules, frequency=parse_frequency("step" if rows.zones[0] == NUMBER else "D"))


def _off_grid(rows: Rows, rules: Rules, found: Listing, message: str) -> tuple[Rows, Rules]:
    numbers = bool(rows.zones[0] == NUMBER)
    order, stamps, _ = in_order(rows, rules.frequency, numbers, rules.time_zone)
    codes, sorted_stamps = rows.codes[order], stamps[order]
    frequency = rules.frequency or infer_frequency(sorted_stamps, codes, numbers)
    if frequency is None:
        raise AssertionError
    if frequency.unit in MONTHS and not frequency.day:
        frequency = replace(frequency, day=month_anchor(stamps))
    counts = np.bincount(codes, minlength=len(rows.ids))
    starts = np.repeat(sorted_stamps[offsets_of(counts)[:-1]], counts)
    off = ~frequency.steps(starts, sorted_stamps)[1]
    found.add("off_grid", message, int(off.sum()))
    return rows, replace(rules, irregular="snap")


def _sparse(rows: Rows, rules: Rules, found: Listing, message: str) -> tuple[Rows, Rules]:
    frequency = rules.frequency
    numbers = bool(rows.zones[0] == NUMBER)
    order, stamps, _ = in_order(rows, frequency, numbers, rules.time_zone)
    codes, stamps = rows.codes[order], stamps[order]
    frequency = frequency or infer_frequency(stamps, codes, numbers)
    if frequency is None:
        raise AssertionError
    counts = np.bincount(codes, minlength=len(rows.ids))
    ends = offsets_of(counts)
    spans = frequency.steps(stamps[ends[:-1]], stamps[ends[1:] - 1])[0] + 1
    wide = spans > SPARSE * counts
    found.add("sparse", message, int(wide.sum()))
    return keep(rows, ~wide[rows.codes]), rules


SPARSE = 50
"""A series whose grid has this many times as many steps as it has rows is left out where a table is too sparse."""


def _static(rows: Rows, rules: Rules, found: Listing, message: str) -> tuple[Rows, Rules]:
    changing: dict[str, int] = {}
    for name, (own, _) in rows.static.items():
        pairs = np.unique(rows.codes * (int(own.max()) + 1) + own) // (int(own.max()) + 1)
        changing[name] = int((np.bincount(pairs, minlength=len(rows.ids)) > 1).sum())
    named = next(name for name in changing if f"static column {name!r}" in message)
    found.add("static", message, changing[named])
    for name, count in changing.items():
        if count and name != named:
            found.add("static", f"column {name!r}: {count:,} series", count)
    return replace(rows, static={name: rows.static[name] for name in changing if not changing[name]}), rules


Mend = Callable[[Rows, Rules, Listing, str], tuple[Rows, Rules]]
MEND: dict[Any, Mend] = {
    "kinds": _kinds,
    "zones": _zones,
    "dates": _dates,
    "duplicates": _duplicates,
    "frequency": _no_frequency,
    "off_grid": _off_grid,
    "sparse": _sparse,
    "static": _static,
}
"""What is done about each rule that rows break."""
