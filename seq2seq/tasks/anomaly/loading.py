"""From a run folder to a detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.run.environment import checksums
from seq2seq.run.folder import RunFolderError
from seq2seq.series.streams import StreamCodec
from seq2seq.tasks.anomaly.data import Corpus, find_corpus
from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
from seq2seq.tasks.anomaly.network import score_parts
from seq2seq.tasks.anomaly.recipe import Recipe

if TYPE_CHECKING:
    from seq2seq.inference.anomalies import AnomalyDetector


def load_detector(path: Path, others: Sequence[Path] = ()) -> AnomalyDetector:
    """Returns the detector of a run folder.

    Raises:
        ValueError: something is missing or damaged, or several runs are given.
    """
    if others:
        raise ValueError(f"A detector is made of one run. Received: {path} and {len(others)} more.")
    folder = AnomalyRunFolder(path)
    recipe = folder.load_recipe()
    return make_detector(
        folder.load_model(), recipe, folder.load_codec(), folder.load_alarms(), folder.load_normal, lambda: own(folder)
    )


def make_detector(
    model: Any,
    recipe: Recipe,
    codec: StreamCodec,
    alarms: Any = None,
    normal: Callable[[], Any] = list,
    corpus: Callable[[], Corpus] | None = None,
) -> AnomalyDetector:
    """Returns the detector of a network in memory; `corpus` returns the data of the run."""
    from seq2seq.inference.anomalies import AnomalyDetector
    from seq2seq.inference.forecast_network import KerasStreams

    return AnomalyDetector(
        KerasStreams(model),
        codec,
        score_parts(recipe.alarms),
        alarms,
        normal,
        lambda: corpus().streams if corpus else [],
    )


def own(folder: AnomalyRunFolder) -> Corpus:
    """Returns the data of a run, found from any folder.

    Raises:
        ValueError: a file is missing, or has changed since.
    """
    recipe = folder.load_recipe()
    if recipe.data.corpus != "files":
        return find_corpus(recipe)
    for path, digest in folder.load_files().items():
        if checksums([Path(path)])[path] != digest:
            raise RunFolderError(
                f"{path}: this table of {folder.path} is missing or has changed since training. Give the table to "
                "look at with --input FILE."
            )
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"train": path})})
    return find_corpus(recipe)
