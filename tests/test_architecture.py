"""Imports go one way, frameworks stay at the edges, modules stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "seq2seq"
RANKS = [
    {
        "early",
        "backend",
        "types",
        "symbols",
        "files",
        "folders",
        "outputs",
        "figures",
        "signals",
        "clock",
        "spawning",
        "messages",
        "progress",
        "kernels",
    },
    {"layers", "search", "training", "metrics"},
    {"models", "pipeline", "distributed"},
    {"text"},
    {"inference", "evaluation", "lite", "doctor", "bulk"},
    {"export"},
    {"run"},
    {"tasks"},
    {"cli"},
    {"recipes", "catalogue"},
]
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
TENSORFLOW = {"kernels", "text", "pipeline", "export", "cli", "run", "tasks"}
"""Where TensorFlow may be imported; model code is for every backend."""
STILL_UPWARD = {
    "seq2seq/models/seq2seq.py": {"text"},
    "seq2seq/run/average.py": {"tasks"},
    "seq2seq/run/build.py": {"tasks"},
    "seq2seq/run/cost.py": {"tasks"},
    "seq2seq/run/report.py": {"tasks"},
    "seq2seq/run/train.py": {"tasks"},
}
"""Until front ends are layers that the model is given, and the driver of the epochs is given a task."""
MODULES = sorted(PACKAGE.rglob("*.py"))
FRAMEWORKS = {"keras", "tensorflow", "tensorflow_text", "jax", "torch"}


def imports(path: Path) -> list[str]:
    """The full names of all that a module imports, inside functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def part(path: Path) -> str:
    """The folder or module right below the package; the package's own face counts as none."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def parts_imported(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imports(path) if name.startswith("seq2seq.")}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_module_has_a_rank():
    assert len(MODULES) > 20
    assert {part(path) for path in MODULES} - {"__init__", "__main__"} <= set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_imports_a_higher_rank(path):
    rank = RANK.get(part(path), len(RANKS))
    upward = {name for name in parts_imported(path) if RANK.get(name, -1) > rank}
    assert upward == STILL_UPWARD.get(name_of(path), set())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_tensorflow_stays_at_the_edges(path):
    roots = {name.split(".")[0] for name in imports(path)}
    assert part(path) in TENSORFLOW or not roots & {"tensorflow", "tensorflow_text", "jax", "torch"}
    assert name_of(path) == "seq2seq/text/in_graph.py" or "tensorflow_text" not in roots


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_is_longer_than_400_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", [*MODULES, *sorted((ROOT / "recipes").rglob("*.py"))], ids=name_of)
def test_messages_leave_by_the_one_module_that_shows_control_characters(path):
    if path.name == "messages.py":
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("print", "sys.stderr.write", "sys.stdout.write"), f"{path}:{node.lineno}: {called}"


def test_the_package_imports_nothing_beside_it():
    """An installed one has `seq2seq.recipes` and `seq2seq.catalogue`, and no `recipes` and `data`."""
    for path in MODULES:
        assert not {name.split(".")[0] for name in imports(path)} & {"recipes", "data", "benchmarks", "tests"}


def test_the_catalogue_and_the_recipes_import_each_other_by_relative_names_and_the_package_by_full_ones():
    for path in (*(ROOT / "data").glob("*.py"), *(ROOT / "recipes").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not node.level or node.module is None or (path.parent / f"{node.module}.py").exists()
                assert node.level or str(node.module).split(".")[0] not in ("data", "recipes"), f"{path}:{node.lineno}"


@pytest.mark.parametrize(
    "module",
    [
        "seq2seq",
        "seq2seq.layers.names",
        "seq2seq.text.subword",
        "seq2seq.search.options",
        "seq2seq.text.corpus",
        "seq2seq.doctor.fix",
    ],
)
def test_light_modules_import_no_framework(module):
    code = f"import sys, {module}; print('RESULT', *sorted({FRAMEWORKS!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.split() == ["RESULT"]
