"""What a run depends on besides its recipe: versions, machine, flags, the state of the code, the bytes of its data."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seq2seq.backend import prepare_keras
from seq2seq.distributed import team
from seq2seq.files import read_json
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.run.report import versions

_log = logging.getLogger(__name__)

PREFIXES = ("TF_", "XLA_", "KERAS_", "OMP_", "MKL_", "CUDA_", "NVIDIA_", "JAX_", "SEQ2SEQ_", "PYTHONHASHSEED")
"""Beginnings of the environment variables that are recorded."""
DECIDING = ("versions", "backend", "threads", "platform")
"""Parts of a record on which the bits of a result may depend."""


def make_deterministic() -> None:
    """Lets TensorFlow use only operations that give the same bits every time, given the same number of threads."""
    prepare_keras()
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def record_start(folder: RunFolder) -> None:
    """Adds a start to environment.json, and warns where something that decides the bits differs from the first start.

    Raises:
        RunFolderError: another number of processes has begun what is in the folder.
    """
    try:
        starts = list(read_json(folder.environment_file)["starts"])
        first: dict[str, Any] = dict(starts[0])
        before = int(dict(starts[-1]).get("workers", 1))
    except (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError):
        starts, first, before = [], {}, team.size()
    now = describe()
    if before != now["workers"] and folder.checkpoint_file.exists():
        how = f"with --workers {before} (or a cluster of as many)" if before > 1 else "without --workers"
        raise RunFolderError(
            f"The run in {folder.path} was begun by {before} process{'es' * (before > 1)}, and now there "
            f"{'are' if now['workers'] > 1 else 'is'} {now['workers']}: the batches would differ. Go on {how}, or "
            "choose another folder with --run-folder."
        )
    for part in DECIDING:
        if first and first.get(part) != now[part]:
            _log.warning(
                "This run was begun with other %s (%s there, %s now): the last digits may differ from an unbroken run.",
                *(part, *_difference(first.get(part), now[part])),
            )
    folder.write_json(folder.environment_file, {"starts": [*starts, now]})


def describe() -> dict[str, Any]:
    """Returns what a result may depend on, as plain JSON."""
    import keras

    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "versions": versions(),
        "backend": keras.backend.backend(),
        "threads": _threads(),
        "workers": team.size(),
        "platform": platform.platform(),
        "variables": {name: value for name, value in sorted(os.environ.items()) if name.startswith(PREFIXES)},
        "git": _git(Path(__file__).parent),
    }


def checksums(files: Iterable[Path]) -> dict[str, str | None]:
    """Returns the sha256 of every file by its path; None for what came through a pipe."""
    resolved = dict.fromkeys(path.resolve() for path in files)
    return {str(path): sha256(path) if path.is_file() else None for path in resolved}


def same_data(folder: RunFolder, now: dict[str, str | None]) -> None:
    """Raises RunFolderError where the training data are not what they were when the run began.

    Files may have moved, but must hold the same bytes.
    """
    try:
        before = dict(read_json(folder.data_file)["training"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # nothing is on record yet
    if list(before.values()) == list(now.values()):
        return
    changed = [f"  {path}: sha256 {before.get(path, 'none')} then, {now[path]} now" for path in now]
    raise RunFolderError(
        f"The training data are not what they were when the run in {folder.path} began:\n"
        + "\n".join(line for path, line in zip(now, changed, strict=True) if before.get(path) != now[path])
        + "\nBring the old files back, or choose another folder with --run-folder."
    )


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _threads() -> dict[str, int]:
    """Returns the cores that this process may use and the sizes of TensorFlow's pools (0: its default)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = {"cores": cores}
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        found["intra_op"] = tf.config.threading.get_intra_op_parallelism_threads()
        found["inter_op"] = tf.config.threading.get_inter_op_parallelism_threads()
    return found


def _git(folder: Path) -> dict[str, Any] | None:
    """Returns the commit of the code and whether it was changed since; None outside a repository."""

    def ask(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        if Path(ask("rev-parse", "--show-toplevel")) != folder.parent.parent.resolve():
            return None  # installed somewhere within another project's repository
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _difference(before: Any, now: Any) -> tuple[Any, Any]:
    if isinstance(before, dict) and isinstance(now, dict):
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        return tuple(", ".join(f"{name} {part.get(name)}" for name in names) for part in (before, now))  # type: ignore[return-value]
    return before, now
