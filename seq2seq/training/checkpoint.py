"""Checkpoints: every variable and the progress of a run in one file, as arrays without pickle, with a checksum."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

import keras
import numpy as np
from numpy.lib import format as npy

from seq2seq.files import check_regular, parse_json, whole_file

_log = logging.getLogger(__name__)

MOST_PROGRESS = 1 << 26
"""Bytes of JSON, at most."""


def save_checkpoint(path: Path, objective: keras.Model, progress: dict[str, Any]) -> None:
    """Writes weights, optimizer, averages, metrics, the states of all random generators, and `progress` (plain JSON).

    The file appears under its name only when it is whole and on the disk; the previous one is kept beside it.
    """
    # JAX keeps the state of a training that is under way to itself.
    getattr(objective, "jax_state_sync", lambda: None)()
    arrays = [np.asarray(keras.ops.convert_to_numpy(v), order="C") for v in _variables(objective)]
    text = json.dumps(progress).encode("utf-8")
    parts: dict[str, Any] = {f"v{i}": array for i, array in enumerate(arrays)}
    parts |= {"progress": np.frombuffer(text, np.uint8), "sha256": np.frombuffer(_digest(text, arrays), np.uint8)}
    with whole_file(path) as partial:
        with open(partial, "wb") as file:
            np.savez(file, **parts)
        if path.exists():
            keep = before(path)
            keep.unlink(missing_ok=True)
            try:
                os.link(path, keep)
            except OSError:  # no hard links here: for a moment only the old file exists, under the other name
                path.replace(keep)


def load_checkpoint(
    path: Path, objective: keras.Model, check: Callable[[Any], None] = lambda progress: None
) -> dict[str, Any] | None:
    """Sets every variable of a compiled, built `objective` and returns the progress; None where there is no checkpoint.

    A damaged file is named in the log, and the previous one is used.

    Args:
        path: The newer of the two files.
        objective: What was saved.
        check: Raises ValueError if the run cannot go on from such a progress: the file counts as damaged.

    Raises:
        ValueError: there are checkpoints, but none is whole and of this model; no variable was changed.
    """
    variables = _variables(objective)
    problems = []
    for file in (path, before(path)):
        if not os.path.lexists(file):
            continue
        try:
            progress, arrays = _read(file, variables)
            check(progress)
        except MemoryError:
            raise
        except Exception as error:  # zipfile raises many kinds for a bad file
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            problems.append(f"{file}: the checkpoint is damaged or of another model ({reason}).")
            continue
        for problem in problems:
            _log.warning("%s Going on from %s.", problem, file.name)
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        return progress
    if problems:
        raise ValueError("\n".join(problems) + "\nDelete the run folder to train from the start.")
    return None


def before(path: Path) -> Path:
    """Returns where the checkpoint before the one at `path` is kept."""
    return path.with_name(f"{path.stem}.before{path.suffix}")


def _variables(objective: keras.Model) -> list[Any]:
    # `variables`, unlike `weights`, holds the states of the random generators, without which dropout would differ.
    found = [*objective.variables, *objective.metrics_variables, *objective.optimizer.variables]
    return list({id(variable): variable for variable in found}.values())


def _digest(progress: bytes, arrays: Sequence[np.ndarray]) -> bytes:
    digest = hashlib.sha256(progress)
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(array.data if array.size else b"")
    return digest.digest()


def _read(path: Path, variables: Sequence[Any]) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Reads the whole file before anything is set; nothing larger than the variables is ever made."""
    check_regular(path)
    with zipfile.ZipFile(path) as members:
        for member in members.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed, which no checkpoint is")
        if len(members.namelist()) != len(variables) + 2:
            raise ValueError(f"it holds {len(members.namelist()) - 2} variables, the model has {len(variables)}")
        size = members.getinfo("progress.npy").file_size
        if size > MOST_PROGRESS:
            raise ValueError(f"its progress takes {size:,} bytes")
        with members.open("progress.npy") as file:
            shape, kind = _header(file)
            text = file.read(MOST_PROGRESS)
        if kind != np.uint8 or shape != (len(text),):
            raise ValueError("its progress is no text")
        with members.open("sha256.npy") as file:
            _header(file)
            recorded = file.read(64)
        arrays = [_array(members, f"v{i}.npy", variable) for i, variable in enumerate(variables)]
    if _digest(text, arrays) != recorded:
        raise ValueError(f"its sha256 is {_digest(text, arrays).hex()}, recorded is {recorded.hex()}")
    for number, (variable, array) in enumerate(zip(variables, arrays, strict=True)):
        # Scalars may be infinite: the norm of a refused gradient is one.
        if array.ndim and array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"v{number}.npy, {variable.path}, holds numbers that are not finite")
    progress = parse_json(text)
    if not isinstance(progress, dict):
        raise ValueError(f"its progress is a {type(progress).__name__}, expected an object")
    return progress, arrays


def _array(members: zipfile.ZipFile, name: str, variable: Any) -> np.ndarray:
    with members.open(name) as file:
        shape, kind = _header(file)
        expected, number = tuple(variable.shape), np.dtype(keras.backend.standardize_dtype(variable.dtype))
        if shape != expected or kind != number:
            raise ValueError(f"{name} is {kind}{list(shape)}, the model needs {number}{list(expected)}")
        size = math.prod(shape) * kind.itemsize
        data = file.read(size)
    if len(data) != size:
        raise ValueError(f"{name} ends early")
    return np.frombuffer(data, kind).reshape(shape)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Reads the header of an .npy; refuses objects, which need pickle."""
    version = npy.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"it is in version {version} of the format")
    shape, fortran, kind = npy.read_array_header_1_0(file)
    if fortran or kind.hasobject:
        raise ValueError("its arrays are of another kind")
    return shape, kind
