"""The end of a run: scores of the tests by the finished run folder, as any user loads it, beside simple baselines."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from seq2seq.evaluation.forecast_baselines import baselines
from seq2seq.evaluation.forecast_comparison import write_losses
from seq2seq.evaluation.forecasting import Evaluation, as_text, evaluate
from seq2seq.files import output_text
from seq2seq.inference.forecasting import Forecaster
from seq2seq.messages import counted, show
from seq2seq.run.report import read_history, versions
from seq2seq.series.plots import PANELS, plot_fan
from seq2seq.series.table import SeriesTable
from seq2seq.series.windows import Windows
from seq2seq.tasks.forecast.data import Corpus
from seq2seq.tasks.forecast.exporting import export_run
from seq2seq.tasks.forecast.folder import ForecastRunFolder
from seq2seq.tasks.forecast.loading import load_forecaster
from seq2seq.tasks.forecast.readme import write_readme
from seq2seq.tasks.forecast.recipe import Recipe
from seq2seq.tasks.forecast.shrinking import choose_share

OWN = "run"
"""The row of the model in tables of scores."""

_log = logging.getLogger(__name__)


def finish(folder: ForecastRunFolder, recipe: Recipe, data: Corpus) -> None:
    """Scores every test set, draws some forecasts, and writes exports, README and, last of all, scores.json."""
    share = choose_share(folder, recipe, data) if recipe.model.shrink != "none" else None
    forecaster = load_forecaster(folder.path)
    tests: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, (scored, table, windows, past) in forecaster.own_tests().items():
        what = counted(len(windows.cuts), "window"), counted(forecaster.horizon, "step")
        _log.info("Forecasting %s: %s of %s", name, *what)
        found = score(scored, table, windows, recipe, past)
        show(f"{name}\n{as_text(found)}")
        rows = {row: {m: asdict(one) for m, one in own.items()} for row, own in found.scores.items()}
        tests[name], others[name] = rows.pop(OWN), rows
        with output_text(folder.inside(folder.path / f"losses-{name}.csv")) as stream:
            write_losses(found, stream, table.frequency.unit)
        some = spread_out(windows)
        drawn = scored.predict(table, some, samples=recipe.scoring.samples, seed=recipe.seed)
        plot_fan(folder.inside(folder.plot_file), table, some, drawn, recipe.scoring.level)
    export_run(folder, recipe, forecaster)
    write_readme(folder, recipe, tests, others, read_history(folder), share)
    # Last of all: a run with scores is a finished run.
    folder.write_json(folder.scores_file, {"tests": tests, "baselines": others, "versions": versions()})


def score(
    forecaster: Forecaster, table: SeriesTable, windows: Windows, recipe: Recipe, learn_from: SeriesTable | None = None
) -> Evaluation:
    """Scores a forecaster beside the baselines, on windows in the units of the table.

    The ridge learns from `learn_from`, or from the table before the windows.
    """
    horizon, season, options = forecaster.horizon, forecaster.season, recipe.scoring

    def predict(some: Windows) -> Any:
        return forecaster.predict(table, some, samples=options.samples, seed=recipe.seed)

    notes: list[str] = []
    context, scaling = forecaster.context, forecaster.scaling
    rest = baselines(table, windows, horizon, season, context, notes=notes, scaling=scaling, learn_from=learn_from)
    found = evaluate(table, windows, horizon, season, {OWN: predict, **rest}, options.level, most=4096)
    found.notes.extend(notes)
    return found


def spread_out(windows: Windows) -> Windows:
    """Returns up to as many windows as a figure has panels, of different series where there are some."""
    order = windows.series.argsort(kind="stable")
    rows = order[:: max(1, len(order) // PANELS)][:PANELS]
    return Windows(windows.series[rows], windows.cuts[rows])
