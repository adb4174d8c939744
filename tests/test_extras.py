"""Where an extra is not installed, every verb that needs it says so in one sentence."""

import json
import subprocess
import sys
import tomllib
import wave
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from seq2seq.cli.main import VERBS
from seq2seq.extras import EXPORTS, PACKAGES, MissingPackage, missing_message, require
from seq2seq.run.folder import FORMAT

ROOT = Path(__file__).parents[1]
BLOCKED = """
import contextlib, io, json, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

blocked, commands = set(json.loads(sys.argv[1])), json.loads(sys.argv[2])
sys.meta_path.insert(0, Blocker())
from seq2seq.cli.main import main
answers = []
for words in commands:
    with contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = main(words)
        except SystemExit as stop:
            code = stop.code
        answers.append([code, err.getvalue()])
print("ANSWERS", json.dumps(answers))
"""


def without(packages, commands, folder):
    """The exit code and the messages of each command, in a process where the packages cannot be imported."""
    words = [sys.executable, "-c", BLOCKED, json.dumps(sorted(packages)), json.dumps(commands)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rsplit("ANSWERS ", 1)[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds run folders that only have a recipe, and texts."""
    folder = tmp_path_factory.mktemp("poor")
    (folder / "run").mkdir()
    (folder / "language").mkdir()
    (folder / "speech").mkdir()
    for name, task in (("run", "translation"), ("language", "language_model"), ("speech", "speech")):
        (folder / name / "recipe.json").write_text(json.dumps({"format": FORMAT, "recipe": {"task": task}}))
    for name in ("x", "y"):
        (folder / name).write_text("a\n")
    (folder / "list").write_text("0 ||| a ||| -1\n")
    with wave.open(str(folder / "sound.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
    return folder


PAIRS = ["--source", "x", "--target", "y"]
COMMANDS = {
    "train": ["translation", "demo"],
    "doctor": ["--run", "run"],
    "translate": ["run", "--input", "x"],
    "summarize": ["run", "--input", "x"],
    "evaluate": ["run"],
    "compare": ["run", "run"],
    "align": ["run", *PAIRS],
    "transcribe": ["speech", "sound.wav"],
    "forecast": ["run"],
    "backtest": ["run"],
    "detect": ["run"],
    "compose": ["run", "--output", "tune.mid"],
    "next": ["language", "a"],
    "sample": ["language"],
    "score": ["run", *PAIRS],
    "augment": ["run", "--input", "x", "--output", "new.tsv"],
    "distill": ["--teachers", "run", "--folder", "new"],
    "rerank": ["--source", "x", "--n-best", "list", "--score", "run"],
    "average": ["run", "--output", "new"],
    "export": ["run", "--format", "litert"],
    "lab": ["equations"],
}
"""Of each verb a command that needs the extra [train]."""


def test_every_verb_names_the_extra_that_a_plain_installation_lacks(folder):
    assert list(COMMANDS) == list(VERBS)
    answers = without(PACKAGES, [[verb, *words] for verb, words in COMMANDS.items()], folder)
    for verb, (code, message) in zip(COMMANDS, answers, strict=True):
        assert (code, message.count("\n")) == (2, 1), f"{verb}: {message}"
        assert 'pip install "keras-seq2seq-rnn[train]"' in message, f"{verb}: {message}"


def test_other_extras_are_named_before_the_work(folder):
    commands = {
        "ray": ["translate", "run", "--input", "x", "--output", "o", "--workers", "2", "--ray", "local"],
        "onnx": ["export", "run", "--format", "onnx"],
    }
    missing = [module for module, extra in PACKAGES.items() if extra in commands]
    for extra, (code, message) in zip(commands, without(missing, list(commands.values()), folder), strict=True):
        assert code == 2
        assert f'pip install "keras-seq2seq-rnn[{extra}]"' in message


def test_the_doctor_needs_no_extra_for_a_plain_look(folder):
    ((code, message),) = without(PACKAGES, [["doctor", *PAIRS, "--processes", "1"]], folder)
    assert (code, message) == (0, "")


def test_the_table_agrees_with_what_the_project_declares():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = packages_distributions()
    for module, extra in PACKAGES.items():
        declared = " ".join(extras[extra])
        distributions = names.get(module, [])
        if module != "h5py" and distributions:
            assert any(name.replace("_", "-") in declared for name in distributions), module
    assert {module for modules in EXPORTS.values() for module in modules} <= set(PACKAGES)


def test_a_missing_module_is_found_by_the_package_it_is_in(monkeypatch):
    assert "[train]" in missing_message("keras.src.ops")
    assert missing_message("some.other") == missing_message(None) == ""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackage, match=r"onnx, which is not installed. Install it with: pip install .*\[onnx\]"):
        require("onnx")
