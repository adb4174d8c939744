"""The README of a run folder."""

from __future__ import annotations

import json
from typing import Any

from seq2seq.clock import clock
from seq2seq.messages import plain_markdown, shell_word, visible
from seq2seq.run.report import versions
from seq2seq.tasks.music.folder import MusicRunFolder
from seq2seq.tasks.music.recipe import Recipe

_COMPOSE = "    composition = model.compose()[0]"
_SCORE = """    from seq2seq.music.reading import read_music
    scored = model.score(read_music("tune.mid", model.codec.steps_per_quarter))"""


def write_readme(folder: MusicRunFolder, recipe: Recipe, scores: dict[str, Any], history: list[dict[str, str]]) -> None:
    """Writes what the run is, its data, its scores and how to use it."""
    best = min(history, key=lambda row: float(row["val_nll"]))["epoch"]
    spent = clock(sum(float(row["seconds"]) for row in history))
    model, events = recipe.model, recipe.events
    rows = [
        f"| {plain_markdown(test)} | {plain_markdown(name)} | {value['score']:.3f} "
        f"| {plain_markdown(value['signature'])} |"
        for test, values in scores.items()
        for name, value in values.items()
    ]
    path = shell_word(folder.path)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    read, uses, python = (
        "notes and ends of frames",
        f"    seq2seq compose {path} --bars 16 --output tune.mid\n",
        _COMPOSE,
    )
    if events.keys:
        read, uses, python = "88 keys, each by itself, for comparison: it does not compose", "", _SCORE
    kept = "| epochs | weights of the last epochs, for `seq2seq average` |\n" * (recipe.training.keep_epochs > 0)
    folder.write(
        folder.readme_file,
        f"""# {plain_markdown(recipe.name)}

A model of music: {model.num_layers} x {model.units} {model.cell} over {read},
{events.steps_per_quarter} frames a quarter note{", a note that begins told from one that goes on" * events.onsets}.

Data: {plain_markdown(recipe.data.corpus)}.
Trained {len(history)} epochs in {spent}. Epoch {best} had the lowest loss on the validation pieces.

| test set | measure | score | signature |
|---|---|---|---|
{chr(10).join(rows) or "| none | | | |"}

## Use

{uses}    seq2seq evaluate {path} --ngram 6

    import seq2seq
    model = seq2seq.load({visible(json.dumps(str(folder.path), ensure_ascii=False))})
{python}

## Files

| file | what |
|---|---|
| recipe.json | the resolved recipe; `--from recipe.json` makes the run again |
| {folder.codec_file.name} | range, grid and inputs of the tokens |
| {folder.corpus_file.name} | the notes of the training pieces, which compositions are compared with |
| model.weights.h5 | averaged weights of the epoch with the lowest validation loss |
| history.csv, curves.png, tensorboard | the training |
| scores.json | the tests |
| data.json | checksums of all files that were read |
{kept}| checkpoint.npz, checkpoint.before.npz | the last checkpoint, from which training goes on, and the one before |
| environment.json | versions, machine, command and state of the code at every start |

Made with {made_with}.
""",
    )
