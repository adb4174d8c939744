"""The functions of forecasting that `run.task.Task` lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.metrics.score import Score
from seq2seq.run.environment import checksums, same_data
from seq2seq.run.folder import RunFolder, RunFolderError, check_same_architecture
from seq2seq.run.parsing import leaves
from seq2seq.run.selection import Selection
from seq2seq.run.task import Prepared
from seq2seq.series.batches import targets_as_text
from seq2seq.series.codec import SeriesCodec
from seq2seq.series.shrinkage import groups_of
from seq2seq.series.table import Floats
from seq2seq.tasks.forecast import ending, network, shrinking
from seq2seq.tasks.forecast.data import Corpus, find_corpus
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.loading import own_corpus
from seq2seq.tasks.forecast.prepare import WindowStores, find_codec
from seq2seq.tasks.forecast.recipe import Recipe

if TYPE_CHECKING:
    from seq2seq.inference.forecasting import Forecaster


class Learned(NamedTuple):
    """What a run knows of its training part before the epochs."""

    series: SeriesCodec
    skip: Floats | None
    """The regression that the linear map of a new network starts from."""


def open_data(recipe: Recipe) -> Corpus:
    """Returns the series; ValueError where a file is missing or damaged."""
    return find_corpus(recipe)


def record_data(folder: RunFolder, data: Corpus) -> None:
    """Writes data.json; RunFolderError if a run that goes on had another table."""
    training, tests = checksums(data.files[:1]), checksums(data.files[1:])
    same_data(folder, training)
    places = dict(zip(("train", "test"), [*training, *tests], strict=False))
    folder.write_json(folder.data_file, {"training": training, "test_files": tests, "places": places})


def prepare(run: RunFolder, recipe: Recipe, data: Corpus) -> Prepared:
    """Learns the codec, or reads it again."""
    folder, shrink = ForecastRunFolder(run.path), recipe.model.shrink
    if shrink != "none":
        groups_of(*data.validation, recipe.window.horizon)  # says what is missing before the epochs
    codec = find_codec(folder, recipe, data)
    if shrink == "history":
        shrinking.try_the_past(folder, recipe, data)
    stores = WindowStores(recipe, data, codec)
    choice = recipe.training.select_by
    selection = Selection(
        "crps" if choice == "loss" else choice, choice == "loss", "a forecaster is chosen by what it is trained for"
    )
    learned = Learned(codec, network.fit_skip(recipe, stores.inputs, stores.train))
    return Prepared(learned, stores, selection, math.inf)


def build_model(recipe: Recipe, codec: Learned) -> Any:
    """Returns a new, built forecaster; its linear map is the regression that was fitted to the training part."""
    model = network.build_network(recipe, network.make_inputs(recipe, codec.series))
    if codec.skip is not None:
        model.skip.assign(codec.skip)
    return model


def objective(recipe: Recipe, model: Any) -> Any:
    """Returns the forecaster with the loss of its head."""
    return network.build_objective(model)


def begin_epoch(objective: Any, recipe: Recipe, epoch: int) -> None:
    """Sets nothing: all epochs are alike."""


def validator(model: Any, codec: Learned, data: Corpus, recipe: Recipe) -> Callable[[float], Mapping[str, Score]]:
    """Returns what forecasts the validation windows and scores them."""
    from seq2seq.tasks.forecast.loading import make_forecaster
    from seq2seq.tasks.forecast.scoring import validation_scores

    forecaster = make_forecaster([model], recipe, codec.series, lambda: data)

    def validate(loss: float) -> Mapping[str, Score]:
        return validation_scores(forecaster, data.validation, recipe)

    return validate


def batch_as_text(codec: Any, plan: Any, step: int) -> str:
    """Returns the targets of each row of a batch, in the units of the model; nothing where they do not count."""
    return targets_as_text(plan[step])


def finish(run: RunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores the tests beside the baselines and writes what the run leaves."""
    ending.finish(ForecastRunFolder(run.path), recipe, data)


def finish_average(run: RunFolder) -> None:
    """Chooses the share of the network again, where the recipe has one."""
    folder = ForecastRunFolder(run.path)
    recipe = folder.load_recipe()
    if recipe.model.shrink != "none":
        shrinking.choose_share(folder, recipe, own_corpus(folder))


def load(path: Path, others: Sequence[Path] = (), **options: Any) -> Forecaster:
    """Returns what forecasts."""
    from seq2seq.tasks.forecast.loading import load_forecaster

    if options:
        raise ValueError(f"A forecaster is loaded without options. Received: {', '.join(options)}")
    return load_forecaster(path, others)


def example(recipe: Recipe) -> str:
    """Returns a command that tries out a run, with {run} for its folder."""
    ahead = " --future NEXT.csv" if recipe.data.corpus == "files" and recipe.data.future else ""
    return f"seq2seq forecast {{run}} --plot forecast.png{ahead}"


def export(run: Path, form: str, folder: Path, search: Mapping[str, Any], **options: Any) -> Path:
    """Writes a run in a form that others serve."""
    if search or options.pop("ids_only", False):
        raise ValueError("A forecaster is exported without options of a search, and without --ids-only.")
    from seq2seq.export.forecast import export_forecaster
    from seq2seq.tasks.forecast.loading import load_forecaster

    return export_forecaster(form, load_forecaster(run), folder, **options)


def check_same_codec(first: RunFolder, other: RunFolder) -> None:
    """Raises RunFolderError if two runs have other networks or learned of other tables."""
    folders = ForecastRunFolder(first.path), ForecastRunFolder(other.path)
    one, two = (dict(leaves(folder.load_recipe().model)) for folder in folders)
    check_same_architecture(first, other, one, two)
    codecs = [folder.load_codec() for folder in folders]
    if codecs[0] != codecs[1]:
        raise RunFolderError(f"{first.path} and {other.path} were trained on other tables or parts of them.")


def untrained_model(run: RunFolder, weights: Sequence[Path]) -> Any:
    """Returns the network of a run without its weights; RunFolderError if one of the files is too small for it."""
    folder = ForecastRunFolder(run.path)
    recipe, codec = folder.load_recipe(), folder.load_codec()
    for file in weights:
        network.check_size(recipe.model, file)
    return build_model(recipe, Learned(codec, None))


def codec_files(run: RunFolder) -> list[Path]:
    """Returns the file of the codec."""
    folder = ForecastRunFolder(run.path)
    return [file for file in (folder.codec_file,) if file.is_file()]


def learned_files(run: RunFolder) -> list[Path]:
    """Returns the file of what the network added in the past, where the recipe asks for it."""
    return [file for file in (ForecastRunFolder(run.path).past_file,) if file.is_file()]
