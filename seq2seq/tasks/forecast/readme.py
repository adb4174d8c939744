"""The README of a run folder."""

from __future__ import annotations

import json
from typing import Any

from seq2seq.clock import clock
from seq2seq.messages import plain_markdown, shell_word, visible
from seq2seq.run.report import versions
from seq2seq.series.table import Floats
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.recipe import Recipe
from seq2seq.tasks.forecast.shrinking import described

MEASURES = ("mae", "mse", "mase", "smape", "owa", "crps", "wql", "msis")


def write_readme(
    folder: ForecastRunFolder,
    recipe: Recipe,
    tests: dict[str, Any],
    others: dict[str, Any],
    history: list[dict[str, str]],
    share: Floats | None = None,
) -> None:
    """Writes what the run is, its data, its scores beside the baselines and how to use it; `share` of `shrinking`."""
    spent = clock(sum(float(row["seconds"]) for row in history))
    window, model, path = recipe.window, recipe.model, shell_word(folder.path)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    chosen = "loss" if recipe.training.select_by == "loss" else recipe.training.select_by.upper()
    units = "\nScores are in standard deviations of each series' training part.\n" if recipe.data.standardize else ""
    ahead = " --future next.csv" if recipe.data.corpus == "files" and recipe.data.future else ""
    known = ', future="next.csv"' if ahead else ""
    said = f" {', '.join(map(plain_markdown, recipe.data.future))} must be known for the steps ahead." if ahead else ""
    kept = "| epochs | weights of the last epochs, for `seq2seq average` |\n" * (recipe.training.keep_epochs > 0)
    past = " and the newer half of the training part" if model.shrink == "history" else ""
    shares = "" if share is None else f"{described(share)}, by the same windows{past}.\n"
    drawn = (
        "| scores.json, losses-test.csv | the tests; what was lost on each window, for `seq2seq compare` |\n"
        "| forecasts.png | forecasts of the test beside what came |\n"
        if tests
        else "| scores.json | that the run is finished; there is no test |\n"
    )
    folder.write(
        folder.readme_file,
        f"""# {plain_markdown(recipe.name)}

A forecaster of {window.horizon} steps from {window.context}: {model.kind}, {model.num_layers} x {model.units}
{model.cell}, head {model.head}, windows scaled by {window.scaling}.

Data: {plain_markdown(recipe.data.corpus)}. Trained {len(history)} epochs in {spent}; the best one was chosen by the
{chosen} of the validation windows.
{shares}{units}
{chr(10).join(_table(name, tests[name], others[name]) for name in tests) or "There is no test set."}

## Use

    seq2seq forecast {path}{ahead} --plot forecast.png                  # what follows the series of training
    seq2seq forecast {path} --input new.csv{ahead} --output forecast.csv
    seq2seq backtest {path} --windows 12 --step {window.horizon}
    seq2seq evaluate {path} --input new.csv

    import seq2seq
    model = seq2seq.load({visible(json.dumps(str(folder.path), ensure_ascii=False))})
    print(model.forecast(frame, horizon={window.horizon}{known}))
{said and f"{chr(10)}{said.strip()}{chr(10)}"}
## Files

| file | what |
|---|---|
| recipe.json | the resolved recipe; `--from recipe.json` makes the run again |
| series.json | columns, frequency and series of the table; means and deviations of covariates |
| model.weights.h5 | averaged weights of the best epoch |
| history.csv, curves.png, tensorboard | the training |
{drawn}| data.json | place and checksum of the tables |
| export | models for other programs |
{kept}| checkpoint.npz, checkpoint.before.npz | the last checkpoint, from which training goes on, and the one before |
| environment.json | versions, machine, command and state of the code at every start |

Made with {made_with}.
""",
    )


def _table(name: str, own: dict[str, Any], others: dict[str, Any]) -> str:
    rows = {"this run": own, **others}
    measures = [measure for measure in MEASURES if any(measure in row for row in rows.values())]
    lines = [f"| {plain_markdown(name)} | {' | '.join(measures)} |", "|---" * (len(measures) + 1) + "|"]
    for title, row in rows.items():
        cells = [f"{row[measure]['score']:.4g}" if measure in row else "" for measure in measures]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    signatures = "\n".join(f"    {own[measure]['signature']}" for measure in measures if measure in own)
    return "\n".join(lines) + f"\n\n{signatures}\n"
