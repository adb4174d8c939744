"""The baselines of forecasting and the detectors without learning, beside the figures that were published for them.

python -m benchmarks.series_baselines [--data etth1 m4 nab]

Quality of methods that learn nothing or a regression; seconds are those of fitting and forecasting all of a data set.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from seq2seq.catalogue import etth1, m4, nab
from seq2seq.metrics.forecasts import (
    coverage,
    mase,
    mean_absolute_error,
    mean_squared_error,
    msis,
    owa,
    seasonal_scales,
    smape,
)
from seq2seq.metrics.nab import PROFILES, Scored, nab_score
from seq2seq.metrics.score import Score
from seq2seq.series.anomaly import Detector, RangeRule, WindowedGaussian, detect
from seq2seq.series.baselines import METHODS, forecast_table, seasonal_naive
from seq2seq.series.forecast import SpreadForecast
from seq2seq.series.ridge import fit_ridge
from seq2seq.series.table import Floats, SeriesTable, table_of
from seq2seq.series.windows import Scaling, Windows, cut_windows, ends, rolling_origins

T = TypeVar("T")

CONTEXT, DAY = 336, 24
HORIZONS = (96, 192, 336, 720)
ETTH1_PUBLISHED = {
    "NLinear 336": ".374 .408 .429 .440",
    "SegRNN 96": ".368 .408 .444 .446",
    "SegRNN 720": ".351 .392 .423 .466",
    "iTransformer 96": ".386 .441 .487 .503",
}
"""MSE. Zeng et al. 2023, Lin et al. 2023, Liu et al. 2024."""
M4_PUBLISHED = {
    "hourly": {
        "naive": "43.003 / 11.608 / 3.593",
        "seasonal naive": "13.912 / 1.193 / 0.628",
        "naive2": "18.383 / 2.395 / 1.000",
        "theta": "18.138 / 2.455 / 1.006",
    },
    "weekly": {
        "naive": "9.161 / 2.777 / 1.000",
        "seasonal naive": "9.161 / 2.777 / 1.000",
        "naive2": "9.161 / 2.777 / 1.000",
        "theta": "9.093 / 2.637 / 0.971",
    },
}
"""sMAPE / MASE / OWA. Makridakis, Spiliotis, Assimakopoulos 2020."""
M4_RIDGES: dict[str, Sequence[tuple[int, Scaling]]] = {
    "hourly": [(context, scaling) for context in (168, 336) for scaling in ("mean_absolute", "last_mean_absolute")],
    "weekly": [(context, scaling) for context in (26, 52) for scaling in ("mean_absolute", "last_mean_absolute")],
}
"""Contexts and scalings from which the last horizon of the training part chooses, by sMAPE and MASE."""
NAB_PUBLISHED = {"windowed Gaussian": "39.6495 / 20.8680 / 47.4100"}
"""Standard / reward_low_FP / reward_low_FN: results/final_results.json of NAB 1.1."""


def run_etth1() -> None:
    train = etth1.load("train")
    mean, deviation = (np.asarray([f(series.values) for series in train]) for f in (np.mean, np.std))

    def standardised(table: SeriesTable) -> SeriesTable:
        pairs = zip(table, mean, deviation, strict=True)
        return table_of({series.id: (series.values - m) / d for series, m, d in pairs}, "h")

    train, test = standardised(train), standardised(etth1.load("test", CONTEXT))
    print("ETTh1, 7 channels, all windows of the test part, MSE / MAE")
    for horizon in HORIZONS:
        windows = rolling_origins(test, horizon, 2880 - horizon + 1, 1, CONTEXT)
        actual = cut_windows(test, windows, 0, horizon).target

        def ridge(strength: float, horizon: int = horizon, windows: Windows = windows) -> SpreadForecast:
            return fit_ridge(train, CONTEXT, horizon, strength, "last").forecast(test, windows)

        def naive(horizon: int = horizon, windows: Windows = windows) -> SpreadForecast:
            return forecast_table(test, seasonal_naive, horizon, DAY, windows, CONTEXT)

        for name, method in (
            (f"seasonal naive {DAY}", naive),
            (f"least squares {CONTEXT}", lambda: ridge(0.0)),
            (f"ridge {CONTEXT}", lambda: ridge(0.1)),
        ):
            forecast, seconds = timed(method)
            errors = [f(forecast.mean, actual).score for f in (mean_squared_error, mean_absolute_error)]
            cells = f"{errors[0]:.4f} / {errors[1]:.4f}"
            print(f"| {horizon} | {name} | {cells} | {seconds:.1f} s | {len(actual) // 7} windows |")
    for name, figures in ETTH1_PUBLISHED.items():
        print(f"| published | {name} | {figures} | | |")


def run_m4(group: str) -> None:
    horizon, season, _ = m4.GROUPS[group]
    train, test = m4.load("train", group), m4.load("test", group)
    actual = np.stack([series.values for series in test])
    scales = seasonal_scales(train.values, train.observed, train.offsets, season)
    print(f"M4 {group}: {len(train)} series, horizon {horizon}; sMAPE / MASE / OWA, MSIS, coverage of 95 %")
    reference: tuple[Score, Score] | None = None
    for name in ("naive2", "naive", "seasonal naive", "theta"):
        forecast, seconds = timed(lambda name=name: forecast_table(train, METHODS[name], horizon, season))
        reference = reference or point_scores(forecast, actual, scales, season)
        report(name, forecast, actual, scales, season, reference, seconds, M4_PUBLISHED[group][name])
    assert reference
    started = time.perf_counter()
    context, scaling = chosen_ridge(train, group, horizon, season)
    model = fit_ridge(train, context, horizon, 1e-3, scaling, season=season)
    forecast = model.forecast(train, ends(train))
    report(
        f"ridge {context}, {scaling}", forecast, actual, scales, season, reference, time.perf_counter() - started, ""
    )


def chosen_ridge(train: SeriesTable, group: str, horizon: int, season: int) -> tuple[int, Scaling]:
    """Returns the context and scaling that forecast the last horizon of the training part best."""
    rest, held = train.cut(0, -horizon), train.cut(-horizon)
    actual = np.stack([series.values for series in held])
    scales = seasonal_scales(rest.values, rest.observed, rest.offsets, season)
    reference = point_scores(forecast_table(rest, METHODS["naive2"], horizon, season), actual, scales, season)
    found = []
    for context, scaling in M4_RIDGES[group]:
        forecast = fit_ridge(rest, context, horizon, 1e-3, scaling, season=season).forecast(rest, ends(rest))
        found.append((owa(*point_scores(forecast, actual, scales, season), *reference).score, context, scaling))
    return min(found)[1:]


def point_scores(forecast: SpreadForecast, actual: Floats, scales: Floats, season: int) -> tuple[Score, Score]:
    return smape(forecast.mean, actual), mase(forecast.mean, actual, scales, season=season)


def report(
    name: str,
    forecast: SpreadForecast,
    actual: Floats,
    scales: Floats,
    season: int,
    reference: tuple[Score, Score],
    seconds: float,
    published: str,
) -> None:
    scores = point_scores(forecast, actual, scales, season)
    lower, upper = np.moveaxis(forecast.quantiles([0.025, 0.975]), -1, 0)
    width = msis(lower, upper, actual, scales, 0.95, season=season).score
    inside = coverage(lower, upper, actual, 0.95).score
    cells = f"{scores[0].score:.3f} / {scores[1].score:.3f} / {owa(*scores, *reference).score:.3f}"
    print(f"| {name} | {cells} | {published} | {width:.2f} | {inside:.1f} % | {seconds:.1f} s |")


def run_nab() -> None:
    corpus = nab.load()
    print("NAB 1.1, 58 series: " + " / ".join(PROFILES))
    detectors: dict[str, Callable[[], Detector]] = {"windowed Gaussian": WindowedGaussian, "range rule, 5 %": RangeRule}
    for name, detector in detectors.items():
        found, seconds = timed(
            lambda detector=detector: {key: detect(detector(), one.values) for key, one in corpus.items()}
        )
        # As NAB's files of results hold them, 12 digits: beyond, they decide about ties at 1.
        scored = [Scored(np.round(found[key], 12), one.windows) for key, one in corpus.items()]
        cells = " / ".join(f"{nab_score(scored, profile).score.score:.4f}" for profile in PROFILES)
        print(f"| {name} | {cells} | {NAB_PUBLISHED.get(name, '')} | {seconds:.1f} s |")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


RUNS: dict[str, Sequence[Callable[[], None]]] = {
    "etth1": (run_etth1,),
    "m4": (lambda: run_m4("hourly"), lambda: run_m4("weekly")),
    "nab": (run_nab,),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=RUNS, default=list(RUNS))
    for name in parser.parse_args().data:
        for work in RUNS[name]:
            work()


if __name__ == "__main__":
    main()
