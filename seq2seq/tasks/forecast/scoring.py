"""Scores of a forecaster on windows, in the units that its recipe scores in."""

from __future__ import annotations

from collections.abc import Mapping

from seq2seq.inference.forecasting import Forecaster
from seq2seq.metrics.forecasts import crps_from_quantiles, mean_absolute_error, mean_squared_error
from seq2seq.metrics.score import Score
from seq2seq.series.windows import cut_windows
from seq2seq.tasks.forecast.data import WindowSet
from seq2seq.tasks.forecast.recipe import Recipe

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the quantiles by which the CRPS is counted."""
VALIDATION_SAMPLES = 32
"""Sample paths of a validation window, at most."""


def validation_scores(forecaster: Forecaster, held: WindowSet, recipe: Recipe) -> Mapping[str, Score]:
    """Returns CRPS, MSE and MAE of the validation windows. The seed of sample paths is the recipe's."""
    codec = forecaster.codec
    scored = forecaster if codec.standard is None else forecaster.in_training_units()
    table = codec.standardized(held.table)
    samples = min(recipe.scoring.samples, VALIDATION_SAMPLES)
    forecast = scored.predict(table, held.windows, samples=samples, seed=recipe.seed)
    cut = cut_windows(table, held.windows, 0, recipe.window.horizon)
    actual, known = cut.target, cut.target_observed
    quantiles = forecast.quantiles(LEVELS)
    return {
        "crps": crps_from_quantiles(quantiles, LEVELS, actual, known),
        "mse": mean_squared_error(forecast.mean, actual, known),
        "mae": mean_absolute_error(quantiles[..., LEVELS.index(0.5)], actual, known),
    }
