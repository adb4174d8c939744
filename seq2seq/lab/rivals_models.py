"""The networks that are compared with a Transformer, at about equal weights, and what they are measured by."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seq2seq.backend import prepare_keras
from seq2seq.lab.models import CELL_NAMES
from seq2seq.lab.training import Arrays, Trainer
from seq2seq.lab.transformer import CausalTransformer, new_transformer
from seq2seq.layers.decoder import RNNDecoder
from seq2seq.layers.frontends import TokenEmbedding
from seq2seq.layers.heads import VocabularyHead
from seq2seq.layers.names import CellName
from seq2seq.models.language_model import LanguageModel
from seq2seq.spawning import spawn_context
from seq2seq.types import Ids, Logits, Tensor

TRANSFORMER = "Transformer"
SHOWN: tuple[CellName, ...] = ("lstm", "gru", "ssru", "min_gru")
CELLS = {CELL_NAMES[cell]: cell for cell in SHOWN}
NAMES = (TRANSFORMER, *CELLS)
RATE = 0.003


class Shape(NamedTuple):
    """A Transformer, which the others are as large as."""

    size: int
    """Number of ids."""
    width: int
    blocks: int
    heads: int
    length: int
    """The most steps of a sequence."""


def make_network(name: str, shape: Shape, units: int, seed: int) -> keras.Model:
    """Returns a built model over ids; its first weights depend on the seed alone.

    Args:
        name: One of `NAMES`.
        shape: Of the Transformer; the recurrent ones have as many layers.
        units: Width of a recurrent one.
        seed: Of the weights.
    """
    if name == TRANSFORMER:
        return new_transformer(*shape, seed)
    keras.utils.set_random_seed(seed)
    decoder = RNNDecoder(units, CELLS[name], shape.blocks, attention=None)
    model = LanguageModel(TokenEmbedding(shape.size, units), decoder, VocabularyHead(shape.size))
    model.build()
    return model


def units_for(make: Callable[[int], keras.Model], aim: int) -> int:
    """Returns the even width at which a model has closest to `aim` weights, which are a square function of it."""
    widths = np.asarray([8, 16, 24])
    square, line, rest = np.polyfit(widths, [make(int(width)).count_params() for width in widths], 2)
    exact = (-line + (line**2 - 4 * square * (rest - aim)) ** 0.5) / (2 * square)
    return max(2, 2 * round(float(exact) / 2))


def sizes_of(shape: Shape, networks: Sequence[str] = NAMES) -> dict[str, int]:
    """Returns the units of networks at equal weights; of the Transformer its width."""
    aim = make_network(TRANSFORMER, shape, 0, 0).count_params()

    def units_of(name: str) -> int:
        return units_for(lambda units: make_network(name, shape, units, 0), aim)

    return {name: shape.width if name == TRANSFORMER else units_of(name) for name in networks}


def logits_of(model: Any, ids: Ids, training: bool) -> Logits:
    """Returns `(rows, time, size)` for `(rows, time)` ids."""
    return model(ids if isinstance(model, CausalTransformer) else {"target_input": ids}, training=training)


def next_id_loss(model: Any, batch: Arrays, training: bool) -> Tensor:
    """The mean cross-entropy of the ids that follow, in nats; a batch has ids and those, `(rows, time)`."""
    ids, following = batch
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(following, logits_of(model, ids, training))
    return tf.reduce_mean(nats)


def training_times(
    trainers: Mapping[str, Trainer], size: int, lengths: Sequence[int], tokens: int, rounds: int
) -> dict[str, list[list[float]]]:
    """Returns the tokens a second of training, for each network by round and length.

    Args:
        trainers: By name; their losses take ids and those that follow.
        size: Number of ids.
        lengths: Of the sequences.
        tokens: Of a step, whatever the length.
        rounds: How often each is measured, in turn.
    """
    random = np.random.default_rng(0)
    batches = []
    for length in lengths:
        ids = random.integers(0, size, (tokens // length, length + 1), np.int32)
        batches.append((ids[:, :-1], ids[:, 1:]))
    found: dict[str, list[list[float]]] = {name: [] for name in trainers}
    for number in range(rounds + 1):
        for name, trainer in trainers.items():
            trainer.times = []
            for batch in batches:
                trainer.step(batch)
            if number:  # the first round makes graphs
                found[name].append([tokens / seconds for seconds in trainer.times])
    return found


FEW, MANY = 8, 136
"""Tokens of two generations, whose difference is timed: what a call costs once is not counted."""


def generation_times(
    models: Mapping[str, Any], positions: Sequence[int], rounds: int
) -> dict[str, tuple[list[list[float]], list[int]]]:
    """Returns for each network the milliseconds a token by round and position, and the bytes of state by position.

    One sequence is generated greedily. A Transformer's cache is allocated for all positions and is full up to the one
    measured.
    """
    calls = {name: _generator(model, max(positions) + MANY) for name, model in models.items()}
    spent: dict[str, list[np.ndarray]] = {name: [] for name in models}
    for number in range(rounds + 1):
        for name in models:
            seconds = np.zeros((len(positions), 2))
            for place, position in enumerate(positions):
                seconds[place] = [_seconds(calls[name], position, count) for count in (FEW, MANY)]
            if number:  # the first round makes graphs
                spent[name].append(seconds)
    found = {}
    for name, model in models.items():
        once = np.median([seconds[:, 0] for seconds in spent[name]], axis=0)
        tokens = [1000 * np.maximum(seconds[:, 1] - once, 1e-6) / (MANY - FEW) for seconds in spent[name]]
        found[name] = [row.tolist() for row in tokens], [state_bytes(model, position) for position in positions]
    return found


def _generator(model: Any, length: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Returns a graph that writes so many tokens from a position on, and returns the last."""
    caches = model.new_cache(1, length) if isinstance(model, CausalTransformer) else None

    def once(done: Tensor, ids: Ids, position: Tensor, state: Any) -> tuple[Tensor, Ids, Tensor, Any]:
        if caches is None:
            logits, state = model.step(ids, state)
        else:
            logits = model.step(ids, caches, position)
        return done + 1, tf.argmax(logits, axis=-1, output_type=tf.int32), position + 1, state

    def generate(position: Tensor, count: Tensor) -> Tensor:
        state = () if caches else model.initial_state(1)
        start = (tf.constant(0), tf.constant([1]), position, state)
        return tf.while_loop(lambda done, *_: done < count, once, start)[1]

    return tf.function(generate)


def _seconds(call: Callable[[Tensor, Tensor], Tensor], position: int, count: int) -> float:
    started = time.perf_counter()
    np.asarray(call(tf.constant(position), tf.constant(count)))
    return time.perf_counter() - started


def state_bytes(model: Any, position: int) -> int:
    """Returns the bytes that one sequence keeps to go on from a position, in float32."""
    if isinstance(model, CausalTransformer):
        return position * 4 * sum(int(np.prod(part.shape)) for cache in model.new_cache(1, 1) for part in cache)
    return 4 * sum(int(np.prod(part.shape)) for part in tf.nest.flatten(model.initial_state(1)))


def peak_bytes(name: str, shape: Shape, units: int, lengths: Sequence[int], tokens: int) -> list[float]:
    """Returns how far the memory of a process rises in training steps of ascending lengths, in a process of its own.

    NaN where the system does not tell; only Linux does.
    """
    context = spawn_context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure_peaks, args=(sender, name, shape, units, list(lengths), tokens))
    process.start()
    sender.close()
    try:
        found: list[float] = receiver.recv()
    except EOFError:
        found = [float("nan")] * len(lengths)
    process.join()
    return found


def _measure_peaks(sender: Any, name: str, shape: Shape, units: int, lengths: Sequence[int], tokens: int) -> None:
    prepare_keras()
    trainer = Trainer(lambda seed: make_network(name, shape, units, seed), next_id_loss, RATE)
    random, found = np.random.default_rng(0), []

    def step(rows: int, length: int) -> None:
        ids = random.integers(0, shape.size, (rows, length + 1), np.int32)
        trainer.step((ids[:, :-1], ids[:, 1:]))

    for _ in range(3):
        step(2, 8)
    before = memory_of_process("VmRSS")
    for length in lengths:
        step(tokens // length, length)
        step(tokens // length, length)
        found.append(memory_of_process("VmHWM") - before)
    sender.send(found)


def memory_of_process(field: str) -> float:
    """Returns a field of the memory of this process in bytes; NaN where the system has none."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            lines = [line.split() for line in file if line.startswith(field + ":")]
    except OSError:
        lines = []
    return 1024.0 * int(lines[0][1]) if lines else float("nan")


def kept_values(name: str, shape: Shape, units: int, length: int) -> int:
    """Returns how many numbers a training step keeps a token for its gradients, by a count of the layers' equations.

    A Transformer's block: two normalised inputs, query, key, value, context, two sums, twice the inner layer, and of
    each head scores and shares over all steps. A recurrent layer: its projection, gates, candidate and states.
    """
    if name == TRANSFORMER:
        return shape.blocks * (8 * units + 8 * units + 2 * shape.heads * length)
    parts = {"lstm": 4 + 5 + 2, "gru": 3 + 4 + 1, "ssru": 2 + 2 + 2, "min_gru": 2 + 2 + 1}[CELLS[name]]
    return shape.blocks * parts * units


def typical(rows: Sequence[Sequence[float]]) -> list[float]:
    """The medians of the columns."""
    return [median(column) for column in zip(*rows, strict=True)]
