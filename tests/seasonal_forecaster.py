"""A forecaster without a network, with the interface of a trained one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seq2seq.series.baselines import forecast_table, seasonal_naive
from seq2seq.series.cells import Columns
from seq2seq.series.forecast import QuantileForecast, SampleForecast
from seq2seq.series.reading import read_table
from seq2seq.series.table import table_of
from seq2seq.series.windows import rolling_origins

KNOWN = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)


def daily(series=3, size=60, seed=0):
    rng = np.random.default_rng(seed)
    wave = 20 + 5 * np.sin(2 * np.pi * np.arange(size) / 7)
    return table_of({f"s{n}": wave + rng.normal(size=size) for n in range(series)}, "D", "2024-01-01")


class SeasonalForecaster:
    """Seasonal naive forecasts, as quantiles or as sample paths."""

    season, context, level, scaling = 7, 14, (80.0, 95.0), "last_mean_absolute"

    def __init__(self, samples=False, horizon=7, series=3, tests=True, levels=KNOWN, columns=Columns()):
        self.samples, self.horizon, self.longest = samples, horizon, None if samples else 2 * horizon
        self.columns, self._series, self._tests, self._levels = columns, series, tests, levels
        self.calls = []

    def read(self, path):
        return read_table(Path(path), self.columns)

    read_future = read

    def own_table(self):
        return daily(self._series)

    def own_tests(self):
        table = daily(self._series, 80)
        return {"test": (self, table, rolling_origins(table, self.horizon, 2, self.horizon))} if self._tests else {}

    def predict(self, table, windows, horizon=None, *, samples=100, seed=0, future=None):
        self.calls.append((len(windows.cuts), horizon, future))
        found = forecast_table(table, seasonal_naive, horizon or self.horizon, self.season, windows)
        if not self.samples:
            return QuantileForecast(found.mean, self._levels, found.quantiles(self._levels))
        paths = [
            np.random.default_rng([seed, int(series), int(cut)]).normal(size=(found.mean.shape[1], samples))
            for series, cut in zip(*windows, strict=True)
        ]
        return SampleForecast(found.mean[..., None] + found.deviation[..., None] * np.stack(paths))
