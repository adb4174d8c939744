"""What a step of training takes on this machine: some are measured in a process of their own."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.backend import prepare_keras
from seq2seq.run.sections import Recipe
from seq2seq.spawning import spawn_context
from seq2seq.types import Batch

WARM_UP = 4
"""Steps before the clock runs."""
PATIENCE = 600.0
"""Seconds until the measuring process is given up."""

Make = Callable[[], Any]
"""Returns an objective, not yet compiled. It is called in another process."""


class _Batches:
    """Batches in the form of a plan."""

    def __init__(self, batches: Sequence[Batch]):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, step: int) -> Batch:
        return self.batches[step]

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def measure_in_process(make: Make, recipe: Recipe, batches: Sequence[Batch], seconds: float) -> dict[str, Any]:
    """Measures as `measure` in a fresh process, whose memory is that of training alone.

    Raises:
        ValueError: the process ended without an answer, or something failed in it.
    """
    spawn = spawn_context()
    receiver, sender = spawn.Pipe()
    process = spawn.Process(target=_answer, args=(sender, make, recipe, batches, seconds), daemon=True)
    process.start()
    sender.close()
    try:
        answer = receiver.recv() if receiver.poll(PATIENCE) else "it took too long"
    except EOFError:
        answer = "its process ended; was there too little memory?"
    finally:
        process.kill()
        process.join()
    if isinstance(answer, str):
        raise ValueError(f"The recipe's training could not be measured: {answer}")
    return dict(answer)


def _answer(pipe: Connection, make: Make, recipe: Recipe, batches: Sequence[Batch], seconds: float) -> None:
    try:
        pipe.send(measure(make, recipe, batches, seconds))
    except Exception as error:
        pipe.send(" ".join(str(error).split())[:300] or type(error).__name__)


def measure(make: Make, recipe: Recipe, batches: Sequence[Batch], seconds: float) -> dict[str, Any]:
    """Trains on `batches`, the widest first.

    Returns:
        "parameters", "steps" (the seconds of each step after the warm-up), "memory_mb" and "gpu".
    """
    prepare_keras()
    import keras

    from seq2seq.pipeline.feed import as_fit_data, new_shapes_are_cheap
    from seq2seq.run.train import make_optimizer

    class Clock(keras.callbacks.Callback):
        """Notes when each step ends, and stops after `seconds`."""

        def __init__(self) -> None:
            super().__init__()
            self.ends: list[float] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.ends.append(time.monotonic())
            enough = len(self.ends) > WARM_UP + 2 and self.ends[-1] - self.ends[WARM_UP - 1] > seconds
            self.model.stop_training = enough

    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy(recipe.training.precision)
    try:
        objective = make()
        objective.build()
        objective.compile(make_optimizer(recipe, 1000), jit_compile=not new_shapes_are_cheap())
        if not new_shapes_are_cheap():  # every shape is compiled when it first comes
            objective.fit(as_fit_data(_Batches(batches)), shuffle=False, verbose=0)
        clock = Clock()
        objective.fit(as_fit_data(_Batches(batches)), shuffle=False, verbose=0, callbacks=[clock])
    finally:
        keras.config.set_dtype_policy("float32")
    return {
        "parameters": int(objective.model.count_params()),
        "steps": np.diff(clock.ends[WARM_UP - 1 :]).tolist(),
        "memory_mb": _peak_mb(),
        "gpu": _has_gpu(),
    }


def _peak_mb() -> int:
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+(\d+)", status.read_text())):
        return int(found.group(1)) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _has_gpu() -> bool:
    import keras

    return any("gpu" in device.lower() for device in keras.distribution.list_devices())
