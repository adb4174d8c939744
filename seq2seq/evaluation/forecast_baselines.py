"""The baselines that stand in every table of forecasts. None sees anything behind the cut of a window."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from seq2seq.evaluation.forecasting import Predict
from seq2seq.extras import require
from seq2seq.messages import counted
from seq2seq.series.baselines import METHODS, Method, forecast_table, naive
from seq2seq.series.forecast import Forecast, QuantileForecast
from seq2seq.series.ridge import fit_ridge
from seq2seq.series.table import Floats, Integers, SeriesTable, offsets_of
from seq2seq.series.windows import Scaling, Windows, carried_forward, cut_windows

STATISTICAL = {"autoets": "AutoETS", "autoarima": "AutoARIMA"}
"""Models of statsforecast, by the names of their rows."""

_INTERVALS = (20, 40, 60, 80, 90, 95, 99)
_STRENGTH = 0.1
_SEASONS = 60
"""The longest history of an automatic model, in seasons or in multiples of ten steps: beyond, they take minutes."""


def baselines(
    table: SeriesTable,
    windows: Windows,
    horizon: int,
    season: int,
    context: int,
    extra: Sequence[str] = (),
    notes: list[str] | None = None,
    scaling: Scaling = "last_mean_absolute",
    learn_from: SeriesTable | None = None,
) -> dict[str, Predict]:
    """Returns naive, seasonal naive, naive2, theta and ridge, and the automatic models that are asked for.

    The ridge learns from the training part, or from what lies before the first cut of each series.

    Args:
        table: The series.
        windows: All that will be forecast.
        horizon: Steps.
        season: Steps, at least 1.
        context: Steps that the ridge reads, if its series are as long.
        extra: Of `STATISTICAL`.
        notes: Takes a sentence where a model is left out or cannot be fitted.
        scaling: Of the windows of the ridge.
        learn_from: The training part, in the units of the table, where that does not hold it; None: it does.

    Raises:
        MissingPackage: an automatic model is asked for, and statsforecast is not installed.
        ValueError: a name is unknown.
    """
    if extra:
        check_extra(extra)
    notes = [] if notes is None else notes
    models: dict[str, Predict] = {
        name: partial(_by_method, table, method, horizon, season) for name, method in METHODS.items()
    }
    past = before_first_cut(table, windows) if learn_from is None else learn_from
    readable = min(context, int(past.lengths.max(initial=0)) - horizon)
    try:
        if readable < 1:
            raise ValueError(f"No series has more than {horizon} steps before its first cut.")
        ridge = fit_ridge(past, readable, horizon, _STRENGTH, scaling, season=season)
        models["ridge"] = partial(ridge.forecast, table)
    except ValueError as error:
        notes.append(f"No ridge: {error}")
    for name in dict.fromkeys(extra):
        models[name] = _automatic(table, name, horizon, season, notes)
    return models


def check_extra(names: Sequence[str]) -> None:
    """Raises ValueError for an unknown automatic model, MissingPackage where statsforecast is not installed."""
    for name in names:
        if name not in STATISTICAL:
            raise ValueError(f"Expected one of {', '.join(STATISTICAL)}. Received: {name!r}")
    require("statsforecast")


def before_first_cut(table: SeriesTable, windows: Windows) -> SeriesTable:
    """Returns the table with each series up to the first cut among its windows; without windows, nothing of it."""
    first = np.full(len(table), np.iinfo(np.int64).max)
    np.minimum.at(first, windows.series, windows.cuts)
    taken: Integers = np.where(first > table.lengths, 0, first)
    offsets = offsets_of(taken)
    rows = np.repeat(table.offsets[:-1] - offsets[:-1], taken) + np.arange(offsets[-1])
    return dataclasses.replace(
        table,
        offsets=offsets,
        values=table.values[rows],
        observed=table.observed[rows],
        covariates={name: column[rows] for name, column in table.covariates.items()},
        stamps=None if table.stamps is None else table.stamps[rows],
    )


def _by_method(table: SeriesTable, method: Method, horizon: int, season: int, windows: Windows) -> Forecast:
    return forecast_table(table, method, horizon, season, windows)


def _automatic(table: SeriesTable, name: str, horizon: int, season: int, notes: list[str]) -> Predict:
    """Returns a model of statsforecast, fitted anew to the history of each window; naive where that fails."""
    longest = _SEASONS * max(season, 10)

    def predict(windows: Windows) -> Forecast:
        from statsforecast import models

        size = min(longest, int(windows.cuts.max(initial=1)))
        cut = cut_windows(table, windows, size, 0)
        filled = carried_forward(cut.context, cut.context_observed)
        begun = cut.context_observed.argmax(axis=1)
        mean = np.zeros((len(windows.cuts), horizon))
        values = np.zeros((*mean.shape, 2 * len(_INTERVALS) + 1))
        failed = 0
        for row in range(len(mean)):
            model = getattr(models, STATISTICAL[name])(season_length=season)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    found = model.forecast(filled[row, begun[row] :], horizon, level=list(_INTERVALS))
                mean[row], values[row] = _numbers(found)
                fits = bool(np.isfinite(mean[row]).all() and np.isfinite(values[row]).all())
            except Exception:  # any of many kinds, where a series is too short or constant
                fits = False
            if not fits:
                failed += 1
                known = cut.context[row, None], cut.context_observed[row, None]
                lone = naive(*known, horizon)
                mean[row], values[row] = lone.mean[0], lone.quantiles(_levels())[0]
        if failed:
            notes.append(f"{name}: {counted(failed, 'window')} could not be fitted: naive forecasts are used there.")
        return QuantileForecast(mean, _levels(), values)

    return predict


def _levels() -> list[float]:
    ends = [(50 - one / 2, 50 + one / 2) for one in _INTERVALS]
    return sorted({0.5, *(end / 100 for pair in ends for end in pair)})


def _numbers(found: Any) -> tuple[Floats, Floats]:
    """Returns the mean, and quantiles in ascending order; the mean is their median, as errors are taken as normal."""
    mean = np.asarray(found["mean"], np.float64)
    lower = [np.asarray(found[f"lo-{one}"], np.float64) for one in reversed(_INTERVALS)]
    upper = [np.asarray(found[f"hi-{one}"], np.float64) for one in _INTERVALS]
    return mean, np.sort(np.stack([*lower, mean, *upper], axis=-1), axis=-1)
