"""The README of a run folder."""

from __future__ import annotations

import json
from typing import Any

from seq2seq.clock import clock
from seq2seq.messages import plain_markdown, shell_word, visible
from seq2seq.run.report import versions
from seq2seq.tasks.language_model.folder import LanguageRunFolder
from seq2seq.tasks.language_model.recipe import Recipe


def write_readme(
    folder: LanguageRunFolder, recipe: Recipe, scores: dict[str, Any], history: list[dict[str, str]]
) -> None:
    """Writes what the run is, its data, its scores and how to use it."""
    best = min(history, key=lambda row: float(row["val_nll"]))["epoch"]
    spent = clock(sum(float(row["seconds"]) for row in history))
    model = recipe.model
    rows = [
        f"| {plain_markdown(test)} | {plain_markdown(name)} | {value['score']:.3f} "
        f"| {plain_markdown(value['signature'])} |"
        for test, values in scores.items()
        for name, value in values.items()
    ]
    path, kind = shell_word(folder.path), recipe.tokenizer.kind
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    kept = "| epochs | weights of the last epochs, for `seq2seq average` |\n" * (recipe.training.keep_epochs > 0)
    folder.write(
        folder.readme_file,
        f"""# {plain_markdown(recipe.name)}

A language model over {kind if kind in ("words", "characters") else f"{kind} tokens"}: {model.num_layers} x
{model.units} {model.cell}, embeddings of {model.embedding}.

Data: {plain_markdown(recipe.data.corpus)}.
Trained {len(history)} epochs in {spent}. Epoch {best} had the lowest loss on the validation text.

| test set | measure | score | signature |
|---|---|---|---|
{chr(10).join(rows) or "| none | | | |"}

`perplexity` compares models with the same tokens, `word_perplexity` and `bits_per_character` also those with others.

## Use

    seq2seq next {path} "…"
    seq2seq sample {path} --prompt "…"
    seq2seq score {path} < text

    import seq2seq
    model = seq2seq.load({visible(json.dumps(str(folder.path), ensure_ascii=False))})
    for line in model.score_text(["…"]):
        print(line.log_probability, line.text)

## Files

| file | what |
|---|---|
| recipe.json | the resolved recipe; `--from recipe.json` makes the run again |
| {folder.codec_file(recipe).name} | the vocabulary |
| model.weights.h5 | averaged weights of the epoch with the lowest validation loss |
| history.csv, curves.png, tensorboard | the training |
| scores.json | the tests |
| samples.txt | what the model writes from nothing |
| export | models for other programs |
| data.json | places of the test sets; checksums of all files that were read |
{kept}| checkpoint.npz, checkpoint.before.npz | the last checkpoint, from which training goes on, and the one before |
| environment.json | versions, machine, command and state of the code at every start |

Made with {made_with}.
""",
    )
