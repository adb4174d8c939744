"""A run that starts from another one: it takes over vocabulary and weights in place of learning and drawing its own."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from seq2seq.files import read_json
from seq2seq.run.environment import sha256
from seq2seq.run.folder import RunFolder, RunFolderError, load_weights
from seq2seq.run.parsing import RecipeError, leaves, show
from seq2seq.run.sections import Recipe
from seq2seq.run.task import PartsOfWeight, Task

RunRecipe = TypeVar("RunRecipe", bound=Recipe)

FIELD = "training.start_from"
CODEC_SECTIONS = ("tokenizer", "audio", "events")
"""Sections that say what numbers mean: those of a run that starts from another are the same."""
SECTIONS = (*CODEC_SECTIONS, "window", "model")
"""Sections that a run has from the one that it starts from, unless their fields are given."""
FREE = frozenset({"tokenizer.sampling", "tokenizer.tags"})
"""Fields of CODEC_SECTIONS that may differ: what is drawn in training alone, and symbols, which the task checks."""

_log = logging.getLogger(__name__)


def as_the_start(recipe: RunRecipe, flags: Mapping[str, str], path: Path) -> RunRecipe:
    """Returns a recipe whose network and vocabulary are those of the run that a command line names to start from.

    Fields of the command line still come after it. Without such a run the recipe stays as it is.

    Args:
        recipe: Of the new run.
        flags: Fields of the command line, by their names.
        path: The folder of the new run. Once it has begun it holds what it needs, and the other may be gone.

    Raises:
        RunFolderError: it is no run folder, or one of another task.
    """
    if not (name := flags.get(FIELD)):
        return recipe
    own = RunFolder(path)
    start = own.read_recipe(type(recipe)) if own.start_file.exists() else _recipe_of(name, type(recipe))
    shared = [part for part in SECTIONS if part in type(recipe).model_fields]
    return recipe.model_copy(update={part: getattr(start, part) for part in shared})


def _recipe_of(run: str, kind: type[RunRecipe]) -> RunRecipe:
    try:
        return RunFolder(run).read_recipe(kind)
    except RunFolderError as error:
        raise RunFolderError(f"--{FIELD}: {error}") from error


def take_codec(folder: RunFolder, recipe: Recipe, task: Task) -> None:
    """Copies the codec of the run to start from, and keeps in started_from.json which weights it had.

    Nothing is done in a run that has begun; what is copied may then be gone.

    Raises:
        RunFolderError: the run is missing, damaged, of another task, or another than the one that this run began with.
        RecipeError: its numbers mean something else than the recipe says.
    """
    if not recipe.training.start_from or folder.checkpoint_file.exists():
        return
    start = RunFolder(recipe.training.start_from)
    if start.path.resolve() == folder.path.resolve():
        raise RecipeError(f"--{FIELD}: a run cannot start from itself. Choose another folder with --run-folder.")
    _check_codec(recipe, _recipe_of(recipe.training.start_from, type(recipe)), start.path)
    if not start.weights_file.is_file():
        raise RunFolderError(f"{start.path} has no trained weights yet: {start.weights_file.name} is missing.")
    found = {"run": str(start.path.resolve()), "weights": sha256(start.weights_file)}
    if folder.start_file.exists():
        if read_json(folder.start_file) != found:
            raise RunFolderError(
                f"{folder.path} began with other weights of {start.path} than it has now. Choose another folder with "
                "--run-folder."
            )
        return
    for file in task.codec_files(start):
        target = folder.inside(folder.path / file.name)
        target.write_bytes(file.read_bytes())
    folder.write_json(folder.start_file, found)


def take_weights(model: Any, recipe: Recipe, task: Task, parts: PartsOfWeight | None = None) -> None:
    """Gives a new network the weights of the run to start from, wherever name and shape are the same.

    What stays new, and what of the run is not used, is said.

    Args:
        model: The new network.
        recipe: Which run it starts from.
        task: The recipe's.
        parts: Where the vocabulary has grown: of which rows there each row of a weight is the mean.

    Raises:
        RunFolderError: the run is damaged, or none of its weights fits.
    """
    if not recipe.training.start_from:
        return
    start = RunFolder(recipe.training.start_from)
    other = task.untrained_model(start, [start.weights_file])
    load_weights(other, start.weights_file)
    theirs, ours = named(other.weights), named(model.weights)
    taken, new = 0, []
    for name, weight in ours.items():
        value = _fitted(theirs[name], weight, parts and parts(name)) if name in theirs else None
        if value is None:
            new.append(f"{name} {tuple(weight.shape)}")
        else:
            weight.assign(value)
            taken += int(np.prod(theirs[name].shape))
    if not taken:
        raise RunFolderError(f"--{FIELD}: no weights of {start.path} fit this network. Leave it out.")
    _log.info("Starting from %s: %s of %s weights", start.path, f"{taken:,}", f"{model.count_params():,}")
    if new:
        _log.warning("New, since %s has no weights of that name and shape: %s", start.path, ", ".join(new))
    if unused := [name for name in theirs if name not in ours]:
        _log.warning("Of %s not used: %s", start.path, ", ".join(unused))


def _fitted(old: Any, new: Any, parts: Sequence[Sequence[int]] | None) -> Any:
    """Returns what a weight begins with: the other run's, or, if its vocabulary has grown, the mean of some of its rows
    for each row, and of none the new one; None if neither fits."""
    if tuple(old.shape) == tuple(new.shape):
        return old
    if not parts or (len(parts), *old.shape[1:]) != tuple(new.shape):
        return None
    rows = np.asarray(old)
    return np.stack(
        [rows[list(some)].mean(0) if some else row for some, row in zip(parts, np.asarray(new), strict=True)]
    )


def named(weights: Iterable[Any]) -> dict[str, Any]:
    """Returns weights by names that do not depend on what else was made in the process.

    Keras numbers layers without a name through: here such names are counted within the network. States of random
    generators are left out.
    """
    seen: Counter[str] = Counter()
    found = {}
    for weight in weights:
        if not str(weight.dtype).startswith(("float", "bfloat")):
            continue
        name = "/".join(map(_without_number, weight.path.split("/")))
        seen[name] += 1
        found[f"{name}#{seen[name]}" if seen[name] > 1 else name] = weight
    return found


def _without_number(part: str) -> str:
    """Returns a part of a path without the number that Keras adds; cells are numbered by their layer, which stays."""
    return part if re.fullmatch(r"(layer|forward|backward)_\d+", part) else re.sub(r"_\d+$", "", part)


def _check_codec(recipe: Recipe, other: Recipe, path: Path) -> None:
    """Raises RecipeError, which lists them, for fields of which the vocabulary of the run knows nothing."""
    before = dict(leaves(other))
    apart = [
        f"\n  {name}: {show(before[name])} there, {show(value)} now"
        for name, value in leaves(recipe)
        if name.split(".")[0] in CODEC_SECTIONS and name not in FREE and before[name] != value
    ]
    if apart:
        raise RecipeError(
            f"--{FIELD}: the vocabulary is that of {path}, so these fields are too:{''.join(apart)}\nLeave them out."
        )
