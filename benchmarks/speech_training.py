"""Training speed of a recogniser against PyTorch's `nn.GRU` and `ctc_loss`: one network on the same batches, in turn.

python -m benchmarks.speech_training --python torch=…/bin/python

Stacked frames, a layer that reads them, a bidirectional GRU with dropout between its layers, CTC over 30 symbols,
gradient clipping and Adam on both sides. Frames are noise and labels are drawn: speed does not depend on what is said.
Rows have different lengths, as in a corpus, and both sides are given them. Each turn is a fresh process, which takes
some steps before the clock runs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

import numpy as np

from benchmarks.in_turn import Contest, Step, run
from seq2seq.pipeline.padding import padded
from seq2seq.types import Batch

MELS, STACK, SYMBOLS, DROPOUT, CLIP, RATE = 80, 3, 30, 0.3, 1.0, 0.002
FRAMES_A_SECOND = 100
MODELS = {"float32": "ours", "mixed_bfloat16": "ours", "torch": "torch"}


def batches(rows: int, seconds: float, steps: int) -> Sequence[Batch]:
    """Returns batches of rows of half to all of `seconds`; each step cycles through four of them."""
    draw = np.random.default_rng(1)
    found = []
    for _ in range(4):
        longest = round(seconds * FRAMES_A_SECOND)
        lengths = draw.integers(longest // 2, longest + 1, rows)
        lengths[0] = longest  # one shape for all
        frames = [draw.standard_normal((length, MELS)).astype(np.float32) for length in lengths]
        labels = [draw.integers(4, SYMBOLS, max(1, length // 16)).astype(np.int32) for length in lengths]
        source, target = padded(frames, longest, "float32", (MELS,)), padded(labels, longest // 16)
        found.append(Batch(source, target.values, target.values, target.mask.astype(np.float32)))
    return [found[step % len(found)] for step in range(steps)]


def ours(precision: str, units: int, layers: int) -> Step:
    """Returns one step of this project's training, as its recipes do it but for the average of the weights."""
    from seq2seq.backend import prepare_keras

    prepare_keras()
    import keras

    from seq2seq.tasks.speech.network import build_network, build_objective
    from seq2seq.tasks.speech.recipe import Model
    from seq2seq.training.optimizers import AveragingAdam

    keras.config.set_dtype_policy(precision)
    model = Model(stack=STACK, input_units=units, units=units, num_layers=layers, dropout=DROPOUT)
    objective = build_objective(model, build_network(model, MELS, SYMBOLS))
    objective.build()
    objective.compile(AveragingAdam(RATE, global_clipnorm=CLIP))

    def train(batch: Batch) -> None:
        objective.train_on_batch(batch.inputs(), batch.target_output, batch.weights)

    return train


def torch_peer(units: int, layers: int) -> Step:
    """Returns one step of the same training in PyTorch; its packed sequences skip the padding."""
    import torch
    from torch import nn

    torch.manual_seed(1)
    torch.set_num_threads(os.cpu_count() or 1)
    reader = nn.Sequential(nn.Linear(STACK * MELS, units), nn.ReLU())
    recurrent = nn.GRU(units, units, layers, batch_first=True, bidirectional=True, dropout=DROPOUT)
    drop, output = nn.Dropout(DROPOUT), nn.Linear(2 * units, SYMBOLS)
    network = nn.ModuleList([reader, recurrent, drop, output])
    optimizer = torch.optim.Adam(network.parameters(), RATE)

    def train(batch: Batch) -> None:
        frames = np.asarray(batch.source.values)
        steps = -(-frames.shape[1] // STACK)
        frames = np.pad(frames, ((0, 0), (0, steps * STACK - frames.shape[1]), (0, 0)))
        lengths = torch.from_numpy(-(-batch.source.mask.sum(axis=1) // STACK))
        optimizer.zero_grad(set_to_none=True)
        vectors = reader(torch.from_numpy(frames).reshape(len(frames), steps, STACK * MELS))
        packed = nn.utils.rnn.pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = nn.utils.rnn.pad_packed_sequence(recurrent(packed)[0], batch_first=True, total_length=steps)
        log_probs = torch.log_softmax(output(drop(outputs)), dim=2).transpose(0, 1)
        targets, target_lengths = (
            torch.from_numpy(batch.target_output),
            torch.from_numpy(batch.weights.sum(axis=1)).long(),
        )
        loss = nn.functional.ctc_loss(log_probs, targets, lengths, target_lengths, reduction="sum")
        (loss / target_lengths.sum()).backward()
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        loss.item()

    return train


def main() -> None:
    """Measures in turn and prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the longest row")
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--layers", type=int, default=3)

    def step(name: str, options: argparse.Namespace) -> Step:
        if name == "torch":
            return torch_peer(options.units, options.layers)
        return ours(name, options.units, options.layers)

    contest = Contest(
        module="benchmarks.speech_training",
        models=MODELS,
        unit="frames/s",
        flags=("rows", "seconds", "units", "layers"),
        batches=lambda options: batches(options.rows, options.seconds, options.steps),
        amount=lambda batch: float(batch.source.mask.sum()),
        step=step,
        title=lambda options: (
            f"{options.rows} rows of at most {options.seconds} s, BiGRU {options.layers} x {options.units}, CTC"
        ),
    )
    run(contest, parser)


if __name__ == "__main__":
    main()
