"""`seq2seq doctor --manifest FILE`: look at recordings and their texts before training on them."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.messages import show
from seq2seq.outputs import STDOUT, check_outputs

if TYPE_CHECKING:
    from seq2seq.doctor.audio import Fit
    from seq2seq.tasks.speech.recipe import Recipe


@dataclass(frozen=True)
class AudioOptions:
    """The manifests to look at."""

    manifest: str | None
    test_manifest: tuple[str, ...]


class Recordings(NamedTuple):
    """What is looked at."""

    train: Path
    tests: dict[str, Path]
    recipe: Recipe | None


def add_audio_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that name recordings."""
    group = parser.add_argument_group("recordings")
    group.add_argument(
        "--manifest",
        metavar="FILE",
        help="instead of --source: a .tsv or .jsonl with audio and text, or a Kaldi folder; or --recipe or --run",
    )
    group.add_argument(
        "--test-manifest",
        nargs="+",
        default=[],
        metavar="FILE",
        help="manifests of test or validation data, whose recordings and speakers training must not hold",
    )


def recordings(options: AudioOptions, recipe: str | None, run: str | None) -> Recordings | None:
    """Returns the recordings that are meant; None where the options are about text.

    Raises:
        ValueError: the recipe or the run is damaged, or not of speech although a manifest is given.
    """
    if options.test_manifest and not options.manifest:
        raise ValueError("--test-manifest needs --manifest.")
    tests = {Path(file).name: Path(file) for file in options.test_manifest}
    if not recipe and not run:  # needs no package of training
        return Recordings(Path(options.manifest), tests, None) if options.manifest else None
    from seq2seq.tasks.speech.data import manifests_of
    from seq2seq.tasks.speech.recipe import Recipe

    meant = recipes_meant(recipe, run)
    known = [each for each in meant if isinstance(each, Recipe)]
    if options.manifest:
        if not known:
            raise ValueError(f"--manifest goes with a recipe or a run of speech. Received: {recipe or run}")
        return Recordings(Path(options.manifest), tests, known[0])
    if not known or len(known) < len(meant):  # a name that recipes of text have, too
        return None
    train, validation, tests = manifests_of(known[0].data)
    return Recordings(train, {"validation": validation, **tests}, known[0])


def recipes_meant(recipe: str | None, run: str | None) -> list[Any]:
    """Returns the recipe of a run, or those that a name or a file may mean; none where nothing is known of it."""
    from seq2seq.tasks import TASKS, load_recipe, named_recipes, recipe_of, task_named

    if run:
        return [recipe_of(Path(run))]
    if recipe and Path(recipe).is_file():
        return [load_recipe(Path(recipe))]
    named = (named_recipes(task) for task in TASKS if "doctor" in task_named(task).VERBS)
    return [recipes[recipe] for recipes in named if recipe in recipes]


def look(found: Recordings, as_json: bool) -> int:
    """Examines recordings and shows the report. Returns the exit code."""
    from seq2seq.doctor.audio import as_text, examine
    from seq2seq.doctor.progress import StageProgress

    check_outputs([found.train, *found.tests.values()], {"standard output": STDOUT})
    progress = StageProgress()
    report = examine(found.train, found.tests, progress, _fit(found.recipe, found.train) if found.recipe else None)
    progress.clear()
    show(json.dumps(report.as_json(), indent=2, ensure_ascii=False) if as_json else as_text(report))
    return 1 if report.refused else 0


def _fit(recipe: Recipe, train: Path) -> Fit:
    """Returns what says whether a text fits a recording, by labels as the recipe would learn them."""
    from seq2seq.audio.features import LogMels
    from seq2seq.audio.manifest import Manifest
    from seq2seq.doctor.audio import Fit
    from seq2seq.search.ctc import frames_needed
    from seq2seq.tasks.speech.prepare import learn_tokenizer

    mels, fastest = LogMels(rate=recipe.audio.rate, mels=recipe.audio.mels), max(recipe.augmentation.speeds)
    codec = learn_tokenizer(recipe, [u.text for u in Manifest(train, check_files=False)])

    def steps(seconds: float) -> int:
        return -(-mels.count(int(seconds * recipe.audio.rate / fastest)) // recipe.model.stack)

    return Fit(recipe.audio.rate, steps, lambda text: max(1, frames_needed(codec.encode([text])[0])))
