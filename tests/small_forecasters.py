"""Small forecasters with random weights, and series for them, for the tests of exports."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from seq2seq.run.folder import save_weights
from seq2seq.series.cells import Columns
from seq2seq.series.codec import SeriesCodec, learn_codec
from seq2seq.series.table import SeriesTable, table_of
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.loading import make_forecaster
from seq2seq.tasks.forecast.network import build_network, make_inputs
from seq2seq.tasks.forecast.recipe import Data, Model, Recipe, Window

COLUMNS = Columns(covariates=("price", "rain"), static=("size", "kind"))
PLAIN = Columns()
SMALL = {"units": 6, "segment": 4, "dropout": 0.0}
WINDOW = {"horizon": 6, "context": 12}


def series(length: int = 40, columns: Columns = PLAIN, seed: int = 0, ahead: int = 0) -> SeriesTable:
    """Three daily series with holes, the last of which is constant; covariates reach `ahead` steps further."""
    random = np.random.default_rng(seed)
    wave = 10 * np.sin(np.arange(length) / 3)
    values = {
        "a": 50 + wave + random.normal(size=length),
        "b": 3 - wave / 9 + random.normal(size=length) / 9,
        "c": np.full(length, 7.0),
    }
    for name in values:
        values[name][random.random(length) < 0.1] = np.nan
    table = table_of({name: np.append(part, [np.nan] * ahead) for name, part in values.items()}, "D", "2024-01-01")
    size = len(table.values)
    given = {"price": 3 + random.normal(size=size), "rain": np.where(random.random(size) < 0.2, np.nan, 2.0)}
    static: dict[str, Any] = {"size": np.array([1.0, 5.0, 2.0]), "kind": np.array(["x", "y", "x"])}
    return dataclasses.replace(
        table,
        covariates={name: given[name] for name in columns.covariates},
        static={name: static[name] for name in columns.static},
    )


def small_recipe(**options: Any) -> Recipe:
    """`options` are fields of the recipe's model, and of its window."""
    window = {name: options.pop(name) for name in list(options) if name in Window.model_fields}
    return Recipe(
        data=Data(standardize=options.pop("standardize", False)),
        window=Window(**{**WINDOW, **window}),
        model=Model(**{**SMALL, **options}),
    )


def small_codec(recipe: Recipe, columns: Columns = PLAIN) -> SeriesCodec:
    """Learned of `series`; the price is known ahead of time."""
    table = series(columns=columns)
    future = [name for name in columns.covariates if name == "price"]
    return learn_codec(table, columns, future, "error", recipe.model.calendar, recipe.data.standardize)


def small_network(recipe: Recipe, codec: SeriesCodec, seed: int = 3, scale: float = 0.4) -> Any:
    """With weights that are drawn."""
    model = build_network(recipe, make_inputs(recipe, codec))
    random = np.random.default_rng(seed)
    model.set_weights([scale * random.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def small_forecaster(columns: Columns = PLAIN, seed: int = 3, scale: float = 0.4, **options: Any) -> Any:
    """A forecaster in memory; `options` as of `small_recipe`."""
    recipe = small_recipe(**options)
    codec = small_codec(recipe, columns)
    model = small_network(recipe, codec, seed, scale)
    corpus: Any = SimpleNamespace(known=series(columns=columns), tests={})
    return make_forecaster([model], recipe, codec, lambda: corpus)


def write_run(path: Path, columns: Columns = PLAIN, seed: int = 3, **options: Any) -> Path:
    """A run folder with random weights, as training would leave it; `options` as of `small_recipe`."""
    folder, recipe = ForecastRunFolder(path), small_recipe(**options)
    path.mkdir(parents=True)
    folder.save_recipe(recipe)
    codec = small_codec(recipe, columns)
    codec.save(folder.codec_file)
    save_weights(small_network(recipe, codec, seed), folder.weights_file)
    return path
