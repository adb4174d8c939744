"""The README of a run folder."""

from __future__ import annotations

import json
from typing import Any

from seq2seq.clock import clock
from seq2seq.messages import plain_markdown, shell_word, visible
from seq2seq.run.report import versions
from seq2seq.tasks.speech.folder import SpeechRunFolder
from seq2seq.tasks.speech.recipe import Recipe


def write_readme(
    folder: SpeechRunFolder, recipe: Recipe, scores: dict[str, Any], history: list[dict[str, str]]
) -> None:
    """Writes what the run is, its data, its scores and how to use it."""
    best = min(history, key=lambda row: float(row["val_cer"]))
    spent = clock(sum(float(row["seconds"]) for row in history))
    model = recipe.model
    rows = [
        f"| {plain_markdown(test)} | {plain_markdown(name)} | {value['score']:.2f} "
        f"| {plain_markdown(value['signature'])} |"
        for test, values in scores.items()
        for name, value in values.items()
    ]
    path = shell_word(folder.path)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    kept = "| epochs | weights of the last epochs, for `seq2seq average` |\n" * (recipe.training.keep_epochs > 0)
    directions = "both directions" if model.bidirectional else "one direction"
    decoder = (
        f"\nTrained beside a decoder with attention, {model.decoder_layers} x {model.decoder_units}, which had "
        f"{model.attention_weight:g} of the loss. Exports leave it out and transcribe by CTC alone.\n"
        if model.attention_weight
        else ""
    )
    folder.write(
        folder.readme_file,
        f"""# {plain_markdown(recipe.name)}

A speech recogniser that writes {recipe.tokenizer.kind}: {recipe.audio.mels} log-mels at {recipe.audio.rate:,} Hz,
{model.stack} frames a step, {model.num_layers} x {model.units} {model.cell} in {directions}, CTC.
{decoder}
Data: {plain_markdown(recipe.data.corpus)}.
Trained {len(history)} epochs in {spent}. Epoch {best["epoch"]} had the fewest wrong characters on the validation data,
{float(best["val_cer"]):.2f} %.

| test set | measure | score | signature |
|---|---|---|---|
{chr(10).join(rows) or "| none | | | |"}

## Use

    seq2seq transcribe {path} recording.wav
    seq2seq evaluate {path} --manifest recordings.tsv
    seq2seq export {path} --format litert         # a small folder that needs no TensorFlow; int8
    seq2seq transcribe {shell_word(folder.exports / "litert")} recording.wav
    seq2seq export {path} --format saved_model    # samples in, text out
    seq2seq export {path} --format onnx           # the network, for other runtimes

    import seq2seq
    recognizer = seq2seq.load({visible(json.dumps(str(folder.path), ensure_ascii=False))})
    print(recognizer.transcribe(samples, rate=16000).text)

## Files

| file | what |
|---|---|
| recipe.json | the resolved recipe; `--from recipe.json` makes the run again |
| {folder.codec_file(recipe).name} | the labels |
| frontend.json | the log-mels, their means and variances |
| model.weights.h5 | averaged weights of the best epoch |
| history.csv, curves.png, tensorboard | the training |
| scores.json, samples.txt | the tests, and what was heard |
| export | models for other programs |
| data.json | places of the test sets; checksums of the manifests |
{kept}| checkpoint.npz, checkpoint.before.npz | the last checkpoint, from which training goes on, and the one before |
| environment.json | versions, machine, command and state of the code at every start |

Made with {made_with}.
""",
    )
