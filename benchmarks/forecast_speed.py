"""Training and forecasting 10,000 series, against DeepAR of GluonTS on PyTorch: the same data and sizes, in turn.

python -m benchmarks.forecast_speed --python deepar=…/bin/python

Both are autoregressive: two recurrent layers of 40 units over a context of 96 and a horizon of 24 steps, a Student-t
head, 100 sample paths of each series. Ours is a GRU, DeepAR an LSTM, as each has by default; DeepAR reads more lags.
The direct forecaster of our recipes is a third row. Each turn is a fresh process, which trains some steps before the
clock runs. Training counts windows of context and horizon, forecasting series.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SERIES, LENGTH, CONTEXT, HORIZON, SEASON = 10_000, 300, 96, 24, 24
ROWS, WARM, PATHS, UNITS, LAYERS = 64, 10, 100, 40, 2
MODELS = ("autoregressive", "direct", "deepar")


def series(count: int) -> np.ndarray:
    """Returns `(count, LENGTH)` made-up hourly readings: level, season, noise."""
    draw = np.random.default_rng(1)
    level, size = draw.uniform(10, 100, (count, 1)), draw.uniform(1, 10, (count, 1))
    wave = np.sin(2 * np.pi * (np.arange(LENGTH) + draw.integers(0, SEASON, (count, 1))) / SEASON)
    return level + size * (wave + 0.3 * draw.standard_normal((count, LENGTH)))


def ours(kind: str, steps: int, forecast: int) -> dict[str, float]:
    """Trains and forecasts with this project."""
    from seq2seq.backend import prepare_keras

    prepare_keras()
    from seq2seq.inference.forecast_network import KerasDirect, KerasSteps
    from seq2seq.inference.forecasting import Forecaster
    from seq2seq.series.batches import DirectInputs, WindowPlan
    from seq2seq.series.cells import Columns
    from seq2seq.series.codec import learn_codec
    from seq2seq.series.table import table_of
    from seq2seq.series.windows import TrainingWindows, Windows, ends
    from seq2seq.tasks.forecast import network
    from seq2seq.tasks.forecast.recipe import Batching, Model, Recipe, Window
    from seq2seq.training.optimizers import AveragingAdam

    recipe = Recipe(
        window=Window(horizon=HORIZON, context=CONTEXT, scaling="mean_absolute", min_context=CONTEXT),
        model=Model(kind=kind, head="student_t", units=UNITS, num_layers=LAYERS),
        batching=Batching(size=ROWS),
    )
    table = table_of({f"s{i}": row for i, row in enumerate(series(SERIES))}, "h", "2024-01-01")
    codec = learn_codec(table, Columns(), (), "error", True, False)
    inputs = network.make_inputs(recipe, codec)
    model = network.build_network(recipe, inputs)
    objective = network.build_objective(model)
    objective.build()
    objective.compile(AveragingAdam(0.001, global_clipnorm=1.0))
    windows = TrainingWindows(table, HORIZON, ROWS, 1, CONTEXT)
    plan = WindowPlan(inputs, table, windows, 0)

    def train(step: int) -> None:
        batch = plan[step]
        objective.train_on_batch(batch.inputs(), batch.target_output, batch.weights)

    speed = _rate(train, steps) * ROWS
    wrap = KerasDirect if isinstance(inputs, DirectInputs) else KerasSteps
    forecaster = Forecaster([wrap(model)], inputs, network.distribution(recipe.model), SEASON, lambda: table)
    future = ends(table)

    def predict(count: int) -> None:
        forecaster.predict(table, Windows(future.series[:count], future.cuts[:count]), samples=PATHS)

    predict(min(100, forecast))
    began = time.perf_counter()
    predict(forecast)
    return {"training": speed, "forecasting": forecast / (time.perf_counter() - began)}


def deepar(steps: int, forecast: int) -> dict[str, float]:
    """The same with GluonTS."""
    import logging
    import warnings

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    import pandas as pd
    import torch
    from gluonts.dataset.common import ListDataset
    from gluonts.torch import DeepAREstimator

    torch.set_num_threads(os.cpu_count() or 1)
    kept = tempfile.TemporaryDirectory()  # it insists on keeping checkpoints
    start = pd.Period("2024-01-01", "h")
    data = ListDataset([{"start": start, "target": row} for row in series(SERIES)], freq="h")

    def estimator(batches: int) -> Any:
        quiet = {"max_epochs": 1, "enable_progress_bar": False, "logger": False, "default_root_dir": kept.name}
        return DeepAREstimator(
            freq="h",
            prediction_length=HORIZON,
            context_length=CONTEXT,
            hidden_size=UNITS,
            num_layers=LAYERS,
            batch_size=ROWS,
            num_batches_per_epoch=batches,
            num_parallel_samples=PATHS,
            trainer_kwargs={**quiet, "accelerator": "cpu"},
        )

    def fit(batches: int) -> tuple[Any, float]:
        began = time.perf_counter()
        found = estimator(batches).train(data)
        return found, time.perf_counter() - began

    _, short = fit(WARM)
    predictor, long = fit(WARM + steps)
    some = ListDataset([{"start": start, "target": row} for row in series(SERIES)[:forecast]], freq="h")
    began = time.perf_counter()
    count = sum(1 for _ in predictor.predict(some))
    return {
        "training": steps * ROWS / max(long - short, 1e-9),
        "forecasting": count / (time.perf_counter() - began),
    }


def _rate(train: Callable[[int], None], steps: int) -> float:
    for step in range(WARM):
        train(step)
    began = time.perf_counter()
    for step in range(WARM, WARM + steps):
        train(step)
    return steps / (time.perf_counter() - began)


def main() -> None:
    """Measures in turn and prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", default=[], metavar="NAME=PATH", help="interpreter of a peer")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100, help="of training, on the clock")
    parser.add_argument("--forecast", type=int, default=SERIES, help="series to forecast")
    parser.add_argument("--model", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.model:
        sizes = options.steps, options.forecast
        found = deepar(*sizes) if options.model == "deepar" else ours(options.model, *sizes)
        print(json.dumps(found))
        return
    pythons = dict(one.split("=", 1) for one in options.python)
    names = [name for name in MODELS if name != "deepar" or name in pythons]
    results: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(options.turns):
        for name in names:
            words = [pythons.get(name, sys.executable), "-m", "benchmarks.forecast_speed", "--model", name]
            words += ["--steps", str(options.steps), "--forecast", str(options.forecast)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{name} failed:\n{done.stderr[-2000:]}")
            results[name].append(json.loads(done.stdout.splitlines()[-1]))
    base = {what: statistics.median(one[what] for one in results[names[-1]]) for what in ("training", "forecasting")}
    print(f"| model | windows/s trained | of {names[-1]} | series/s forecast | of {names[-1]} |\n|---|---|---|---|---|")
    for name in names:
        middle = {what: statistics.median(one[what] for one in results[name]) for what in base}
        cells = [f"{middle[what]:,.0f} | {middle[what] / base[what]:.2f}" for what in base]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
