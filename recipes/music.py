"""Music: from pieces to a trained model that scores and composes.

python -m recipes.music chorales
python -m recipes.music custom --data.train folder
"""

from __future__ import annotations

import sys

from seq2seq.cli.start import start_process
from seq2seq.cli.train import run_module
from seq2seq.pipeline.plan import Batching
from seq2seq.tasks.music.recipe import Data, Events, Model, Recipe, Training

DEMO = Recipe(
    name="demo_music",
    data=Data(corpus="tunes"),
    events=Events(inputs=("place", "bar", "meter", "key", "before", "bar_before")),
    model=Model(embedding=128, units=128, readout=False, dropout=0.2),
    batching=Batching(tokens=8192),
    training=Training(epochs=12, learning_rate=0.008, warmup_steps=20, ema=0.98),
)
"""Melodies of an embedded grammar, two minutes on a laptop."""

TINY = Recipe(
    name="tiny_music",
    data=Data(corpus="tunes", max_train=40),
    events=Events(inputs=("place", "bar", "meter")),
    model=Model(embedding=16, units=16, readout=False),
    batching=Batching(tokens=2048),
    training=Training(epochs=2, warmup_steps=5),
)
"""Goes through every stage in seconds; learns nothing useful."""

CHORALES = Recipe(
    name="chorales",
    data=Data(corpus="jsb"),
    events=Events(inputs=("place", "bar", "before", "bar_before")),
    model=Model(embedding=256, units=256, readout=False, dropout=0.3),
    batching=Batching(tokens=8192),
    training=Training(epochs=20, learning_rate=0.004, warmup_steps=100),
)
"""Bach's chorales, four voices in sixteenths, in the keys of the scores: to compose and to harmonise with."""

CHORALES_QUARTER = Recipe(
    name="chorales_quarter",
    data=Data(corpus="jsb"),
    events=Events(
        steps_per_quarter=1,
        onsets=False,
        inputs=("place", "bar", "before", "transposed"),
        transpose=12,
        native=0.3,
    ),
    model=Model(embedding=256, units=256, readout=False, dropout=0.35),
    batching=Batching(tokens=2048),
    training=Training(epochs=80, learning_rate=0.003, warmup_steps=60, patience=8),
)
"""Bach's chorales in quarters, as the literature scores them."""

CHORALES_KEYS = Recipe(
    name="chorales_keys",
    data=Data(corpus="jsb"),
    events=Events(steps_per_quarter=1, onsets=False, inputs=(), keys=True, transpose=0),
    model=Model(embedding=256, units=256, readout=False, tie=False, dropout=0.3),
    batching=Batching(tokens=1024),
    training=Training(epochs=60, learning_rate=0.003, warmup_steps=60, patience=8),
)
"""The same as 88 keys, each by itself: the published baseline, for comparison. --model.cell gru is its other row."""

FOLK = Recipe(
    name="folk",
    data=Data(corpus="nottingham", chords=False),
    events=Events(
        inputs=("place", "bar", "meter", "key", "before", "bar_before", "section_before"), transpose=5, longest=640
    ),
    model=Model(embedding=256, units=256, readout=False, dropout=0.25),
    batching=Batching(tokens=20480),
    training=Training(epochs=10, learning_rate=0.004, warmup_steps=60),
)
"""Melodies of English, Irish and Scottish folk tunes, in sixteenths."""

FOLK_FRAMES = Recipe(
    name="folk_frames",
    data=Data(corpus="nottingham"),
    events=Events(
        steps_per_quarter=2,
        onsets=False,
        inputs=("place", "bar", "meter", "key", "before", "bar_before", "section_before"),
        transpose=5,
        longest=640,
    ),
    model=Model(embedding=256, units=256, readout=False, dropout=0.25),
    batching=Batching(tokens=20480),
    training=Training(epochs=6, learning_rate=0.004, warmup_steps=60),
)
"""The same tunes with chords in eighths, much as the literature scores them."""

CUSTOM = Recipe(
    name="custom_music",
    data=Data(corpus="tunes"),
    events=Events(inputs=("place", "bar", "meter", "before", "bar_before")),
    model=Model(embedding=256, units=256, readout=False, dropout=0.4),
    training=Training(epochs=60, learning_rate=0.003, warmup_steps=100, patience=8),
)
"""Your own pieces: --data.train FOLDER."""

RECIPES = {
    "demo": DEMO,
    "tiny": TINY,
    "chorales": CHORALES,
    "chorales_quarter": CHORALES_QUARTER,
    "chorales_keys": CHORALES_KEYS,
    "folk": FOLK,
    "folk_frames": FOLK_FRAMES,
    "custom": CUSTOM,
}

if __name__ == "__main__":
    start_process()
    sys.exit(run_module(RECIPES, __doc__))
