"""The reading memory: what a network expects next, and how its state changes, word by word; in the browser too."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from seq2seq.lab.models import SequenceModel, new_model, next_symbol_loss
from seq2seq.lab.report import (
    HeatMap,
    Interactive,
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
from seq2seq.lab.text import END, sentences, vocabulary_of, words_of
from seq2seq.lab.training import Trainer
from seq2seq.layers.cells import zero_state

TITLE = "The reading memory"
QUESTION = "What does a recurrent network expect next, and what does it keep of the words it has read?"

PROMPT = "the old doctor put the big"
ROWS, STEPS = 32, 20
"""Of a batch: windows of the text, and words of a window."""
LARGEST = 32767
"""Of 16 bits: the page holds weights as multiples of a scale, and so does the model that is measured."""

Weights = dict[str, np.ndarray]


class Form(NamedTuple):
    """How a reader is made."""

    words: int
    """Size of the vocabulary."""
    units: int
    steps: int
    """Of training."""
    rate: float
    """Of learning, at the start."""


class Reader(NamedTuple):
    """A trained model and its words."""

    model: SequenceModel
    words: list[str]
    losses: Sequence[float]
    """Of the steps of training, nats a word."""
    perplexity: float
    """A word, of sentences that were not seen."""


def run(settings: Settings, progress: Progress) -> Report:
    """Trains a small GRU over words for each seed; the page reads with the first."""
    form = Form(800, 24, 300, 0.01) if settings.quick else Form(2000, 48, 4000, 0.005)
    readers = [
        train_reader(form, seed, part_of(progress, number, len(settings.seeds)))
        for number, seed in enumerate(settings.seeds)
    ]
    first = readers[0]
    scores = [reader.perplexity for reader in readers]
    words, states, shares = read(first, PROMPT)
    top = _top(first.words, shares[-1], 5)
    expected = ", ".join(f"{word} ({100 * share:.0f} %)" for word, share in top)
    answer = (
        f"After “{PROMPT}” a GRU of {form.units} units expects {expected}. Its perplexity on unseen sentences is "
        f"{median_and_range(scores)} of {form.words} words, where all unknown ones are one; {len(scores)} seeds."
    )
    parts = [_interactive(first), _still(first, words, states, shares), _training(readers, form.steps)]
    return Report(TITLE, QUESTION, answer, parts, settings)


def train_reader(form: Form, seed: int, progress: Progress = lambda done, what: None) -> Reader:
    """Trains a GRU over the words of the embedded sentences; its weights have 16 bits."""
    text = sentences("train", 20 * form.steps + 500)
    words = vocabulary_of(text, form.words)
    size = len(words)
    rate = keras.optimizers.schedules.CosineDecay(form.rate, form.steps)
    trainer = Trainer(
        lambda seed: new_model("gru", form.units, size, size, seed, each_step=True), next_symbol_loss, rate
    )
    trainer.restart(seed)
    model, losses = trainer.model, []
    for step, loss in enumerate(trainer.train(random_windows(ids_of(text, words), ROWS, STEPS, seed), form.steps)):
        losses.append(loss)
        progress(step / form.steps, f"training, seed {seed}, {np.exp(min(loss, 20)):.1f} words")
    set_weights(model, {name: _rounded(value) for name, value in weights_of(model).items()})
    return Reader(model, words, losses, _perplexity(model, words))


def ids_of(text: Sequence[Sequence[str]], words: Sequence[str]) -> np.ndarray:
    """Returns the ids of sentences, one after the other; a word that is not among `words` has 0."""
    ids = {word: number for number, word in enumerate(words)}
    return np.array([ids.get(word, 0) for sentence in text for word in sentence])


def _perplexity(model: SequenceModel, words: Sequence[str]) -> float:
    ids = ids_of(sentences("validation", 300), words)
    symbols = np.eye(len(words), dtype=np.float32)
    logits = model.predict_on_batch(symbols[ids[None, :-1]])[0]
    logits = logits - logits.max(axis=1, keepdims=True)
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(np.exp(-log_probs[np.arange(len(ids) - 1), ids[1:]].mean()))


def weights_of(model: SequenceModel) -> Weights:
    """Returns the weights under the names that the page has for them."""
    bias = np.array(model.cell.bias)
    return {
        "kernel": np.array(model.cell.kernel),
        "recurrent_kernel": np.array(model.cell.recurrent_kernel),
        "bias": bias[0],
        "recurrent_bias": bias[1],
        "output_kernel": np.array(model.dense.kernel),
        "output_bias": np.array(model.dense.bias),
    }


def set_weights(model: SequenceModel, weights: Weights) -> None:
    """Gives a model the weights that `weights_of` returns."""
    model.cell.kernel.assign(weights["kernel"])
    model.cell.recurrent_kernel.assign(weights["recurrent_kernel"])
    model.cell.bias.assign(np.stack([weights["bias"], weights["recurrent_bias"]]))
    model.dense.kernel.assign(weights["output_kernel"])
    model.dense.bias.assign(weights["output_bias"])


def _scale(value: np.ndarray) -> float:
    return float(max(np.abs(value).max(), 1e-9)) / LARGEST


def _rounded(value: np.ndarray) -> np.ndarray:
    return (np.round(value / _scale(value)) * _scale(value)).astype(np.float32)


def page_model(reader: Reader) -> dict[str, Any]:
    """Returns what the page computes with: the words, the width, and each weight as base64 of 16 bits and its scale."""
    weights = {}
    for name, value in weights_of(reader.model).items():
        whole = np.round(value / _scale(value)).astype("<i2")
        weights[name] = [base64.b64encode(whole.tobytes()).decode(), _scale(value)]
    return {"words": reader.words, "units": reader.model.cell.units, "weights": weights}


def read(reader: Reader, text: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Returns the words read, an end of sentence first, the state after each, and the distribution over the next."""
    known = set(reader.words)
    words = [END, *(word if word in known else reader.words[0] for word in words_of(text))]
    state, states, shares = zero_state(reader.model.cell, 1), [], []
    for id_ in ids_of([words], reader.words):
        inputs = np.eye(len(reader.words), dtype=np.float32)[[id_]]
        output, state = reader.model.cell.recur(reader.model.cell.project(inputs), state)
        states.append(np.asarray(output)[0])
        shares.append(np.asarray(ops.softmax(reader.model.dense(output)))[0])
    return words, np.stack(states), np.stack(shares)


def script() -> str:
    """Returns the code that the page runs."""
    return resources.files("seq2seq.lab").joinpath("reading.js").read_text("utf-8")


def _top(words: Sequence[str], shares: np.ndarray, count: int) -> list[tuple[str, float]]:
    return [(words[number], float(shares[number])) for number in np.argsort(-shares)[:count]]


def _interactive(reader: Reader) -> Part:
    model = json.dumps(page_model(reader)).replace("<", "\\u003c")
    markup = f"""<div id="reader">
<style>
#reader input {{ width: 100%; box-sizing: border-box; font: inherit; padding: .4rem }}
#reader .rows {{ overflow-x: auto; margin: .8rem 0 }}
#reader .rows button {{ display: flex; align-items: center; gap: 1px; border: 0; background: none; font: inherit;
  padding: .1rem; cursor: pointer }}
#reader .rows button[aria-pressed=true] {{ outline: 2px solid #3b66b8; outline-offset: -2px }}
#reader .rows i {{ width: .55rem; height: 1.1rem; flex: none }}
</style>
<label>Type: <input value="{PROMPT}" spellcheck="false"></label>
<div class="rows"></div>
<p>What comes next after the word that is marked:</p>
<div class="bars" aria-live="polite"></div>
<script>
{script()}
showReader({model}, document.getElementById("reader"));
</script>
</div>"""
    words = (
        "Each line is the state after a word: blue is above 0, red below. Choose a line to see what is expected after "
        "it. All is computed here, by the weights of the first seed; a word that the model does not know is <unk>."
    )
    return Part("Read", [words], [Interactive(markup, "The reader needs a script; below is one sentence, read.")])


def _still(reader: Reader, words: Sequence[str], states: np.ndarray, shares: np.ndarray) -> Part:
    heat = HeatMap(
        "states",
        "The state after each word",
        "A grid of words by units; the colours of a row change from word to word.",
        "unit",
        "",
        [str(number) if number % 4 == 0 else "" for number in range(states.shape[1])],
        [f"{number}: {word}" for number, word in enumerate(words)],
        states.tolist(),
    )
    rows = [
        [word, "  ".join(f"{name} {100 * share:.0f} %" for name, share in _top(reader.words, row, 5))]
        for word, row in zip(words, shares, strict=True)
    ]
    change = np.abs(np.diff(states[1:], axis=0)).mean(axis=1)
    after = words[2:][int(change.argmax())]
    text = (
        f"The state has the same size after every word; what the network knows of the sentence is in it. Here it "
        f"changes most at “{after}”: by {change.max():.2f} a unit, against {np.median(change):.2f} in the middle."
    )
    return Part(
        "One sentence", [text], [heat, Table("next", "What is expected after each word", ["after", "next"], rows)]
    )


def _training(readers: Sequence[Reader], steps: int) -> Part:
    width = max(1, steps // 50)
    x = list(range(width, steps + 1, width))
    runs = [[float(np.mean(reader.losses[end - width : end])) for end in x] for reader in readers]
    curve = spread_over_seeds("loss", x, runs)
    plot = Plot("training", "Training", f"A line: {ends_of([curve])}.", "steps", "nats a word", [curve])
    return Part("Training", [f"{steps:,} steps of {ROWS} windows of {STEPS} words of the embedded sentences."], [plot])
