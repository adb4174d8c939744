"""How gradients vanish and explode on their way back through time, and what cures which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from seq2seq.lab.models import SequenceModel, class_loss, new_model
from seq2seq.lab.puzzles import temporal_order
from seq2seq.lab.report import (
    Curve,
    HeatMap,
    Part,
    Plot,
    Progress,
    Report,
    Settings,
    Table,
    ends_of,
    median_and_range,
    spread_over_seeds,
)
from seq2seq.lab.training import Trainer
from seq2seq.layers.cells import zero_state
from seq2seq.layers.names import CellName

TITLE = "Vanishing and exploding gradients"
QUESTION = "How much of the gradient of a late state reaches an early one, and what makes more of it arrive?"

SOLVED = 0.05
"""Temporal order counts as learned when the median of the last losses is below; guessing has 1.39."""
LAST = 25
"""So many losses are looked at."""


@dataclass(frozen=True)
class Start:
    """A cell and how its recurrent weights begin.

    Attributes:
        name: In the plots.
        cell: Of the toolkit.
        radius: Spectral radius of a Gaussian recurrent matrix; None leaves it as the cell makes it, orthogonal.
        forget_bias: Of an LSTM; None leaves it at 1.
    """

    name: str
    cell: CellName
    radius: float | None = None
    forget_bias: float | None = None

    def new_model(self, units: int, seed: int) -> SequenceModel:
        """Returns a network for temporal order that starts so."""
        model = new_model(self.cell, units, 6, 4, seed)
        self.prepare(model.cell, seed)
        return model

    def prepare(self, cell: Any, seed: int) -> None:
        """Sets the recurrent weights of a built cell."""
        units = cell.units
        if self.radius is not None:
            matrix = np.random.default_rng(seed).normal(size=(units, units))
            matrix *= self.radius / np.abs(np.linalg.eigvals(matrix)).max()
            cell.recurrent_kernel.assign(matrix)
        if self.forget_bias is not None:
            bias = np.array(cell.bias)
            bias[units : 2 * units] = self.forget_bias
            cell.bias.assign(bias)


LEAST = 1e-15
"""The least norm shown: the squares of much smaller ones are below what float32 holds."""

TANH = [Start(f"tanh, radius {radius}", "simple", radius) for radius in (0.5, 0.9, 1.0, 1.1, 1.5)]
TANH.append(Start("tanh, orthogonal", "simple"))
GATED = [
    Start("LSTM, forget bias 0", "lstm", forget_bias=0.0),
    Start("LSTM, forget bias 1", "lstm"),
    Start("GRU", "gru"),
]
REMEDIES = [
    (Start("tanh", "simple", 0.9), None),
    (Start("tanh, clipped", "simple", 0.9), 1.0),
    (Start("tanh, orthogonal", "simple"), None),
    (Start("tanh, orthogonal, clipped", "simple"), 1.0),
    (Start("LSTM, forget bias 0, clipped", "lstm", forget_bias=0.0), 1.0),
    (Start("LSTM, forget bias 1, clipped", "lstm"), 1.0),
    (Start("GRU, clipped", "gru"), 1.0),
]
"""What is trained, and the norm that its gradient is clipped to."""


def run(settings: Settings, progress: Progress) -> Report:
    """Measures gradients at initialisation and in training, draws the cliff, and tries the remedies."""
    quick = settings.quick
    units, steps = (16, 40) if quick else (64, 100)
    progress(0.0, "gradients at initialisation")
    start = {s.name: [norms_at_start(s, units, steps, seed) for seed in settings.seeds] for s in TANH + GATED}
    progress(0.15, "the cliff")
    cliff, descents = the_cliff(60 if quick else 160)
    length, most = (20, 250) if quick else (60, 3000)
    outcomes: dict[str, list[Outcome]] = {}
    for number, (remedy, clip) in enumerate(REMEDIES):
        trainer = Trainer(partial(remedy.new_model, units), class_loss, 0.003, clip)
        outcomes[remedy.name] = []
        for seed in settings.seeds:
            progress(0.2 + 0.8 * number / len(REMEDIES), f"training {remedy.name}, seed {seed}")
            outcomes[remedy.name].append(_learn(trainer, length, most, seed))
    parts = [
        _at_start(start, units, steps),
        _in_training(outcomes, length),
        _cliff(cliff, descents),
        _remedies(outcomes, length, most),
    ]
    return Report(TITLE, QUESTION, _answer(start, outcomes, steps), parts, settings)


def norms_at_start(start: Start, units: int, steps: int, seed: int) -> list[float]:
    """Returns the norms of `gradient_norms` for a new cell that reads noise."""
    model = new_model(start.cell, units, 2, 1, seed)
    start.prepare(model.cell, seed)
    inputs = np.random.default_rng(seed).normal(size=(16, steps, 2)).astype("float32")
    return gradient_norms(model.cell, inputs, seed)


def gradient_norms(cell: Any, inputs: np.ndarray, seed: int) -> list[float]:
    """Returns the norm of the Jacobian of the last state by the state k steps before, for k = 0, 1, ….

    It is the Frobenius norm over the root of the state's size, so that an identity has 1, as the geometric mean over
    the rows of `inputs`, `(rows, time, features)`. By Hutchinson's estimate: for a normal vector v, the mean of
    |v J|² is the square of the Frobenius norm of J. Less than `LEAST` counts as that.
    """
    probes = 8
    rows, steps, _ = inputs.shape
    projected = cell.project(tf.repeat(tf.constant(inputs), probes, axis=0))
    with tf.GradientTape() as tape:
        state = zero_state(cell, rows * probes)
        tape.watch(state)
        states = [state]
        for step in range(steps):
            _, state = cell.recur(projected[:, step], state)
            states.append(state)
        last = tf.concat(state, axis=1)
        vector = np.random.default_rng(seed + 1).normal(size=last.shape).astype("float32")
        target = tf.reduce_sum(last * vector)
    found = tape.gradient(target, states, unconnected_gradients="zero")
    norms = []
    for parts in reversed(found):
        squares = sum(tf.reduce_sum(tf.square(part), axis=1) for part in parts).numpy()
        means = squares.reshape(rows, probes).mean(axis=1) / last.shape[1]
        norms.append(float(np.exp(np.log(np.maximum(means, LEAST**2)).mean() / 2)))
    return norms


@dataclass(frozen=True)
class Outcome:
    """A training on temporal order.

    Attributes:
        losses: Of each step.
        before, after: `gradient_norms` on the task's inputs, before and after training.
        largest: The largest norm of a step's gradient, before clipping.
    """

    losses: Sequence[float]
    before: Sequence[float]
    after: Sequence[float]
    largest: float

    @property
    def steps(self) -> int | None:
        """Steps until it was learned; None if it never was."""
        return len(self.losses) if _is_solved(self.losses) else None


def _is_solved(losses: Sequence[float]) -> bool:
    return len(losses) >= LAST and median(losses[-LAST:]) < SOLVED


def _learn(trainer: Trainer, length: int, most: int, seed: int) -> Outcome:
    trainer.restart(seed)
    batches = temporal_order(length, seed)
    cell, sample = trainer.model.cell, next(batches)[0][:8]
    before, losses = gradient_norms(cell, sample, seed), []
    for loss in trainer.train(batches, most):
        losses.append(loss)
        if not np.isfinite(loss) or _is_solved(losses):
            break
    return Outcome(losses, before, gradient_norms(cell, sample, seed), trainer.largest)


class Descent(NamedTuple):
    """A gradient descent on the loss of one unit."""

    path: Sequence[tuple[float, float]]
    """Weight and bias before the first step and after each."""
    longest: float
    """Its longest move."""
    loss: float
    """At its end."""


def the_cliff(points: int) -> tuple[HeatMap, dict[str, Descent]]:
    """Returns the loss of one recurrent unit over its weight and bias, and two descents on it.

    The unit of Pascanu et al. 2013, figure 6: h' = w σ(h) + b, 50 steps from 1/2, loss (σ(h) - 0.7)².
    """
    weights, biases = np.linspace(4.2, 6.4, points), np.linspace(-3.2, -1.0, points)
    grid = np.log10(unit_loss(weights[None, :], biases[:, None])[0] + 1e-6)
    descents = {"gradient descent": _descend(None), "clipped to norm 1": _descend(1.0)}
    paths = []
    for name, descent in descents.items():
        seen = [(w, b) for w, b in descent.path if 4.2 <= w <= 6.4 and -3.2 <= b <= -1.0]
        paths.append(Curve(name, [w for w, _ in seen], [b for _, b in seen]))
    heat = HeatMap(
        "cliff",
        "Loss of one recurrent unit (log10) over its weight and bias",
        "A plain of large loss and one of smaller loss meet at a sharp line, along which the smallest losses lie.",
        "weight",
        "bias",
        [float(w) for w in weights],
        [float(b) for b in biases],
        grid.tolist(),
        paths,
    )
    return heat, descents


def _descend(clip: float | None) -> Descent:
    """200 steps of gradient descent with a rate of 0.05, from below the wall."""
    path = [(4.8, -3.0)]
    for _ in range(200):
        w, b = path[-1]
        gradient = np.array(unit_loss(np.array(w), np.array(b))[1:])
        norm = float(np.linalg.norm(gradient))
        scale = 0.05 * (min(1.0, clip / norm) if clip and norm > 0 else 1.0)
        path.append((float(w - scale * gradient[0]), float(b - scale * gradient[1])))
    moves = [float(np.hypot(after[0] - before[0], after[1] - before[1])) for before, after in pairwise(path)]
    last = unit_loss(np.array(path[-1][0]), np.array(path[-1][1]))[0]
    return Descent(path, max(moves), float(last))


def unit_loss(w: np.ndarray, b: np.ndarray, steps: int = 50) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the loss of the unit of `the_cliff`, and its derivatives by weight and bias."""
    h = np.full(np.broadcast(w, b).shape, 0.5)
    by_w, by_b = np.zeros_like(h), np.zeros_like(h)
    for _ in range(steps):
        s = 1 / (1 + np.exp(-h))
        slope = w * s * (1 - s)
        h, by_w, by_b = w * s + b, s + slope * by_w, 1 + slope * by_b
    s = 1 / (1 + np.exp(-h))
    outer = 2 * (s - 0.7) * s * (1 - s)
    return (s - 0.7) ** 2, outer * by_w, outer * by_b


def _at_start(found: dict[str, list[list[float]]], units: int, steps: int) -> Part:
    ago = list(range(steps + 1))

    def plot(name: str, title: str, starts: Sequence[Start]) -> Plot:
        curves = [spread_over_seeds(s.name, ago, found[s.name]) for s in starts]
        alt = f"Lines over the steps back: {ends_of(curves)}."
        return Plot(name, title, alt, "steps back", "norm of the Jacobian", curves, log="y")

    return Part(
        "At initialisation",
        [
            f"{units} units read noise. The Jacobian of the last state by the state k steps before is a product of k "
            "matrices. Theory (Pascanu et al. 2013): with a spectral radius below 1 the product of a tanh network "
            "vanishes exponentially; above 1 it may explode, held back only by the flat ends of tanh. An orthogonal "
            "matrix alone would keep the norm, but tanh takes from it at each step.",
            "In an LSTM the way through c is scaled by the forget gate: by about 1/2 at bias 0, which vanishes as fast "
            "as a small tanh network, and by 0.73 at bias 1.",
            f"Norms below {LEAST:.0e} are drawn at it.",
        ],
        [
            plot("tanh", "tanh networks", TANH),
            plot("gated", "LSTM and GRU", GATED),
        ],
    )


def _in_training(outcomes: dict[str, list[Outcome]], length: int) -> Part:
    curves = []
    for name in ("tanh, clipped", "LSTM, forget bias 1, clipped", "GRU, clipped"):
        runs = outcomes[name]
        for when, rows in (("before", [run.before for run in runs]), ("after", [run.after for run in runs])):
            said = f"{name.removesuffix(', clipped')}, {when} training"
            curves.append(spread_over_seeds(said, list(range(length + 1)), rows))
    return Part(
        "After training",
        [
            f"The same on sequences of the task temporal order, {length} steps, before and after training. Where the "
            "network learns to keep a symbol, its Jacobian has to keep some directions alive.",
        ],
        [
            Plot(
                "trained",
                "Before and after training",
                f"Lines over the steps back: {ends_of(curves)}.",
                "steps back",
                "norm of the Jacobian",
                curves,
                log="y",
            )
        ],
    )


def _cliff(heat: HeatMap, descents: dict[str, Descent]) -> Part:
    plain, clipped = descents.values()
    return Part(
        "The cliff",
        [
            "One unit that is applied 50 times has a loss with a wall in it: a small change of its weight or bias "
            "moves the last state from one fixed point to another. At the wall the gradient is huge.",
            f"Both descents take 200 steps from the same place. The plain one is thrown {plain.longest:.2g} far by one "
            f"step at the wall and ends at a loss of {plain.loss:.1g}. With the gradient clipped to norm 1 no step is "
            f"longer than {clipped.longest:.2g}, and the end has {clipped.loss:.1g}. Clipping keeps the direction and "
            "bounds the length.",
        ],
        [heat],
    )


def _remedies(outcomes: dict[str, list[Outcome]], length: int, most: int) -> Part:
    rows = []
    for name, runs in outcomes.items():
        steps = [run.steps for run in runs if run.steps is not None]
        rows.append(
            [
                name,
                f"{len(steps)} of {len(runs)}",
                median_and_range(steps) if steps else "-",
                median_and_range([float(np.median(run.losses[-LAST:])) for run in runs]),
                median_and_range([run.largest for run in runs]),
            ]
        )
    columns = ["network", "learned", "steps until then", "last loss, nats", "largest gradient norm"]
    return Part(
        "Which remedy cures what",
        [
            f"Temporal order over {length} steps: two symbols among distractors decide one of four classes; "
            f"guessing has a loss of 1.39. Adam at 0.003, at most {most:,} steps of 32 sequences. Clipping bounds "
            "gradients that explode and can do nothing for those that vanish; gates, and an orthogonal start, bring "
            "more of them back.",
        ],
        [Table("remedies", "Temporal order", columns, rows)],
    )


def _answer(start: dict[str, list[list[float]]], outcomes: dict[str, list[Outcome]], steps: int) -> str:
    def at_end(name: str) -> str:
        norm = median(norms[-1] for norms in start[name])
        return f"{LEAST:.0e} or less" if norm < 1.01 * LEAST else f"{norm:.1g}"

    learned = {name: sum(run.steps is not None for run in runs) for name, runs in outcomes.items()}
    seeds = len(next(iter(outcomes.values())))
    most = [name for name, count in learned.items() if count == max(learned.values())]
    which = (
        f"Temporal order was learned most often by: {'; '.join(most)} ({max(learned.values())} of {seeds} seeds)."
        if max(learned.values())
        else "None of the networks learned temporal order in the steps given."
    )
    return (
        f"Over {steps} steps the gradient of a tanh network of radius 0.9 falls to {at_end('tanh, radius 0.9')} of "
        f"that of an identity, of an LSTM with forget bias 0 to {at_end('LSTM, forget bias 0')}, with forget bias 1 to "
        f"{at_end('LSTM, forget bias 1')}, of a GRU to {at_end('GRU')}. {which}"
    )
