"""What forecasters lose on each window: kept in a table, and compared over series. Imports no framework."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from seq2seq.evaluation.forecasting import Evaluation, aggregated, signature_of, with_wql
from seq2seq.evaluation.significance import SAMPLES, Tested, mean_tests
from seq2seq.messages import counted
from seq2seq.series.cells import Floats, Integers
from seq2seq.series.table import show_stamp
from seq2seq.text.lines import read_lines
from seq2seq.text.opening import CorpusError
from seq2seq.text.tables import csv_rows

LOSSES_FILE = "losses-{test}.csv"
"""Of a run folder: what the run and the baselines lose on the windows of a test set."""
FEWEST = 10
"""With fewer series than this, windows are the units of a test."""
SHOWN = 5
"""Series that are shown each way."""

_ROUNDING = 1e-9
_KEYS = ("model", "unique_id", "cutoff", "horizon", "season", "points", "absolute")
_FIRST = "mae"
"""The first measure; all that follow are too."""


@dataclass(frozen=True)
class Model:
    """A forecaster and its losses."""

    keys: list[tuple[str, str]]
    """`(rows,)`: series and cutoff of each window."""
    horizon: int
    season: int
    points: Floats
    """`(rows,)`: observed points."""
    absolute: Floats
    """`(rows,)`: the sum of the absolute actual values."""
    means: Mapping[str, Floats]
    """`(rows,)` by measure; NaN where a window has none."""


def write_losses(found: Evaluation, stream: TextIO, unit: str = "us") -> None:
    """Writes a row for each model and window, which `read_losses` reads again.

    Args:
        found: An evaluation.
        stream: Takes CSV.
        unit: That of the table's frequency.
    """
    measures = list(dict.fromkeys(name for own in found.losses.values() for name in own.means))
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_KEYS, *measures])
    cutoffs = [show_stamp(int(stamp), unit) for stamp in found.cutoffs]
    for model, losses in found.losses.items():
        columns = [losses.means[name].tolist() if name in losses.means else None for name in measures]
        for row, (series, cutoff) in enumerate(zip(found.ids, cutoffs, strict=True)):
            cells = ["" if column is None or math.isnan(column[row]) else column[row] for column in columns]
            absolute = float(found.absolute[row])
            fixed = model, series, cutoff, found.horizon, found.season, int(found.points[row]), absolute
            writer.writerow([*fixed, *cells])


def is_losses(path: Path) -> bool:
    """Whether a file is one that `write_losses` made; errors as `read_lines`."""
    return next(iter(read_lines(path)), "").startswith(",".join(_KEYS))


def find_losses(paths: Sequence[Path], test: str = "") -> list[Path]:
    """Returns the tables of run folders, those of one test set, and files as they are.

    Args:
        paths: Run folders, or files that `write_losses` made.
        test: The name of a test set; empty: the first that all folders have.

    Raises:
        ValueError: a folder has no scores of a test, or they share none.
    """
    before, _, after = LOSSES_FILE.partition("{test}")
    tests = {}
    for folder in paths:
        if folder.is_dir():
            names = sorted(one.name for one in folder.glob(f"{before}*{after}"))
            tests[folder] = [name.removeprefix(before).removesuffix(after) for name in names]
            if not names:
                raise ValueError(f"{folder} has no scores of a test set: it is unfinished, or its recipe has no test.")
    shared = [name for name in next(iter(tests.values()), []) if all(name in own for own in tests.values())]
    if tests and (not shared or (test and test not in shared)):
        known = "; ".join(f"{folder}: {', '.join(own)}" for folder, own in tests.items())
        raise ValueError(
            f"No test set {test!r} that all have. Received: {known}"
            if test
            else f"Expected a test set that all have. Received: {known}"
        )
    name = test or (shared[0] if shared else "")
    return [path / LOSSES_FILE.format(test=name) if path in tests else path for path in paths]


def read_losses(path: Path) -> dict[str, Model]:
    """Reads what `write_losses` made: models by their names, the forecaster first.

    Raises:
        CorpusError: the file is missing, or a line has another form.
    """
    models: dict[str, list[dict[str, str]]] = {}
    lines: dict[str, list[int]] = {}
    for number, row in csv_rows(path, (*_KEYS, _FIRST)):
        models.setdefault(row["model"], []).append(row)
        lines.setdefault(row["model"], []).append(number)
    if not models:
        raise CorpusError(f"{path}: expected losses of windows. Received: none")
    return {name: _model(rows, lines[name], path) for name, rows in models.items()}


def _model(rows: Sequence[Mapping[str, str]], lines: Sequence[int], path: Path) -> Model:
    def column(name: str) -> Floats:
        found = np.full(len(rows), np.nan)
        for place, row in enumerate(rows):
            try:
                found[place] = float(row[name]) if row[name] else np.nan
                wrong = math.isinf(found[place]) or (name in _KEYS and not found[place] >= 0)
            except ValueError:
                wrong = True
            if wrong:
                raise CorpusError(
                    f"{path}:{lines[place]}: column {name!r}: expected a number. Received: {row[name][:80]!r}"
                )
        return found

    horizon, season, points, absolute = (column(name) for name in _KEYS[3:])
    if len({*horizon, *season} - {horizon[0], season[0]}):
        raise CorpusError(f"{path}: expected one horizon and one season. Received several.")
    measures = [name for name in rows[0] if name not in _KEYS]
    means = {name: column(name) for name in measures}
    keys = [(row["unique_id"], row["cutoff"]) for row in rows]
    known = {name: values for name, values in means.items() if not np.isnan(values).all()}
    return Model(keys, int(horizon[0]), int(season[0]), points, absolute, known)


@dataclass(frozen=True)
class Comparison:
    """Forecasters on the same windows, the baseline first."""

    windows: int
    series: int
    horizon: int
    season: int
    units: str
    """What tests resample: series, or windows where there are too few series."""
    scores: Mapping[str, Mapping[str, Tested]]
    """By measure and model."""
    examples: Mapping[str, Sequence[tuple[str, float, float]]]
    """By model: series, and the mean absolute error on it, of the baseline and of the model; the largest differences
    each way, in relation to the sum of both."""

    def as_json(self) -> dict[str, Any]:
        """Returns the comparison for JSON."""
        return asdict(self)


def compare(models: Mapping[str, Model], shown: int = SHOWN, samples: Mapping[str, int] = SAMPLES) -> Comparison:
    """Compares forecasters with the first of them, over series.

    Windows of a series are not independent: their losses are summed before anything is resampled. With fewer than ten
    series windows are resampled instead, and p-values are too small where the errors of windows go together.

    Args:
        models: By their names; the baseline first.
        shown: Series to show each way.
        samples: As `SAMPLES`.

    Raises:
        ValueError: there are fewer than two, or they were not scored on the same data.
    """
    names = list(models)
    if len(names) < 2:
        raise ValueError(f"Expected two or more forecasters to compare. Received: {', '.join(names) or 'none'}")
    ordered = {name: _sorted(model) for name, model in models.items()}
    first = ordered[names[0]]
    for name in names[1:]:
        _check_same(names[0], first, name, ordered[name])
    series = list(dict.fromkeys(key[0] for key in first.keys))
    place = {one: number for number, one in enumerate(series)}
    owners = np.asarray([place[key[0]] for key in first.keys], np.int64)
    units = "series" if len(series) >= FEWEST else "windows"
    groups = owners if units == "series" else np.arange(len(owners))
    scores: dict[str, dict[str, Tested]] = {}
    all_means = {name: with_wql(model.means) for name, model in ordered.items()}
    for measure in all_means[names[0]]:
        if all(measure in means for means in all_means.values()):
            values = [means[measure] for means in all_means.values()]
            if (tested := _tested(measure, values, first, groups, samples)) is not None:
                scores[measure] = dict(zip(names, tested, strict=True))
    examples = {name: _examples(series, owners, first, ordered[name], shown) for name in names[1:]}
    return Comparison(len(owners), len(series), first.horizon, first.season, units, scores, examples)


def _sorted(model: Model) -> Model:
    order = sorted(range(len(model.keys)), key=lambda row: model.keys[row])
    means = {name: values[order] for name, values in model.means.items()}
    keys = [model.keys[row] for row in order]
    return Model(keys, model.horizon, model.season, model.points[order], model.absolute[order], means)


def _check_same(name: str, one: Model, other_name: str, other: Model) -> None:
    """Raises ValueError where two forecasters were not scored on the same data."""
    both = f"{name} and {other_name}"
    if (one.horizon, one.season) != (other.horizon, other.season):
        raise ValueError(
            f"Expected the same horizon and season of {both}. Received: {one.horizon} and {one.season}, "
            f"{other.horizon} and {other.season}"
        )
    if one.keys != other.keys:
        apart = sorted({*one.keys} ^ {*other.keys}) or [one.keys[0]]
        raise ValueError(
            f"Expected the same windows of {both}. Only one has series {apart[0][0]!r}, cutoff {apart[0][1]}"
        )
    if (one.points != other.points).any() or not np.allclose(one.absolute, other.absolute, rtol=1e-6, atol=0):
        wrong = (one.points != other.points) | ~np.isclose(one.absolute, other.absolute, rtol=1e-6, atol=0)
        series, cutoff = one.keys[int(wrong.argmax())]
        raise ValueError(f"{both} were scored on different values. First: series {series!r}, cutoff {cutoff}")


def _tested(
    measure: str, values: Sequence[Floats], model: Model, groups: Integers, samples: Mapping[str, int]
) -> list[Tested] | None:
    """Returns the tests of a measure; None where no window has it."""
    # A window that one forecaster has no score of counts for none.
    known = np.all(np.isfinite(values), axis=0)
    pairs = [aggregated(measure, np.where(known, one, np.nan), model.points, model.absolute) for one in values]
    count = int(groups.max()) + 1
    weights = np.bincount(groups[known], pairs[0][1][known], count)
    if not weights.sum() > 0:
        return None
    some = weights > 0
    sums = [np.bincount(groups[known], one[known], count)[some] for one, _ in pairs]
    # What differs by rounding alone is equal: the sign of rounding may be the same everywhere.
    sums = [np.where(np.isclose(one, sums[0], rtol=_ROUNDING, atol=0), sums[0], one) for one in sums]
    signature = signature_of(measure, model.season, int((~known).sum()))
    return mean_tests(sums, signature, samples, weights[some])


def _examples(
    series: Sequence[str], owners: Integers, base: Model, model: Model, shown: int
) -> list[tuple[str, float, float]]:
    points = np.maximum(np.bincount(owners, base.points), 1)
    errors = [np.bincount(owners, one.means[_FIRST] * one.points) / points for one in (base, model)]
    # In relation to both: series of large numbers would fill the list.
    gains = (errors[0] - errors[1]) / np.maximum(errors[0] + errors[1], np.finfo(np.float64).tiny)
    order = np.argsort(-gains, kind="stable")
    chosen = [n for n in order[:shown] if gains[n] > 0]
    chosen += [n for n in order[::-1][:shown] if gains[n] < 0 and n not in chosen]
    return [(series[n], float(errors[0][n]), float(errors[1][n])) for n in chosen]


def as_text(comparison: Comparison) -> str:
    """Returns a comparison in lines."""
    return "\n".join(_lines(comparison))


def _lines(found: Comparison) -> Iterator[str]:
    windows = counted(found.windows, "window")
    yield f"{windows} of {found.series:,} series, horizon {found.horizon}, season {found.season}"
    if found.units == "windows":
        yield (
            f"Fewer than {FEWEST} series: windows are resampled, as if their errors were independent; p-values are too "
            "small where they are not."
        )
    wide = max(len(name) for own in found.scores.values() for name in own)
    for measure, own in found.scores.items():
        yield ""
        yield f"{measure:<12}{'':<{wide}}      95 %   p (bootstrap, randomisation)"
        for name, score in own.items():
            p = "" if score.p_bootstrap is None else f"   {score.p_bootstrap:.4f} {score.p_randomization:.4f}"
            yield f"{score.score:>11.5g} {name:<{wide}} ±{score.interval:9.4g}{p}"
        yield f"            {next(iter(own.values())).signature}"
    for name, rows in found.examples.items():
        for title, chosen in (
            ("better", [row for row in rows if row[2] < row[1]]),
            ("worse", [row for row in rows if row[2] > row[1]]),
        ):
            if chosen:
                yield ""
                yield f"{name} {title} than the baseline, mean absolute errors of both:"
                yield from (f"  {base:>11.5g} {own:>11.5g}  {series}" for series, base, own in chosen)
