"""Imports go one way, frameworks stay at the edges, the core knows no kind of data and no task."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from seq2seq.cli.main import VERBS
from seq2seq.tasks import TASKS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "seq2seq"
RANKS = [
    {
        "early",
        "extras",
        "lazy",
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
        "indexing",
    },
    {"layers", "search", "training", "metrics"},
    {"models", "pipeline", "distributed"},
    {"text", "audio", "series", "music"},
    {"inference", "evaluation", "lite", "doctor", "bulk"},
    {"export"},
    {"run"},
    {"tasks"},
    {"lab"},
    {"cli"},
    {"recipes", "catalogue"},
]
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
TENSORFLOW = {"kernels", "text", "pipeline", "export", "cli", "run", "tasks", "lab"}
"""Where TensorFlow may be imported; model code is for every backend."""
ARROWS = {
    "backend": {"extras", "figures"},
    "figures": {"extras"},
    "folders": {"files"},
    "indexing": {"kernels", "types"},
    "kernels": {"types"},
    "outputs": {"files", "folders"},
    "progress": {"clock", "messages"},
    "spawning": {"early"},
    "audio": {"text"},
    "series": {"text"},
    "evaluation": {"inference"},
    "lite": {"inference"},
}
"""What modules of a rank may import of others of the same rank."""
CORE = {"layers", "models", "search", "training", "pipeline"}
KINDS_OF_DATA = {"text", "audio", "series", "music"}
MODULES = sorted(PACKAGE.rglob("*.py"))
FRAMEWORKS = {"keras", "tensorflow", "tensorflow_text", "jax", "torch"}


@cache
def nodes(path: Path) -> list[ast.AST]:
    """The syntax tree of a module, flat."""
    return list(ast.walk(ast.parse(path.read_text("utf-8"), str(path))))


@cache
def imports(path: Path) -> list[str]:
    """The full names of all that a module imports, inside functions too."""
    found = []
    for node in nodes(path):
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


def among(faults: dict[Path, object]) -> dict[str, object]:
    """The modules that have faults, and those."""
    return {name_of(path): found for path, found in faults.items() if found}


def test_every_module_has_a_rank():
    assert len(MODULES) > 20
    assert {part(path) for path in MODULES} - {"__init__", "__main__"} <= set(RANK)


def test_no_module_imports_a_higher_rank():
    def upward(path: Path) -> set[str]:
        rank = RANK.get(part(path), len(RANKS))
        return {name for name in parts_imported(path) if RANK.get(name, -1) > rank}

    assert not among({path: upward(path) for path in MODULES})


def test_tensorflow_stays_at_the_edges():
    roots = {path: {name.split(".")[0] for name in imports(path)} for path in MODULES}
    frameworks = {"tensorflow", "tensorflow_text", "jax", "torch"}
    assert not among({path: found & frameworks for path, found in roots.items() if part(path) not in TENSORFLOW})
    texts = [name_of(path) for path, found in roots.items() if "tensorflow_text" in found]
    assert texts == ["seq2seq/text/in_graph.py"]


def test_within_a_rank_only_listed_arrows_are_drawn():
    def unlisted(path: Path) -> set[str]:
        own = part(path)
        rank = RANK.get(own, len(RANKS))
        beside = {name for name in parts_imported(path) if name != own and RANK.get(name) == rank}
        return beside - ARROWS.get(own, set())

    assert not among({path: unlisted(path) for path in MODULES})


def test_every_listed_arrow_is_drawn():
    drawn: dict[str, set[str]] = {}
    for path in MODULES:
        drawn.setdefault(part(path), set()).update(parts_imported(path))
    assert not {(own, other) for own, others in ARROWS.items() for other in others - drawn[own]}


def test_the_core_knows_no_kind_of_data():
    assert not among({path: parts_imported(path) & KINDS_OF_DATA for path in MODULES if part(path) in CORE})


def test_no_mask_is_inferred_from_a_value():
    """Without the ids of control symbols there is nothing to infer it from. A search writes them, so it has them."""

    def inferred(node: ast.AST) -> bool:
        if isinstance(node, ast.keyword):
            return node.arg == "mask_zero"
        called = isinstance(node, ast.Call) and ast.unparse(node.func) in ("ops.not_equal", "keras.ops.not_equal")
        return called and any(isinstance(given, ast.Constant) for given in node.args)

    core = [path for path in MODULES if part(path) in CORE - {"search"}]
    assert not [name_of(path) for path in core if "symbols" in parts_imported(path)]
    assert not among({path: lines_of(path, inferred) for path in core})


def lines_of(path: Path, wrong: Callable[[ast.AST], bool]) -> list[str]:
    """The places in a module where a node of its tree is wrong."""
    return [f"{getattr(node, 'lineno', 0)}: {ast.unparse(node)}" for node in nodes(path) if wrong(node)]


def test_no_branch_on_the_task_outside_of_tasks():
    """A task whose name is a verb too may be named, but nothing may be compared with it."""

    def branches(path: Path) -> list[str]:
        compared = {
            id(inner)
            for node in nodes(path)
            if isinstance(node, ast.Compare | ast.match_case)
            for inner in ast.walk(node)
        }
        return lines_of(
            path,
            lambda node: (
                isinstance(node, ast.Constant)
                and node.value in TASKS
                and (node.value not in VERBS or id(node) in compared)
            ),
        )

    outside = [path for path in MODULES if part(path) not in ("tasks", "recipes", "extras")]
    assert not among({path: branches(path) for path in outside})  # an extra is called as its task


def test_messages_leave_by_the_one_module_that_shows_control_characters():
    direct = ("print", "sys.stderr.write", "sys.stdout.write")

    def wrong(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and ast.unparse(node.func) in direct

    speaking = [*MODULES, *sorted((ROOT / "recipes").rglob("*.py"))]
    assert not among({path: lines_of(path, wrong) for path in speaking if path.name != "messages.py"})


def test_the_package_imports_nothing_beside_it():
    """An installed one has `seq2seq.recipes` and `seq2seq.catalogue`, and no `recipes` and `data`."""
    for path in MODULES:
        assert not {name.split(".")[0] for name in imports(path)} & {"recipes", "data", "benchmarks", "tests"}


def test_the_catalogue_and_the_recipes_import_each_other_by_relative_names_and_the_package_by_full_ones():
    for path in (*(ROOT / "data").glob("*.py"), *(ROOT / "recipes").glob("*.py")):
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom):
                assert not node.level or node.module is None or (path.parent / f"{node.module}.py").exists()
                assert node.level or str(node.module).split(".")[0] not in ("data", "recipes"), f"{path}:{node.lineno}"


LIGHT = [
    "seq2seq",
    "seq2seq.layers.names",
    "seq2seq.text.subword",
    "seq2seq.text.vocabulary",
    "seq2seq.text.ngrams",
    "seq2seq.search.options",
    "seq2seq.search.prefix_beam",
    "seq2seq.lite.language",
    "seq2seq.lite.forecast",
    "seq2seq.lite.anomaly",
    "seq2seq.inference.next_words",
    "seq2seq.text.corpus",
    "seq2seq.audio.reading",
    "seq2seq.audio.augmentation",
    "seq2seq.audio.manifest",
    "seq2seq.audio.synthesis",
    "seq2seq.series.reading",
    "seq2seq.series.windows",
    "seq2seq.series.calendar",
    "seq2seq.series.baselines",
    "seq2seq.series.forecast",
    "seq2seq.series.result_files",
    "seq2seq.series.plots",
    "seq2seq.evaluation.forecast_baselines",
    "seq2seq.evaluation.forecast_comparison",
    "seq2seq.series.anomaly",
    "seq2seq.series.stream_windows",
    "seq2seq.inference.anomalies",
    "seq2seq.metrics.forecasts",
    "seq2seq.doctor.fix",
    "seq2seq.doctor.table",
    "seq2seq.cli.doctor",
]
"""Modules that import no framework, the lightest first."""


def test_light_modules_import_no_framework():
    code = f"""
import importlib, sys
for name in {LIGHT!r}:
    importlib.import_module(name)
    if loaded := {FRAMEWORKS!r} & set(sys.modules):
        sys.exit(f"{{name}} imports {{loaded}}")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
