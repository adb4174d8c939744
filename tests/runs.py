"""A recipe of seconds on text made here, so that no test depends on a corpus."""

from __future__ import annotations

import copy
import csv
import fcntl
import importlib
import io
import os
import random
import shutil
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stdout
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from benchmarks.faults import weights
from recipes.translation import RECIPES
from seq2seq.cli.main import main as command
from seq2seq.cli.train import run_recipe
from seq2seq.tasks.text_to_text import loading
from tests.small_task import run_small

TINY = [
    *("--tokenizer.size", "60", "--model.embedding", "8", "--model.encoder.units", "8", "--model.decoder.units", "8"),
    *("--batching.tokens", "600", "--batching.buckets", "2", "--training.epochs", "3", "--training.warmup_steps", "3"),
    *("--training.learning_rate", "0.01", "--search.beam_size", "2", "--search.max_ratio", "1", "--exports", ""),
]


@pytest.fixture(scope="session")
def corpus_files(made_once: Any) -> Path:
    """A folder with train, validation and test of a toy language: the words of a sentence in capitals."""
    return made_once("corpus", write_corpus)


def write_corpus(folder: Path) -> None:
    folder.mkdir()
    draw = random.Random(3)
    words = ["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]
    for split, count in (("train", 120), ("validation", 12), ("test", 8)):
        lines = [" ".join(draw.choice(words) for _ in range(draw.randint(1, 6))) for _ in range(count)]
        (folder / f"{split}.x").write_text("".join(line + "\n" for line in lines), "utf-8")
        (folder / f"{split}.y").write_text("".join(line.upper() + "\n" for line in lines), "utf-8")


def files_flags(folder: Path) -> list[str]:
    """The words of a command line that name the files of `corpus_files`."""
    return [
        word
        for split in ("train", "validation", "test")
        for side, end in (("source", "x"), ("target", "y"))
        for word in (f"--data.{split}.{side}", str(folder / f"{split}.{end}"))
    ]


@pytest.fixture(scope="session")
def run(corpus_files: Path) -> Callable[..., int]:
    """Runs the custom variant on the toy corpus in a folder; returns the exit code. It draws no curves."""

    def run_(folder: Path, *more: str) -> int:
        with patch("seq2seq.run.report.write_curves"):
            return run_recipe(RECIPES, "train", "", words_of(corpus_files, folder, *more))

    return run_


@pytest.fixture(scope="session")
def quick_run(corpus_files: Path) -> Callable[..., int]:
    """As `run`, in a third of the time, by a network that no later command can use: see `tests.small_task`."""
    return lambda folder, *more: run_small(words_of(corpus_files, folder, *more))


def words_of(files: Path, folder: Path, *more: str) -> list[str]:
    """The arguments of the custom variant on the toy corpus, in a folder. Of flags of one name the last one counts."""
    words = [*files_flags(files), *TINY, *more]
    flags = dict(zip(words[::2], words[1::2], strict=True))
    return ["custom", "--run-folder", str(folder), *(word for flag in flags.items() for word in flag)]


def history_of(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's history, without the time they took."""
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k not in ("seconds", "tokens_per_second")} for row in rows]


def training_of(folder: Path) -> dict[str, object]:
    """All that training leaves and that must not depend on how often a run was stopped, to the bit."""
    with np.load(folder / "checkpoint.npz") as arrays:
        state = {name: arrays[name].tobytes() for name in arrays.files if name.startswith("v")}
    files = {path.name: weights(path) for path in [folder / "model.weights.h5", *folder.glob("epochs/*")]}
    return {"history": history_of(folder), "state": state, **files}


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Makes a folder under a name, once for all processes that run tests; none of them may change it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-once"
    shared.mkdir(exist_ok=True)

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        with open(shared / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (shared / f"{name}.made").exists():
                fill(shared / name)
                (shared / f"{name}.made").touch()
        return shared / name

    return make


@pytest.fixture(scope="session")
def made_run(run: Callable[..., int], made_once: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a finished run, once for all processes; each gets a copy, as commands lock their folder."""

    def make(name: str, *more: str) -> Path:
        def train(folder: Path) -> None:
            assert run(folder, *more) == 0

        return Path(shutil.copytree(made_once(name, train), tmp_path_factory.mktemp("runs") / name))

    return make


@pytest.fixture(scope="session")
def finished(corpus_files: Path, made_once: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, finished, with curves; tests may not change it."""

    def train(folder: Path) -> None:
        assert run_recipe(RECIPES, "train", "", words_of(corpus_files, folder)) == 0

    return Path(shutil.copytree(made_once("finished", train), tmp_path_factory.mktemp("runs") / "finished"))


@pytest.fixture(scope="session")
def litert_folder(finished: Path, made_once: Any) -> Path:
    """The command's export of `finished`, not quantised; tests may not change it."""

    def export(folder: Path) -> None:
        words = ["export", finished, "--format", "litert", "--quantize", "none", "--output", folder]
        with redirect_stdout(io.StringIO()) as out:
            assert command([str(word) for word in words]) == 0
        assert out.getvalue() == f"{folder}\n"

    return made_once("finished.litert", export)


LOADERS = {
    "anomaly": "load_detector",
    "language_model": "load_text_model",
    "music": "load_model",
    "speech": "load_recognizer",
}
"""What loads a run of each task but text to text."""
_LOADED: OrderedDict[tuple[object, ...], Any] = OrderedDict()
_MOST_LOADED = 24


def _kept(key: tuple[object, ...], make: Callable[[], Any]) -> Any:
    """Returns what was made under a key, or makes it; the least recently used are forgotten."""
    if key not in _LOADED:
        _LOADED[key] = make()
        while len(_LOADED) > _MOST_LOADED:
            _LOADED.popitem(last=False)
    _LOADED.move_to_end(key)
    return _LOADED[key]


def _content(folder: Path | str) -> tuple[object, ...]:
    """A folder with the sizes and times of its files: where one of them changes, the run is another."""
    files = [(file.name, file.stat()) for file in sorted(Path(folder).glob("*")) if file.is_file()]
    return str(folder), *((name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in files)


def _generators(load: Callable[..., Any]) -> Callable[..., Any]:
    """Loads a generator once, and makes of it those with other searches."""

    def load_(path: Path, others: Any = (), ensemble: str = "probabilities", threads: int = 0, **options: Any) -> Any:
        def derived() -> Any:
            first = _kept(key, lambda: load(path, others, ensemble))
            search = first.options.changed(**options)
            return first.with_options(**{field.name: getattr(search, field.name) for field in fields(search)})

        key = (load, ensemble, *map(_content, (path, *others)))
        return _kept((*key, repr(sorted(options.items()))), derived)

    return load_


def _copies(load: Callable[..., Any]) -> Callable[..., Any]:
    """Loads once, and returns copies that share the network: what is set on one is not set on the others."""

    def load_(path: Path, others: Any = ()) -> Any:
        return copy.copy(_kept((load, *map(_content, (path, *others))), lambda: load(path, others)))

    return load_


@pytest.fixture(scope="module")
def loaded_once() -> Iterator[None]:
    """Commands in this process that load the same run share its network and its graphs.

    Not for laws about loading. A run whose files have changed is loaded anew. A limit of threads is not applied.
    """
    with ExitStack() as stack:
        stack.enter_context(patch.object(loading, "load_generator", _generators(loading.load_generator)))
        for task, function in LOADERS.items():
            module = importlib.import_module(f"seq2seq.tasks.{task}.loading")
            stack.enter_context(patch.object(module, function, _copies(getattr(module, function))))
        yield


@pytest.fixture(scope="session")
def quick_finished(quick_run: Callable[..., int], made_once: Any) -> Path:
    """A finished run of `quick_run`; tests may not change it, nor lock it."""

    def train(folder: Path) -> None:
        assert quick_run(folder) == 0

    return made_once("quick_finished", train)


@pytest.fixture(scope="session")
def backwards(made_run: Callable[..., Path]) -> Path:
    """As `finished`, of a run that writes from right to left."""
    return made_run("backwards", "--data.right_to_left", "true")


@pytest.fixture
def cli(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process; returns exit code, stdout and stderr."""

    def call(*words: object, text: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        capfdbinary.readouterr()
        try:
            code = command([str(word) for word in words])
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return call
