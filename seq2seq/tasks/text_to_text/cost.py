"""What training by a recipe would take on this machine: a few steps are measured on batches as the corpus has them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from seq2seq.backend import prepare_keras
from seq2seq.doctor.report import Forecast
from seq2seq.pipeline.padding import padded
from seq2seq.pipeline.plan import Plan
from seq2seq.run.cost import WARM_UP, measure_in_process
from seq2seq.symbols import EOS, NAMES
from seq2seq.tasks.text_to_text.recipe import Recipe
from seq2seq.text.token_batches import PAIRS, shift
from seq2seq.types import Batch

SAMPLE = 50_000
"""Pairs that a plan is made of; the steps of a larger corpus are estimated from it."""
MEASURED = 40
"""Steps that are measured, at most."""
Vocabularies = tuple[list[str], list[str]]
"""Of source and target: tokens by id."""


def forecast(
    recipe: Recipe, vocabularies: Vocabularies, lengths: np.ndarray, seconds: float = 8.0, share: float = 1.0
) -> Forecast | None:
    """Measures some steps of the recipe's training in a process of its own.

    Args:
        recipe: With its model and its batching.
        vocabularies: Of source and target: tokens by id.
        lengths: `(2, pairs)` lengths of source and target, EOS counted, of the pairs that training would take.
        seconds: How long to measure, about; starting takes some more.
        share: Pairs that an epoch reads for each of the training text, as `data.train_weights` say.

    Returns:
        None where there are no pairs.

    Raises:
        ValueError: the recipe's numbers do not fit together, or the process ended without an answer.
    """
    count = lengths.shape[1]
    if recipe.data.max_train:
        count = min(count, recipe.data.max_train)
    if not count:
        return None
    rows = np.unique(np.linspace(0, count - 1, min(count, SAMPLE)).astype(np.int64))
    sizes = len(vocabularies[0]), len(vocabularies[1])
    store = _Synthetic(np.asarray(lengths[:, rows], np.int64), sizes)
    plan = Plan(store, PAIRS, recipe.batching, recipe.seed)
    steps = max(1, round(len(plan) * count * share / len(rows)))
    widest = int(lengths[0, :count].max()), int(lengths[1, :count].max())
    chosen = np.random.default_rng(recipe.seed).integers(0, len(plan), WARM_UP - 1 + MEASURED)
    batches = [store.full(*widest, recipe.batching.tokens, recipe.batching.max_rows)]
    batches += [plan[int(step)] for step in chosen]
    answer = measure_in_process(partial(_objective, recipe, vocabularies), recipe, batches, seconds)
    step, epochs = float(np.mean(answer["steps"])), recipe.training.epochs
    return Forecast(
        *(answer["parameters"], steps, step, steps * step, epochs, epochs * steps * step, answer["memory_mb"]),
        measured_steps=len(answer["steps"]),
        note="On a GPU its memory is not counted in." if answer["gpu"] else "",
    )


class _Synthetic:
    """A token store of random ids with given lengths."""

    def __init__(self, lengths: np.ndarray, sizes: tuple[int, int]):
        draw = np.random.default_rng(1)
        columns = (_SyntheticColumn(row, size, draw) for row, size in zip(lengths, sizes, strict=True))
        self._columns = dict(zip(("source", "target"), columns, strict=True))

    def __len__(self) -> int:
        return len(self.lengths("source"))

    def __getitem__(self, name: str) -> _SyntheticColumn:
        return self._columns[name]

    def lengths(self, name: str) -> np.ndarray:
        return self._columns[name].lengths

    def full(self, source: int, target: int, tokens: int, most: int) -> Batch:
        """Returns the widest batch that a plan can make."""
        rows = min(most, max(1, tokens // (source + target)))
        sources = padded([self["source"].ids(source) for _ in range(rows)])
        targets = padded([self["target"].ids(target) for _ in range(rows)])
        return Batch(sources, *shift(targets.values), targets.mask.astype(np.float32))


class _SyntheticColumn:
    def __init__(self, lengths: np.ndarray, size: int, draw: np.random.Generator):
        self.lengths, self.size, self.draw = lengths, size, draw

    def __getitem__(self, row: int) -> np.ndarray:
        return self.ids(int(self.lengths[row]))

    def ids(self, length: int) -> np.ndarray:
        """Returns random ids and EOS, `(length,)`."""
        first = min(len(NAMES), self.size - 1)
        return np.append(self.draw.integers(first, self.size, length - 1), EOS)


def _objective(recipe: Recipe, vocabularies: Vocabularies) -> Any:
    """Returns what `fit` trains; losses that read alignments or drawn outputs are no part of the measurement."""
    prepare_keras()
    from seq2seq.tasks.text_to_text.model import build_model, build_objective

    source, target = vocabularies
    plain = recipe.training.model_copy(update={"alignment_loss": 0.0, "selector_loss": 0.0, "risk_loss": 0.0})
    return build_objective(plain, build_model(recipe.model, len(source), len(target), source))
