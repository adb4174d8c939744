"""What a network over characters remembers: quotes, brackets and the length of a line, found by a probe."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq.lab.models import SequenceModel, new_model, next_symbol_loss
from seq2seq.lab.report import (
    Bars,
    Coloured,
    Part,
    Plot,
    Progress,
    Report,
    Settings,
    Table,
    ends_of,
    median_and_range,
    part_of,
    spread_over_seeds,
)
from seq2seq.lab.sources import random_windows
from seq2seq.lab.training import BITS, Trainer
from seq2seq.layers.cells import zero_state
from seq2seq.layers.recurrence import run_layer

TITLE = "What it remembers"
QUESTION = "Do single units of a network over characters follow quotes, brackets or the length of a line?"

WORDS = ["a", "an", "the", "cat", "dog", "sun", "sat", "ran", "saw", "on", "in", "to", "red", "big", "box", "and"]
"""Of the text. They are few and short, so that spelling is soon learned, and what is left to learn needs a memory."""
WIDTH = 24
"""Most characters of a line."""
ROWS, STEPS = 32, 64
"""Of a batch."""
BACK = 60
"""Steps that the influence of characters is followed back."""

FEATURES = ("inside quotes", "inside brackets", "position in the line", "letters of the word so far")
"""What is looked for in the state. The last is the easiest: it needs a memory of a few steps."""


class Text(NamedTuple):
    """Characters, and what is true after each."""

    characters: str
    features: np.ndarray
    """`(characters, features)`, in the order of `FEATURES`."""


class Found(NamedTuple):
    """What a probe found, for each feature: shares of its variance that are explained on text not probed before."""

    units: np.ndarray
    """The best single unit."""
    single: np.ndarray
    """By that unit alone."""
    together: np.ndarray
    """By all units, linearly."""


def run(settings: Settings, progress: Progress) -> Report:
    """Trains a GRU over characters for each seed, and probes its state before and after."""
    units, steps = (32, 400) if settings.quick else (64, 3000)
    training, held_out = (
        make_text(60_000 if settings.quick else 600_000, 0),
        make_text(3_000 if settings.quick else 12_000, 1),
    )
    alphabet = sorted(set(training.characters))
    before, after, influences = [], [], []
    losses: list[list[float]] = []
    example: Coloured | None = None
    size = len(alphabet)
    rate = keras.optimizers.schedules.CosineDecay(0.01, steps)
    trainer = Trainer(lambda seed: new_model("gru", units, size, size, seed, each_step=True), next_symbol_loss, rate)
    model = trainer.model
    for number, seed in enumerate(settings.seeds):
        trainer.restart(seed)
        before.append(probe(states_of(model, held_out, alphabet), held_out))
        batches = random_windows(ids_of(training, alphabet), ROWS, STEPS, seed)
        part = part_of(progress, number, len(settings.seeds))
        losses.append([])
        for step, loss in enumerate(trainer.train(batches, steps)):
            losses[-1].append(loss)
            part(step / steps, f"training, seed {seed}, {BITS * loss:.2f} bits a character")
        states = states_of(model, held_out, alphabet)
        after.append(probe(states, held_out))
        influences.append(influence(model, held_out, alphabet, seed))
        example = example or _example(states, after[0], held_out)
    assert example is not None
    parts = [_probed(before, after), _shown(example), _influence(influences), _training(losses, steps)]
    return Report(TITLE, QUESTION, _answer(before, after), parts, settings)


def make_text(length: int, seed: int) -> Text:
    """Returns so many characters of random words in lines, of which groups of 2 to 6 stand in quotes or brackets."""
    random = np.random.default_rng(seed)
    lines, current = [], ""
    size = 0
    while size < length + WIDTH:  # the last line is left out
        group = [str(word) for word in random.choice(WORDS, random.integers(2, 7))]
        if mark := str(random.choice(["", '""', "()"], p=[0.4, 0.3, 0.3])):
            group[0] = mark[0] + group[0]
            group[-1] += mark[1]
        for word in group:
            if current and len(current) + 1 + len(word) > WIDTH:
                lines.append(current + "\n")
                size += len(lines[-1])
                current = word
            else:
                current = f"{current} {word}" if current else word
    characters = "".join(lines)[:length]
    return Text(characters, features_of(characters))


def features_of(characters: str) -> np.ndarray:
    """Returns what is true after each character, `(characters, features)`."""
    rows, quoted, bracket, place, letters = [], False, False, 0, 0
    for character in characters:
        quoted ^= character == '"'
        bracket = character == "(" or (bracket and character != ")")
        place = 0 if character == "\n" else place + 1
        letters = letters + 1 if character.isalpha() else 0
        rows.append((quoted, bracket, place, letters))
    return np.array(rows, float)


def ids_of(text: Text, alphabet: Sequence[str]) -> np.ndarray:
    """Returns the number of each character; one that is not in the alphabet has that of a blank."""
    numbers = {character: number for number, character in enumerate(alphabet)}
    return np.array([numbers.get(character, numbers[" "]) for character in text.characters])


def states_of(model: SequenceModel, text: Text, alphabet: Sequence[str]) -> np.ndarray:
    """Returns the state after each character, `(characters, units)`."""
    inputs = np.eye(len(alphabet), dtype=np.float32)[ids_of(text, alphabet)][None]

    @tf.function  # thousands of steps: one by one they take minutes
    def read(given: Any) -> Any:
        return run_layer(model.cell, given, zero_state(model.cell, 1), None, False, False)[0]

    return np.asarray(read(tf.constant(inputs)))[0]


def probe(states: np.ndarray, text: Text) -> Found:
    """Fits every unit, and all together, to each feature on the first half of a text, and scores them on the second."""
    half = len(states) // 2
    units, single, together = [], [], []
    for feature in text.features.T:
        y = feature - feature[:half].mean()
        best = max(range(states.shape[1]), key=lambda unit: _explained(states[:, [unit]], y, half, half))
        units.append(best)
        single.append(max(_explained(states[:, [best]], y, half, None), 0.0))
        together.append(max(_explained(states, y, half, None), 0.0))
    return Found(np.array(units), np.array(single), np.array(together))


def _explained(x: np.ndarray, y: np.ndarray, half: int, until: int | None) -> float:
    """The share of the variance of `y` that a ridge fitted on the first half explains: there, or on the second."""
    x = (x - x[:half].mean(axis=0)) / (x[:half].std(axis=0) + 1e-6)
    gram = x[:half].T @ x[:half] + 1e-3 * half * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, x[:half].T @ y[:half])
    part = slice(0, until) if until else slice(half, None)
    residual = y[part] - x[part] @ weights
    return float(1 - residual.var() / max(y[part].var(), 1e-12))


def influence(model: SequenceModel, text: Text, alphabet: Sequence[str], seed: int) -> dict[str, list[float]]:
    """Returns how much the characters k steps before matter to what is predicted, for k = 0, 1, …, by kind of place.

    The norm of the gradient of the log-probability of the next character by the input k steps before, as the median
    over 48 places of a kind, in shares of their sum.
    """
    random, ids = np.random.default_rng(seed), ids_of(text, alphabet)
    following = np.array(list(text.characters[1:]))
    inside = text.features[:-1]
    kinds = {
        "any character": np.ones(len(following), bool),
        "a closing quote": (following == '"') & (inside[:, 0] > 0),
        "a line break": following == "\n",
    }
    symbols, found = np.eye(len(alphabet), dtype=np.float32), {}
    for name, chosen in kinds.items():
        places = np.flatnonzero(chosen[BACK:]) + BACK
        places = random.choice(places, min(48, len(places)), replace=False)
        windows = tf.constant(symbols[np.stack([ids[place - BACK : place + 1] for place in places])])
        with tf.GradientTape() as tape:
            tape.watch(windows)
            log_probs = tf.nn.log_softmax(model(windows)[:, -1])
            target = tf.reduce_sum(tf.gather(log_probs, ids[places + 1], batch_dims=1))
        norms = np.linalg.norm(np.asarray(tape.gradient(target, windows)), axis=2)[:, ::-1]
        shares = norms / norms.sum(axis=1, keepdims=True)
        found[name] = [float(value) for value in np.median(shares, axis=0)]
    return found


def _example(states: np.ndarray, found: Found, text: Text) -> Coloured:
    unit, begin = int(found.units[0]), len(states) // 2
    end = begin + 420
    values = states[begin:end, unit]
    return Coloured(
        "unit",
        f"Unit {unit}, the one that follows quotes best, over a text that was not trained on",
        list(text.characters[begin:end]),
        [float(value) for value in values],
    )


def _probed(before: Sequence[Found], after: Sequence[Found]) -> Part:
    rows = [
        [
            feature,
            median_and_range([float(found.single[n]) for found in after]),
            median_and_range([float(found.single[n]) for found in before]),
            median_and_range([float(found.together[n]) for found in after]),
            median_and_range([float(found.together[n]) for found in before]),
        ]
        for n, feature in enumerate(FEATURES)
    ]
    columns = ["feature", "best unit, trained", "best unit, untrained", "all units, trained", "all units, untrained"]
    singles = [[float(found.single[n]) for found in after] for n in range(len(FEATURES))]
    bars = Bars(
        "single",
        "Share of the variance that the best single unit explains, after training",
        "Bars: " + ", ".join(f"{name} {median(one):.2g}" for name, one in zip(FEATURES, singles, strict=True)) + ".",
        "share of variance",
        FEATURES,
        [median(values) for values in singles],
        [min(values) for values in singles],
        [max(values) for values in singles],
    )
    return Part(
        "Probed",
        [
            "The unit is chosen, and the linear probe fitted, on one half of a text that the network was not trained "
            "on; what is shown was measured on the other half. An untrained network of random weights keeps something "
            "of its inputs too, so it stands beside.",
            "Karpathy et al. (2015) found single cells for quotes and line length by looking. Here a probe looks; "
            "where all units together explain far more than the best one, the memory is spread over many.",
        ],
        [bars, Table("probe", "Shares of variance", columns, rows)],
    )


def _shown(example: Coloured) -> Part:
    return Part("One unit", ["Blue is above 0, red below; the stronger, the farther from 0."], [example])


def _influence(found: Sequence[dict[str, list[float]]]) -> Part:
    ago = list(range(BACK + 1))
    curves = [spread_over_seeds(name, ago, [one[name] for one in found]) for name in found[0]]
    far = {name: median(sum(one[name][20:]) for one in found) for name in found[0]}
    words = ", ".join(f"{100 * share:.2g} % for {name}" for name, share in far.items())
    return Part(
        "How far back it looks",
        [
            "The gradient of the log-probability of the next character by each character before (as in Distill's "
            f"article on memorisation, 2019). Of its norm, the part from 20 and more steps back is {words}."
        ],
        [
            Plot(
                "influence",
                "Influence of earlier characters on the prediction of …",
                f"Lines over the steps back: {ends_of(curves)}.",
                "steps back",
                "share of the gradient's norm",
                curves,
                log="y",
            )
        ],
    )


def _training(losses: Sequence[Sequence[float]], steps: int) -> Part:
    width = max(1, steps // 40)
    x = list(range(width, steps + 1, width))
    runs = [[float(np.mean(one[end - width : end])) * BITS for end in x] for one in losses]
    curves = [spread_over_seeds("loss", x, runs)]
    plot = Plot("training", "Training", f"A line: {ends_of(curves)}.", "steps", "bits a character", curves)
    words = (
        f"{steps:,} steps of {ROWS} windows of {STEPS} characters. The text is made up: groups of 2 to 6 out of "
        f"{len(WORDS)} short words, 3 of 10 in quotes and as many in brackets, in lines of at most {WIDTH} characters. "
        "So all that is to learn beside the words is when a mark closes and a line ends."
    )
    return Part("Training", [words], [plot])


def _answer(before: Sequence[Found], after: Sequence[Found]) -> str:
    def shares(found: Sequence[Found], number: int) -> float:
        return median(float(one.single[number]) for one in found)

    followed = [f"{name} ({shares(after, n):.2f})" for n, name in enumerate(FEATURES) if shares(after, n) > 0.5]
    rest = [f"{name} ({shares(after, n):.2f})" for n, name in enumerate(FEATURES) if shares(after, n) <= 0.5]
    yes = f"A single unit explains more than half of the variance of: {', '.join(followed)}. " if followed else ""
    does = "does for" if followed else "explains more than half of the variance of"
    no = f"No single unit {does}: {', '.join(rest)}. " if rest else ""
    return f"{yes}{no}Before training the best was {max(shares(before, n) for n in range(len(FEATURES))):.2f}."
