"""The README of a run folder."""

from __future__ import annotations

import json
from typing import Any

from seq2seq.clock import clock
from seq2seq.messages import plain_markdown, shell_word, visible
from seq2seq.run.report import versions
from seq2seq.run.selection import Selection
from seq2seq.tasks.text_to_text.folder import TextRunFolder
from seq2seq.tasks.text_to_text.kind import kind_of
from seq2seq.tasks.text_to_text.recipe import Recipe


def write_readme(
    folder: TextRunFolder, recipe: Recipe, scores: dict[str, Any], history: list[dict[str, str]], selection: Selection
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
    source, target = (side.size for side in folder.load_tokenizers())
    joint = f"vocabulary of {target:,} tokens"
    sizes = joint if recipe.tokenizer.joint else f"vocabularies of {source:,} and {target:,} tokens"
    path = shell_word(folder.path)
    live = f"\n    seq2seq {verb} {path} --wait-k 3    # writes while it reads" * bool(recipe.training.wait_k)
    kept = "| epochs | weights of the last epochs, for `seq2seq average` |\n" * (recipe.training.keep_epochs > 0)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    folder.write(
        folder.readme_file,
        f"""# {plain_markdown(recipe.name)}

{does}:
{direction} {encoder.cell} encoder of {encoder.num_layers} x {encoder.units},
{decoder.cell} decoder of {decoder.num_layers} x {decoder.units}, {attention}{" and a pointer" * recipe.model.pointer},
{"a selector on the encoder, " * recipe.model.selector}{sizes}.

Data: {plain_markdown(data.corpus)}.
Trained {len(history)} epochs in {spent}. Epoch {best} was the best on the validation text (by {selection.name}).

| test set | metric | score | signature |
|---|---|---|---|
{chr(10).join(rows) or "| none | | | |"}

## Use

    seq2seq {verb} {path} < text{live}
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
| export | models for other programs: `saved_model` takes text and returns text |
| learned.json | facts about the text: what chooses the best epoch, how long outputs may be |
| data.json | places of the test sets; checksums of all files that were read |
{kept}| checkpoint.npz, checkpoint.before.npz | the last checkpoint, from which training goes on, and the one before |
| environment.json | versions, machine, command and state of the code at every start |

Made with {made_with}.
""",
    )
