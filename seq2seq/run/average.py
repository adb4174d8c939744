"""The mean of the weights of several runs, or of the last epochs of one, as a run folder of its own.

One model that costs what each of them costs (Junczys-Dowmunt et al. 2016). Runs that started from different random
weights are far apart, and their mean is no good model: average epochs of one run, or runs that went on from one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seq2seq.files import follow_links
from seq2seq.folders import check_replaceable, whole_folder
from seq2seq.messages import plain_markdown, shell_word
from seq2seq.run.folder import RunFolder, RunFolderError, load_weights, save_weights
from seq2seq.run.sections import Recipe
from seq2seq.run.task import Task

_log = logging.getLogger(__name__)


def average_runs(runs: Sequence[Path], output: Path, task: Task, last: int = 0) -> Path:
    """Writes a run folder whose weights are the mean of others, whole or not at all.

    Args:
        runs: Run folders of one architecture and with equal vocabularies.
        output: The new folder; it must not exist, or be empty.
        task: Of all runs.
        last: Of each run the last so many of the epochs that `training.keep_epochs` kept; 0: its best weights.

    Returns:
        `output`.

    Raises:
        RunFolderError: fewer than two sets of weights, too few epochs kept, runs that do not fit together, a damaged
            run, or an output that holds something.
    """
    folders = [RunFolder(run) for run in runs]
    recipes = [folder.read_recipe(task.Recipe) for folder in folders]
    files = [file for folder in folders for file in _files(folder, last)]
    if len(files) < 2 and not last:
        raise RunFolderError(
            f"An average is made of several runs, or of epochs that a run kept (--last N). Received: {folders[0].path}"
        )
    output = follow_links(output)
    check_replaceable(output, "")
    for folder in folders[1:]:
        task.check_same_codec(folders[0], folder)
    model = task.untrained_model(folders[0], files)
    sums: list[Any] = []
    for file in files:
        load_weights(model, file)
        weights = [weight.astype("float64") for weight in model.get_weights()]
        sums = [one + other for one, other in zip(sums, weights, strict=True)] if sums else weights
    model.set_weights([(total / len(files)).astype("float32") for total in sums])
    recipe = recipes[0].model_copy(update={"name": output.name})
    made_of = [{"weights": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()} for file in files]
    with whole_folder(output) as partial:
        new = RunFolder(partial)
        new.save_recipe(recipe, made_of)
        save_weights(model, new.weights_file)
        for file in (folders[0].data_file, *task.codec_files(folders[0]), *task.learned_files(folders[0])):
            if file.is_file():
                (partial / file.name).write_bytes(file.read_bytes())
        new.write(new.readme_file, _readme(recipe, task, output, made_of))
        task.finish_average(new)
    _log.info("%s: the mean of %d sets of weights", output, len(files))
    return output


def _files(folder: RunFolder, last: int) -> list[Path]:
    """The weights that a run gives to the mean."""
    if last:
        kept = list(folder.kept_epochs().values())
        if len(kept) < last:
            raise RunFolderError(
                f"{folder.path} has kept {len(kept)} epochs, not {last}: train with --training.keep_epochs {last}."
            )
        return kept[-last:]
    if not folder.weights_file.is_file():
        raise RunFolderError(f"{folder.path} has no trained weights yet: {folder.weights_file.name} is missing.")
    return [folder.weights_file]


def _readme(recipe: Recipe, task: Task, path: Path, made_of: list[dict[str, Any]]) -> str:
    parts = "\n".join(f"- {plain_markdown(part['weights'])} (sha256 {part['sha256'][:16]}…)" for part in made_of)
    return f"""# {plain_markdown(recipe.name)}

The mean of {len(made_of)} sets of weights, each counting the same; nothing was trained here:

{parts}

Network, data and search are as in the first of these runs: recipe.json has them, and under `made_of` the weights that
this was made of, with checksums. No score is known before it is measured.

## Use

    {task.example(recipe).format(run=shell_word(path))}
    seq2seq evaluate {shell_word(path)}
"""
