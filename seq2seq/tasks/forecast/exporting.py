"""The exports at the end of a run."""

from __future__ import annotations

from seq2seq.extras import NUMERIC_EXPORTS
from seq2seq.inference.forecasting import Forecaster
from seq2seq.run.exports import write_exports
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.recipe import Recipe


def export_run(folder: ForecastRunFolder, recipe: Recipe, forecaster: Forecaster) -> None:
    """Writes the exports that the recipe names, unless they are there and made of these weights.

    Args:
        folder: The run, with its trained weights.
        recipe: Its recipe.
        forecaster: The run, loaded.
    """
    from seq2seq.export.forecast import export_forecaster, refusal

    write_exports(
        folder,
        recipe.exports,
        lambda form, path: export_forecaster(form, forecaster, path),
        lambda form: refusal(form, forecaster),
        NUMERIC_EXPORTS,
    )
