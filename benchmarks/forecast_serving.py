"""Measures forecasters as runs in memory and as LiteRT folders, each in a process of its own on one core.

    python -m benchmarks.forecast_serving [RUN …] [--series 200] [--turns 20]

Of each RUN, or of untrained networks of the size of the recipe demo, one direct and one autoregressive, the folders of
int8 and float32 are made, and loaded without TensorFlow. Each forecasts the last horizon of the series of its training.
Prints for each: megabytes of the folder; seconds from the start of the process to the first forecast; milliseconds for
the forecast of one series alone, and of one among all of them, from table to quantiles (of 100 sample paths where it
draws them); of an autoregressive one, milliseconds for a reading, one step of its network; all medians of the clock;
resident megabytes at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FORMS = {"int8": "int8", "float32": "none"}
KINDS = {"direct": {}, "autoregressive": {"kind": "autoregressive", "head": "student_t"}}
LEVELS = (0.1, 0.5, 0.9)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="*")
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print("MEASURED", json.dumps(measure(Path(arguments.work), arguments.run[0], arguments.turns)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        places = export(arguments.run, Path(temporary), arguments.series)
        report({name: work(place, table, arguments.turns) for name, (place, table) in places.items()})
    return 0


def export(runs: list[str], folder: Path, count: int) -> dict[str, tuple[Path, Path]]:
    """Writes the folders; returns each with a table to forecast, by a name."""
    from seq2seq.cli.common import quiet_start

    quiet_start()
    from seq2seq.export.forecast_litert import export_forecast_litert
    from seq2seq.series.writing import write_table
    from seq2seq.tasks.forecast.loading import load_forecaster

    found = {}
    for run in map(Path, runs or untrained(folder)):
        forecaster = load_forecaster(run)
        table = folder / f"{run.name}.csv"
        write_table(first_series(forecaster.own_table(), count), table, forecaster.columns)
        found[f"{run.name}, in memory"] = run, table
        for form, kind in FORMS.items():
            place = export_forecast_litert(forecaster, folder / f"{run.name}-{form}", kind)
            found[f"{run.name}, LiteRT {form}"] = place, table
    return found


def untrained(folder: Path) -> list[str]:
    """Writes runs of the recipe demo with weights as before training."""
    from recipes.forecast import DEMO
    from seq2seq.run.folder import save_weights
    from seq2seq.tasks.forecast import task
    from seq2seq.tasks.forecast.folder import ForecastRunFolder
    from seq2seq.tasks.forecast.prepare import find_codec

    found = []
    for name, options in KINDS.items():
        recipe = DEMO.model_copy(update={"model": DEMO.model.model_copy(update=options)})
        run = ForecastRunFolder(folder / name)
        run.path.mkdir()
        run.save_recipe(recipe)
        codec = find_codec(run, recipe, task.open_data(recipe))
        save_weights(task.build_model(recipe, task.Learned(codec, None)), run.weights_file)
        found.append(str(run.path))
    return found


def first_series(table: Any, count: int) -> Any:
    """Returns the table of the first series."""
    from seq2seq.series.table import SeriesTable

    end = int(table.offsets[min(count, len(table))])
    return SeriesTable(
        table.ids[:count],
        table.starts[:count],
        table.offsets[: count + 1],
        table.frequency,
        table.values[:end],
        table.observed[:end],
        {name: column[:end] for name, column in table.covariates.items()},
        {name: column[:count] for name, column in table.static.items()},
        table.time_zone,
    )


def work(place: Path, table: Path, turns: int) -> dict[str, Any]:
    words = [sys.executable, "-m", "benchmarks.forecast_serving", str(table), "--work", str(place)]
    start = time.time()
    done = subprocess.run([*words, "--turns", str(turns)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{place.name} failed:\n{done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.split("MEASURED ")[1])
    return measured | {"start": measured["first_at"] - start}


def measure(place: Path, path: str, turns: int) -> dict[str, Any]:
    """Runs in a process of its own, on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import seq2seq
    from seq2seq.series.windows import Windows, rolling_origins

    forecaster = seq2seq.load(place)
    table = forecaster.read(path)
    windows = rolling_origins(table, forecaster.horizon, 1, forecaster.horizon)

    def forecast(rows: slice) -> None:
        forecaster.predict(table, Windows(windows.series[rows], windows.cuts[rows])).quantiles(LEVELS)

    forecast(slice(1))
    found: dict[str, Any] = {"first_at": time.time(), "series": len(windows.cuts), "horizon": forecaster.horizon}
    forecast(slice(None))
    found["alone"] = median(lambda turn: forecast(slice(turn % found["series"], turn % found["series"] + 1)), turns)
    found["together"] = median(lambda _: forecast(slice(None)), max(3, turns // 5)) / found["series"]
    found["reading"] = reading(forecaster, table, windows, turns) if forecaster.samples else None
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    files = [place / "model.weights.h5"] if (place / "recipe.json").exists() else list(place.iterdir())
    return found | {
        "size": sum(file.stat().st_size for file in files),
        "memory": int(status["VmRSS"].split()[0]) / 1024,
        "keras": "keras" in sys.modules or "tensorflow" in sys.modules,
    }


def reading(forecaster: Any, table: Any, windows: Any, turns: int) -> float:
    """Returns milliseconds for a step of the network, one series alone."""
    inputs, *_ = forecaster.inputs.inputs(table, type(windows)(windows.series[:1], windows.cuts[:1]))
    inputs["target_input"] = inputs["target_input"][:, -1:]
    (network,) = forecaster.networks
    state = network.begin(1)
    for _ in range(20):
        _, state = network.advance(inputs, state)
    return median(lambda _: network.advance(inputs, state), 10 * turns)


def median(call: Callable[[int], Any], turns: int) -> float:
    """Returns milliseconds."""
    times = []
    for turn in range(turns):
        begin = time.perf_counter()
        call(turn)
        times.append(time.perf_counter() - begin)
    return float(np.median(times)) * 1000


def report(found: dict[str, dict[str, Any]]) -> None:
    first = next(iter(found.values()))
    print(f"{first['series']} series, {first['horizon']} steps each (the first).")
    columns = ["weights, MB", "start, s", "a forecast alone, ms", "one of all, ms", "a reading, ms", "memory, MB"]
    print(f"| forecaster | {' | '.join(columns)} |")
    print("|---" * (1 + len(columns)) + "|")
    for name, values in found.items():
        assert values["keras"] == name.endswith("in memory")
        reading = "" if values["reading"] is None else f"{values['reading']:.3f}"
        cells = [f"{values['size'] / 1e6:.2f}", f"{values['start']:.2f}", f"{values['alone']:.2f}"]
        cells += [f"{values['together']:.2f}", reading, f"{values['memory']:.0f}"]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(main())
