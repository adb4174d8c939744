"""The history of a run and its curves, and the versions that its results depend on."""

from __future__ import annotations

import csv
import io
import platform
from importlib import metadata
from typing import Any

from seq2seq import __version__
from seq2seq.figures import new_figure
from seq2seq.files import whole_file
from seq2seq.run.folder import RunFolder, RunFolderError


def write_history(folder: RunFolder, history: list[dict[str, Any]]) -> None:
    """Writes one row per epoch to history.csv; nothing where there is none."""
    if not history:
        return
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in history for name in row))
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    folder.write(folder.history_file, text.getvalue())


def write_curves(folder: RunFolder, history: list[dict[str, Any]], score: str, unit: str) -> None:
    """Draws losses, which are in that unit, and the validation score of that name over the epochs to curves.png."""
    epochs = [row["epoch"] for row in history]
    figure = new_figure(figsize=(10, 4), layout="constrained")
    losses, scores = figure.subplots(1, 2)
    losses.plot(epochs, [row["nll"] for row in history], marker=".", label="training (with dropout)")
    losses.plot(epochs, [row["val_nll"] for row in history], marker=".", label="validation (averaged weights)")
    losses.set(xlabel="epoch", ylabel=unit, title="Loss, without smoothing")
    losses.legend()
    scores.plot(epochs, [row[f"val_{score}"] for row in history], marker=".", color="tab:green")
    scores.set(xlabel="epoch", ylabel=_title(score), title=f"Validation {_title(score)}")
    for axes in (losses, scores):
        axes.grid(alpha=0.3)
    with whole_file(folder.curves_file) as partial:
        figure.savefig(partial, format="png", dpi=100)


def _title(score: str) -> str:
    return score.replace("_", " ").upper()


def versions() -> dict[str, str]:
    """Returns the versions of everything that a score may depend on."""
    names = ("keras", "tensorflow", "jax", "numpy", "sentencepiece", "sacrebleu", "sacremoses", "rouge-score")
    found = {"python": platform.python_version(), "seq2seq": __version__}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def read_history(folder: RunFolder) -> list[dict[str, str]]:
    """Returns the rows of history.csv; RunFolderError if it is damaged."""
    try:
        with open(folder.history_file, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (ValueError, csv.Error) as error:
        raise RunFolderError(f"{folder.history_file}: damaged ({error}).") from error
