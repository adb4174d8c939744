"""Training speed of a language model against PyTorch's `nn.LSTM`: the same network on the same batches, in turn.

python -m benchmarks.language_model --python torch=…/bin/python

Tied embeddings, a two-layer LSTM, dropout, the full softmax, gradient clipping and Adam on both sides; the state goes
from batch to batch. The ids are drawn at random, by a power law: speed does not depend on what the text says. Each turn
is a fresh process, which takes some steps before the clock runs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import numpy as np

from benchmarks.in_turn import Contest, run
from seq2seq.pipeline.stream import CARRY, StreamPlan
from seq2seq.types import Batch

SIZE, UNITS, LAYERS, DROPOUT, CLIP, RATE = 10_000, 300, 2, 0.5, 1.0, 0.003
MODELS = {"float32": "ours", "mixed_bfloat16": "ours", "torch": "torch"}
"""What is measured, and the interpreter that it needs."""


def batches(rows: int, length: int, steps: int) -> StreamPlan:
    """Returns the batches of one turn."""
    draw = np.random.default_rng(1)
    ids = 4 + (draw.pareto(1.0, rows * length * steps) * 3).astype(np.int64) % (SIZE - 4)
    return StreamPlan(ids.astype(np.int32), rows, length, seed=1, shuffle=False)


def ours(precision: str, rows: int) -> Callable[[Batch], None]:
    """Returns one step of this project's training, as its recipes do it but for the average of the weights."""
    from seq2seq.backend import prepare_keras

    prepare_keras()
    import keras

    from seq2seq.tasks.language_model.network import build_network, build_objective
    from seq2seq.tasks.language_model.recipe import Batching, Model, Recipe, Training
    from seq2seq.training.optimizers import AveragingAdam

    keras.config.set_dtype_policy(precision)
    model = Model(embedding=UNITS, units=UNITS, num_layers=LAYERS, readout=False, dropout=DROPOUT)
    recipe = Recipe(model=model, batching=Batching(rows=rows), training=Training(precision=precision))
    objective = build_objective(recipe, build_network(recipe.model, SIZE))
    objective.build()
    objective.compile(AveragingAdam(RATE, global_clipnorm=CLIP))

    def train(batch: Batch) -> None:
        objective.train_on_batch(batch.inputs(), batch.target_output, batch.weights)

    return train


def torch_peer(rows: int) -> Callable[[Batch], None]:
    """Returns one step of the same training in PyTorch."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    torch.set_num_threads(os.cpu_count() or 1)
    embedding, recurrent = nn.Embedding(SIZE, UNITS), nn.LSTM(UNITS, UNITS, LAYERS, dropout=DROPOUT)
    output, drop = nn.Linear(UNITS, SIZE), nn.Dropout(DROPOUT)
    output.weight = embedding.weight
    nn.init.normal_(embedding.weight, std=UNITS**-0.5)
    network = nn.ModuleList([embedding, recurrent, output, drop])
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    state = [torch.zeros(LAYERS, rows, UNITS) for _ in range(2)]

    def train(batch: Batch) -> None:
        nonlocal state
        inputs, targets = (
            torch.from_numpy(np.ascontiguousarray(part.T)).long() for part in (batch.target_input, batch.target_output)
        )
        carry = torch.from_numpy(batch.extras[CARRY])[:, None]
        optimizer.zero_grad(set_to_none=True)
        outputs, after = recurrent(drop(embedding(inputs) * UNITS**0.5), tuple(part * carry for part in state))
        loss = nn.functional.cross_entropy(output(drop(outputs)).reshape(-1, SIZE), targets.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        state = [part.detach() for part in after]
        loss.item()

    return train


def main() -> None:
    """Measures in turn and prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--length", type=int, default=35)
    contest = Contest(
        module="benchmarks.language_model",
        models=MODELS,
        unit="tokens/s",
        flags=("rows", "length"),
        batches=lambda options: batches(options.rows, options.length, options.steps),
        amount=lambda batch: float(batch.weights.sum()),
        step=lambda name, options: torch_peer(options.rows) if name == "torch" else ours(name, options.rows),
        title=lambda options: f"{options.rows} rows x {options.length} steps, {LAYERS} x {UNITS} LSTM, {SIZE:,} ids",
    )
    run(contest, parser)


if __name__ == "__main__":
    main()
