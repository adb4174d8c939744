"""`seq2seq distill`: the outputs of teachers become the training text of small, fast students; all are compared."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.cli.arguments import add_batch_size, options_from, positive
from seq2seq.cli.distill_compare import compare_costs
from seq2seq.cli.distill_texts import Factory, FactoryOptions, write_synthetic
from seq2seq.cli.train import build_run, carry_out
from seq2seq.extras import require
from seq2seq.files import format_json, locked, read_json, remove_leftovers, write_text
from seq2seq.messages import say, show
from seq2seq.outputs import check_run_folder
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.run.parsing import leaves, override
from seq2seq.signals import Terminated
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.pooling import CHOICES
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.students import STUDENTS, student_recipe

FIELD = "field:"
"""In front of a recipe's field among the parsed arguments."""
MANIFEST = "distill.json"
"""Records what the texts of a folder were made with."""


@dataclass(frozen=True)
class DistillOptions:
    """The options of the verb."""

    texts: FactoryOptions
    student: tuple[str, ...]
    folder: str
    lines: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the verb."""
    parser.epilog = (
        "Any field of a recipe may be given for the students as well, as for `seq2seq train`: --training.epochs 10. "
        "A command that was stopped goes on with the same words; further students may be named later."
    )
    parser.add_argument(
        "--teachers",
        metavar="RUN",
        nargs="+",
        required=True,
        help="runs that write targets, from the left or from the right; the first, from the left, is the one whose "
        "corpus and recipe the students have",
    )
    parser.add_argument(
        "--backward", metavar="RUN", nargs="+", default=[], help="runs of the other direction: they write sources"
    )
    parser.add_argument(
        "--student",
        nargs="+",
        choices=STUDENTS,
        default=["small"],
        help="same: the network of the first teacher; small: two narrow layers read, one writes; ssru: the same, and "
        "the one that writes has a simpler cell; tiny: narrower still (default small)",
    )
    parser.add_argument(
        "--folder", metavar="DIR", required=True, help="gets the texts, the students and the comparison"
    )
    parser.add_argument("--monolingual", metavar="FILE", help="further sources, a line each, for the teachers")
    parser.add_argument("--monolingual-target", metavar="FILE", help="further targets, a line each, for --backward")
    parser.add_argument(
        "--choose",
        nargs="+",
        choices=CHOICES,
        default=list(CHOICES),
        help="what becomes of the hypotheses for a source: "
        + "; ".join(f"{name}: {about}" for name, about in CHOICES.items())
        + " (default both, a pair each)",
    )
    parser.add_argument(
        "--n-best", type=positive, default=5, metavar="N", help="hypotheses of a teacher for a source (default 5)"
    )
    parser.add_argument(
        "--folds",
        type=positive,
        default=0,
        metavar="K",
        help="for teachers that know the corpus by heart: train K more, each on all but one part of the corpus, and "
        "have each write the part that it has not seen",
    )
    parser.add_argument("--workers", type=positive, default=1, metavar="N", help="processes that write (default 1)")
    parser.add_argument(
        "--lines",
        type=positive,
        default=200,
        metavar="N",
        help="of the validation text, to time models on (default 200)",
    )
    add_batch_size(parser, "lines searched together")
    for name, _ in leaves(Recipe()):
        parser.add_argument(f"--{name}", dest=f"{FIELD}{name}", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> None:
    """Writes the texts, trains the students, compares.

    Raises:
        ValueError: a mistake in the arguments, or in the folders that they name.
    """
    require("ai_edge_litert", "matplotlib")
    options = options_from(DistillOptions, arguments)
    fields = {
        name.removeprefix(FIELD): value
        for name, value in vars(arguments).items()
        if name.startswith(FIELD) and value is not None
    }
    base = _check_teachers(options.texts)
    override(base, fields)  # mistakes in fields are found before hours of work
    with _claimed(Path(options.folder)) as folder:
        factory = Factory(folder, base, options.texts)
        _check_manifest(folder, factory.made_with())
        pairs = write_synthetic(factory)
        for name in dict.fromkeys(options.student):
            run_folder = RunFolder(folder / "students" / name)
            recipe = student_recipe(base, name, factory.synthetic.absolute(), pairs, fields)
            if carry_out(recipe, run_folder, build_run):
                show(f"{run_folder.path} is finished.")
        trained = [path.parent for path in sorted(folder.glob("students/*/scores.json"))]
        show(compare_costs(factory, trained, options.lines))


def _check_teachers(options: FactoryOptions) -> Recipe:
    """Returns the recipe of the first teacher; ValueError for runs that cannot teach, or not together."""
    recipes = {path: TextRunFolder(path).load_recipe() for path in (*options.teachers, *options.backward)}
    for path in recipes:
        if not TextRunFolder(path).weights_file.is_file():
            raise RunFolderError(f"{path} has no trained weights yet.")
    first, *others = options.teachers
    base = recipes[first]
    if base.data.right_to_left:
        raise ValueError(
            f"The first of --teachers must write from the left: students are made like it. Received: {first}"
        )
    languages = base.data.source_language, base.data.target_language
    for path in others:
        if (other := (recipes[path].data.source_language, recipes[path].data.target_language)) != languages:
            raise ValueError(
                f"{path} goes from {' to '.join(other)}, and {first} from {' to '.join(languages)}. Runs of the other "
                "direction are given as --backward."
            )
    for path in options.backward:
        other = recipes[path].data.source_language, recipes[path].data.target_language
        if other == languages and languages[0] != languages[1] and base.data.corpus != "files":
            raise ValueError(f"--backward {path} goes from {' to '.join(other)}, as {first} does.")
    if options.monolingual_target and not options.backward:
        raise ValueError("--monolingual-target is text for --backward RUN, which writes its sources.")
    return base


@contextmanager
def _claimed(path: Path) -> Iterator[Path]:
    """Makes the folder of the factory, or opens it, for this process alone."""
    check_run_folder(path)
    if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not (path / MANIFEST).is_file())):
        raise ValueError(f"--folder {path} exists and was not made by this command. Choose another.")
    path.mkdir(parents=True, exist_ok=True)
    try:
        with locked(path, wait=False):
            remove_leftovers(path)
            try:
                yield path
            except (KeyboardInterrupt, Terminated):
                say(f"\nWhat was done so far is kept in {path}; the same command goes on from there.")
                raise
    except BlockingIOError:
        raise ValueError(
            f"--folder {path}: another process is working in it. Wait for it, or choose another."
        ) from None


def _check_manifest(folder: Path, made_with: dict[str, Any]) -> None:
    """Raises ValueError if the texts of the folder were made with something else; otherwise records it."""
    file = folder / MANIFEST
    if not file.exists():
        write_text(file, format_json(made_with, indent=2) + "\n")
        return
    before = dict(read_json(file))
    if changed := [name for name in made_with if before.get(name) != made_with[name]]:
        raise ValueError(
            f"--folder {folder} was begun with other values of: {', '.join(changed)}. Give the same again to go on, "
            "or choose another folder."
        )
    say(f"Going on in {folder}.")
