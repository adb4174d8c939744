"""Scores of forecasts of windows, beside those of baselines on the same windows. Imports no framework.

What a model loses on each window is kept; every score is made of that. The scale of a window (MASE, MSIS) is of its
series before the cut, so nothing of a horizon takes part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seq2seq.messages import counted
from seq2seq.metrics.forecasts import (
    PIT,
    interval_losses,
    owa,
    pit_of_counts,
    quantile_losses,
    signed,
    smape_losses,
)
from seq2seq.metrics.score import Score
from seq2seq.series.forecast import Forecast, LevelError, interval_levels
from seq2seq.series.results import LEVELS, stamps_at
from seq2seq.series.table import Booleans, Floats, Integers, SeriesTable
from seq2seq.series.windows import Windows, cut_windows

Predict = Callable[[Windows], Forecast]
"""Forecasts windows of a table."""

QUANTILES = tuple(round(0.1 * place, 1) for place in range(1, 10))
"""Levels by which CRPS, WQL and the PIT are measured, as in GluonTS."""
MSIS_LEVEL = 95.0
NAIVE2 = "naive2"
"""The model by which OWA is 1."""
_BLOCK = 1 << 22
"""Numbers of a block of quantiles."""


class Truth(NamedTuple):
    """What forecasts of windows are measured by."""

    actual: Floats
    """`(rows, horizon)`: 0 where nothing was observed."""
    observed: Booleans
    """`(rows, horizon)`."""
    scales: Floats
    """`(rows,)`: the mean absolute difference a season apart, before the cut; NaN where there is no pair."""


def truth_of(table: SeriesTable, windows: Windows, horizon: int, season: int) -> Truth:
    """Returns the actual values of windows and their scales."""
    cut = cut_windows(table, windows, 0, horizon)
    return Truth(cut.target, cut.target_observed, scales_before(table, windows, season))


def scales_before(table: SeriesTable, windows: Windows, season: int) -> Floats:
    """Returns the scale of each window, `(rows,)`: as `seasonal_scales`, of its series before the cut."""
    scales = np.full(len(windows.cuts), np.nan)
    order = np.argsort(windows.series, kind="stable")
    owners, first = np.unique(windows.series[order], return_index=True)
    for owner, rows in zip(owners, np.split(order, first[1:]), strict=True):
        part = slice(int(table.offsets[owner]), int(table.offsets[owner + 1]))
        values, observed = table.values[part], table.observed[part]
        if len(values) <= season:
            continue
        pair = observed[season:] & observed[:-season]
        # Sums from the start of a series on: nothing is taken away, so nothing large cancels.
        sums = np.cumsum(np.where(pair, np.abs(values[season:] - values[:-season]), 0.0))
        counts = np.cumsum(pair)
        place = np.minimum(windows.cuts[rows] - season, len(pair)) - 1
        some = (place >= 0) & (counts[np.maximum(place, 0)] > 0)
        scales[rows[some]] = sums[place[some]] / counts[place[some]]
    return scales


class Losses(NamedTuple):
    """What a model loses on each window."""

    means: Mapping[str, Floats]
    """`(rows,)` by measure: means over the observed points; NaN where a window has no scale."""
    pit: NDArray[np.int64] | None
    """`(bins,)`: observed points between the quantiles; None where the forecast does not cover them."""
    notes: tuple[str, ...]


def losses_of(forecast: Forecast, truth: Truth, level: Sequence[float] = LEVELS) -> Losses:
    """Returns mae, mse, mase, smape, crps, msis and coverage of each window that has an observed point.

    What needs quantiles that the forecast does not cover is left out, and a note says so.

    Raises:
        ValueError: the forecast of an observed point is not finite.
    """
    actual, known = truth.actual, truth.observed
    counts = np.maximum(known.sum(axis=1), 1)
    usable = np.isfinite(truth.scales) & (np.nan_to_num(truth.scales) > 0)
    scale = np.where(usable, truth.scales, 1.0)
    notes = []

    def mean(points: Floats) -> Floats:
        if (wrong := known & ~np.isfinite(points)).any():
            raise ValueError(f"The forecast of window {int(wrong.any(axis=1).argmax())} holds NaN or an infinity.")
        return np.asarray(np.where(known, points, 0.0).sum(axis=1) / counts, np.float64)

    def scaled(points: Floats) -> Floats:
        return np.where(usable, mean(points) / scale, np.nan)

    apart = np.abs(forecast.mean - actual)
    found = {"mae": mean(apart), "mse": mean(apart**2), "mase": scaled(apart)}
    found["smape"] = mean(smape_losses(forecast.mean, actual))
    pit = None
    try:
        quantiles = forecast.quantiles(QUANTILES)
        found["crps"] = mean(2 * quantile_losses(quantiles, QUANTILES, actual).mean(axis=-1))
        above = (actual[..., None] > quantiles).sum(axis=-1)[known]
        pit = np.bincount(above, minlength=len(QUANTILES) + 1)
    except LevelError as error:
        notes.append(f"No crps, wql and pit: {error}")
    for one in dict.fromkeys([MSIS_LEVEL, *level]):
        try:
            low, high = np.moveaxis(forecast.quantiles(interval_levels(one)), -1, 0)
        except LevelError as error:
            notes.append(f"No interval of {one:g} %: {error}")
            continue
        if one == MSIS_LEVEL:
            found["msis"] = scaled(interval_losses(low, high, actual, one / 100))
        if one in level:
            found[f"coverage-{one:g}"] = mean(np.where((low <= actual) & (actual <= high), 100.0, 0.0))
    return Losses(found, pit, tuple(notes))


@dataclass(frozen=True)
class Evaluation:
    """Models on the same windows."""

    ids: list[str]
    """`(rows,)`: the series of each window."""
    cutoffs: Integers
    """`(rows,)`: the last stamp before each cut."""
    horizon: int
    season: int
    points: Integers
    """`(rows,)`: observed points."""
    absolute: Floats
    """`(rows,)`: the sum of the absolute actual values."""
    losses: dict[str, Losses]
    """By the name of the model."""
    notes: list[str] = field(default_factory=list)

    @property
    def pits(self) -> dict[str, PIT]:
        """The histograms of the models that have one."""
        return {
            name: pit_of_counts(found.pit, QUANTILES) for name, found in self.losses.items() if found.pit is not None
        }

    @property
    def scores(self) -> dict[str, dict[str, Score]]:
        """By model and measure; the same as `metrics.forecasts` gives for all windows at once."""
        scores = {
            name: scores_of(found.means, self.points, self.absolute, self.season) for name, found in self.losses.items()
        }
        reference = scores.get(NAIVE2, {})
        for name, pit in self.pits.items():
            scores[name]["pit"] = pit.score
        if "mase" in reference and min(reference["mase"].score, reference["smape"].score) > 0:
            pair = reference["smape"], reference["mase"]
            for own in scores.values():
                own["owa"] = owa(own["smape"], own["mase"], *pair)
        return scores

    def as_json(self) -> dict[str, Any]:
        """Returns scores and histograms for JSON."""
        return {
            "series": len(set(self.ids)),
            "windows": len(self.ids),
            "horizon": self.horizon,
            "season": self.season,
            "scores": {name: {one: asdict(s) for one, s in own.items()} for name, own in self.scores.items()},
            "pit": {name: {"edges": p.edges.tolist(), "shares": p.shares.tolist()} for name, p in self.pits.items()},
            "notes": self.notes,
        }


def aggregated(measure: str, values: Floats, points: Floats, absolute: Floats) -> tuple[Floats, Floats]:
    """Returns what to sum over windows, and what to divide the sum by, for a measure; 0 and 0 where a window is out."""
    if measure == "wql":
        return values * points, absolute
    if measure in ("mae", "mse", "crps") or measure.startswith("coverage"):
        return values * points, points
    known = np.isfinite(values)
    return np.where(known, values, 0.0), known.astype(np.float64)


def scores_of(means: Mapping[str, Floats], points: Integers, absolute: Floats, season: int) -> dict[str, Score]:
    """Returns the score of all windows for each measure that `losses_of` gives, and wql."""
    scores = {}
    for measure, values in with_wql(means).items():
        sums, weights = aggregated(measure, values, points.astype(np.float64), absolute)
        if weights.sum() > 0:
            left_out = int(np.isnan(values).sum())
            scores[measure] = Score(float(sums.sum() / weights.sum()), signature_of(measure, season, left_out))
    return scores


def with_wql(means: Mapping[str, Floats]) -> dict[str, Floats]:
    """Returns losses with wql, which has those of crps and other weights."""
    return {
        name: values
        for measure, values in means.items()
        for name in ((measure, "wql") if measure == "crps" else (measure,))
        for values in (values,)
    }


def signature_of(measure: str, season: int, left_out: int = 0) -> str:
    """Returns the signature of a score, as `metrics.forecasts` writes it."""
    quantiles = f"quantiles:{','.join(f'{level:g}' for level in QUANTILES)}"
    scale = f"season:{season}|scale:in-sample" + (f"|left-out:{left_out}" if left_out else "")
    name, _, level = measure.partition("-")
    text = {
        "mae": "mae|mean:points",
        "mse": "mse|mean:points",
        "smape": "smape|200|0/0:0|mean:rows",
        "mase": f"mase|{scale}|mean:rows",
        "msis": f"msis|level:{MSIS_LEVEL / 100:g}|{scale}|mean:rows",
        "crps": f"crps|{quantiles}|mean:points",
        "wql": f"wql|{quantiles}|by:sum-of-absolute-values",
        "coverage": f"coverage|level:{float(level) / 100 if level else 0:g}|mean:points",
    }[name]
    return signed(text)


def evaluate(
    table: SeriesTable,
    windows: Windows,
    horizon: int,
    season: int,
    models: Mapping[str, Predict],
    level: Sequence[float] = LEVELS,
    seen: Callable[[str, Windows, Forecast], None] | None = None,
    most: int | None = None,
) -> Evaluation:
    """Scores models on windows, block by block: in memory are the forecasts of one block.

    Args:
        table: The series; `models` forecast windows of it.
        windows: Those without an observed point in their horizon are left out, and a note counts them.
        horizon: Steps.
        season: Steps, at least 1; for MASE and MSIS.
        models: By their names; `NAIVE2` among them gives OWA.
        level: Percent of intervals whose coverage is measured.
        seen: Called with the name of the model and each block of its forecasts.
        most: Windows of a block at most, where forecasts are large.

    Raises:
        ValueError: no window has an observed point, or a forecast is not finite.
    """
    if min(horizon, season) < 1:
        raise ValueError(f"Expected a horizon and a season of at least 1. Received: {horizon} and {season}")
    notes = []
    some = cut_windows(table, windows, 0, horizon).target_observed.any(axis=1)
    if not some.any():
        raise ValueError("Expected at least one observed value to score. Received none.")
    if not some.all():
        notes.append(f"Left out {counted(int((~some).sum()), 'window')} without an observed value.")
        windows = Windows(windows.series[some], windows.cuts[some])
    truth = truth_of(table, windows, horizon, season)
    if out := int((~(np.nan_to_num(truth.scales) > 0)).sum()):
        where = "(constant or too short before the cut)"
        notes.append(f"Not in mase and msis: {counted(out, 'window')} without a scale {where}.")
    size = min(max(1, _BLOCK // (horizon * (len(QUANTILES) + 1))), most or len(windows.cuts))
    losses = {}
    for name, predict in models.items():
        parts = []
        for start in range(0, len(windows.cuts), size):
            rows = slice(start, start + size)
            block = Windows(windows.series[rows], windows.cuts[rows])
            forecast = predict(block)
            if seen:
                seen(name, block, forecast)
            some_truth = Truth(truth.actual[rows], truth.observed[rows], truth.scales[rows])
            parts.append(losses_of(forecast, some_truth, level))
        losses[name] = _joined(parts)
        notes += [f"{name}: {note}" for note in losses[name].notes]
    return Evaluation(
        [table.ids[int(number)] for number in windows.series],
        stamps_at(table, windows.series, windows.cuts - 1),
        horizon,
        season,
        truth.observed.sum(axis=1),
        np.abs(truth.actual).sum(axis=1),
        losses,
        notes,
    )


def _joined(parts: Sequence[Losses]) -> Losses:
    pits = [part.pit for part in parts if part.pit is not None]
    means = {name: np.concatenate([part.means[name] for part in parts]) for name in parts[0].means}
    return Losses(means, sum(pits[1:], pits[0]) if pits else None, parts[0].notes)


def as_text(found: Evaluation) -> str:
    """Returns the scores as a table, a model a line, with what was left out below."""
    scores = found.scores
    order = ["mae", "mse", "mase", "smape", "owa", "crps", "wql", "msis"]
    known = {name for own in scores.values() for name in own}
    covered = sorted(
        (name for name in known if name.startswith("coverage")), key=lambda name: float(name.split("-")[1])
    )
    measures = [name for name in [*order, *covered, "pit"] if name in known]
    wide = max(5, *map(len, scores))
    titles = {name: name.replace("coverage-", "in ") for name in measures}
    lines = [f"{'model':<{wide}}" + "".join(f"{titles[name]:>10}" for name in measures)]
    for model, own in scores.items():
        cells = [_cell(own[name].score) if name in own else "-" for name in measures]
        lines.append(f"{model:<{wide}}" + "".join(f"{cell:>10}" for cell in cells))
    series, windows = len(set(found.ids)), len(found.ids)
    lines.append(f"{counted(windows, 'window')} of {series:,} series, horizon {found.horizon}, season {found.season}.")
    lines.append("in 80: percent of actual values in the interval of 80 %; pit: percent in a wrong bin.")
    return "\n".join([*lines, *found.notes])


def _cell(score: float) -> str:
    return f"{score:.4g}" if abs(score) < 1000 or abs(score) >= 1e7 else f"{score:,.0f}"
