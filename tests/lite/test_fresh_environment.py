"""`pip install .[lite]`, and nothing else, is enough to translate."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import keras
import pytest

pytest.importorskip("ai_edge_litert", reason="the LiteRT runtime is not installed")
if keras.backend.backend() != "tensorflow":
    pytest.skip("a LiteRT model is made by TensorFlow", allow_module_level=True)

ROOT = Path(__file__).parent.parent.parent


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)


@pytest.fixture
def environment(tmp_path):
    """The folder of the commands of a new environment with the extra alone."""
    source = tmp_path / "source"  # a copy, as building leaves files beside what it builds
    source.mkdir()
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("seq2seq", "recipes", "data"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    venv.create(tmp_path / "env", symlinks=sys.platform != "win32")
    commands = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", commands / "python", "--disable-pip-version-check")
    done = run(*pip, "install", "-q", "--no-compile", f"{source}[lite]")
    if "No matching distribution" in done.stderr or "Connection" in done.stderr:
        pytest.skip(f"no package index at hand: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-2000:]
    return commands


def test_the_lite_extra_alone_translates(environment, make, folder, tmp_path, sentences):
    lines = [*sentences[:5], "", "a dog"]
    for module in ("tensorflow", "keras", "sacrebleu"):
        assert run(environment / "python", "-c", f"import {module}", cwd=tmp_path).returncode == 1, module
    done = run(environment / "seq2seq", "translate", folder, input="".join(f"{line}\n" for line in lines), cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == list(make("bahdanau")(lines))
    assert not [line for line in done.stderr.splitlines() if "reached the limit of length" not in line]  # it may well
