"""How long recurrent networks remember: adding, temporal order and copying, for every cell of the toolkit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq.lab.models import CELL_NAMES
from seq2seq.lab.puzzles import ADDING_BASELINE, adding, copying, copying_baseline, temporal_order
from seq2seq.lab.report import (
    Cell,
    HeatMap,
    Part,
    Plot,
    Progress,
    Report,
    Settings,
    Table,
    median_and_range,
    spread_over_seeds,
)
from seq2seq.lab.stack import Stack
from seq2seq.lab.training import Arrays, Trainer
from seq2seq.layers.cells import CELLS
from seq2seq.layers.names import CellName
from seq2seq.types import Tensor

TITLE = "Long memory"
QUESTION = "Over how many steps does each cell of the toolkit learn to remember, and after how much training?"

LEARNED = 1 / 20
"""A puzzle counts as learned when the median of the last losses is below this share of its baseline."""
LAST = 25
"""So many losses are looked at."""
FEATURES, OUTPUTS = 10, 9
"""Widths that fit all puzzles; unused inputs are zero."""
ROWS = 16
"""Sequences of a step."""

Posed = tuple[np.ndarray, np.ndarray]
"""Inputs `(rows, time, FEATURES)` and targets `(rows, time)`."""


class Puzzle(NamedTuple):
    """A task for all lengths; a length is that of the whole sequence."""

    name: str
    make: Callable[[int, int, int], Iterator[tuple[np.ndarray, np.ndarray]]]
    """From length, seed and rows to the batches of `puzzles`."""
    baseline: Callable[[int], float]
    """From the length to the loss of an answer without a memory."""
    numbers: bool
    """Whether the answer is a number; else a class."""
    whole: bool
    """Whether every step is asked for; else the last."""

    def pose(self, length: int, seed: int) -> Iterator[Posed]:
        """Yields batches in the form that all puzzles share."""
        for given, asked in self.make(length, seed, ROWS):
            inputs = np.zeros((ROWS, length, FEATURES), np.float32)
            inputs[:, :, : given.shape[2]] = given
            targets = np.zeros((ROWS, length), np.float32)
            if self.whole:
                targets[:] = asked
            else:
                targets[:, -1] = asked.reshape(ROWS)
            yield inputs, targets

    def counts(self, length: int) -> np.ndarray:
        """The share that each step has in the loss, `(length,)`."""
        return np.ones(length, np.float32) if self.whole else np.eye(length, dtype=np.float32)[-1]


def puzzles(symbols: int) -> list[Puzzle]:
    """Returns the three puzzles; copying is of so many symbols."""
    return [
        Puzzle("adding", adding, lambda _: ADDING_BASELINE, True, False),
        Puzzle("temporal order", temporal_order, lambda _: float(np.log(4)), False, False),
        Puzzle(
            "copying",
            lambda length, seed, rows: copying(length - 2 * symbols, seed, rows, symbols),
            lambda length: copying_baseline(length - 2 * symbols, symbols),
            False,
            True,
        ),
    ]


@dataclass(frozen=True)
class Outcome:
    """The training of one network.

    Attributes:
        steps: Until the puzzle was learned; None if it never was.
        share: Median of the last losses, in shares of the baseline; NaN where the numbers went bad.
    """

    steps: int | None
    share: float


Outcomes = Mapping[tuple[str, CellName, int], Sequence[Outcome]]
"""By puzzle, cell and length, one for each seed."""


def run(settings: Settings, progress: Progress) -> Report:
    """Trains every cell on every puzzle and length."""
    quick = settings.quick
    units, symbols, lengths, most = (32, 2, (6, 12), 90) if quick else (32, 5, (25, 50, 100), 1_500)
    rate = 0.02 if quick else 0.01
    tasks = puzzles(symbols)
    found: dict[tuple[str, CellName, int], list[Outcome]] = {}
    weights: dict[CellName, int] = {}
    total = len(CELLS) * len(tasks) * len(lengths)
    for cell in CELLS:
        make = partial(_stack, cell, units, settings.seeds)
        trainer = Trainer(make, puzzle_loss, rate, compiled=not quick)
        weights[cell] = trainer.count // len(settings.seeds)
        for length in lengths:
            for puzzle in tasks:
                progress(len(found) / total, f"{puzzle.name} over {length} steps, {CELL_NAMES[cell]}")
                found[puzzle.name, cell, length] = learn(trainer, puzzle, length, most)
    parts = [_overview(found, tasks, lengths, len(settings.seeds))]
    parts += [_part(found, puzzle, lengths, symbols) for puzzle in tasks]
    parts.append(_theory(found, weights, lengths, units, rate, most))
    return Report(TITLE, QUESTION, _answer(found, tasks, lengths), parts, settings)


def _stack(cell: CellName, units: int, seeds: Sequence[int], _: int = 0) -> Stack:
    return Stack(cell, units, FEATURES, OUTPUTS, seeds)


def puzzle_loss(stack: Stack, batch: Arrays, training: bool) -> Tensor:
    """The loss of each network, `(seeds,)`.

    A batch has inputs `(seeds, rows, time, features)`; targets `(seeds, rows, time)`, numbers or classes; the share
    that each step has in the loss, `(time,)`; and whether the targets are numbers, 1.0 or 0.0. Of numbers it is the
    square error of the first output, of classes the cross-entropy of all, in nats.
    """
    inputs, targets, counts, numbers = batch
    outputs = stack(inputs, training=training)
    square = tf.square(outputs[..., 0] - targets)
    ids = tf.cast(tf.where(numbers > 0, 0.0, targets), tf.int32)  # numbers are no classes
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(ids, outputs)
    each = tf.where(numbers > 0, square, nats)
    return tf.reduce_mean(tf.reduce_sum(each * counts, axis=2) / tf.reduce_sum(counts), axis=1)


def learn(trainer: Trainer, puzzle: Puzzle, length: int, most: int) -> list[Outcome]:
    """Trains new networks until all have learned the puzzle, or for `most` steps; one outcome for each seed."""
    trainer.restart(0)
    streams = [puzzle.pose(length, seed) for seed in trainer.model.seeds]
    baseline, counts = puzzle.baseline(length), puzzle.counts(length)
    numbers = np.array(puzzle.numbers, np.float32)
    shares: list[np.ndarray] = []
    steps: list[int | None] = [None] * len(streams)
    for step in range(1, most + 1):
        inputs, targets = (np.stack(parts) for parts in zip(*(next(s) for s in streams), strict=True))
        shares.append(trainer.step((inputs, targets, counts, numbers)) / baseline)
        if step >= LAST:
            now = np.median(shares[-LAST:], axis=0)
            steps = [step if old is None and share < LEARNED else old for old, share in zip(steps, now, strict=True)]
        if None not in steps or not np.isfinite(shares[-1]).any():
            break
    last = np.median(shares[-LAST:], axis=0)
    return [Outcome(one, float(share)) for one, share in zip(steps, last, strict=True)]


def _learned(outcomes: Sequence[Outcome]) -> list[int]:
    return [one.steps for one in outcomes if one.steps is not None]


def _overview(found: Outcomes, tasks: Sequence[Puzzle], lengths: Sequence[int], seeds: int) -> Part:
    columns = [f"{puzzle.name}, {length}" for puzzle in tasks for length in lengths]
    grid = [[len(_learned(found[p.name, cell, n])) / seeds for p in tasks for n in lengths] for cell in CELLS]
    best = [CELL_NAMES[cell] for cell, row in zip(CELLS, grid, strict=True) if sum(row) == max(map(sum, grid))]
    heat = HeatMap(
        "success",
        "Share of the seeds that learned, by puzzle and length",
        f"A grid of cells by puzzles; {' and '.join(best)} learned most.",
        "puzzle and length of its sequences, steps",
        "cell",
        columns,
        list(CELL_NAMES.values()),
        grid,
    )
    words = (
        f"A puzzle is learned when the median of {LAST} losses, each on sequences never seen before, falls below a "
        f"twentieth of what an answer without a memory reaches. Each cell was tried with {seeds} seeds."
    )
    return Part("Success over length", [words], [heat])


def _part(found: Outcomes, puzzle: Puzzle, lengths: Sequence[int], symbols: int) -> Part:
    say = {
        "adding": "Two of many numbers are marked, and their sum is asked for after the last step. Answering 1 always "
        "has a mean square error of 1/6.",
        "temporal order": "Two symbols, each X or Y, stand far apart among distractors; which of the four orders came "
        "is asked for after the last step. Guessing costs ln 4 = 1.386 nats.",
        "copying": f"{symbols} symbols of 8 have to be repeated after blanks and a mark. Without a memory a network "
        f"can know when, but not what: {symbols} ln 8 / steps, in nats a step"
        + ", ".join(f"{';' if n == lengths[0] else ''} {puzzle.baseline(n):.3g} over {n}" for n in lengths)
        + ".",
    }
    curves = []
    for cell in CELLS:
        runs = [[found[puzzle.name, cell, n][seed].share for n in lengths] for seed in range(_seeds(found))]
        curves.append(spread_over_seeds(CELL_NAMES[cell], list(lengths), _bounded(runs)))
    reached = {CELL_NAMES[cell]: longest(found, puzzle.name, cell, lengths) for cell in CELLS}
    none = [name for name, length in reached.items() if not length]
    some = [f"{name} up to {length}" for name, length in reached.items() if length]
    measured = f"Learned by most seeds: {'; '.join(some)} steps." if some else "No cell learned it with most seeds."
    if some and none:
        measured += f" Not at any of these lengths: {', '.join(none)}."
    name = puzzle.name.replace(" ", "_")
    plot = Plot(
        name,
        f"{puzzle.name.capitalize()}: loss at the end of training",
        f"A line for each cell over the length of the sequences; 1 is guessing, below 0.05 is learned. {measured}",
        "length of the sequences, steps",
        "last loss / loss without a memory",
        curves,
        log="y",
    )
    return Part(puzzle.name.capitalize(), [say[puzzle.name], measured], [plot, _table(found, puzzle, lengths)])


def _bounded(runs: Sequence[Sequence[float]]) -> list[list[float]]:
    """Shares for a plot: what is not a number, or far above guessing, is drawn at 10."""
    return [[min(share, 10.0) if share == share else 10.0 for share in run] for run in runs]


def _table(found: Outcomes, puzzle: Puzzle, lengths: Sequence[int]) -> Table:
    rows: list[list[Cell]] = []
    for cell in CELLS:
        for length in lengths:
            outcomes = found[puzzle.name, cell, length]
            steps = _learned(outcomes)
            losses = [one.share * puzzle.baseline(length) for one in outcomes]
            rows.append(
                [
                    CELL_NAMES[cell],
                    length,
                    f"{len(steps)} of {len(outcomes)}",
                    median_and_range(steps) if steps else "-",
                    median_and_range(losses),
                    puzzle.baseline(length),
                ]
            )
    columns = ["cell", "length", "learned", "steps until then", "last loss", "without a memory"]
    return Table(
        f"{puzzle.name.replace(' ', '_')}_table", f"{puzzle.name.capitalize()}: steps to success", columns, rows
    )


def _theory(
    found: Outcomes,
    weights: Mapping[CellName, int],
    lengths: Sequence[int],
    units: int,
    rate: float,
    most: int,
) -> Part:
    tasks = sorted({name for name, _, _ in found})

    def successes(*cells: CellName) -> int:
        return sum(len(_learned(found[name, cell, n])) for name in tasks for cell in cells for n in lengths)

    tries = len(tasks) * len(lengths) * _seeds(found)
    simple, gru, lstm, normal = (successes(cell) for cell in ("simple", "gru", "lstm", "layer_norm_lstm"))
    linear, copied = (
        successes("ssru", "min_gru"),
        sum(len(_learned(found["copying", cell, n])) for cell in ("ssru", "min_gru") for n in lengths),
    )
    gates = min(gru, lstm)
    return Part(
        "What theory says",
        [
            "Gradients of a simple network vanish or explode with the length, so that it should fail first; gates "
            f"let a state stay, so that LSTM and GRU should last longer. Measured, of {tries} networks of each cell: "
            f"simple {simple}, GRU {gru}, LSTM {lstm}. "
            + (
                "The order is as expected."
                if gates > simple
                else "On these lengths and in so few steps that does not hold for every gated cell."
            ),
            "Published comparisons of GRU and LSTM have no winner for all tasks. "
            + _more("GRU", gru, "LSTM", lstm)
            + " An LSTM with a forget bias of 1 keeps about 0.73 of its state a step before training, hence nothing of "
            "a far past; it has to learn to open its gate first. "
            + _more("With layer normalisation the LSTM", normal, "without it the LSTM", lstm),
            "The gates of SSRU and minGRU see the input alone, not the state. One layer of them can keep a marked "
            "input and weigh by order, but a symbol's place in a list has to be told by how far it has decayed, and "
            f"reading the list back one by one needs a state that changes by itself. Of {2 * tries} such networks "
            f"{linear} learned their puzzle; of copying {copied} of {2 * tries // len(tasks)}. Stacked layers, which "
            "are not tried here, can do more.",
            "Not one setting is best for all cells: all have one layer of "
            f"{units} units, Adam at {rate:g}, gradients clipped to norm 1, {ROWS} sequences a step, at most {most:,} "
            "steps. A cell that fails here may succeed with more steps or another rate.",
        ],
        [
            Table(
                "weights", "Weights of the networks", ["cell", "weights"], [[CELL_NAMES[c], weights[c]] for c in CELLS]
            )
        ],
    )


def _more(one: str, first: int, other: str, second: int) -> str:
    if first == second:
        return f"{one} and {other} learned equally many ({first})."
    return f"{one} learned {'more' if first > second else 'fewer'} ({first}) than {other} ({second})."


def _seeds(found: Outcomes) -> int:
    return len(next(iter(found.values())))


def longest(found: Outcomes, puzzle: str, cell: CellName, lengths: Sequence[int]) -> int:
    """The longest sequences at which more than half of the seeds learned; 0 if there are none."""
    most = [n for n in lengths if 2 * len(_learned(found[puzzle, cell, n])) > _seeds(found)]
    return max(most, default=0)


def _answer(found: Outcomes, tasks: Sequence[Puzzle], lengths: Sequence[int]) -> str:
    said = []
    for puzzle in tasks:
        reached = {cell: longest(found, puzzle.name, cell, lengths) for cell in CELLS}
        best = max(reached.values())
        if not best:
            said.append(f"{puzzle.name}: no cell, at {min(lengths)} steps or more")
            continue
        able = [cell for cell in CELLS if reached[cell] == best]
        steps = {cell: median(_learned(found[puzzle.name, cell, best])) for cell in able}
        first = min(able, key=steps.__getitem__)
        others = f"; so did {', '.join(CELL_NAMES[c] for c in able if c != first)}" if len(able) > 1 else ""
        said.append(
            f"{puzzle.name}: {CELL_NAMES[first]} over {best} steps, after {steps[first]:.0f} of training{others}"
        )
    return f"Who remembers longest, with most seeds. {'. '.join(part[0].upper() + part[1:] for part in said)}."
