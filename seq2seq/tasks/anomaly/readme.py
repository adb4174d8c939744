"""The README of a run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from seq2seq.clock import clock
from seq2seq.messages import plain_markdown, shell_word, visible
from seq2seq.metrics.score import Score
from seq2seq.run.report import versions
from seq2seq.tasks.anomaly.folder import AnomalyRunFolder
from seq2seq.tasks.anomaly.recipe import Recipe


def write_readme(
    folder: AnomalyRunFolder,
    recipe: Recipe,
    threshold: float,
    rows: Mapping[str, Mapping[str, Score]],
    history: list[dict[str, str]],
) -> None:
    """Writes what the run is, its data, its scores beside the baselines and how to use it."""
    spent = clock(sum(float(row["seconds"]) for row in history))
    model, alarms, path = recipe.model, recipe.alarms, shell_word(folder.path)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    kept = "| epochs | weights of the last epochs, for `seq2seq average` |\n" * (recipe.training.keep_epochs > 0)
    losses = f"| losses-{recipe.data.corpus}.csv | what was found in each series, for `seq2seq compare` |\n" * bool(
        rows
    )
    folder.write(
        folder.readme_file,
        f"""# {plain_markdown(recipe.name)}

A detector of anomalies: {model.num_layers} x {model.units} {model.cell} predicts each reading from those before it;
how unlikely the reading is then, among all before, is its score.

Data: {plain_markdown(recipe.data.corpus)}. Trained {len(history)} epochs in {spent}; the best one was chosen by the
loss of the last tenth of each training part.

An alarm begins at a score of {threshold:.4g}, which {alarms.rate:g} alarms per 10,000 readings of the training parts
reach. It ends where {alarms.gap} readings lie below.

{_table(rows) or "Nothing is labelled, so there are no scores."}

## Use

    seq2seq detect {path} --plot alarms.png
    seq2seq detect {path} --input live.csv --output alarms.csv --scores scores.csv
    seq2seq detect {path} --input live.csv --rate 2
    seq2seq evaluate {path} --input later.csv --labels windows.csv    # unique_id, start, end of each anomaly
    tail -f live.csv | seq2seq detect {path} --follow
    seq2seq export {path} --format litert         # a small folder that needs no TensorFlow; int8
    tail -f live.csv | seq2seq detect {shell_word(folder.exports / "litert")} --follow

    import seq2seq
    detector = seq2seq.load({visible(json.dumps(str(folder.path), ensure_ascii=False))})
    print(detector.detect(frame).alarms_frame())
    stream = detector.stream()
    print(stream.push(20.5))

## Files

| file | what |
|---|---|
| recipe.json | the resolved recipe; `--from recipe.json` makes the run again |
| streams.json | columns and frequency of the table |
| alarms.json | rate, threshold and gap of the alarms |
| normal.npz | scores of the training parts, for the thresholds of other rates |
| model.weights.h5 | averaged weights of the best epoch |
| history.csv, curves.png, tensorboard | the training |
| scores.json | the scores |
{losses}| alarms.png | the series with the highest score |
| data.json | place and checksum of the table |
| export | models for other programs |
{kept}| checkpoint.npz, checkpoint.before.npz | the last checkpoint, from which training goes on, and the one before |
| environment.json | versions, machine, command and state of the code at every start |

Made with {made_with}.
""",
    )


def _table(rows: Mapping[str, Mapping[str, Score]]) -> str:
    if not rows:
        return ""
    measures: list[Any] = list(dict.fromkeys(measure for row in rows.values() for measure in row))
    lines = [f"| | {' | '.join(measures)} |", "|---" * (len(measures) + 1) + "|"]
    for title, row in rows.items():
        lines.append(f"| {title} | {' | '.join(f'{row[one].score:.2f}' for one in measures)} |")
    own = next(iter(rows.values()))
    signatures = "\n".join(f"    {own[measure].signature}" for measure in measures)
    about = [
        "`found` is the percentage of labelled windows with an alarm, `false_alarms` are alarms per 10,000 readings",
        "outside of them, both at the threshold above; other rows have thresholds of the same rate.",
    ]
    if "nab_at_rate" in own:
        about += [
            "NAB's scores are each at the best threshold for them, as NAB takes it; `nab_at_rate` is that of the",
            "standard profile at the threshold above.",
        ]
    return "\n".join([*lines, "", *about, "", signatures, ""])
