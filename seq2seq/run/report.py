"""What a run tells about itself: history, curves, scores, and a README."""

from __future__ import annotations

import csv
import io
import json
import platform
from importlib import metadata
from typing import Any

from seq2seq import __version__
from seq2seq.clock import clock
from seq2seq.figures import new_figure
from seq2seq.files import whole_file
from seq2seq.messages import plain_markdown, shell_word, visible
from seq2seq.run.folder import RunFolder, RunFolderError
from seq2seq.tasks.text_to_text.kind import kind_of
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.tasks.text_to_text.selection import Selection


def write_history(folder: RunFolder, history: list[dict[str, Any]]) -> None:
    """Writes a row an epoch to history.csv; nothing without one."""
    if not history:
        return
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in history for name in row))
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    folder.write(folder.history_file, text.getvalue())


def write_curves(folder: RunFolder, history: list[dict[str, Any]], score: str) -> None:
    """Draws losses and the validation score of that name over the epochs to curves.png."""
    epochs = [row["epoch"] for row in history]
    figure = new_figure(figsize=(10, 4), layout="constrained")
    losses, scores = figure.subplots(1, 2)
    losses.plot(epochs, [row["nll"] for row in history], marker=".", label="training (with dropout)")
    losses.plot(epochs, [row["val_nll"] for row in history], marker=".", label="validation (averaged weights)")
    losses.set(xlabel="epoch", ylabel="nats a token", title="Negative log-likelihood")
    losses.legend()
    scores.plot(epochs, [row[f"val_{score}"] for row in history], marker=".", color="tab:green")
    scores.set(xlabel="epoch", ylabel=_title(score), title=f"Validation {_title(score)}, greedy")
    for axes in (losses, scores):
        axes.grid(alpha=0.3)
    with whole_file(folder.curves_file) as partial:
        figure.savefig(partial, format="png", dpi=100)


def _title(score: str) -> str:
    return score.replace("_", " ").upper()


def versions() -> dict[str, str]:
    """Of everything that a score may depend on."""
    names = ("keras", "tensorflow", "jax", "numpy", "sentencepiece", "sacrebleu", "sacremoses", "rouge-score")
    found = {"python": platform.python_version(), "seq2seq": __version__}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_readme(
    folder: RunFolder, recipe: Recipe, scores: dict[str, Any], history: list[dict[str, str]], selection: Selection
) -> None:
    """Writes what the run is, its data, its scores and how to use it."""
    best = history[selection.best(history)]["epoch"]
    spent = clock(sum(float(row["seconds"]) for row in history))
    data, encoder, decoder = recipe.data, recipe.model.encoder, recipe.model.decoder
    direction = "bidirectional" if encoder.bidirectional else "unidirectional"
    attention = "no attention" if decoder.attention == "none" else f"{decoder.attention} attention"
    languages = [plain_markdown(language) for language in (data.source_language, data.target_language)]
    kind = kind_of(recipe)
    does, verb = kind.summary.format(source=languages[0], target=languages[1]), kind.verb
    rows = [
        f"| {plain_markdown(test)} | {plain_markdown(name)} | {value['score']:.2f} "
        f"| {plain_markdown(value['signature'])} |"
        for test, values in scores.items()
        for name, value in values.items()
    ]
    path = shell_word(folder.path)
    kept = "| epochs | weights of the last epochs, for `seq2seq average` |\n" * (recipe.training.keep_epochs > 0)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    folder.write(
        folder.readme_file,
        f"""# {plain_markdown(recipe.name)}

{does}:
{direction} {encoder.cell} encoder of {encoder.num_layers} x {encoder.units},
{decoder.cell} decoder of {decoder.num_layers} x {decoder.units}, {attention}{" and a pointer" * recipe.model.pointer},
{"a selector on the encoder, " * recipe.model.selector}vocabulary of {recipe.tokenizer.size:,} pieces.

Data: {plain_markdown(data.corpus)}.
Trained {len(history)} epochs in {spent}. Epoch {best} was the best on the validation text (by {selection.name}).

| test set | metric | score | signature |
|---|---|---|---|
{chr(10).join(rows) or "| none | | | |"}

## Use

    seq2seq {verb} {path} < text
    seq2seq evaluate {path} --source FILE --target FILE

    import seq2seq
    generator = seq2seq.load({visible(json.dumps(str(folder.path), ensure_ascii=False))})
    generator(["…"])

## Files

| file | what |
|---|---|
| recipe.json | the resolved recipe; `--from recipe.json` makes the run again |
| source.model, target.model | SentencePiece |
| model.weights.h5 | averaged weights of the best epoch |
| history.csv, curves.png, tensorboard | the training |
| scores.json, hypotheses | the tests |
| export | forms that others serve: `saved_model` takes text and gives text |
| learned.json | what was learned of the text: what chooses the epoch, how long outputs may be |
| data.json | where the test sets stand; checksums of all that was read |
{kept}| checkpoint.npz, checkpoint.before.npz | all that is needed to go on, and the one before |
| environment.json | versions, machine, command and state of the code at every start |

Made with {made_with}.
""",
    )


def read_history(folder: RunFolder) -> list[dict[str, str]]:
    """Returns the rows of history.csv; RunFolderError if it is damaged."""
    try:
        with open(folder.history_file, encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (ValueError, csv.Error) as error:
        raise RunFolderError(f"{folder.history_file}: damaged ({error}).") from error
