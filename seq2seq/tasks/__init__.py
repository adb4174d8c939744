"""The tasks: a module each, imported when it is named."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from seq2seq.lite.kinds import ACOUSTIC, DETECTOR, FORECASTER, LANGUAGE, kind_of_folder

if TYPE_CHECKING:
    from seq2seq.run.sections import Recipe
    from seq2seq.run.task import Task
    from seq2seq.tasks import anomaly, compression, forecast, language_model, speech, summarization, translation

    _CHECKED: tuple[Task, ...] = (translation, summarization, compression, language_model, speech, forecast, anomaly)

TASKS = {
    "translation": "seq2seq.tasks.translation",
    "summarization": "seq2seq.tasks.summarization",
    "compression": "seq2seq.tasks.compression",
    "language_model": "seq2seq.tasks.language_model",
    "speech": "seq2seq.tasks.speech",
    "forecast": "seq2seq.tasks.forecast",
    "anomaly": "seq2seq.tasks.anomaly",
}
"""Modules by the names that recipes give their tasks; see `run.task.Task` for what each holds."""

LITE_VERBS = {
    LANGUAGE: {"next": "next", "sample": "sample", "score": "score_text"},
    ACOUSTIC: {"transcribe": "transcribe", "evaluate": "evaluate_speech"},
    FORECASTER: {"forecast": "forecast", "backtest": "backtest", "evaluate": "evaluate_forecasts"},
    DETECTOR: {"detect": "detect", "evaluate": "evaluate_anomalies"},
}
"""Verbs that take a LiteRT folder, by its kind, and their modules of cli/. The tasks themselves, which could say it,
need packages that such a folder does without."""
LITE_NAMES = {
    LANGUAGE: "a language model",
    ACOUSTIC: "a recogniser",
    FORECASTER: "a forecaster",
    DETECTOR: "a detector",
}
LITE_TAKERS = {
    "next": "language models",
    "sample": "language models",
    "transcribe": "recognisers",
    "forecast": "forecasters",
    "backtest": "forecasters",
    "detect": "detectors",
}
"""What the verbs take that do not take LiteRT folders that translate."""


def task_named(name: str) -> Task:
    """Returns the module of a task; ValueError for an unknown name."""
    if name not in TASKS:
        raise ValueError(f"Expected the name of a task: {', '.join(TASKS)}. Received: {name!r}")
    return cast("Task", importlib.import_module(TASKS[name]))


def named_recipes(task: str) -> dict[str, Recipe]:
    """Returns the named recipes of a task; where tasks share a module, those that are of this one alone."""
    module = task_named(task).RECIPES
    recipes: dict[str, Recipe] = importlib.import_module(module).RECIPES
    if module.endswith(f".{task}"):
        return recipes
    return {name: recipe for name, recipe in recipes.items() if recipe.task == task}


def task_of(folder: Path | str) -> Task:
    """Returns the task of a run folder; RunFolderError where it is none, or its task is unknown."""
    from seq2seq.run.folder import RunFolder

    return _recorded_task(RunFolder(folder).read_record(), Path(folder) / "recipe.json")


def load_recipe(path: Path) -> Recipe:
    """Reads a recipe.json of any task; RunFolderError or RecipeError says what is wrong with it."""
    from seq2seq.run import folder

    return folder.load_recipe(path, _recorded_task(folder.read_record(path), path).Recipe)


def recipe_of(folder: Path) -> Recipe:
    """Returns the recipe of a run folder of any task; errors as `task_of`, and RecipeError."""
    from seq2seq.run.folder import RunFolder

    return RunFolder(folder).read_recipe(task_of(folder).Recipe)


def _recorded_task(record: dict[str, Any], path: Path) -> Task:
    from seq2seq.run.folder import RunFolderError

    recipe = record.get("recipe")
    name = recipe.get("task") if isinstance(recipe, dict) else None
    if not isinstance(name, str) or name not in TASKS:
        raise RunFolderError(f"{path}: expected a recipe of a task: {', '.join(TASKS)}. Received: {str(name)[:80]!r}")
    return task_named(name)


def load(path: Path, others: Sequence[Path] = (), **options: Any) -> Any:
    """Returns what `seq2seq.load` does: for a run folder, or the LiteRT folder that was made of one.

    Raises:
        ValueError: the folder is neither, or is damaged, or `others` do not go together with it.
    """
    from seq2seq.lite.folder import is_lite_folder

    if kind := kind_of_folder(path):
        if others or options:
            raise ValueError(
                f"A LiteRT folder of {LITE_NAMES[kind]} is loaded alone, without options. Received: {path}"
            )
        if kind == ACOUSTIC:
            from seq2seq.lite.acoustic import load_recognizer

            return load_recognizer(path)
        if kind == FORECASTER:
            from seq2seq.lite.forecast import load_forecaster

            return load_forecaster(path)
        if kind == DETECTOR:
            from seq2seq.lite.anomaly import load_detector

            return load_detector(path)
        from seq2seq.lite.language import LiteTextModel

        return LiteTextModel.load(path)
    if is_lite_folder(path):
        from seq2seq.tasks.text_to_text.loading import load_translator

        return load_translator(path, others, **options)
    task = task_of(path)
    for other in others:
        if (other / "recipe.json").is_file() and task_of(other).load is not task.load:
            raise ValueError(
                f"Expected runs of tasks of one kind. Received: {path}, a run of {task.NAME}, and {other}, a run of "
                f"{task_of(other).NAME}."
            )
    return task.load(path, others, **options)


def check_verb(folder: Path | str, verb: str) -> None:
    """Raises if a verb does not take a run of this task; a path that is no run folder passes. Imports no framework.

    Raises:
        ValueError: the message says what kind of runs the verb takes, what the folder is, and which verbs suit it.
    """
    if not (Path(folder) / "recipe.json").is_file():
        _check_lite_verb(Path(folder), verb)
        return  # an evaluation or an export: the verb itself says what it expects
    task = task_of(folder)
    if verb in task.VERBS:
        return
    from seq2seq.run.folder import RunFolderError

    takers = [name for name in TASKS if verb in task_named(name).VERBS]
    raise RunFolderError(
        f"`seq2seq {verb}` takes runs of {_listed(takers)}. Received: {folder}, a run of {task.NAME}. "
        f"Use one of its verbs: {', '.join(task.VERBS)}."
    )


def _check_lite_verb(folder: Path, verb: str) -> None:
    """Raises if a LiteRT folder is of a kind that the verb does not take."""
    kind = kind_of_folder(folder)
    if kind and verb not in LITE_VERBS[kind]:
        raise ValueError(
            f"{folder} is the LiteRT folder of {LITE_NAMES[kind]}, which `seq2seq {verb}` does not take. "
            f"Use one of its verbs: {', '.join(LITE_VERBS[kind])}."
        )
    if not kind and verb in LITE_TAKERS and (folder / "model.json").is_file():
        raise ValueError(
            f"`seq2seq {verb}` takes {LITE_TAKERS[verb]}. Received: {folder}, a LiteRT folder that translates."
        )


def module_of_verb(verb: str, words: Sequence[str]) -> str:
    """Returns the module of cli/ for a verb: where tasks share its name, that of the first run among the words.

    Raises:
        RunFolderError: the run's task is unknown.
    """
    for word in words:
        with suppress(OSError, ValueError):  # such as a name that is too long
            if not (Path(word) / "recipe.json").is_file():
                if kind := kind_of_folder(Path(word)):
                    return LITE_VERBS[kind].get(verb, verb)
                continue
        return task_of(word).VERBS.get(verb, verb)
    return verb


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "no task"
