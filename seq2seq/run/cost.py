"""What training by a recipe would take on this machine: a few steps are measured on batches as the corpus has them."""

from __future__ import annotations

import re
import resource
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.backend import prepare_keras
from seq2seq.doctor.report import Forecast
from seq2seq.pipeline.padding import padded
from seq2seq.pipeline.plan import Plan
from seq2seq.spawning import spawn_context
from seq2seq.symbols import EOS, NAMES
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.text.token_batches import PAIRS, shift
from seq2seq.types import Batch

SAMPLE = 50_000
"""Pairs that a plan is made of; the steps of a larger corpus are reckoned from it."""
WARM_UP, MEASURED = 4, 40
"""Steps before the clock runs, and after, at most."""
PATIENCE = 600.0
"""Seconds until the measuring process is given up."""
Vocabularies = tuple[list[str], list[str]]
"""Of source and target, pieces by their ids."""


def forecast(recipe: Recipe, vocabularies: Vocabularies, pieces: np.ndarray, seconds: float = 8.0) -> Forecast | None:
    """Measures some steps of the recipe's training in a process of its own.

    Args:
        recipe: With its model and its batching.
        vocabularies: Of source and target, pieces by their ids.
        pieces: `(2, pairs)` lengths of source and target, EOS counted, of the pairs that training would take.
        seconds: How long to measure, about; starting takes some more.

    Returns:
        None where there is no pair.

    Raises:
        ValueError: the recipe's numbers do not fit together, or the process ended without an answer.
    """
    count = pieces.shape[1]
    if recipe.data.max_train:
        count = min(count, recipe.data.max_train)
    if not count:
        return None
    rows = np.unique(np.linspace(0, count - 1, min(count, SAMPLE)).astype(np.int64))
    sizes = len(vocabularies[0]), len(vocabularies[1])
    store = _Synthetic(np.asarray(pieces[:, rows], np.int64), sizes)
    plan = Plan(store, PAIRS, recipe.batching, recipe.seed)
    steps = max(1, round(len(plan) * count / len(rows)))
    widest = int(pieces[0, :count].max()), int(pieces[1, :count].max())
    chosen = np.random.default_rng(recipe.seed).integers(0, len(plan), WARM_UP - 1 + MEASURED)
    batches = [store.full(*widest, recipe.batching.tokens, recipe.batching.max_rows)]
    batches += [plan[int(step)] for step in chosen]
    answer = _apart(recipe, vocabularies, batches, seconds)
    step, epochs = float(np.mean(answer["steps"])), recipe.training.epochs
    return Forecast(
        *(answer["parameters"], steps, step, steps * step, epochs, epochs * steps * step, answer["memory_mb"]),
        measured_steps=len(answer["steps"]),
        note="On a GPU its memory is not counted in." if answer["gpu"] else "",
    )


class _Synthetic:
    """A token store of random ids with given lengths."""

    def __init__(self, lengths: np.ndarray, sizes: tuple[int, int]):
        draw = np.random.default_rng(1)
        columns = (_SyntheticColumn(row, size, draw) for row, size in zip(lengths, sizes, strict=True))
        self._columns = dict(zip(("source", "target"), columns, strict=True))

    def __len__(self) -> int:
        return len(self.lengths("source"))

    def __getitem__(self, name: str) -> _SyntheticColumn:
        return self._columns[name]

    def lengths(self, name: str) -> np.ndarray:
        return self._columns[name].lengths

    def full(self, source: int, target: int, tokens: int, most: int) -> Batch:
        """Returns the widest batch that a plan can make."""
        rows = min(most, max(1, tokens // (source + target)))
        sources = padded([self["source"].ids(source) for _ in range(rows)])
        targets = padded([self["target"].ids(target) for _ in range(rows)])
        return Batch(sources, *shift(targets.values), targets.mask.astype(np.float32))


class _SyntheticColumn:
    def __init__(self, lengths: np.ndarray, size: int, draw: np.random.Generator):
        self.lengths, self.size, self.draw = lengths, size, draw

    def __getitem__(self, row: int) -> np.ndarray:
        return self.ids(int(self.lengths[row]))

    def ids(self, length: int) -> np.ndarray:
        """Returns random ids and EOS, `(length,)`."""
        first = min(len(NAMES), self.size - 1)
        return np.append(self.draw.integers(first, self.size, length - 1), EOS)


class _Batches:
    """Batches in the form of a plan."""

    def __init__(self, batches: list[Batch]):
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, step: int) -> Batch:
        return self.batches[step]

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def _apart(recipe: Recipe, vocabularies: Vocabularies, batches: list[Batch], seconds: float) -> dict[str, Any]:
    """Measures in a fresh process, whose memory is that of training alone."""
    spawn = spawn_context()
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_answer, args=(theirs, recipe, vocabularies, batches, seconds), daemon=True)
    process.start()
    theirs.close()
    try:
        answer = ours.recv() if ours.poll(PATIENCE) else "it took too long"
    except EOFError:
        answer = "its process ended; was there too little memory?"
    finally:
        process.kill()
        process.join()
    if isinstance(answer, str):
        raise ValueError(f"The recipe's training could not be measured: {answer}")
    return dict(answer)


def _answer(pipe: Connection, recipe: Recipe, vocabularies: Vocabularies, batches: list[Batch], seconds: float) -> None:
    try:
        pipe.send(measure(recipe, vocabularies, batches, seconds))
    except Exception as error:
        pipe.send(" ".join(str(error).split())[:300] or type(error).__name__)


def measure(recipe: Recipe, vocabularies: Vocabularies, batches: list[Batch], seconds: float) -> dict[str, Any]:
    """Trains on `batches`, the widest first; returns the seconds of each step after the warm-up, and the memory."""
    prepare_keras()
    import keras

    from seq2seq.pipeline.feed import as_fit_data, new_shapes_are_cheap
    from seq2seq.run.train import make_optimizer
    from seq2seq.tasks.text_to_text.model import build_model
    from seq2seq.training.losses import TeacherForcing

    class Clock(keras.callbacks.Callback):
        """Notes when each step has ended, and stops after `seconds`."""

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
        source, target = vocabularies
        model = build_model(recipe.model, len(source), len(target), source)
        trainee = TeacherForcing(model, recipe.training.label_smoothing, recipe.training.loss_budget_mb * 2**20)
        trainee.build()
        trainee.compile(make_optimizer(recipe, 1000), jit_compile=not new_shapes_are_cheap())
        if not new_shapes_are_cheap():  # every shape is compiled when it first comes
            trainee.fit(as_fit_data(_Batches(batches)), shuffle=False, verbose=0)  # type: ignore[arg-type]
        clock = Clock()
        trainee.fit(as_fit_data(_Batches(batches)), shuffle=False, verbose=0, callbacks=[clock])  # type: ignore[arg-type]
    finally:
        keras.config.set_dtype_policy("float32")
    return {
        "parameters": int(model.count_params()),
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
