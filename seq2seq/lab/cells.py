"""LSTM or GRU: weights, time and quality at equal units and at equal weights, on text, music and series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import tensorflow as tf

from seq2seq.lab.models import new_model, next_symbol_loss
from seq2seq.lab.report import (
    Bars,
    Curve,
    Part,
    Plot,
    Progress,
    Report,
    Settings,
    Table,
    better,
    median_and_range,
    part_of,
    spread_over_seeds,
)
from seq2seq.lab.sources import SHOP_FEATURES, Shops, characters, melodies
from seq2seq.lab.training import BITS, Arrays, Loss, Run, Trainer, race
from seq2seq.layers.names import CellName
from seq2seq.types import Tensor

TITLE = "LSTM or GRU"
QUESTION = "What does an LSTM cost and reach beside a GRU, with as many units and with as many weights?"

RATE = 0.005
LSTM, SMALL, EQUAL = "LSTM", "GRU, as many units", "GRU, as many weights"


class Task(NamedTuple):
    """Something to learn, step by step."""

    name: str
    unit: str
    """What its scores are measured in; lower is better."""
    features: int
    outputs: int
    batches: Callable[[int], Iterator[Arrays]]
    """From a seed to what is trained on."""
    held: Sequence[Arrays]
    """What is scored."""
    loss: Loss
    scale: float
    """What a loss is multiplied by to give a score."""
    epoch: float
    """Batches of an epoch."""


def run(settings: Settings, progress: Progress) -> Report:
    """Trains the three networks on each task, in turn on the same batches."""
    units, rows, steps, most = (32, 8, 32, 40) if settings.quick else (64, 16, 64, 700)
    progress(0.0, "reading the data")
    todo = tasks(rows, steps, settings.quick)
    marks = [round(most * share) for share in (0.2, 0.4, 0.6, 0.8, 1.0)]
    found, counts = {}, {}
    for number, task in enumerate(todo):
        sizes = sizes_of(units, task.features, task.outputs)
        trainers = {
            name: Trainer(partial(_make, cell, width, task), task.loss, RATE) for name, (cell, width) in sizes.items()
        }
        counts[task.name] = {
            name: (sizes[name][1], weights_of(*sizes[name], task.features, 0), trainer.count)
            for name, trainer in trainers.items()
        }
        part = part_of(progress, number, len(todo))
        found[task.name] = race(trainers, settings.seeds, task.batches, task.held, marks, partial(_say, part, task))
    rate = f"Adam at {RATE:g}, {most} steps of {rows} sequences of {steps} steps each"
    parts = [_costs(todo, counts, found), *(_quality(task, found[task.name]) for task in todo)]
    parts.append(_theory(todo, found, rate))
    return Report(TITLE, QUESTION, _answer(todo, counts, found), parts, settings)


def _say(progress: Progress, task: Task, done: float) -> None:
    progress(done, task.name)


def _make(cell: CellName, units: int, task: Task, seed: int) -> Any:
    return new_model(cell, units, task.features, task.outputs, seed, each_step=True)


def tasks(rows: int, steps: int, quick: bool) -> list[Task]:
    """Returns what is learned: the next character, the next pitch or length of a tune, the sales of the next day."""
    found = []
    for name, stream in (("text", characters(2_000 if quick else 20_000)), ("melodies", melodies())):
        size = len(stream.symbols)
        found.append(
            Task(
                name,
                "bits a character" if name == "text" else "bits a pitch or length",
                size,
                size,
                partial(stream.batches, rows, steps),
                stream.windows(32, steps, 2 if quick else 8),
                next_symbol_loss,
                BITS,
                len(stream.train) / (rows * steps),
            )
        )
    shops = Shops()
    days = sum(len(parts[0]) for parts in shops.train)
    found.append(
        Task(
            "series",
            "mean absolute error, in those of last week's value",
            SHOP_FEATURES,
            1,
            partial(shops.batches, rows, steps),
            shops.windows(),
            absolute_error,
            1 / shops.naive(),
            days / (rows * steps),
        )
    )
    return found


def absolute_error(model: Any, batch: Arrays, training: bool) -> Tensor:
    """The mean absolute error over the steps that count; a batch is one of `Shops`."""
    inputs, targets, weights = batch
    errors = tf.abs(model(inputs, training=training)[:, :, 0] - targets) * weights
    return tf.reduce_sum(errors) / tf.reduce_sum(weights)


def sizes_of(units: int, features: int, outputs: int) -> dict[str, tuple[CellName, int]]:
    """Returns cells and units of the three networks; the last GRU has about as many weights as the LSTM."""
    aim = weights_of("lstm", units, features, outputs)
    wide = min(range(units, 2 * units), key=lambda width: abs(weights_of("gru", width, features, outputs) - aim))
    return {LSTM: ("lstm", units), SMALL: ("gru", units), EQUAL: ("gru", wide)}


def weights_of(cell: CellName, units: int, features: int, outputs: int) -> int:
    """Returns the weights of an LSTM or GRU, and of a dense layer behind it where there are outputs."""
    parts, biases = (4, 1) if cell == "lstm" else (3, 2)
    return parts * units * (features + units + biases) + (units + 1) * outputs


Counts = Mapping[str, Mapping[str, tuple[int, int, int]]]
"""By task and network: units, weights of the cell, weights in all."""
Found = Mapping[str, Mapping[str, Sequence[Run]]]


def _costs(todo: Sequence[Task], counts: Counts, found: Found) -> Part:
    rows: list[list[Any]] = []
    labels, values, low, high = [], [], [], []
    for task in todo:
        for name, runs in found[task.name].items():
            units, cell, weights = counts[task.name][name]
            seconds = [run.seconds for run in runs]
            epoch = median(seconds) * task.epoch
            scores = [run.scores[-1] * task.scale for run in runs]
            rows.append(
                [
                    task.name,
                    name,
                    units,
                    cell,
                    weights,
                    median_and_range([1000 * s for s in seconds]),
                    epoch,
                    median_and_range(scores),
                ]
            )
            labels.append(f"{task.name}: {name}")
            values.append(1000 * median(seconds))
            low.append(1000 * min(seconds))
            high.append(1000 * max(seconds))
    columns = ["task", "network", "units", "weights of the cell", "of all", "ms a step", "s an epoch", "score"]
    said = ", ".join(f"{label} {value:.3g}" for label, value in zip(labels, values, strict=True))
    measures = "; ".join(f"{task.name}: {task.unit}" for task in todo)
    return Part(
        "What they cost and reach",
        [
            "An LSTM has four gates and candidates where a GRU has three, so at equal units its matrices are as 4 to "
            "3. All networks of a task take their steps in turn, so that other work on the machine slows them alike. "
            f"Scores are of data never trained on; lower is better. {measures}.",
        ],
        [
            Table("costs", "LSTM and GRU", columns, rows),
            Bars("times", "Time of a training step", f"Bars: {said}.", "ms", labels, values, low, high),
        ],
    )


def _quality(task: Task, runs: Mapping[str, Sequence[Run]]) -> Part:
    curves: list[Curve] = []
    for name, some in runs.items():
        typical = median(run.seconds for run in some)
        rows = [[score * task.scale for score in run.scores] for run in some]
        curves.append(spread_over_seeds(name, [typical * step for step in some[0].steps], rows))
    plot = Plot(
        f"quality_{task.name}",
        f"{task.name.capitalize()}: score over training time",
        f"Three falling lines. {_said(task, runs)}",
        "seconds of training",
        task.unit,
        curves,
    )
    return Part(task.name.capitalize(), [_said(task, runs)], [plot])


def _said(task: Task, runs: Mapping[str, Sequence[Run]]) -> str:
    scores = {name: [run.scores[-1] * task.scale for run in some] for name, some in runs.items()}
    units, weights = (verdict(scores[LSTM], scores[other]) for other in (SMALL, EQUAL))
    return (
        f"LSTM {median_and_range(scores[LSTM])}, GRU {median_and_range(scores[SMALL])}, with as many weights "
        f"{median_and_range(scores[EQUAL])} {task.unit}. "
        f"At equal units {units}; at equal weights {weights}."
    )


def verdict(lstm: Sequence[float], gru: Sequence[float]) -> str:
    """As `better`: lower scores are."""
    return better("the LSTM", [-score for score in lstm], "the GRU", [-score for score in gru])


def _theory(todo: Sequence[Task], found: Found, how: str) -> Part:
    ratios = _ratios(todo, found, SMALL)
    expected = "as the count says" if all(0.65 <= ratio <= 0.85 for ratio in ratios.values()) else "not 0.75"
    return Part(
        "What theory says",
        [
            "With as many units a GRU should take about 0.75 of an LSTM's time, if products of matrices were all. "
            f"Measured: {_listed(ratios)}, {expected}: at this size a step is also made of many small operations on "
            "gates, whose number differs by another ratio.",
            "Published comparisons (Chung et al. 2014; Jozefowicz et al. 2015; Greff et al. 2017) find no winner for "
            "all tasks, and differences that are small beside those of a good and a bad setting.",
            f"All networks have one layer and {how}; nothing was tuned for either cell. Longer training, other rates "
            "and larger networks may turn the order.",
        ],
    )


def _ratios(todo: Sequence[Task], found: Found, name: str) -> dict[str, float]:
    def seconds(task: Task, network: str) -> float:
        return median(run.seconds for run in found[task.name][network])

    return {task.name: seconds(task, name) / seconds(task, LSTM) for task in todo}


def _listed(ratios: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())


def _answer(todo: Sequence[Task], counts: Counts, found: Found) -> str:
    some = next(iter(counts.values()))
    ratio = some[SMALL][1] / some[LSTM][1]
    wins = {}
    for task in todo:
        scores = {name: [run.scores[-1] for run in runs] for name, runs in found[task.name].items()}
        wins[task.name] = verdict(scores[LSTM], scores[EQUAL])
    return (
        f"A GRU of as many units has {ratio:.2f} of an LSTM's weights and takes, of the time of its steps: "
        f"{_listed(_ratios(todo, found, SMALL))}. With as many weights: "
        + "; ".join(f"on {name} {said}" for name, said in wins.items())
        + "."
    )
