"""The functions of anomaly detection that `run.task.Task` lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq import __version__
from seq2seq.metrics.score import Score
from seq2seq.run.environment import checksums, same_data
from seq2seq.run.folder import RunFolder, RunFolderError, check_same_architecture
from seq2seq.run.parsing import leaves
from seq2seq.run.selection import Selection
from seq2seq.run.task import Prepared
from seq2seq.series.batches import targets_as_text
from seq2seq.series.streams import StreamCodec
from seq2seq.tasks.anomaly import ending, network
from seq2seq.tasks.anomaly.data import Corpus, find_corpus
from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
from seq2seq.tasks.anomaly.prepare import StreamStores, find_codec
from seq2seq.tasks.anomaly.recipe import Recipe

if TYPE_CHECKING:
    from seq2seq.inference.anomalies import AnomalyDetector


def open_data(recipe: Recipe) -> Corpus:
    """Returns the streams; ValueError where a file is missing or damaged."""
    return find_corpus(recipe)


def record_data(folder: RunFolder, data: Corpus) -> None:
    """Writes data.json; RunFolderError if a run that goes on had another table."""
    training = checksums(data.files)
    same_data(folder, training)
    folder.write_json(folder.data_file, {"training": training, "test_files": {}})


def prepare(run: RunFolder, recipe: Recipe, data: Corpus) -> Prepared:
    """Keeps how tables are read, and makes the windows."""
    codec = find_codec(AnomalyRunFolder(run.path), data)
    selection = Selection("surprisal", True, "a detector is chosen by what it is trained for")
    return Prepared(codec, StreamStores(recipe, data), selection, math.inf)


def build_model(recipe: Recipe, codec: StreamCodec) -> Any:
    """Returns a new, built network."""
    return network.build_network(recipe.model)


def objective(recipe: Recipe, model: Any) -> Any:
    """Returns the network with the loss of its head."""
    from seq2seq.training.forecast import ForecastObjective

    return ForecastObjective(model)


def begin_epoch(objective: Any, recipe: Recipe, epoch: int) -> None:
    """Sets nothing: all epochs are alike."""


def validator(model: Any, codec: StreamCodec, data: Corpus, recipe: Recipe) -> Callable[[float], Mapping[str, Score]]:
    """Returns what makes the loss of the validation data a score."""

    def validate(loss: float) -> Mapping[str, Score]:
        return {"surprisal": Score(loss, f"surprisal|nats a reading|seq2seq|version:{__version__}")}

    return validate


def batch_as_text(codec: Any, plan: Any, step: int) -> str:
    """Returns the scaled readings of each row of a batch; nothing where they do not count."""
    return targets_as_text(plan[step])


def finish(run: RunFolder, recipe: Recipe, data: Corpus) -> None:
    """Learns the threshold, scores the run and writes what it leaves."""
    ending.finish(AnomalyRunFolder(run.path), recipe, data)


def finish_average(run: RunFolder) -> None:
    """Learns the threshold again."""
    ending.learn_alarms(AnomalyRunFolder(run.path))


def load(path: Path, others: Sequence[Path] = (), **options: Any) -> AnomalyDetector:
    """Returns what detects."""
    from seq2seq.tasks.anomaly.loading import load_detector

    if options:
        raise ValueError(f"A detector is loaded without options. Received: {', '.join(options)}")
    return load_detector(path, others)


def example(recipe: Recipe) -> str:
    """Returns a command that tries out a run, with {run} for its folder."""
    return "seq2seq detect {run} --plot alarms.png"


def export(run: Path, form: str, folder: Path, search: Mapping[str, Any], **options: Any) -> Path:
    """Writes a run in a form that others serve."""
    if search or options.pop("ids_only", False):
        raise ValueError("A detector is exported without options of a search, and without --ids-only.")
    from seq2seq.export.anomaly import export_anomaly
    from seq2seq.tasks.anomaly.loading import load_detector

    return export_anomaly(form, load_detector(run), folder, **options)


def check_same_codec(first: RunFolder, other: RunFolder) -> None:
    """Raises RunFolderError if two runs have other networks or learned of other tables."""
    folders = AnomalyRunFolder(first.path), AnomalyRunFolder(other.path)
    one, two = (dict(leaves(folder.load_recipe().model)) for folder in folders)
    check_same_architecture(first, other, one, two)
    codecs = [folder.load_codec() for folder in folders]
    if codecs[0] != codecs[1]:
        raise RunFolderError(f"{first.path} and {other.path} read tables of other columns or frequencies.")


def untrained_model(run: RunFolder, weights: Sequence[Path]) -> Any:
    """Returns the network of a run without its weights; RunFolderError if one of the files is too small for it."""
    recipe = AnomalyRunFolder(run.path).load_recipe()
    for file in weights:
        network.check_size(recipe.model, file)
    return network.build_network(recipe.model)


def codec_files(run: RunFolder) -> list[Path]:
    """Returns the file of the codec."""
    folder = AnomalyRunFolder(run.path)
    return [file for file in (folder.codec_file,) if file.is_file()]


def learned_files(run: RunFolder) -> list[Path]:
    """Returns the files of the alarms."""
    folder = AnomalyRunFolder(run.path)
    return [file for file in (folder.alarms_file, folder.normal_file) if file.is_file()]
