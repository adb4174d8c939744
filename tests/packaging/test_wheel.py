"""An installed wheel does what the checkout does, in an empty folder and with the checkout out of reach."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("seq2seq", "data", "recipes", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
BUILD = "import sys, setuptools.build_meta as build; build.build_wheel(sys.argv[1])"
VERBS = """
import sys
from seq2seq.catalogue import grammar
from seq2seq.cli.main import main
grammar.SPLITS.update(train=500, dev=20, test=20)
for words in (line.split() for line in sys.argv[1:]):
    assert main([word.strip(",") for word in words]) == 0, words
"""
"""One process for all of them: an import of TensorFlow takes longer than what they do. The embedded corpus is small."""


def run(folder, *words):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["SEQ2SEQ_DATA_CACHE"] = str(folder / "cache")
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel, built from a copy of the sources."""
    folder = tmp_path_factory.mktemp("build")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    run(folder, sys.executable, "-c", BUILD, str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def scripts(built, tmp_path_factory):
    """The commands of a fresh environment: the wheel, and what it depends on from the environment of the tests."""
    prefix = tmp_path_factory.mktemp("prefix")
    venv.create(prefix, symlinks=True)
    python = prefix / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(prefix, *pip, "install", "-q", "--no-deps", "--no-index", "--no-compile", built)
    # A .pth adds folders to the path, but not what an editable installation has put into their own .pth files.
    (site,) = prefix.glob("lib/python*/site-packages")
    dependencies = [entry for entry in sys.path if "site-packages" in entry]
    (site / "dependencies.pth").write_text("".join(entry + "\n" for entry in dependencies))
    return python.parent


def test_no_module_but_the_package_is_on_the_path(scripts, tmp_path):
    code = (
        "import importlib.util as util, seq2seq, seq2seq.catalogue.multi30k, seq2seq.recipes.translation;"
        "print(util.find_spec('data'), util.find_spec('recipes'), seq2seq.__file__, seq2seq.catalogue.__file__)"
    )
    *top, package, catalogue = run(tmp_path, scripts / "python", "-c", code).split()
    assert top == ["None", "None"]
    assert Path(catalogue).parents[1] == Path(package).parent
    assert scripts.parent in Path(package).parents
    assert (Path(package).parent / "py.typed").is_file()
    assert {file.name for file in (Path(package).parent / "music/abcjs").iterdir()} == {
        "abcjs-basic-min.js",
        "LICENSE.md",
    }


def test_an_installed_wheel_trains_translates_scores_exports_and_looks(scripts, tmp_path):
    assert run(tmp_path, scripts / "seq2seq", "--version").startswith("seq2seq ")
    (tmp_path / "in.txt").write_text("the dog sleeps .\n" * 2)
    quick = "--training.epochs 1 --training.select_by loss --data.max_train 100"
    quick += " --search.max_ratio 1 --search.beam_size 1"
    verbs = (
        f"train translation tiny --exports , --data.tests , {quick}",
        "translate runs/tiny --input in.txt --output out.txt",
        "evaluate runs/tiny --source in.txt --target in.txt --json",
        "export runs/tiny --format litert --output lite",
        "doctor --run runs/tiny --no-forecast --processes 1",
    )
    run(tmp_path, scripts / "python", "-c", VERBS, *verbs)
    assert (tmp_path / "out.txt").read_text().count("\n") == 2
    assert (tmp_path / "lite").is_dir()
