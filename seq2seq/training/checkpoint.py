"""All that a run needs to go on: every variable, and where it stands. One file, arrays without pickle."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from seq2seq.files import whole_file


def save_checkpoint(path: Path, trainee: keras.Model, progress: dict[str, Any]) -> None:
    """Writes weights, optimizer, averages, the states of all random generators and `progress` (plain JSON values).

    The file appears under its name only when it is whole and on the disk.
    """
    arrays = {f"v{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(_variables(trainee))}
    with whole_file(path) as partial, open(partial, "wb") as file:
        np.savez(file, progress=np.frombuffer(json.dumps(progress).encode("utf-8"), np.uint8), **arrays)


def load_checkpoint(path: Path, trainee: keras.Model) -> dict[str, Any]:
    """Sets every variable of a compiled, built `trainee` and returns the progress.

    Raises:
        ValueError: the file is damaged or of another model.
    """
    variables = _variables(trainee)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as data:
            progress = json.loads(bytes(data["progress"]).decode("utf-8"))
            arrays = [data[f"v{i}"] for i in range(len(variables))]
            extra = f"v{len(variables)}" in data
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path}: the checkpoint is damaged or of another model ({error}). Delete it to train from the start."
        ) from error
    if extra or any(a.shape != tuple(v.shape) for a, v in zip(arrays, variables, strict=True)):
        raise ValueError(f"{path}: the checkpoint is of another model. Delete it to train from the start.")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
    return dict(progress)


def _variables(trainee: keras.Model) -> list[Any]:
    # `variables`, unlike `weights`, holds the states of the random generators, without which dropout would differ.
    metrics = {id(v) for metric in trainee.metrics for v in metric.variables}
    own = [v for v in trainee.variables if id(v) not in metrics]
    return own + list(trainee.optimizer.variables)
