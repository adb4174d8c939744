"""The functions of speech recognition that `run.task.Task` lists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.audio.manifest import load_samples
from seq2seq.metrics.score import Score
from seq2seq.run.environment import checksums, same_data
from seq2seq.run.folder import RunFolder, RunFolderError, check_same_architecture
from seq2seq.run.parsing import leaves
from seq2seq.run.selection import Selection
from seq2seq.run.task import Prepared
from seq2seq.tasks.speech import ending, network
from seq2seq.tasks.speech.codec import SpeechCodec
from seq2seq.tasks.speech.data import Corpus, find_corpus
from seq2seq.tasks.speech.folder import SpeechRunFolder
from seq2seq.tasks.speech.prepare import SpeechStores, learn_codec
from seq2seq.tasks.speech.recipe import Recipe

if TYPE_CHECKING:
    from seq2seq.inference.recognition import Recognizer
    from seq2seq.models.acoustic import AcousticModel

SELECTION = Selection("cer", False, "a recogniser is chosen by its characters")


def open_data(recipe: Recipe) -> Corpus:
    """Returns the utterances; ValueError where a recording is missing."""
    return find_corpus(recipe.data)


def record_data(folder: RunFolder, data: Corpus) -> None:
    """Writes data.json; RunFolderError if a run that goes on had other manifests."""
    training = checksums(data.files)
    same_data(folder, training)
    tests = {name: {"manifest": str(path.resolve())} for name, path in data.tests.items()}
    folder.write_json(folder.data_file, {"training": training, "tests": tests})


def prepare(run: RunFolder, recipe: Recipe, data: Corpus) -> Prepared:
    """Learns front end and tokeniser, or reads them again, and turns the utterances into numbers."""
    folder = SpeechRunFolder(run.path)
    codec = learn_codec(folder, recipe, data)
    stores = SpeechStores(folder, recipe, data, codec)
    return Prepared(codec, stores, SELECTION, stores.steps_per_label * math.log(codec.text.size))


def build_model(recipe: Recipe, codec: SpeechCodec) -> AcousticModel:
    """Returns a new, built `AcousticModel`."""
    model: AcousticModel = network.build_network(recipe.model, codec.frontend.mels.mels, codec.text.size)
    return model


def objective(recipe: Recipe, model: AcousticModel) -> Any:
    """Returns the network with its loss."""
    return network.build_objective(recipe.model, model)


def begin_epoch(objective: Any, recipe: Recipe, epoch: int) -> None:
    """Sets nothing: all epochs are alike."""


def validator(model: Any, codec: SpeechCodec, data: Corpus, recipe: Recipe) -> Callable[[float], dict[str, Score]]:
    """Returns what transcribes the validation data by the likeliest symbols, and counts the errors."""
    from seq2seq.inference.acoustic import KerasNetwork
    from seq2seq.inference.recognition import Recognizer, plain_search
    from seq2seq.metrics.error_rate import error_rates

    search = plain_search(codec.text, beam_size=1)
    recognizer = Recognizer(KerasNetwork(model), codec.frontend, codec.text, search)
    frames = [
        codec.frontend.frames(load_samples(utterance, recipe.audio.rate, recipe.data.channel))
        for utterance in data.validation
    ]
    references = [utterance.text for utterance in data.validation]

    def validate(nll: float) -> dict[str, Score]:
        found = [result.text for result in recognizer.transcribe_frames(frames)]
        return error_rates(found, references)

    return validate


def batch_as_text(codec: SpeechCodec, plan: Any, step: int) -> str:
    """Returns the text of each row of a batch."""
    batch = plan[step]
    ids = [row[weights > 0].tolist() for row, weights in zip(batch.target_output, batch.weights, strict=True)]
    return "".join(f"{text}\n" for text in codec.text.decode(ids))


def finish(run: RunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores the tests and writes what the run leaves."""
    ending.finish(SpeechRunFolder(run.path), recipe, data)


def finish_average(folder: RunFolder) -> None:
    """Learns nothing: all that a model needs is in its weights."""


def load(path: Path, others: Sequence[Path] = (), **options: Any) -> Recognizer:
    """Returns what transcribes."""
    from seq2seq.tasks.speech.loading import load_recognizer

    if options:
        raise ValueError(f"A recogniser is loaded without options. Received: {', '.join(options)}")
    return load_recognizer(path, others)


def example(recipe: Recipe) -> str:
    """Returns a command that tries out a run, with {run} for its folder."""
    return "seq2seq transcribe {run} recording.wav"


def export(run: Path, form: str, folder: Path, search: Mapping[str, Any], **options: Any) -> Path:
    """Writes a run in a form that others serve."""
    if unknown := [name for name in search if name != "beam_size"]:
        names = {"num_best": "n-best"}
        flags = ", ".join(f"--{names.get(name, name.replace('_', '-'))}" for name in unknown)
        raise ValueError(f"A recogniser is exported with --beam-size as its only option of a search. Received: {flags}")
    from seq2seq.export.acoustic import export_acoustic
    from seq2seq.inference.recognition import plain_search
    from seq2seq.tasks.speech.loading import load_recognizer

    recognizer = load_recognizer(run)
    if "beam_size" in search:
        recognizer.beam = plain_search(recognizer.codec, search["beam_size"])
    return export_acoustic(form, recognizer, folder, **options)


def check_same_codec(first: RunFolder, other: RunFolder) -> None:
    """Raises RunFolderError if two runs have other networks, front ends or vocabularies."""
    folders = SpeechRunFolder(first.path), SpeechRunFolder(other.path)
    one, two = (dict(leaves(folder.load_recipe().model)) for folder in folders)
    check_same_architecture(first, other, one, two)
    codecs = [folder.load_codec() for folder in folders]
    if codecs[0].text.vocabulary != codecs[1].text.vocabulary:
        raise RunFolderError(
            f"{first.path} and {other.path} have different vocabularies: ids of the one mean nothing to the other."
        )
    if codecs[0].frontend != codecs[1].frontend:
        raise RunFolderError(f"{first.path} and {other.path} normalise sound by other means and variances.")


def untrained_model(run: RunFolder, weights: Sequence[Path]) -> AcousticModel:
    """Returns the network of a run without its weights; RunFolderError if one of the files is too small for it."""
    folder = SpeechRunFolder(run.path)
    recipe, codec = folder.load_recipe(), folder.load_codec()
    for file in weights:
        network.check_size(recipe.model, file)
    return build_model(recipe, codec)


def codec_files(run: RunFolder) -> list[Path]:
    """Returns the files of front end and tokeniser."""
    folder = SpeechRunFolder(run.path)
    files = (folder.frontend_file, folder.vocabulary_file, folder.tokenizer_file)
    return [file for file in files if file.is_file()]


def learned_files(run: RunFolder) -> list[Path]:
    """Returns none: all that a model needs is in its codec and its weights."""
    return []
