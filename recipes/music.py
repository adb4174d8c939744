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

CHORALES_QUARTER = Recipe(
    name="chorales_quarter",
    data=Data(corpus="jsb"),
    events=Events(steps_per_quarter=1, onsets=False, inputs=("place", "bar", "before", "transposed"), native=0.3),
    model=Model(embedding=256, units=256, num_layers=1, readout=False, dropout=0.5),
    batching=Batching(tokens=4096),
    training=Training(epochs=60, learning_rate=0.003, warmup_steps=60, patience=8),
)
"""Bach's chorales in quarters, as the literature scores them."""

RECIPES = {
    "chorales_quarter": CHORALES_QUARTER,
}

if __name__ == "__main__":
    start_process()
    sys.exit(run_module(RECIPES, __doc__))
