"""The command line that every recipe has: VARIANT, overrides of its fields, --run-folder, --from, --help."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from seq2seq.cli.common import guarded, quiet_start
from seq2seq.recipe.config import Recipe
from seq2seq.recipe.parsing import RecipeError, describe, override
from seq2seq.recipe.run_folder import RunFolder, load_recipe
from seq2seq.recipe.train import open_run

USAGE = """\
usage: python -m recipes.{module} VARIANT [--run-folder DIR] [--FIELD VALUE ...]
       python -m recipes.{module} --from RECIPE.json [--run-folder DIR] [--FIELD VALUE ...]
       python -m recipes.{module} [VARIANT] --help

Trains VARIANT, scores it and leaves all in DIR (default runs/VARIANT).
A run that was stopped goes on with the same command.
Variants: {variants}
"""


def run_recipe(
    recipes: Mapping[str, Recipe],
    main: Callable[[Recipe, RunFolder], None],
    about: str,
    arguments: Sequence[str] | None = None,
) -> int:
    """Parses the command line, opens the run folder and runs `main`. Returns the exit code."""
    quiet_start()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    module = main.__module__ if main.__module__ != "__main__" else Path(sys.argv[0]).stem
    usage = USAGE.format(module=module.rsplit(".", 1)[-1], variants=", ".join(recipes))
    folder: list[RunFolder] = []

    def work() -> None:
        if "--help" in arguments or "-h" in arguments:
            named = [recipes[a] for a in arguments if a in recipes]
            recipe = named[0] if named else next(iter(recipes.values()))
            print(
                f"{about.strip()}\n\n{usage}\nFields and their values in the variant {recipe.name}:\n{describe(recipe)}"
            )
            return
        recipe, path = parse(recipes, arguments, usage)
        folder.append(RunFolder(path))
        if open_run(folder[0], recipe):
            print(
                f"{path} is finished: its scores are in {folder[0].scores_file}, "
                f"how to use it in {folder[0].readme_file}."
            )
            return
        main(recipe, folder[0])
        verb = "translate" if recipe.task == "translation" else "summarize"
        print(f'The run is in {path}. Try:  echo "…" | seq2seq {verb} {path}')

    code = guarded(work, interrupted="Interrupted.")
    if code and folder and folder[0].path.exists():
        print(
            f"What was done so far is kept in {folder[0].path}; the same command goes on from there.", file=sys.stderr
        )
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def parse(recipes: Mapping[str, Recipe], arguments: Sequence[str], usage: str = "") -> tuple[Recipe, Path]:
    """Returns the resolved recipe and its run folder; RecipeError tells everything that is wrong at once."""
    variant, flags = "", {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            if variant:
                raise RecipeError(f"Expected one variant. Received: {variant!r} and {word!r}\n\n{usage}")
            variant = word
            continue
        name, equals, value = word[2:].partition("=")
        if not equals:
            if not rest:
                raise RecipeError(f"--{name} wants a value.")
            value = rest.pop(0)
        if name in flags:
            raise RecipeError(f"--{name} is given twice.")
        flags[name] = value
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
    if any(name.startswith("data.train.") for name in flags):
        flags.setdefault("data.corpus", "files")
    elif variant == "custom" and "data.corpus" not in flags:
        raise RecipeError(
            "custom wants files: --data.train.source FILE --data.train.target FILE (or one .tsv as source)."
        )
    recipe = override(recipe, flags)
    return recipe, Path(run_folder or os.path.join("runs", recipe.name))
