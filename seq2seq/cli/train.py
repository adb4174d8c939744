"""`seq2seq train`: a named recipe (`python -m recipes.TASK VARIANT` does the same), or one for the user's own files."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from seq2seq.backend import check_settings
from seq2seq.cli import own_files
from seq2seq.cli.common import EXIT_FAILED, guarded, quiet_start
from seq2seq.cli.recipe_flags import read_flags
from seq2seq.distributed import team
from seq2seq.distributed.launch import launch
from seq2seq.files import follow_links, read_json, write_text
from seq2seq.messages import say, show
from seq2seq.outputs import check_run_folder
from seq2seq.run.build import build
from seq2seq.run.environment import make_deterministic
from seq2seq.run.folder import RunFolder
from seq2seq.run.opening import open_run
from seq2seq.run.parsing import RecipeError, describe, override
from seq2seq.run.sections import Recipe
from seq2seq.run.start import as_the_start
from seq2seq.signals import EXIT_INTERRUPTED, EXIT_TERMINATED
from seq2seq.tasks import TASKS, load_recipe, named_recipes, task_named

USAGE = """\
usage: {program} VARIANT [--run-folder DIR] [--FIELD VALUE ...]
       {program} --from RECIPE.json [--run-folder DIR] [--FIELD VALUE ...]
       {program} VARIANT --seeds N [...]       N runs with seeds one after another, mean and deviation
       {program} VARIANT --workers N [...]     N local processes train one model
       {program} [VARIANT] --help

Trains VARIANT, scores it and leaves all in DIR (default runs/VARIANT).
A run that was stopped goes on with the same command.
Variants: {variants}
"""

TRAIN_USAGE = """\
usage: seq2seq train TASK VARIANT [--FIELD VALUE ...]                       a named recipe
       seq2seq train FILE.tsv [--task TASK] [--FIELD VALUE ...]             your own file with both sides
       seq2seq train --source FILE --target FILE [--task TASK] [...]        your own files, a line each
       seq2seq train --from RECIPE.json [--FIELD VALUE ...]                 the recipe of another run
       seq2seq train TASK [VARIANT] --help                                  all fields

Trains, scores and leaves all in a run folder: runs/VARIANT, runs/ and the name of the file, or --run-folder DIR.
A run that was stopped goes on with the same command. For your own files the sizes of network and vocabulary are
chosen by how much text there is, and shown.
"""


def build_run(folder: RunFolder, recipe: Recipe) -> None:
    """Trains and scores a recipe by its task."""
    build(folder, recipe, task_named(recipe.task))


Build = Callable[[RunFolder, Recipe], None]
"""Trains and scores a recipe in a folder, from wherever an earlier run of it has stopped."""


def main(words: Sequence[str]) -> int:
    """Carries out `seq2seq train`, given the words after it. Returns the exit code."""
    quiet_start()
    name, *rest = words or ["--help"]
    if name not in TASKS and {"--help", "-h"} & {name, *rest}:
        return guarded(lambda: show(f"{TRAIN_USAGE}\n{_variants_by_task()}"))
    if name in TASKS:
        return run_recipe(named_recipes(name), f"seq2seq train {name}", task_named(name).__doc__ or "", rest)
    if name.startswith("--from"):
        return run_recipe({}, "seq2seq train", "", words)
    if own_files.is_own_files(words):
        return run_recipe({}, "seq2seq train", "", words, read=own_files.read)
    return guarded(lambda: _refuse(name))


def _variants_by_task() -> str:
    """Lists what there is to train."""
    lines = [f"{task:14} {', '.join(named_recipes(task))}" for task in TASKS]
    return "\n".join(["TASK           VARIANT", *lines])


def _refuse(word: str) -> None:
    """Raises RecipeError for a word that is neither a task nor a file: what is close to it, and what there is."""
    variants: dict[str, list[str]] = {}
    for task in TASKS:
        for variant in named_recipes(task):
            variants.setdefault(variant, []).append(task)
    close = difflib.get_close_matches(word, [*variants, *TASKS], n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    if close and close[0] in variants:
        commands = [f"seq2seq train {task} {close[0]}" for task in variants[close[0]]]
        hint = f" Did you mean: {', or '.join(commands)}"
    raise RecipeError(f"Expected a task or a file. Received: {word!r}.{hint}\n\n{_variants_by_task()}")


def run_module(recipes: Mapping[str, Recipe], about: str) -> int:
    """Carries out `python -m recipes.TASK`: for the last lines of such a module. Returns the exit code."""
    spec = sys.modules["__main__"].__spec__
    return run_recipe(recipes, f"python -m {spec.name if spec else Path(sys.argv[0]).stem}", about)


def run_recipe(
    recipes: Mapping[str, Recipe],
    program: str,
    about: str,
    arguments: Sequence[str] | None = None,
    build: Build = build_run,
    read: Callable[[Sequence[str]], tuple[Recipe, Path, str]] | None = None,
) -> int:
    """Parses the command line, opens the run folder and runs `build`. Returns the exit code.

    Args:
        recipes: The variants by name.
        program: The command that came before the arguments: "python -m recipes.translation".
        about: The first lines of the help text.
        arguments: Those of the process where None.
        build: Does the work.
        read: Returns the recipe, its run folder and a notice for the user. Default: `parse`, and no notice.
    """
    quiet_start()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    usage = USAGE.format(program=program, variants=", ".join(recipes))
    folder: list[RunFolder] = []

    def work() -> int | None:
        if "--help" in arguments or "-h" in arguments:
            named = [recipes[a] for a in arguments if a in recipes]
            recipe = named[0] if named else next(iter(recipes.values()))
            show(
                f"{about.strip()}\n\n{usage}\nFields and their values in the variant {recipe.name}:\n{describe(recipe)}"
            )
            return None
        workers, words = take_count("workers", "local processes", arguments)
        count, rest = take_count("seeds", "runs", words)
        recipe, path, notice = read(rest) if read else (*parse(recipes, rest, usage), "")
        path = follow_links(path)  # once: whatever becomes of the link, the run stays where it is
        check_run_folder(path)
        check_settings()
        if workers:
            return launch([sys.executable, "-P", "-m", *_module_words(program), *words], workers)
        folder.append(RunFolder(path))
        with team.joined():
            if notice and team.is_leader():
                show(notice)
            if count:
                run_seeds(recipe, path, count, build)
                return None
            was_finished = carry_out(recipe, folder[0], build)
            if team.is_leader() and was_finished:
                show(
                    f"{path} is finished: its scores are in {folder[0].scores_file}, "
                    f"how to use it in {folder[0].readme_file}."
                )
            elif team.is_leader():
                show(f"The run is in {path}. Try:  {task_named(recipe.task).example(recipe).format(run=path)}")
        return None

    def noted() -> int | None:
        try:
            return work()
        except OSError:
            failures.append(EXIT_FAILED)
            raise

    failures = [EXIT_INTERRUPTED, EXIT_TERMINATED]
    code = guarded(noted, interrupted="Interrupted.")
    if code in failures and folder and _is_begun(folder[0].path):
        say(f"What was done so far is kept in {folder[0].path}; the same command goes on from there.")
    return code


def _module_words(program: str) -> list[str]:
    """What follows `python -m` where another process runs the same command."""
    words = program.split()
    return words[2:] if words[0] == "python" else ["seq2seq.cli.main", *words[1:]]


def _is_begun(path: Path) -> bool:
    """Whether there is a run to go on with, or several of --seeds."""
    with suppress(OSError):  # such as a name that is too long
        return (path / "recipe.json").is_file() or any(path.glob("seed-*/recipe.json"))
    return False


def take_count(name: str, what: str, arguments: Sequence[str]) -> tuple[int, list[str]]:
    """Returns the number after --NAME, 0 without it, and the other words; RecipeError for less than 2."""
    flag = f"--{name}"
    rest = [w for given in arguments for w in (given.split("=", 1) if given.startswith(f"{flag}=") else [given])]
    if flag not in rest:
        return 0, list(arguments)
    place = rest.index(flag)
    value = rest[place + 1] if place + 1 < len(rest) else ""
    if not value.isdecimal() or int(value) < 2:
        raise RecipeError(f"{flag} expects a number of {what}, at least 2. Received: {value!r}")
    return int(value), rest[:place] + rest[place + 2 :]


def carry_out(recipe: Recipe, folder: RunFolder, build: Build) -> bool:
    """Runs `build` in the folder, with all processes of the run. Returns whether there was nothing left to do."""
    with folder.begun() if team.is_leader() else nullcontext():
        finished = bool(team.broadcast(["finished"], lambda: {"finished": open_run(folder, recipe)})["finished"])
        if not finished:
            make_deterministic()
            build(folder, recipe)
            team.barrier()
    return finished


def run_seeds(recipe: Recipe, path: Path, count: int, build: Build) -> None:
    """Makes `count` runs in folders of `path`, goes on with those begun, and shows the mean of every score."""
    seeds = range(recipe.seed, recipe.seed + count)
    folders = [RunFolder(path / f"seed-{seed}") for seed in seeds]
    if (path / "recipe.json").exists():
        raise RecipeError(f"{path} holds a run. Choose another folder with --run-folder.")
    file = path / "seeds.json"
    if os.path.lexists(file) and not _is_summary(file):
        raise RecipeError(f"{file} was not made by --seeds, which writes such a file. Choose another --run-folder.")
    for seed, folder in zip(seeds, folders, strict=True):
        if team.is_leader():
            show(f"Seed {seed}: {folder.path}")
        if carry_out(recipe.model_copy(update={"seed": seed}), folder, build) and team.is_leader():
            show(f"{folder.path} is finished.")
    if not team.is_leader():
        return
    found = summary_of_seeds([read_json(folder.scores_file)["tests"] for folder in folders])
    write_text(file, json.dumps({"seeds": list(seeds), "tests": found}, indent=2) + "\n")
    show(f"\nOver {count} seeds, mean ± standard deviation (also in {file})")
    for test, metrics in found.items():
        show(test)
        for name, value in metrics.items():
            show(f"{name:15} {value['mean']:6.2f} ± {value['deviation']:.2f}   {value['signature']}")


def _is_summary(file: Path) -> bool:
    try:
        return not file.is_symlink() and set(read_json(file)) == {"seeds", "tests"}
    except (OSError, ValueError, TypeError):
        return False


def summary_of_seeds(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns for each test and metric the scores of the runs, their mean and their sample standard deviation."""
    found: dict[str, dict[str, Any]] = {}
    for test, metrics in runs[0].items():
        found[test] = {}
        for name, first in metrics.items():
            scores = [run[test][name]["score"] for run in runs]
            found[test][name] = {
                "mean": fmean(scores),
                "deviation": stdev(scores),
                "scores": scores,
                "signature": first["signature"],
            }
    return found


def parse(recipes: Mapping[str, Recipe], arguments: Sequence[str], usage: str = "") -> tuple[Recipe, Path]:
    """Returns the resolved recipe and its run folder; RecipeError names everything that is wrong at once."""
    words, flags = read_flags(arguments, recipes)
    if len(words) > 1:
        raise RecipeError(f"Expected one variant. Received: {words[0]!r} and {words[1]!r}\n\n{usage}")
    variant = words[0] if words else ""
    run_folder, source = flags.pop("run-folder", ""), flags.pop("from", "")
    if bool(source) == bool(variant):
        raise RecipeError(f"Name one variant, or a recipe with --from.\n\n{usage}")
    if source:
        recipe = load_recipe(Path(source))
    elif variant in recipes:
        recipe = recipes[variant]
    else:
        close = difflib.get_close_matches(variant, list(recipes), n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise RecipeError(f"No such variant: {variant!r}.{hint}\nVariants: {', '.join(recipes)}")
    if any(f"{name}.".startswith("data.train.") for name in flags):
        flags.setdefault("data.corpus", "files")
    elif variant == "custom" and "data.corpus" not in flags:
        raise RecipeError(f"custom expects files: {task_named(recipe.task).OWN_FILES}.")
    path = Path(run_folder) if run_folder else own_files.default_folder(flags.get("name", recipe.name))
    return override(as_the_start(recipe, flags, path), flags), path
