"""RNN or Transformer: training speed, memory, cost of a token over its position, and quality over training time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from seq2seq.lab.report import Progress, Report, Settings
from seq2seq.lab.rivals_models import (
    MANY,
    RATE,
    TRANSFORMER,
    Shape,
    generation_times,
    kept_values,
    logits_of,
    make_network,
    next_id_loss,
    peak_bytes,
    sizes_of,
    training_times,
    units_for,
)
from seq2seq.lab.rivals_report import ATTENTIVE, PLAIN, Measured, Plan, answer_of, parts_of
from seq2seq.lab.sources import characters, translations
from seq2seq.lab.training import Arrays, Trainer, race
from seq2seq.lab.translators import new_translator, paired_loss, weighted_loss
from seq2seq.types import Tensor

TITLE = "RNN or Transformer"
QUESTION = "What do recurrent networks and a Transformer of as many weights cost and reach, and where does each win?"


QUICK = Plan(
    32, 4, (32, 128), 512, (64, 512), 3, 8, 32, 24, 1, 2_000, 2_000, 400, False, networks=(TRANSFORMER, "LSTM", "SSRU")
)
FULL = Plan(
    96, 4, (64, 256, 1024, 2048), 2048, (64, 256, 1024, 2048, 4096), 7, 16, 64, 300, 4, 20_000, 20_000, 1000, True
)


def run(settings: Settings, progress: Progress) -> Report:
    """Measures all networks in turn."""
    plan = QUICK if settings.quick else FULL
    progress(0.0, "reading the data")
    found = measure(plan, settings.seeds, progress)
    return Report(TITLE, QUESTION, answer_of(plan, found), parts_of(plan, found), settings)


def measure(plan: Plan, seeds: Sequence[int], progress: Progress) -> Measured:
    """Trains and times all networks of a plan."""
    stream = characters(plan.sentences)
    length = max(*plan.lengths, max(plan.positions) + MANY)
    shape = Shape(len(stream.symbols), plan.width, plan.blocks, plan.heads, length)
    units = sizes_of(shape, plan.networks)
    trainers = {
        name: Trainer(partial(make_network, name, shape, units[name]), next_id_loss, RATE) for name in plan.networks
    }
    progress(0.05, "times of training")
    training = training_times(trainers, shape.size, plan.lengths, plan.tokens, plan.rounds)
    progress(0.2, "times of a token")
    models = {name: trainer.model for name, trainer in trainers.items()}
    token = generation_times(models, plan.positions, plan.rounds)
    peaks: dict[str, list[float]] = {}
    for name in plan.networks if plan.peaks else ():
        progress(0.3, f"memory of {name}")
        peaks[name] = peak_bytes(name, shape, units[name], plan.lengths, plan.tokens)
    shares = (0.25, 0.5, 1.0) if plan.most < 100 else (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
    marks = [round(plan.most * share) for share in shares]
    text = race(
        trainers,
        seeds,
        partial(stream.batches, plan.rows, plan.steps),
        stream.windows(2 * plan.rows, plan.steps, plan.held),
        marks,
        lambda done: progress(0.35 + 0.35 * done, "text"),
    )
    pairs = translations(plan.pairs, plan.vocabulary, 40)
    translators = make_translators(pairs.size, plan)
    translation = race(
        translators,
        seeds,
        partial(pairs.batches, 2 * plan.rows),
        pairs.windows(4 * plan.rows, plan.held),
        [max(1, mark // 2) for mark in marks],
        lambda done: progress(0.7 + 0.3 * done, "translations"),
    )
    return Measured(
        units,
        {name: trainer.count for name, trainer in trainers.items()},
        training,
        {name: [4 * kept_values(name, shape, units[name], n) for n in plan.lengths] for name in plan.networks},
        peaks,
        token,
        text,
        translation,
        {name: trainer.count for name, trainer in translators.items()},
    )


def make_translators(size: int, plan: Plan) -> dict[str, Trainer]:
    """Returns the three networks that translate, at about equal weights."""
    shape = Shape(size, plan.width, plan.blocks, plan.heads, 128)
    aim = make_network(TRANSFORMER, shape, 0, 0).count_params()
    attentive = units_for(lambda units: new_translator(size, units, 0), aim)
    plain = units_for(lambda units: make_network("GRU", shape, units, 0), aim)
    return {
        TRANSFORMER: Trainer(partial(make_network, TRANSFORMER, shape, 0), joined_loss, RATE),
        ATTENTIVE: Trainer(partial(new_translator, size, attentive), paired_loss, RATE),
        PLAIN: Trainer(lambda seed: make_network("GRU", shape, plain, seed), joined_loss, RATE),
    }


def joined_loss(model: Any, batch: Arrays, training: bool) -> Tensor:
    """As `paired_loss`, for a network that reads source and target in one piece."""
    *_, whole, following, weights = batch
    return weighted_loss(logits_of(model, whole, training), following, weights)
