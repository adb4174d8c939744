"""Trains a tiny model for some steps, alone or as one of several processes; what comes out goes to an .npz file.

python -m tests.training.pair OUT CASE ...
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.distributed import team
from seq2seq.pipeline.plan import Batching, Plan
from seq2seq.pipeline.store import Store
from seq2seq.tasks.text_to_text.recipe import Decoder, Encoder, Model, Recipe, Training
from seq2seq.text.examples import Example
from seq2seq.text.token_batches import PAIRS
from seq2seq.text.token_store import write_token_store

SIZE, STEPS = 24, 8
TOKENS = 24
"""Of the batches of each process. A pair may take more, so some batches have one row for two processes."""
SCALE = 2.0**22
"""Of the loss in float16, to begin with: too large."""
CASES: dict[str, dict[str, Any]] = {
    "plain": {"precision": "float32"},
    "accumulate": {"accumulate": 2, "weight_decay": 0.01},
    "dropout": {"precision": "mixed_float16", "ema": 0.0, "gradient_clip": 0.0},
}
"""Fields of `Training` by the name of a case; dropout is only in the one named so."""


def store(folder: Path) -> Store:
    """Writes some random pairs of ids, the same in every process."""
    draw = np.random.default_rng(5)
    lines = [" ".join(map(str, draw.integers(4, SIZE, draw.integers(1, 20)))) for _ in range(60)]
    pairs = [Example(one, other, number) for number, (one, other) in enumerate(zip(lines, lines[::-1], strict=True), 1)]

    def encode(texts: list[str], chunk: int) -> list[list[int]]:
        return [[int(word) for word in text.split()] for text in texts]

    return write_token_store(folder, pairs, encode, encode, 50)


def fit(case: str, folder: Path, budget: int) -> dict[str, np.ndarray]:
    """Trains for `STEPS` steps on batches of `budget` ids; returns the metrics and all variables by their names."""
    import keras

    from seq2seq.pipeline.feed import as_fit_data
    from seq2seq.run.train import make_optimizer
    from seq2seq.tasks.text_to_text.model import build_model
    from seq2seq.training.objective import Objective
    from seq2seq.training.shared import part_seeds

    rate = 0.3 if case == "dropout" else 0.0
    recipe = Recipe(
        model=Model(embedding=6, encoder=Encoder(units=6, dropout=rate), decoder=Decoder(units=6, dropout=rate)),
        training=Training(warmup_steps=2, learning_rate=0.01, **CASES[case]),
    )
    keras.utils.set_random_seed(3)
    keras.config.set_dtype_policy(recipe.training.precision)
    try:
        objective = Objective(build_model(recipe.model, SIZE, SIZE), (), {"label_smoothing": 0.1})
        objective.build()
        objective.exchange = team.exchange()
        objective.compile(make_optimizer(recipe, STEPS), jit_compile=False)
        objective.optimizer.build(objective.trainable_variables)
        if recipe.training.precision == "mixed_float16":
            objective.optimizer.dynamic_scale.assign(SCALE)
        part_seeds(objective, team.rank_and_size()[0])
        rank, size = team.rank_and_size()
        batching = replace(Batching(buckets=3), tokens=budget)
        plan = Plan(store(folder), PAIRS, batching, 7, rank=rank, size=size)
        objective.fit(as_fit_data(plan, len(plan) - STEPS), shuffle=False, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    found = {name: np.asarray(value) for name, value in objective.get_metrics_result().items()}
    for number, variable in enumerate([*objective.variables, *objective.optimizer.variables]):
        found[f"{number} {variable.path}"] = np.array(keras.ops.convert_to_numpy(variable))
    return found


def main() -> None:
    out, cases = Path(sys.argv[1]), sys.argv[2:]
    with team.joined():
        rank, world = team.rank_and_size()
        for case in cases:
            found = fit(case, out / f"store-{rank}", TOKENS * world)
            np.savez(out / f"{case}-{rank}.npz", **{name.replace("/", "|"): value for name, value in found.items()})
        team.barrier()


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
