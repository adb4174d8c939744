"""The functions of a language model that `run.task.Task` lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.metrics.score import Score
from seq2seq.run.environment import checksums, same_data
from seq2seq.run.folder import RunFolder, RunFolderError, check_same_architecture
from seq2seq.run.parsing import leaves
from seq2seq.run.selection import Selection
from seq2seq.run.task import Prepared
from seq2seq.tasks.language_model import ending, network
from seq2seq.tasks.language_model.data import Corpus, files_of, find_corpus
from seq2seq.tasks.language_model.folder import LanguageRunFolder
from seq2seq.tasks.language_model.prepare import TokenStream, learn_codec
from seq2seq.tasks.language_model.recipe import Recipe
from seq2seq.text.codecs import Codec

if TYPE_CHECKING:
    from seq2seq.inference.language import TextModel
    from seq2seq.models.language_model import LanguageModel

SELECTION = Selection("perplexity", True, "a language model is chosen by its loss")


def open_data(recipe: Recipe) -> Corpus:
    """Returns the text; ValueError where it is missing."""
    return find_corpus(recipe.data)


def record_data(folder: RunFolder, data: Corpus) -> None:
    """Writes data.json; RunFolderError if a run that goes on had another training text."""
    training = checksums(data.files)
    same_data(folder, training)
    tests = {
        name: {"files": [str(file.resolve()) for file in files], "sha256": checksums(files)}
        for name, files in data.test_files.items()
    }
    train = [str(file.resolve()) for file in files_of(data.train)]
    folder.write_json(folder.data_file, {"training": training, "train": train, "tests": tests})


def prepare(run: RunFolder, recipe: Recipe, data: Corpus) -> Prepared:
    """Learns the tokeniser, or reads it again, and turns the text into ids."""
    folder = LanguageRunFolder(run.path)
    codec = learn_codec(folder, recipe, data)
    stores = TokenStream(folder, recipe, data, codec)
    return Prepared(codec, stores, SELECTION, math.log(codec.size))


def build_model(recipe: Recipe, codec: Codec) -> LanguageModel:
    """Returns a new, built `LanguageModel`."""
    model: LanguageModel = network.build_network(recipe.model, codec.size)
    return model


def objective(recipe: Recipe, model: LanguageModel) -> Any:
    """Returns the network with its losses; the state goes from batch to batch."""
    return network.build_objective(recipe, model)


def begin_epoch(objective: Any, recipe: Recipe, epoch: int) -> None:
    """Sets nothing: all epochs are alike."""


def validator(model: Any, codec: Codec, data: Corpus, recipe: Recipe) -> Callable[[float], dict[str, Score]]:
    """Returns what turns the validation loss into a perplexity."""
    return lambda nll: {"perplexity": Score(math.exp(min(nll, 700.0)), "perplexity|per:token")}


def batch_as_text(codec: Codec, plan: Any, step: int) -> str:
    """Returns the text of each row of a batch."""
    return "".join(f"{text}\n" for text in codec.decode(plan[step].target_output.tolist()))


def finish(run: RunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores and exports the run, and shows a sample."""
    ending.finish(LanguageRunFolder(run.path), recipe, data)


def finish_average(folder: RunFolder) -> None:
    """Learns nothing: all that a model needs is in its weights."""


def load(path: Path, others: Sequence[Path] = (), **options: Any) -> TextModel:
    """Returns what scores and writes text."""
    from seq2seq.tasks.language_model.loading import load_text_model

    if options:
        raise ValueError(f"A language model is loaded without options. Received: {', '.join(options)}")
    return load_text_model(path, others)


def example(recipe: Recipe) -> str:
    """Returns a command that tries out a run, with {run} for its folder."""
    return 'seq2seq next {run} "…"'


def export(run: Path, form: str, folder: Path, search: Mapping[str, Any], **options: Any) -> Path:
    """Writes a run in a form that others serve."""
    if search:
        names = {"num_best": "n-best"}
        flags = ", ".join(f"--{names.get(name, name.replace('_', '-'))}" for name in search)
        raise ValueError(f"A language model is exported without options of a search. Received: {flags}")
    from seq2seq.export.language import export_language
    from seq2seq.tasks.language_model.loading import load_text_model

    return export_language(form, load_text_model(run), folder, **options)


def check_same_codec(first: RunFolder, other: RunFolder) -> None:
    """Raises RunFolderError if two runs have other networks or vocabularies."""
    folders = LanguageRunFolder(first.path), LanguageRunFolder(other.path)
    one, two = (dict(leaves(folder.load_recipe().model)) for folder in folders)
    check_same_architecture(first, other, one, two)
    if folders[0].load_codec().vocabulary != folders[1].load_codec().vocabulary:
        raise RunFolderError(
            f"{first.path} and {other.path} have different vocabularies: ids of the one mean nothing to the other."
        )


def untrained_model(run: RunFolder, weights: Sequence[Path]) -> LanguageModel:
    """Returns the network of a run without its weights; RunFolderError if one of the files is too small for it."""
    folder = LanguageRunFolder(run.path)
    recipe, codec = folder.load_recipe(), folder.load_codec()
    for file in weights:
        network.check_size(recipe.model, codec.size, file)
    return build_model(recipe, codec)


def codec_files(run: RunFolder) -> list[Path]:
    """Returns the file of the tokeniser."""
    folder = LanguageRunFolder(run.path)
    return [file for file in (folder.vocabulary_file, folder.tokenizer_file) if file.is_file()]


def learned_files(run: RunFolder) -> list[Path]:
    """Returns none: all that a model needs is in its codec and its weights."""
    return []
