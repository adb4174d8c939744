"""Forecasting: from tables of readings to a trained forecaster, scored beside simple baselines.

python -m recipes.forecast etth1
python -m recipes.forecast custom --data.train sales.csv --window.horizon 28
"""

from __future__ import annotations

import sys
from typing import Literal

from seq2seq.cli.start import start_process
from seq2seq.cli.train import run_module
from seq2seq.tasks.forecast.recipe import Batching, Data, Model, Recipe, Training, Window

DEMO = Recipe(
    name="demo_forecast",
    window=Window(horizon=28, context=112, per_series=64),
    model=Model(segment=7, units=48),
    batching=Batching(size=128),
    training=Training(epochs=10, learning_rate=0.002, warmup_steps=50, ema=0.99),
)
"""Made-up daily sales with two seasons, holidays and breaks; a minute or two on a laptop."""

TINY = Recipe(
    name="tiny_forecast",
    window=Window(horizon=14, context=28, per_series=4),
    model=Model(segment=7, units=8),
    batching=Batching(size=32),
    training=Training(epochs=2, learning_rate=0.01, warmup_steps=5),
)
"""Goes through every stage in seconds; learns nothing useful."""


_SHRINK: dict[int, Literal["none", "validation", "history"]] = {
    96: "none",
    192: "validation",
    336: "validation",
    720: "history",  # validation holds three stretches of it
}
"""By hours ahead."""


def _etth1(horizon: int) -> Recipe:
    return Recipe(
        name="etth1" if horizon == 96 else f"etth1_{horizon}",
        data=Data(corpus="etth1", standardize=True),
        window=Window(horizon=horizon, context=336, scaling="last", min_context=336),
        model=Model(
            head="squares",
            units=64,
            calendar=False,
            dropout=0.3,
            train_skip=False,
            shrink=_SHRINK[horizon],
        ),
        batching=Batching(size=512),
        training=Training(epochs=8, learning_rate=0.004, warmup_steps=100, ema=0.99, select_by="mse"),
    )


M4_HOURLY = Recipe(
    name="m4_hourly",
    data=Data(corpus="m4_hourly"),
    window=Window(horizon=48, context=336, season=24, min_context=336, per_series=64),
    model=Model(segment=24, units=64, series_units=8, calendar=False),
    batching=Batching(size=512),
    training=Training(epochs=16, learning_rate=0.004, warmup_steps=100, ema=0.99),
)
"""M4, hourly: 414 series, two days ahead."""

M4_WEEKLY = Recipe(
    name="m4_weekly",
    data=Data(corpus="m4_weekly"),
    window=Window(horizon=13, context=52, season=1, min_context=26, per_series=64),
    model=Model(segment=13, units=32, calendar=False, dropout=0.3),
    batching=Batching(size=256),
    training=Training(epochs=16, learning_rate=0.001, warmup_steps=100, ema=0.99),
)
"""M4, weekly: 359 series, a quarter ahead."""

CUSTOM = Recipe(
    name="custom_forecast",
    training=Training(epochs=30, learning_rate=0.001, warmup_steps=200, ema=0.995, patience=6),
)
"""Your own table: --data.train TABLE."""

RECIPES = {
    "demo": DEMO,
    "tiny": TINY,
    **{recipe.name: recipe for recipe in map(_etth1, _SHRINK)},
    "m4_hourly": M4_HOURLY,
    "m4_weekly": M4_WEEKLY,
    "custom": CUSTOM,
}

if __name__ == "__main__":
    start_process()
    sys.exit(run_module(RECIPES, __doc__))
