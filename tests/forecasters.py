"""Small tables, codecs and forecasters that the tests of forecasting share."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from seq2seq.series.batches import DirectInputs, StepInputs
from seq2seq.series.cells import Columns
from seq2seq.series.codec import learn_codec
from seq2seq.series.table import table_of
from seq2seq.tasks.forecast import network
from seq2seq.tasks.forecast.recipe import Model, Recipe, Window

COLUMNS = Columns(covariates=("promo", "heat"), static=("size", "region"))
"""`promo` is known ahead of time, `heat` is not."""
CONTEXT, HORIZON = 8, 6


def make_table(lengths=(40, 25, 5), holes=0.2, seed=0, extras=True, start="2024-01-01"):
    """Daily series of noise around 10, with holes, covariates and static features."""
    random = np.random.default_rng(seed)
    series = {}
    for number, length in enumerate(lengths):
        values = 10 * (number + 1) + random.normal(size=length)
        values[random.random(length) < holes] = np.nan
        values[[0, -1]] = 10 * (number + 1), 10 * (number + 1) + 1
        series[f"s{number}"] = values
    table = table_of(series, "D", start)
    if not extras:
        return table
    heat = random.normal(20, 3, len(table.values))
    heat[random.random(len(heat)) < 0.1] = np.nan
    covariates = {"promo": (random.random(len(heat)) < 0.3) * 1.0, "heat": heat}
    static = {
        "size": np.arange(len(lengths)) * 1.5,
        "region": np.asarray(["north", "south", "north", "west"])[np.arange(len(lengths)) % 4],
    }
    return dataclasses.replace(table, covariates=covariates, static=static)


def make_codec(table, calendar=True, standardize=False):
    extras = bool(table.covariates)
    columns = COLUMNS if extras else Columns()
    return learn_codec(table, columns, ("promo",) * extras, "error", calendar, standardize)


def make_inputs(kind: str, codec: Any, scaling: str = "last_mean_absolute", **options: Any) -> Any:
    """Inputs of a direct or an autoregressive model."""
    shared: dict[str, Any] = {
        "codec": codec,
        "context": CONTEXT,
        "horizon": HORIZON,
        "scaling": scaling,
        "scale_feature": False,
        "counts": False,
        **options,
    }
    return DirectInputs(**shared) if kind == "direct" else StepInputs(**{"lags": (1, 2, 7, 11), **shared})


def changed(table, values=None, **parts):
    """The table with other values, or other parts."""
    return dataclasses.replace(table, **({} if values is None else {"values": values}), **parts)


def make_recipe(kind: str = "direct", scaling: str = "last_mean_absolute", **model: Any) -> Recipe:
    return Recipe(
        name="small",
        window=Window(horizon=HORIZON, context=CONTEXT, scaling=scaling),
        model=Model(**{"kind": kind, "units": 6, "segment": 4, "head": "gaussian", **model}),
    )


def make_network(recipe: Recipe, codec: Any) -> tuple[Any, Any]:
    """Returns a new network, and what makes its inputs."""
    inputs = network.make_inputs(recipe, codec)
    return network.build_network(recipe, inputs), inputs


def model_inputs(batch: Any) -> dict[str, Any]:
    return {"target_input": batch.target_input, **batch.extras}
