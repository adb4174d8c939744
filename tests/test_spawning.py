"""No process of ours runs code that lies in the working folder."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from seq2seq import early
from seq2seq.bulk.processes import map_on_processes
from seq2seq.distributed.launch import launch
from tests.bulk.workers import make

ROOT = Path(__file__).parents[1]
BEFORE_US = {"contextlib", "importlib", "types", "warnings"}
BEFORE_US |= {"collections", "functools", "keyword", "operator", "reprlib"}
"""What Python itself imports for `-m`, before any code of ours: see early.py."""
OTHERS = ("numpy", "keras", "tensorflow", "sentencepiece", "matplotlib", "pydantic", "sitecustomize", "usercustomize")


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """The working folder, full of modules that note that they were imported."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (tmp_path / "module.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write(__name__ + ' ')\n")
    for name in {*sys.stdlib_module_names, *OTHERS}:
        (folder / f"{name}.py").symlink_to(tmp_path / "module.py")
    os.mkfifo(folder / "matplotlibrc")  # to read it would never end
    monkeypatch.chdir(folder)
    yield folder
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


def leave_what_python_loads(folder):
    """Removes the modules that `python -c` imports before the code it is given: 3.13 keeps that code in `linecache`."""
    words = [sys.executable, "-P", "-c", "import sys; print(*sys.modules)"]
    for name in subprocess.run(words, capture_output=True, text=True, check=True).stdout.split():
        (folder / f"{name.split('.')[0]}.py").unlink(missing_ok=True)


def python(*words, **variables):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"} | variables
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def test_workers_do_not(hostile, tmp_path):
    assert list(map_on_processes(partial(make, tmp_path), ["a"], 1, print)) == [("a", "A")]


def test_the_doctors_processes_do_not_even_where_python_ignores_its_variables(hostile, tmp_path):
    corpus = tmp_path / "corpus.tsv"
    corpus.write_text("a 1\tb 1\n" * 3)
    code = f"import sys; sys.path[0] = {str(ROOT)!r}\n"
    code += "from seq2seq.cli.main import main; from seq2seq.doctor import diagnose\n"
    code += "diagnose.FEW = 2; sys.exit(main(sys.argv[1:]))"
    leave_what_python_loads(hostile)
    done = python("-E", "-c", code, "doctor", "--source", str(corpus), "--processes", "2")
    assert done.returncode == 0, done.stderr


def test_processes_that_train_together_do_not(hostile, tmp_path):
    words = [sys.executable, "-c", "import json, threading; open(__import__('sys').argv[1], 'w')", str(tmp_path / "x")]
    assert launch(words, 2) == 0


@pytest.mark.parametrize("path", ["", os.pathsep, f".{os.pathsep}"], ids=["plain", "empty entry", "relative entry"])
def test_a_command_started_as_a_module_does_not(hostile, path):
    left = {"argparse", "logging"} if path else sys.stdlib_module_names - BEFORE_US
    for file in hostile.glob("*.py"):
        if file.stem not in left:
            file.unlink()
    done = python("-m", "seq2seq.cli.main", "translate", "--help", PYTHONPATH=f"{path}{ROOT}")
    assert done.returncode == 0, done.stderr


def test_a_checkout_stays_on_the_path_under_its_full_name(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", ["", "/lib", "relative"])
    assert early.search_path() == [str(ROOT), "/lib"]


def test_the_working_folder_of_a_notebook_is_not_handed_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "relative", "/lib", str(ROOT)])
    assert early.search_path() == ["/lib", str(ROOT)]


def test_another_program_that_imports_us_keeps_its_path(tmp_path):
    code = "import sys; before = list(sys.path); import seq2seq; assert sys.path == before; assert sys.path[0] == ''"
    done = python("-c", code, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr


def test_neither_keras_nor_pictures_read_what_lies_there(hostile):
    code = f"import sys; sys.path[:] = [{str(ROOT)!r}, *sys.path[1:]]\n"
    code += "from seq2seq.backend import prepare_keras; from seq2seq.figures import new_figure\n"
    code += "prepare_keras(); new_figure().savefig(sys.argv[1])"
    leave_what_python_loads(hostile)
    done = python("-c", code, str(hostile.parent / "a.png"))
    assert done.returncode == 0, done.stderr
