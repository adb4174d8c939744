"""Whole commands for the fuzzer: arguments, files and standard input go in, and what a user would see is checked.

A command ends with 0, 1 or 2. If it is not 0, there is a message and no traceback, and if one file is at fault, the
message names it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.fuzz_cases import ODD, RUN, SHARE, TARGETS, mutate, mutate_json, save, wild_bytes, wild_text

SIDES = ("encoder", "decoder")
NUMBERS = ["0", "-1", "1", "3", "0.5", "nan", "inf", "-inf", "1e308", "1e-300", "9" * 9, "9" * 30, "", "x", "٣"]
CODES = (0, 1, 2)


@contextmanager
def streams(text: bytes) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Reads standard input from `text`; yields the buffers of standard output and standard error."""
    from seq2seq.cli.common import quiet_start

    quiet_start()  # before the streams change: the log keeps the one it starts with
    before = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(text))
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", write_through=True)
    try:
        yield out, err
    except (ValueError, OSError) as error:  # a reader may raise them, a command may not
        raise AssertionError(f"the command raised {error!r}") from error
    finally:
        sys.stdout.detach()  # otherwise it closes the buffer that the caller reads
        sys.stderr.detach()
        sys.stdin, sys.stdout, sys.stderr = before


def call(words: Sequence[object], text: bytes = b"", named: Sequence[str] = ()) -> tuple[int, str, str]:
    """Runs a command in this process; AssertionError if its exit code or its messages break the law.

    Args:
        words: The command line, verb first.
        text: Standard input.
        named: An error message contains one of these.
    """
    from seq2seq.cli.main import main

    with streams(text) as (out, err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(end.code or 0)
    messages = err.getvalue().decode()
    assert code in CODES, f"exit code {code}: {messages[-300:]}"
    assert "Traceback" not in messages, messages[-300:]
    if code:
        message = messages.rpartition("error: ")[2].strip()
        assert "error: " in messages, f"no message: {messages[-300:]}"
        assert message, f"no words: {messages[-300:]}"
        assert not named or any(name in message for name in named), f"{named} not named: {message[:300]}"
    return code, out.getvalue().decode(), messages


def _options(draw: random.Random, numbers: Sequence[str], most: int = 3) -> list[str]:
    """Some flags with unusual numbers."""
    chosen = draw.sample(list(numbers), draw.randrange(most + 1))
    return [f"--{name}={draw.choice(NUMBERS)}" for name in chosen]


SEARCH = [
    *("length-penalty", "mbr", "coverage-penalty", "min-length", "no-repeat-ngram", "groups", "diversity"),
    *("max-ratio", "max-input", "temperature", "top-k", "top-p", "seed", "batch-size"),
]


def _json_lines(draw: random.Random, **more: Any) -> bytes:
    good = {"text": "the cat", "x": 1, "y": None} | more
    rows = [mutate_json(good, draw) if draw.random() < 0.5 else json.dumps(good) for _ in range(3)]
    return "".join(row + "\n" for row in rows).encode("utf-8", "surrogatepass")


def translate_command(draw: random.Random) -> None:
    """Lines, plain or in JSON, through a LiteRT folder, with unusual options and all kinds of output."""
    folder = RUN.absolute() / "export" / "litert"
    words: list[object] = ["translate", folder, *_options(draw, SEARCH)]
    words += ["--beam-size", "1"] * (draw.random() < 0.5)
    is_json = draw.random() < 0.5
    text = _json_lines(draw, z=draw.choice(ODD[:8])) if is_json else wild_bytes(draw)
    words += ["--json"] * is_json
    name = "standard input"
    if draw.random() < 0.5:
        name = draw.choice(("in.txt", "in.gz"))
        data = gzip.compress(text) if name == "in.gz" and draw.random() < 0.8 else text
        words += ["--input", save(name, mutate(data, draw) if draw.random() < 0.1 else data)]
    for flag, file in (("--alignments", "a.npz"), ("--alignments", "a.jsonl"), ("--hard-alignments", "h")):
        words += [flag, file] * (draw.random() < 0.15)
    words += ["--n-best", "2"] * (draw.random() < 0.2)
    words += ["--replace-unknown"] * (draw.random() < 0.2)
    if draw.random() < 0.2:
        words += ["--output", draw.choice(("out", "out/x", ".", "/dev/null", "x" * 300))]
    code, out, _ = call(words, text if "--input" not in words else b"")
    if not code and "--output" not in words and "--n-best" not in words and name == "standard input":
        lines = text.count(b"\n") + (not text.endswith(b"\n") and bool(text))
        assert out.count("\n") == lines, f"{out.count(chr(10))} lines for {lines}"


@cache
def _run() -> Any:
    import seq2seq

    return seq2seq.load(RUN.absolute())


@contextmanager
def _loaded() -> Iterator[None]:
    """Commands that load the run get the one that is in memory."""
    from seq2seq.cli import line_translator
    from seq2seq.tasks.text_to_text import loading

    one = _run()

    def load(*_: Any, others: Any = (), ensemble: str = "", threads: int = 0, **options: Any) -> Any:
        return one.with_options(**options)

    places = (loading, "load_generator"), (loading, "load_translator"), (line_translator, "load_translator")
    with ExitStack() as stack:
        for module, name in places:
            stack.enter_context(patch.object(module, name, load))
        yield


def _pairs(draw: random.Random) -> list[object]:
    """Options for a text of two sides, in any of its forms."""
    kind = draw.randrange(4)
    if kind == 0:
        lines = [wild_text(draw, 20).replace("\n", " ") for _ in range(3)]
        data = "".join(f"{line}\t{line}\n" for line in lines).encode("utf-8", "replace")
        return ["--source", save("s.tsv", mutate(data, draw) if draw.random() < 0.3 else data)]
    if kind == 1:
        return ["--source", save("s.jsonl", _json_lines(draw, source="the cat", target=wild_text(draw, 9)))]
    good = b"the cat\nStra\xc3\x9fe\n\nno\n"
    data = gzip.compress(good) if kind == 2 else good
    names = ("s.gz", "t.gz") if kind == 2 else ("s.txt", "t.txt")
    one, two = (save(name, mutate(data, draw) if draw.random() < 0.3 else data) for name in names)
    return ["--source", one, "--target", two]


def pairs_commands(draw: random.Random) -> None:
    """score, align and evaluate on pairs of every form."""
    verb = draw.choice(("score", "align", "evaluate"))
    words: list[object] = [verb, RUN.absolute(), *_pairs(draw)]
    if verb == "score":
        words += draw.choice(([], ["--json"], ["--pieces"], ["--target-pieces"], ["--json", "--target-pieces"]))
    elif verb == "align":
        words += draw.choice(([], ["--alignments", "a.npz"], ["--alignments", "a"], ["--alignment-units", "pieces"]))
    else:
        words += [*draw.choice(([], ["--json"], ["--lowercase"], ["--output-folder", "evaluated"])), "--beam-size", "1"]
    with _loaded():
        call(words)


def model_lines(draw: random.Random) -> None:
    """translate by the model itself, with constraints, terms, sampling and unknown words replaced."""
    words: list[object] = ["translate", RUN.absolute(), "--max-ratio", "0", "--max-extra", "4"]
    is_json = draw.random() < 0.6
    more = {"prefix": draw.choice(("", "d", wild_text(draw, 5))), "include": ["d"], "exclude": [wild_text(draw, 5)]}
    text = _json_lines(draw, **more) if is_json else wild_bytes(draw, 4)
    words += ["--json"] * is_json
    words += draw.choice(([], ["--sampling"], ["--n-best", "2"], ["--replace-unknown"], ["--cut-input"]))
    if draw.random() < 0.3:
        words += ["--terms", save("terms.tsv", f"cat\t{wild_text(draw, 3)}\n".encode("utf-8", "replace"))]
    with _loaded():
        call(words, text)


def rerank_command(draw: random.Random) -> None:
    """n-best lists with lists, weights and references, without a model."""
    good = b"0 ||| a b ||| F= 1 2 ||| -1.5\n0 ||| c ||| -2\n1 ||| d ||| -0.5\n"
    lists = save("n.txt", mutate(good, draw) if draw.random() < 0.7 else good)
    sources = save("s.txt", b"x\ny\n" if draw.random() < 0.8 else wild_bytes(draw))
    words: list[object] = ["rerank", "--source", sources, "--n-best", lists]
    words += ["--weights", draw.choice(NUMBERS)] * (draw.random() < 0.4)
    if draw.random() < 0.3:
        words += ["--tune-on", save("r.txt", b"a b\nd\n" if draw.random() < 0.7 else wild_bytes(draw))]
    words += ["--n-best-output", "sorted.txt"] * (draw.random() < 0.3)
    call(words, named=("n.txt", "s.txt", "r.txt", "--weights", "--seed"))


def _copy(name: str) -> Path:
    """A copy of the run folder without its large files."""
    folder = Path(name)
    shutil.rmtree(folder, ignore_errors=True)
    left_out = shutil.ignore_patterns("export", "stores", "tensorboard", "checkpoint*", "*.png")
    shutil.copytree(RUN, folder, ignore=left_out)
    return folder


def _spoil(file: Path, draw: random.Random) -> None:
    """Corrupts a file: its bytes change, or it becomes missing, another file, a folder or a link."""
    data = file.read_bytes()
    what = draw.randrange(10)
    if file.suffix == ".json" and what < 5:
        file.write_bytes(mutate_json(json.loads(data), draw).encode("utf-8", "surrogatepass"))
    elif what < 6:
        file.write_bytes(mutate(data, draw))
    else:
        file.unlink()
        if what == 6:
            file.mkdir()
        elif what == 7:
            file.symlink_to(draw.choice(("/dev/zero", "/nowhere", str(file), "/dev/null")))
        elif what == 8:
            others = [RUN / "model.weights.h5", *(other for other in file.parent.iterdir() if other.is_file())]
            file.write_bytes(draw.choice(sorted(others)).read_bytes())


def run_commands(draw: random.Random) -> None:
    """Commands on a run folder in which one file is corrupted, replaced, or a link to an endless file."""
    folder = _copy("spoiled-run")
    files = ["recipe.json", "scores.json", "data.json", "history.csv", "source.model", "hypotheses/test.txt"]
    name = draw.choice(files)
    _spoil(folder / name, draw)
    if name == "source.model":
        call(["translate", folder], b"ab\n", ("spoiled-run",))
        return
    verbs: list[list[object]] = [
        ["compare", RUN.absolute(), folder, "--samples", "2"],
        ["compare", folder, folder, "--samples", "2", "--json"],
        ["average", folder, "--last", "2", "--output", "mean"],
    ]
    words = draw.choice(verbs[:2] if name != "recipe.json" else verbs)
    call(words, named=("spoiled-run", "--", "test", "different texts", "no such file"))


def run_model(draw: random.Random) -> None:
    """A run folder whose recipe describes another network, or whose weights are corrupted, loaded as commands do."""
    folder = _copy("other-model")
    if draw.random() < 0.7:
        tree = json.loads((folder / "recipe.json").read_text("utf-8"))
        place = draw.choice((tree["recipe"]["model"], *(tree["recipe"]["model"][side] for side in SIDES)))
        numbers = [name for name, value in place.items() if isinstance(value, (int, float, str))]
        place[draw.choice(numbers)] = draw.choice((0, 1, 2, 3, 64, 10**5, 10**7, 10**18, 0.5, "gru", "none", True))
        (folder / "recipe.json").write_text(json.dumps(tree))
    else:
        _spoil(folder / "model.weights.h5", draw)
    call(["translate", folder, "--max-ratio", "0", "--max-extra", "2"], b"the cat\n", ("other-model", "--"))


@cache
def _lite() -> dict[str, bytes]:
    folder = RUN / "export" / "litert"
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def lite_trusted(draw: random.Random) -> None:
    """A corrupted LiteRT folder whose manifest has the checksums of the corrupted files."""
    folder = Path("trusted")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    parts = dict(_lite())
    shape = json.loads(parts["model.json"])
    name = draw.choice(("source.model", "target.model", "model.json"))
    if name == "model.json":
        files = shape.pop("files")
        text = mutate_json(shape, draw)
        try:
            shape = json.loads(text)
        except (ValueError, RecursionError):
            return
        if isinstance(shape, dict):
            shape["files"] = files
    else:
        parts[name] = mutate(parts[name], draw)
        shape["files"][name] = {"bytes": len(parts[name]), "sha256": hashlib.sha256(parts[name]).hexdigest()}
    parts["model.json"] = json.dumps(shape).encode("utf-8", "surrogatepass")
    for each, data in parts.items():
        (folder / each).write_bytes(data)
    call(["translate", folder, "--beam-size", "1"], b"the cat\n\nno\n", ("trusted", "LiteRT"))


def lite_links(draw: random.Random) -> None:
    """A LiteRT folder whose files are folders, links to endless files, or missing."""
    folder = Path("linked")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for each, data in _lite().items():
        (folder / each).write_bytes(data)
    _spoil(folder / draw.choice(("model.tflite", "source.model", "target.model", "model.json")), draw)
    call(["translate", folder, "--beam-size", "1"], b"the cat\n", ("linked", "LiteRT"))


def doctor_forms(draw: random.Random) -> None:
    """doctor on pairs of every form, with its outputs."""
    words = ["doctor", *_pairs(draw), "--processes", "1"]
    shutil.rmtree("clean", ignore_errors=True)
    words += draw.choice(([], ["--json"], ["--html", "d.html"], ["--fix", "clean"]))
    from seq2seq.cli.main import main

    with streams(b"") as (out, err):
        code = main([str(word) for word in words])
    messages = err.getvalue().decode()
    assert code in CODES, code
    assert "Traceback" not in messages, messages[-300:]
    assert not code or out.getvalue() or "error: " in messages, "no words"


def recipe_command(draw: random.Random) -> None:
    """A recipe from a corrupted file: it opens a run folder in runs/, or ends with a message. Nothing is trained."""
    from recipes.translation import RECIPES
    from seq2seq.cli.train import run_recipe

    tree = json.loads((RUN / "recipe.json").read_text("utf-8"))
    path = save("replay.json", mutate_json(tree, draw).encode("utf-8", "surrogatepass"))
    reached: list[Any] = []

    def build(folder: Any, recipe: Any) -> None:
        reached.append(folder.path)

    runs = Path("runs").resolve()
    with streams(b"") as (_, err):
        code = run_recipe(RECIPES, "train", "", ["--from", str(path)], build=build)
    messages = err.getvalue().decode()
    assert code in CODES, code
    assert not code or messages.startswith("error: "), messages[-300:]
    for folder in reached:
        assert runs in Path(folder).resolve().parents, f"the run is at {folder!r}"
    shutil.rmtree("runs", ignore_errors=True)


VARIABLES = {
    "LC_ALL": ("C", "POSIX", "en_US.UTF-8", "nowhere"),
    "PYTHONUTF8": ("0", "1"),
    "PYTHONCOERCECLOCALE": ("0",),
    "PYTHONIOENCODING": ("ascii", "latin-1", "utf-16", "utf-8:strict"),
    "PYTHONPATH": (":", ".", "nowhere"),
    "TMPDIR": ("nowhere", "/dev/null"),
    "HOME": ("/nowhere", "/dev/null"),
    "KERAS_HOME": ("nowhere",),
    "KERAS_BACKEND": ("torch", "numpy", "x", ""),
    "KERAS_MAX_EPOCHS": ("x", "1"),
    "TF_CONFIG": ("{", '{"cluster": {"worker": ["a", "b"]}, "task": {"type": "worker", "index": 0}}'),
    "TF_NUM_INTRAOP_THREADS": ("-3", "x", "1"),
}
STREAMS = ("", "<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "0>/dev/null", "| true")


def environments(draw: random.Random) -> None:
    """A command in a process of its own, with unusual locales and variables and closed streams."""
    lines = save("Kälte.tsv", mutate("Kälte\tcold\n".encode(), draw) if draw.random() < 0.3 else "Kälte\tä\n".encode())
    commands: list[list[str]] = [
        ["seq2seq.cli.main", "doctor", "--source", str(lines), "--processes", "1"],
        ["seq2seq.cli.main", "translate", "nowhere", "--include", "Kälte"],
        ["seq2seq.cli.main", "rerank", "--help"],
        ["recipes.translation", "tiny", "--run-folder", str(lines)],
    ]
    odd = {name: draw.choice(VARIABLES[name]) for name in draw.sample(sorted(VARIABLES), draw.randrange(4))}
    odd["PYTHONPATH"] = os.pathsep.join((odd.get("PYTHONPATH", ""), str(Path(__file__).parents[1])))
    words = ["/bin/sh", "-c", f'"$0" -m "$@" {draw.choice(STREAMS)}', sys.executable, *draw.choice(commands)]
    variables = {name: value for name, value in os.environ.items() if name != "TMPDIR"} | odd
    done = subprocess.run(words, env=variables, input=b"", capture_output=True, check=False, timeout=120)
    assert done.returncode in CODES, f"exit code {done.returncode}: {done.stderr[-300:]!r} {odd} {words[2:]}"
    assert b"Traceback" not in done.stdout + done.stderr, f"{done.stderr[-300:]!r} {odd} {words[2:]}"
    assert b"error: " not in done.stdout, f"an error on standard output: {odd} {words[2:]}"


COMMANDS: tuple[Callable[[random.Random], None], ...] = (
    *(translate_command, pairs_commands, model_lines, rerank_command, run_commands, run_model),
    *(lite_trusted, lite_links, doctor_forms, recipe_command, environments),
)
TARGETS.update({each.__name__: each for each in COMMANDS})
SHARE.update(
    {each.__name__: 0.1 for each in COMMANDS} | {"pairs_commands": 0.02, "model_lines": 0.02, "run_model": 0.02}
)
SHARE.update({"doctor_forms": 0.02, "rerank_command": 0.5})
