"""Names of outputs for the fuzzer: inputs, links, devices, siblings, runs; one name for several outputs.

The law: inputs, runs and files that the command does not name stay unchanged; no partial file is left.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from benchmarks.fuzz_cases import RUN, SHARE, TARGETS
from benchmarks.fuzz_commands import _loaded, call
from seq2seq.files import TEMPORARY
from seq2seq.folders import whole_folder

PLACE = Path("outs")
TEXTS = {
    "in": "ab\ncd\n",
    "ref": "AB\nCD\n",
    "list": "0 ||| AB ||| -1\n1 ||| CD ||| -1\n",
    "partial-out": "ab\ncd\n",
    "before-out": "AB\nCD\n",
    "dropped.tsv": "ab\tAB\ncd\tCD\n",
    "deep/user": "mine\n",
    "old": "an output\n",
}
FILES = [
    *("in", "./in", "ref", "list", "deep/../in", "link", "hard", "further", "partial-out", "before-out", "dropped.tsv"),
    *("out", "./out", "old", "dangling", "run/recipe.json", "run/x", "to-run/x", "made/it", "made/x", "deep"),
    *(".", "..", "/dev/null", "/dev/full", "/dev/stdout", "no/x", "x" * 255, "x" * 256, "é" * 127, "circle"),
    *("out.png", "out.svg"),
]
FOLDERS = ["out", "deep", "made", "run", "run/x", "to-run", "to-made", ".", "..", "in", "dangling", "in/x", "circle"]
LINKS = {"link": "in", "further": "link", "dangling": "nothing", "circle": "circle", "to-run": "", "to-made": "made"}
SOURCES = ["in", "ref", "partial-out", "before-out", "link", "hard"]


def _prepare(run: Path) -> dict[str, bytes]:
    """Makes the folder of a case; returns its content."""
    shutil.rmtree(PLACE, ignore_errors=True)
    for name, text in TEXTS.items():
        (PLACE / name).parent.mkdir(parents=True, exist_ok=True)
        (PLACE / name).write_text(text)
    for name, target in LINKS.items():
        (PLACE / name).symlink_to(target or run)
    os.link(PLACE / "in", PLACE / "hard")
    (PLACE / "run").mkdir()
    for name in ("recipe.json", "source.model", "scores.json", "data.json", "history.csv"):
        shutil.copy(RUN / name, PLACE / "run" / name)
    shutil.copytree(RUN / "hypotheses", PLACE / "run" / "hypotheses")
    with whole_folder(PLACE / "made", "seq2seq evaluate --output-folder") as partial:
        (partial / "it").write_text("made")
    return _contents()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _contents() -> dict[str, bytes]:
    return {str(path.relative_to(PLACE)): path.read_bytes() for path in PLACE.rglob("*") if _is_file(path)}


def _words(draw: random.Random, run: Path) -> tuple[list[str], list[str]]:
    """Returns a command line and the names of its outputs."""
    source, other = draw.choice(SOURCES), draw.choice(SOURCES)
    verb = draw.choice(("rerank", "rerank", "compare", "doctor", "score", "align", "evaluate", "average"))
    words, files, folder = {
        "rerank": (["--source", source, "--n-best", "list"], ["--output", "--n-best-output"], ""),
        "compare": (["run", str(run), "--samples", "2", "--train", source], ["--html", "--curves"], ""),
        "doctor": (
            [*draw.choice((["--source", source, "--target", other], ["--source", "dropped.tsv"])), "--processes", "1"],
            ["--html"],
            "--fix",
        ),
        "score": ([str(run), "--source", source, "--target", other], ["--output"], ""),
        "align": (
            [str(run), "--source", source, "--target", other],
            ["--alignments", "--hard-alignments", "--heatmap"],
            "",
        ),
        "evaluate": (
            [str(run), "--source", source, "--target", other, "--beam-size", "1"],
            ["--output", "--calibration"],
            "--output-folder",
        ),
        "average": (["run", "run"], [], "--output"),
    }[verb]
    outputs: list[str] = []
    for flag in files:
        if draw.random() < 0.6:
            outputs += [flag, draw.choice(FILES)]
    if (folder and draw.random() < 0.8) or verb == "average":
        outputs += [folder, draw.choice(FOLDERS)]
    return [verb, *words, *outputs], outputs[1::2]


def output_names(draw: random.Random) -> None:
    """Commands whose outputs have names of every kind."""
    run, home = RUN.absolute(), Path.cwd()
    before = _prepare(run)
    words, outputs = _words(draw, run)
    with _loaded():
        os.chdir(PLACE)
        try:
            call(words)
        finally:
            os.chdir(home)
    after = _contents()
    leads_to = LINKS | {"further": "in"}
    named = {leads_to.get(name, os.path.normpath(name)) for name in outputs}
    for name in {*before, *after}:
        if before.get(name) != after.get(name):
            assert any(name == one or name.startswith(f"{one}/") for one in named), f"{words} changed {name}"
            assert name not in words[: len(words) - 2 * len(outputs)], f"{words} changed its input {name}"
            assert name.split("/")[0] != "run", f"{words} changed a run: {name}"
    assert not [name for name in after if TEMPORARY.search(name)], f"{words} left a partial file"
    for name in LINKS:
        assert (PLACE / name).is_symlink(), f"{words} replaced the link {name}"


TARGETS["output_names"] = output_names
SHARE["output_names"] = 0.1
