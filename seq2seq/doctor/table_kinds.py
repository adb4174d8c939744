"""What the doctor may find in a table of series, the gravest first."""

from __future__ import annotations

from seq2seq.doctor.kinds import Kind

MISSING = 0.2
"""A series with a larger share of missing steps is named."""

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "unreadable",
            "error",
            "errors that end the reading",
            "Correct the file there. What comes after was not looked at.",
        ),
        Kind("columns", "error", "columns that are missing", "Name the columns as they are in the table."),
        Kind(
            "records",
            "error",
            "rows with another number of cells than the header",
            "Put cells that hold the delimiter in quotes, or correct the rows. They were left out here.",
        ),
        Kind("names", "error", "rows without the name of a series", "Fill them in, or drop the rows."),
        Kind("stamps", "error", "cells that are no time stamp", "Write them as ISO 8601, or drop the rows."),
        Kind(
            "text",
            "error",
            "cells that are no number",
            "Leave the cell empty where a value is missing; numbers have a decimal point.",
        ),
        Kind("infinite", "error", "infinite numbers", "Leave the cell empty where a value is missing."),
        Kind("kinds", "error", "stamps of another kind than most", "Write all stamps in one way."),
        Kind("zones", "error", "offsets from UTC of more than one time zone", "Convert all stamps to one zone."),
        Kind("dates", "error", "dates written as whole numbers", "Write them as 2016-07-01."),
        Kind(
            "duplicates",
            "error",
            "rows with a stamp that their series has already",
            "Keep one row for each stamp: drop the others, or add them up if they are parts.",
        ),
        Kind(
            "no_frequency", "error", "no frequency, or another than was given", "Give --frequency, for instance h or D."
        ),
        Kind(
            "off_grid",
            "error",
            "stamps between the steps of the frequency",
            "Give another --frequency; or --irregular snap, or rows.",
        ),
        Kind("sparse", "error", "series whose few rows span too many steps", "Look for wrong years in their stamps."),
        Kind("static", "error", "series whose static column changes", "A column that changes is a covariate."),
        Kind("nothing", "error", "no value at all in the target", "Is this the right column?"),
        Kind("too_short", "error", "no series is long enough", "Choose a shorter horizon."),
        Kind(
            "leaks",
            "warning",
            "covariates that nearly are the target",
            "They are not known ahead, so scores would be too good. Leave them out, or give the past only.",
        ),
        Kind(
            "frequencies",
            "warning",
            "series of another frequency",
            "Most of their steps would be missing. Train a model for each frequency, or bring them to one.",
        ),
        Kind(
            "daylight",
            "warning",
            "signs of daylight saving in stamps without an offset",
            "Name the zone: --time-zone. The hour that autumn repeats and the one that spring skips are then in order.",
        ),
        Kind(
            "epoch",
            "warning",
            "whole numbers that look like seconds or milliseconds since 1970",
            "Whole numbers count steps, without hours and weekdays. Convert them to ISO 8601.",
        ),
        Kind(
            "id_column",
            "warning",
            "the table was taken as one series, although a column may name series",
            "Give --id-column.",
        ),
        Kind(
            "near_names",
            "warning",
            "names that differ in case, blanks or marks only",
            "Spell them alike if they mean the same: they are different ones now.",
        ),
        Kind("empty", "warning", "series without a value", "Drop them: there is nothing to learn or to score."),
        Kind("short", "warning", "series too short to train on", "Training leaves them out; a shorter horizon helps."),
        Kind(
            "constant",
            "warning",
            "series that never change",
            "Scaled errors are not defined for them. Drop them if they are dead sensors.",
        ),
        Kind(
            "missing",
            "warning",
            f"series with more than {100 * MISSING:.0f} % of their steps missing",
            "Is the frequency right? Missing steps get weight 0.",
        ),
        Kind(
            "sentinels",
            "warning",
            "numbers such as -999 far from all others of their series",
            "If they stand for missing values, leave the cells empty.",
        ),
        Kind(
            "covariates",
            "warning",
            "covariates with missing values",
            "Fill them in, for instance with the value before, and say so.",
        ),
        Kind(
            "padded",
            "note",
            "series shorter than context and horizon",
            "The beginning of their context is padding.",
        ),
        Kind("useless", "note", "covariates that never change", "They tell nothing: leave them out."),
        Kind("unsorted", "note", "series whose rows are not in the order of time", "They are sorted when read."),
        Kind(
            "gaps",
            "note",
            "series with steps that have no row",
            "They are taken as missing. Write 0 where no row means that nothing happened.",
        ),
        Kind(
            "outliers",
            "note",
            "values far from those a season before and after",
            "Leave the cell empty if it is an error of measurement; else name the reason in a covariate.",
        ),
        Kind("copies", "note", "series with the values of another", "They count twice in training and in scores."),
        Kind("ended", "note", "series that end before the others", "Their forecasts begin earlier."),
    )
}

OF_ROWS = frozenset(
    {"records", "names", "stamps", "text", "infinite", "kinds", "zones", "dates", "duplicates", "off_grid"}
)
"""Kinds whose share is of all rows."""
OF_STEPS = frozenset({"outliers", "sentinels"})
"""Kinds whose share is of all observed values."""
UNCOUNTED = frozenset(
    {
        *("unreadable", "columns", "no_frequency", "nothing", "too_short", "leaks", "daylight", "epoch", "id_column"),
        *("near_names", "covariates", "useless"),
    }
)
"""Kinds without a share; that of all others is of the series."""
