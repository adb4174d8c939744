"""The functions of a model of music that `run.task.Task` lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seq2seq.metrics.score import Score
from seq2seq.music.events import EventCodec
from seq2seq.run.environment import checksums, same_data
from seq2seq.run.folder import RunFolder, RunFolderError, check_same_architecture
from seq2seq.run.parsing import leaves
from seq2seq.run.selection import Selection
from seq2seq.run.task import Prepared
from seq2seq.tasks.music import ending, network
from seq2seq.tasks.music.data import Corpus, find_corpus
from seq2seq.tasks.music.folder import MusicRunFolder
from seq2seq.tasks.music.prepare import PieceStores, RollStores, learn_codec
from seq2seq.tasks.music.recipe import Recipe

if TYPE_CHECKING:
    from seq2seq.inference.music import MusicModel
    from seq2seq.models.language_model import LanguageModel

SELECTION = Selection("frame_nll", True, "a model of music is chosen by its loss")


class Learned(NamedTuple):
    """What a run knows of its data before the epochs."""

    events: EventCodec
    tokens_per_frame: float
    """Of the validation pieces."""


def open_data(recipe: Recipe) -> Corpus:
    """Returns the pieces; ValueError where they are missing or damaged."""
    return find_corpus(recipe)


def record_data(folder: RunFolder, data: Corpus) -> None:
    """Writes data.json; RunFolderError if a run that goes on had other training pieces."""
    training = checksums(data.files)
    same_data(folder, training)
    folder.write_json(folder.data_file, {"training": training, "tests": checksums(data.test_files)})


def prepare(run: RunFolder, recipe: Recipe, data: Corpus) -> Prepared:
    """Learns the codec, or reads it again, and turns the pieces into tokens."""
    folder = MusicRunFolder(run.path)
    codec = learn_codec(folder, recipe, data)
    stores: PieceStores | RollStores = (
        RollStores(folder, recipe, data, codec) if recipe.events.keys else PieceStores(folder, recipe, data, codec)
    )
    return Prepared(Learned(codec, stores.tokens_per_frame), stores, SELECTION, stores.uniform_loss)


def build_model(recipe: Recipe, codec: Learned) -> LanguageModel:
    """Returns a new, built `LanguageModel`."""
    model: LanguageModel = network.build_network(recipe, codec.events)
    return model


def objective(recipe: Recipe, model: LanguageModel) -> Any:
    """Returns the network with its losses."""
    return network.build_objective(recipe, model)


def begin_epoch(objective: Any, recipe: Recipe, epoch: int) -> None:
    """Sets nothing: all epochs are alike."""


def validator(model: Any, codec: Learned, data: Corpus, recipe: Recipe) -> Callable[[float], dict[str, Score]]:
    """Returns what turns the validation loss of a token into that of a frame."""
    return lambda nll: {"frame_nll": Score(nll * codec.tokens_per_frame, "nats|per:frame|ends of pieces counted")}


def batch_as_text(codec: Learned, plan: Any, step: int) -> str:
    """Returns the tokens of each row of a batch; of 88 keys, those that sound."""
    targets = plan[step].target_output
    if targets.ndim == 3:
        rows = [" | ".join(" ".join(map(str, np.flatnonzero(frame))) for frame in row) for row in targets]
        return "".join(f"{row}\n" for row in rows)
    return "".join(f"{' '.join(codec.events.surface(row))}\n" for row in targets.tolist())


def finish(run: RunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores the run and lets it compose."""
    ending.finish(MusicRunFolder(run.path), recipe, data)


def finish_average(folder: RunFolder) -> None:
    """Learns nothing: all that a model needs is in its weights."""


def load(path: Path, others: Sequence[Path] = (), **options: Any) -> MusicModel:
    """Returns what scores music and, unless it predicts single keys, composes."""
    from seq2seq.tasks.music.loading import load_model

    if options:
        raise ValueError(f"A model of music is loaded without options. Received: {', '.join(options)}")
    return load_model(path, others)


def example(recipe: Recipe) -> str:
    """Returns a command that tries out a run, with {run} for its folder."""
    if recipe.events.keys:  # such a model does not compose
        return "seq2seq evaluate {run}"
    return "seq2seq compose {run} --output tune.mid"


def export(run: Path, form: str, folder: Path, search: Mapping[str, Any], **options: Any) -> Path:
    """Raises ValueError: there is no form yet that models of music are exported in."""
    raise ValueError(f"Models of music are not exported yet. Received: {form}")


def check_same_codec(first: RunFolder, other: RunFolder) -> None:
    """Raises RunFolderError if two runs have other networks or tokens."""
    folders = MusicRunFolder(first.path), MusicRunFolder(other.path)
    recipes = [folder.load_recipe() for folder in folders]
    one, two = (dict(leaves(recipe.model)) | {"events.keys": recipe.events.keys} for recipe in recipes)
    check_same_architecture(first, other, one, two)
    if folders[0].load_codec() != folders[1].load_codec():
        raise RunFolderError(f"{first.path} and {other.path} have different tokens or inputs: events.json differs.")


def untrained_model(run: RunFolder, weights: Sequence[Path]) -> LanguageModel:
    """Returns the network of a run without its weights; RunFolderError if one of the files is too small for it."""
    folder = MusicRunFolder(run.path)
    recipe, codec = folder.load_recipe(), folder.load_codec()
    for file in weights:
        network.check_size(recipe, codec, file)
    model: LanguageModel = network.build_network(recipe, codec)
    return model


def codec_files(run: RunFolder) -> list[Path]:
    """Returns the file of the codec."""
    folder = MusicRunFolder(run.path)
    return [file for file in (folder.codec_file,) if file.is_file()]


def learned_files(run: RunFolder) -> list[Path]:
    """Returns the file of what compositions are compared with."""
    file = MusicRunFolder(run.path).corpus_file
    return [file] if file.is_file() else []
