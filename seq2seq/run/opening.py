"""A run folder is made, or opened to go on."""

from __future__ import annotations

import shutil

from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.run.parsing import leaves
from seq2seq.run.report import read_history
from seq2seq.run.sections import OPERATIONAL, Recipe

EPOCHS = "training.epochs"
"""The field that may change so that a run goes on longer."""


def open_run(folder: RunFolder, recipe: Recipe) -> bool:
    """Makes the run folder, or opens it to go on. Returns whether the run is finished already.

    Raises:
        RunFolderError: the folder holds something else, or a run of another recipe.
    """
    if folder.is_new:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.save_recipe(recipe)
        return False
    if not folder.recipe_file.exists():
        raise RunFolderError(f"{folder.path} exists and is no run folder. Choose another with --run-folder.")
    before = folder.read_recipe(type(recipe))
    if folder.is_average:
        raise RunFolderError(f"{folder.path} holds averaged weights, not a run that goes on. Choose another folder.")
    if folder.scores_file.exists():
        shutil.rmtree(folder.stores, ignore_errors=True)  # the earlier run was stopped right before its last step
    old = dict(leaves(before))
    changed = {name: value for name, value in leaves(recipe) if old[name] != value}
    if changed and (set(changed) <= OPERATIONAL or not folder.has_begun):
        folder.save_recipe(recipe)  # or the earlier run failed before it had made anything
    elif changed and set(changed) <= OPERATIONAL | {EPOCHS}:
        _change_epochs(folder, recipe)
    elif changed:
        changes = "\n".join(f"  {name}: {old[name]!r} there, {value!r} now" for name, value in changed.items())
        raise RunFolderError(
            f"{folder.path} holds a run of another recipe:\n{changes}\n"
            "Choose another folder with --run-folder, or delete this one."
        )
    return folder.scores_file.exists()


def _change_epochs(folder: RunFolder, recipe: Recipe) -> None:
    """Opens a run, finished or not, to go on to another number of epochs.

    Raises:
        RunFolderError: it has trained more epochs already, or is finished and has no checkpoint.
    """
    trained = len(read_history(folder)) if folder.history_file.exists() else 0
    if recipe.training.epochs < trained:
        raise RunFolderError(
            f"{folder.path} has trained {trained} epochs, and --{EPOCHS} {recipe.training.epochs} is fewer: give "
            f"{trained} or more, or another folder with --run-folder."
        )
    if folder.scores_file.exists():
        if not any(folder.path.glob(f"{folder.checkpoint_file.stem}*.npz")):
            raise RunFolderError(
                f"{folder.path} has no {folder.checkpoint_file.name} to go on from: train again in another folder "
                "(--run-folder)."
            )
        folder.scores_file.unlink()  # before the recipe changes: a run with scores is a finished run of its recipe
    folder.save_recipe(recipe)
