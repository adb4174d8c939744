"""From folders to a generator: of a run, of several as an ensemble, or of a LiteRT export."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.backend import prepare_keras
from seq2seq.lite.folder import is_lite_folder

if TYPE_CHECKING:
    from seq2seq.inference.generator import Generator
    from seq2seq.inference.lines import LineGenerator


MIXINGS = ("probabilities", "log-probabilities")
"""What an ensemble may take the mean of."""


def load_translator(
    path: Path, others: Sequence[Path | str] = (), ensemble: str = "probabilities", threads: int = 0, **options: Any
) -> LineGenerator:
    """Returns what translates with a run folder or a LiteRT folder, its search changed by `options`.

    A LiteRT folder needs neither TensorFlow nor Keras. With `threads` above 0 it takes no more of them; under
    TensorFlow that holds for the whole process, and can be said only before anything was computed.

    Raises:
        ValueError: what is wrong with the folder, or with `others`, as in `load_generator`.
        RuntimeError: `threads`, and TensorFlow has computed already.
    """
    _check_mixing(ensemble)
    if is_lite_folder(path) and not others:
        from seq2seq.lite.generator import LiteGenerator

        return LiteGenerator.load(path, threads, **options)
    return load_generator(path, others, ensemble, threads, **options)


def load_generator(
    path: Path, others: Sequence[Path | str] = (), ensemble: str = "probabilities", threads: int = 0, **options: Any
) -> Generator:
    """Returns the run's model with its tokenisers and its search, `options` changed; errors as `load_model`.

    Args:
        path: A run folder.
        others: Further run folders: what comes back is an ensemble that searches as the first does.
        ensemble: How it mixes; see `models.ensemble.Ensemble`.
        threads: As in `load_translator`.
        options: Fields of `SearchOptions`.
    """
    from seq2seq.tasks.text_to_text.folder import TextRunFolder
    from seq2seq.tasks.text_to_text.learned import load_learned, load_search

    _check_mixing(ensemble)
    paths = [Path(path), *map(Path, others)]
    for folder in paths if others else []:
        if is_lite_folder(folder):
            raise ValueError(f"{folder} is a LiteRT folder: an ensemble takes run folders.")
    searches = [load_search(TextRunFolder(folder)) for folder in paths]
    search = searches[0].changed(**options)
    # Everything that is quick to check has been checked: now the framework.
    prepare_keras()
    if threads:
        _limit_threads(threads)
    from seq2seq.inference.generator import Generator

    members = [Generator(*TextRunFolder(folder).load_model(), search) for folder in paths]
    for folder, member in zip(paths, members, strict=True):
        member.wait_k = TextRunFolder(folder).load_recipe().training.wait_k
        if learned := load_learned(TextRunFolder(folder)):
            member.several_sentences = learned.several_sentences
    if not others:
        return members[0]
    from seq2seq.inference.ensemble import EnsembleGenerator

    return EnsembleGenerator(members, ensemble, search, [str(folder) for folder in paths])


def _check_mixing(ensemble: str) -> None:
    if ensemble not in MIXINGS:
        raise ValueError(f"ensemble must be one of {', '.join(MIXINGS)}. Received: {ensemble!r}")


def fingerprint(path: Path) -> str:
    """Returns a digest of all that a run folder or a LiteRT folder translates by.

    Raises:
        ValueError: it is neither, or damaged.
    """
    from seq2seq.lite.folder import load_shape
    from seq2seq.lite.kinds import SHAPE_FILE
    from seq2seq.tasks.text_to_text.folder import TextRunFolder

    path, digest = Path(path), hashlib.sha256()
    if is_lite_folder(path):
        load_shape(path)  # which holds the checksums of the other files, and has compared them
        files = [path / SHAPE_FILE]
    else:
        run = TextRunFolder(path)
        run.load_recipe()
        run.load_tokenizers()
        files = [run.recipe_file, run.weights_file, path / "source.model", path / "target.model"]
        files += [run.learned_file] if run.learned_file.exists() else []
    for file in files:
        if not file.is_file():
            raise ValueError(f"{path} has no trained weights yet: {file.name} is missing.")
        with open(file, "rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]


def _limit_threads(threads: int) -> None:
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
