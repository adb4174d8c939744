"""Attention: an encoder-decoder with and without it, over growing length, and where it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from seq2seq.lab.attention_report import (
    BAHDANAU,
    LUONG,
    NETWORKS,
    ONE_WAY,
    PLAIN,
    Example,
    Found,
    Measured,
    Outcome,
    Plan,
    answer_of,
    parts_of,
)
from seq2seq.lab.puzzles import FIRST, SYMBOLS, reversing
from seq2seq.lab.report import Progress, Report, Settings, part_of
from seq2seq.lab.sources import Pairs, translations
from seq2seq.lab.training import Arrays, Trainer
from seq2seq.lab.translators import Translate, attention_weights, greedy, new_translator, paired_loss
from seq2seq.layers.options import AttentionOptions
from seq2seq.metrics.bleu import bleu
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.symbols import EOS, PAD
from seq2seq.text.pieces import BEGIN
from seq2seq.text.subword import SubwordTokenizer

TITLE = "Attention"
QUESTION = "What does attention give an encoder-decoder, and over which lengths?"

LUONGS = AttentionOptions("general", position="after")
MAKE: dict[str, Callable[..., Seq2Seq]] = {
    PLAIN: partial(new_translator, attention=None),
    BAHDANAU: new_translator,
    LUONG: partial(new_translator, attention=LUONGS),
    ONE_WAY: partial(new_translator, both=False),
}
QUICK = Plan(48, 0.01, 6, (2, 4, 6, 8), 120, 16, 2_000, 1_000, 30, 60, 3, (PLAIN, BAHDANAU))
FULL = Plan(96, 0.005, 16, (2, 4, 8, 12, 16, 20), 800, 32, 30_000, 1_000, 900, 600, 5, NETWORKS)


class Task(NamedTuple):
    """What is learned, and how it is scored."""

    size: int
    """Number of ids."""
    networks: Sequence[str]
    batches: Callable[[int], Iterator[Arrays]]
    """From a seed to what is trained on."""
    steps: int
    held: Sequence[Arrays]
    """For each length a batch: source, target, what follows in it, its weights."""
    score: Callable[[Sequence[list[int]], Sequence[list[int]]], float]
    """From outputs and references to 0 to 100."""
    mirrors: bool
    """Whether the target is the source from its end."""


def run(settings: Settings, progress: Progress) -> Report:
    """Trains all networks on reversing and on translation, with each seed."""
    plan = QUICK if settings.quick else FULL
    progress(0.0, "reading the data")
    pairs = translations(plan.pairs, plan.vocabulary, 30)
    tokenizer = pairs.tokenizer
    assert tokenizer is not None
    sentences, words = by_length(pairs, plan)
    puzzle = Task(
        FIRST + SYMBOLS,
        NETWORKS,
        lambda seed: reversing(2, plan.longest, seed, plan.rows),
        plan.puzzle_steps,
        [next(reversing(length, length, 0, 64)) for length in plan.lengths],
        symbols_right,
        mirrors=True,
    )
    translation = Task(
        pairs.size,
        plan.translators,
        lambda seed: map(trimmed, pairs.batches(plan.rows, seed)),
        plan.steps,
        sentences,
        partial(_bleu, tokenizer),
        mirrors=False,
    )
    reversed_, examples = learn(puzzle, plan, settings.seeds, part_of(progress, 0, 2))
    translated, others = learn(translation, plan, settings.seeds, part_of(progress, 1, 2))
    sentence = _example(others, partial(_subwords, tokenizer))
    measured = Measured(reversed_, translated, words, _example(examples, _symbols), sentence)
    return Report(TITLE, QUESTION, answer_of(plan, measured), parts_of(plan, measured), settings)


def learn(task: Task, plan: Plan, seeds: Sequence[int], progress: Progress) -> tuple[Found, tuple[np.ndarray, ...]]:
    """Trains all networks of a task; returns what they reach, and what Bahdanau's attention of the first seed looks at.

    That is of the first sequence of the middle length: source, what follows, and the weights, `(target, source)`.
    """
    found: dict[str, list[Outcome]] = {name: [] for name in task.networks}
    weights: dict[str, int] = {}
    example: tuple[np.ndarray, ...] = ()
    for number, name in enumerate(task.networks):
        trainer = Trainer(partial(MAKE[name], task.size, plan.units), paired_loss, plan.rate)
        weights[name], translate = trainer.count, greedy(trainer.model)
        for place, seed in enumerate(seeds):
            trainer.restart(seed)
            share = part_of(part_of(progress, number, len(task.networks)), place, len(seeds))
            for step, loss in enumerate(trainer.train(task.batches(seed), task.steps)):
                share(step / task.steps, f"{name}, seed {seed}, {loss:.2f} nats")
            found[name].append(_outcome(task, trainer.model, translate))
            if name == BAHDANAU and not example:
                source, target, following, _ = (part[:1] for part in task.held[len(task.held) // 2])
                example = source[0], following[0], attention_weights(trainer.model, source, target)[0]
    return Found(weights, found), example


def _outcome(task: Task, model: Seq2Seq, translate: Translate) -> Outcome:
    scores: list[float] = []
    outputs: list[list[int]] = []
    references: list[list[int]] = []
    for source, _, following, _ in task.held:
        some, asked = translate(source), [ids_of(row) for row in following]
        scores.append(task.score(some, asked))
        outputs += some
        references += asked
    right = [one == other for one, other in zip(outputs, references, strict=True)]
    shown = task.mirrors and model.has_attention
    focus = mirrored(model, task.held[-2]) if shown else float("nan")
    return Outcome(scores, task.score(outputs, references), 100 * float(np.mean(right)), focus)


def mirrored(model: Seq2Seq, batch: Arrays) -> float:
    """Returns the share of attention that is, for each target position, on the source position as far from the end.

    All rows of the batch have the same length.
    """
    source, target, *_ = batch
    count = source.shape[1] - 1
    steps = np.arange(count)
    return float(attention_weights(model, source, target)[:, steps, count - 1 - steps].mean())


def by_length(pairs: Pairs, plan: Plan) -> tuple[list[Arrays], list[float]]:
    """Returns the held sentences from short to long in as many groups as the plan has, and the words of each."""
    assert pairs.tokenizer is not None
    held = [part[: plan.held] for part in pairs.held[:4]]
    words = np.array([len(line.split()) for line in pairs.tokenizer.decode(held[0].tolist())])
    groups = np.array_split(np.argsort(words, kind="stable"), plan.groups)
    return [trimmed([part[rows] for part in held]) for rows in groups], [float(words[rows].mean()) for rows in groups]


def trimmed(batch: Arrays) -> Arrays:
    """Returns source, target, what follows and its weights without columns that are padding alone."""
    source, *others = batch[:4]
    wide, tall = ((part != PAD).sum(axis=1).max() for part in (source, others[0]))
    return [source[:, :wide], *(part[:, :tall] for part in others)]


def ids_of(row: np.ndarray) -> list[int]:
    """Returns the ids of a row without EOS and padding."""
    return [int(one) for one in row if one not in (PAD, EOS)]


def symbols_right(outputs: Sequence[list[int]], references: Sequence[list[int]]) -> float:
    """The percentage of the symbols of the references that stand in the outputs at their places."""
    right = sum(sum(map(int.__eq__, one, other)) for one, other in zip(outputs, references, strict=False))
    return 100 * right / sum(map(len, references))


def _bleu(tokenizer: SubwordTokenizer, outputs: Sequence[list[int]], references: Sequence[list[int]]) -> float:
    return bleu(tokenizer.decode(outputs), tokenizer.decode(references)).score


def _symbols(ids: Sequence[int]) -> list[str]:
    return [chr(ord("a") + one - FIRST) for one in ids]


def _subwords(tokenizer: SubwordTokenizer, ids: Sequence[int]) -> list[str]:
    """Those that begin a word as they are; others begin with a dash."""
    return [piece.removeprefix(BEGIN) if BEGIN in piece else f"-{piece}" for piece in tokenizer.pieces(ids)]


def _example(example: tuple[np.ndarray, ...], shown: Callable[[Sequence[int]], list[str]]) -> Example:
    """The attention of one sequence without its padding; both sides end with the EOS."""
    source, following, weights = example
    read, written = ([*shown(ids_of(side)), "end"] for side in (source, following))
    return Example(read, written, weights[: len(written), : len(read)].tolist())
