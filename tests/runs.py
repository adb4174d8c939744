"""A recipe of seconds on text made here, so that no test depends on a corpus."""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.translation import RECIPES
from seq2seq.cli.main import main as command
from seq2seq.cli.train import run_recipe

TINY = [
    *("--tokenizer.size", "60", "--model.embedding", "8", "--model.encoder.units", "8", "--model.decoder.units", "8"),
    *("--batching.tokens", "600", "--batching.buckets", "2", "--training.epochs", "3", "--training.warmup_steps", "3"),
    *("--training.learning_rate", "0.01", "--search.beam_size", "2", "--search.max_ratio", "1", "--exports", ""),
]


@pytest.fixture(scope="session")
def corpus_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train, validation and test of a toy language: the words of a sentence in capitals."""
    folder, draw = tmp_path_factory.mktemp("corpus"), random.Random(3)
    words = ["ab", "cd", "ef", "gh", "ij", "kl", "mn", "op"]
    for split, count in (("train", 120), ("validation", 12), ("test", 8)):
        lines = [" ".join(draw.choice(words) for _ in range(draw.randint(1, 6))) for _ in range(count)]
        (folder / f"{split}.x").write_text("".join(line + "\n" for line in lines), "utf-8")
        (folder / f"{split}.y").write_text("".join(line.upper() + "\n" for line in lines), "utf-8")
    return folder


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
    """Runs the custom variant on the toy corpus in a folder; returns the exit code."""

    def run_(folder: Path, *more: str) -> int:
        words = [*files_flags(corpus_files), *TINY, *more]
        flags = dict(zip(words[::2], words[1::2], strict=True))  # what comes later wins
        pairs = [word for flag in flags.items() for word in flag]
        return run_recipe(RECIPES, "train", "", ["custom", "--run-folder", str(folder), *pairs])

    return run_


@pytest.fixture(scope="session")
def finished(run: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, finished; tests may not change it."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    assert run(folder) == 0
    return folder


@pytest.fixture(scope="session")
def backwards(run: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `finished`, of a run that writes from right to left."""
    folder = tmp_path_factory.mktemp("runs") / "backwards"
    assert run(folder, "--data.right_to_left", "true") == 0
    return folder


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
