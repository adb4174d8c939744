"""From a run folder to a forecaster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.run.environment import checksums
from seq2seq.run.folder import RunFolderError
from seq2seq.series.batches import DirectInputs
from seq2seq.series.codec import SeriesCodec
from seq2seq.series.table import SeriesTable
from seq2seq.series.windows import Windows
from seq2seq.tasks.forecast.data import Corpus, find_corpus
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.network import distribution, make_inputs, season_of
from seq2seq.tasks.forecast.recipe import Recipe

if TYPE_CHECKING:
    from seq2seq.inference.forecasting import Forecaster


def load_forecaster(path: Path, others: Sequence[Path] = ()) -> Forecaster:
    """Returns the forecaster of a run folder, or of several whose forecasts are averaged.

    Raises:
        ValueError: something is missing or damaged, or the runs do not forecast the same.
    """
    folders = [ForecastRunFolder(one) for one in (path, *others)]
    recipe, codec = folders[0].load_recipe(), folders[0].load_codec()
    for other in folders[1:]:
        if other.load_codec() != codec or _shape(other.load_recipe()) != _shape(recipe):
            raise RunFolderError(
                f"{path} and {other.path} do not forecast the same: expected runs of the same data, window, kind of "
                "model and head, such as of several seeds."
            )
    models = [folder.load_model()[0] for folder in folders]
    return make_forecaster(models, recipe, codec, lambda: own_corpus(folders[0]))


def make_forecaster(
    models: Sequence[Any], recipe: Recipe, codec: SeriesCodec, corpus: Callable[[], Corpus]
) -> Forecaster:
    """Returns a forecaster of networks in memory; `corpus` returns the data of the run."""
    from seq2seq.inference.forecast_network import KerasDirect, KerasSteps
    from seq2seq.inference.forecasting import Forecaster

    inputs = make_inputs(recipe, codec)
    wrap = KerasDirect if isinstance(inputs, DirectInputs) else KerasSteps
    return Forecaster(
        [wrap(model) for model in models],
        inputs,
        distribution(recipe.model),
        season_of(recipe, codec),
        lambda: corpus().known,
        recipe.scoring.level,
        lambda: _tests(corpus()),
    )


def _tests(corpus: Corpus) -> dict[str, tuple[SeriesTable, Windows, SeriesTable | None]]:
    past = corpus.train if corpus.apart else None
    return {name: (table, windows, past) for name, (table, windows) in corpus.tests.items()}


def own_corpus(folder: ForecastRunFolder) -> Corpus:
    """Returns the data of a run, found from any folder.

    Raises:
        ValueError: a file is missing, or has changed since.
    """
    recipe = folder.load_recipe()
    if recipe.data.corpus != "files":
        return find_corpus(recipe)
    files = folder.load_files()
    for path, digest in files.values():
        if checksums([Path(path)])[path] != digest:
            raise RunFolderError(
                f"{path}: this table of {folder.path} is missing or has changed since training. Give the table to "
                "forecast with --input FILE."
            )
    places = {name: path for name, (path, _) in files.items()}
    # What was decided about the table was said when the run was made.
    return find_corpus(recipe.model_copy(update={"data": recipe.data.model_copy(update=places)}), logging.DEBUG)


def _shape(recipe: Recipe) -> Any:
    return recipe.window, recipe.model.kind, recipe.model.head, recipe.model.levels, recipe.model.lags
