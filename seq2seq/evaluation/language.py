"""Scores of a language model over a text, also where the model learns from the text that it has just read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np

from seq2seq.inference.language import TextModel
from seq2seq.inference.text_scoring import ScoredLine, State
from seq2seq.metrics.perplexity import Likelihood
from seq2seq.training.stream import StreamObjective

ROUNDS = 100
"""Of expectation-maximisation for one weight."""


class Scored(Protocol):
    """Anything whose tokens were scored."""

    @property
    def log_probs(self) -> np.ndarray:
        """`(tokens,)`, nats."""


def likelihood(model: TextModel, lines: Iterable[str]) -> Likelihood:
    """Returns how likely a model finds a text, each line given all before it.

    Args:
        model: A `TextModel`, or one of those below.
        lines: The text.
    """
    found = Likelihood()
    for line in model.score_text(lines):
        add(found, line)
    return found


def add(found: Likelihood, line: ScoredLine) -> None:
    """Adds a line that was scored."""
    found.add(line.text, -line.log_probability, len(line.ids), line.unknown)


def mixed(lines: Sequence[ScoredLine], others: Sequence[ScoredLine], weight: float) -> Likelihood:
    """Returns how likely a text is by the mean of two models' probabilities, `weight` of it of the others."""
    found = Likelihood()
    for line, other in zip(lines, others, strict=True):
        add(found, replace(line, log_probs=mixture(line.log_probs, other.log_probs, weight)))
    return found


def best_weight(lines: Sequence[Scored], others: Sequence[Scored]) -> float:
    """Returns the share of the others at which a mixture finds a text likeliest, by expectation-maximisation."""
    first, second = (np.concatenate([line.log_probs for line in each]).astype(np.float64) for each in (lines, others))
    weight = 0.5
    for _ in range(ROUNDS):
        weight = float(np.exp(np.log(weight) + second - mixture(first, second, weight)).mean())
    return weight


def mixture(first: np.ndarray, second: np.ndarray, weight: float) -> np.ndarray:
    """Returns the logarithm of the mean of probabilities, given their logarithms, `weight` of it of the second."""
    with np.errstate(divide="ignore"):  # a weight of 0 or 1
        return np.logaddexp(np.log1p(-weight) + first, np.log(weight) + second)


@dataclass(frozen=True)
class CacheOptions:
    """Options of a neural cache (Grave et al. 2017)."""

    size: int = 500
    """Tokens that it remembers, at least 1."""
    weight: float = 0.1
    """Share of the cache in the mixture, in [0, 1)."""
    flatness: float = 0.3
    """What dot products of features are multiplied with, at least 0; 0 counts all remembered tokens alike."""

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.weight < 1 or self.flatness < 0:
            raise ValueError(
                "A cache expects a size of at least 1, a weight in [0, 1) and a flatness of at least 0. Received: "
                f"{self.size}, {self.weight}, {self.flatness}"
            )


class _Remembered(NamedTuple):
    """The state of a cached model."""

    carried: Any
    """That of the model."""
    features: np.ndarray
    """`(1, remembered, features_dim)`, float32: where the model was, oldest first."""
    ids: np.ndarray
    """`(1, remembered)`, int32: what followed there."""


class CachedModel(TextModel):
    """Mixes the model with what followed earlier places of the text where its features were alike (Grave et al. 2017).

    Scores one text at a time.

    Args:
        model: To be mixed.
        options: Of the cache.
    """

    def __init__(self, model: TextModel, options: CacheOptions):
        super().__init__(model.model, model.codec, model.starts, model.name)
        self.options = options

    def begin(self, rows: int = 1) -> State:
        state, width = super().begin(rows), self.model.decoder.features_dim
        return state._replace(
            carried=_Remembered(state.carried, np.zeros((rows, 0, width), np.float32), np.zeros((rows, 0), np.int32))
        )

    def advance(self, state: State, ids: np.ndarray) -> tuple[np.ndarray, State]:
        kept: _Remembered = state.carried
        log_probs, features, after = self.advance_with_features(State(state.last, kept.carried), ids)
        ids = np.asarray(ids, np.int32)
        memory = np.concatenate([kept.features, features], axis=1)[0]
        followed = np.concatenate([kept.ids, ids], axis=1)[0]
        before = len(followed) - ids.shape[1]
        # Each place sees the `size` places before it.
        place = np.arange(ids.shape[1])[:, None] + before
        other = np.arange(len(followed))
        seen = (other < place) & (other >= place - self.options.size)
        logits = np.where(seen, self.options.flatness * (features[0] @ memory.T), -np.inf)
        top = np.max(logits, axis=1, keepdims=True, initial=-1e30)
        weights = np.exp(logits - top)
        total = weights.sum(axis=1)
        cached = (weights * (followed == ids[0][:, None])).sum(axis=1) / np.maximum(total, 1e-30)
        share = np.where(total > 0, self.options.weight, 0.0)
        mixed = np.log((1 - share) * np.exp(log_probs[0].astype(np.float64)) + share * cached)
        size = self.options.size
        carried = _Remembered(after.carried, memory[None, -size:], followed[None, -size:])
        return mixed[None].astype(np.float32), State(after.last, carried)


class DynamicModel(TextModel):
    """Takes a step of gradient descent on each block of text after scoring it (Krause et al. 2018).

    The weights change, and go back a little towards those that training has found. Scores one text.

    Args:
        model: Its network must drop nothing in training.
        rate: Learning rate, above 0.
        decay: Share of the way back to the trained weights at every step, in [0, 1).
        block: Tokens of a step.
    """

    def __init__(self, model: TextModel, rate: float, decay: float = 0.002, block: int = 20):
        super().__init__(model.model, model.codec, model.starts, model.name)
        if rate <= 0 or not 0 <= decay < 1:
            raise ValueError(
                f"Dynamic evaluation expects a rate above 0 and a decay in [0, 1). Received: {rate}, {decay}"
            )
        self.block, self.decay = block, decay
        self.objective = StreamObjective(model.model, rows=1)
        self.objective.build()
        self.objective.compile(keras.optimizers.SGD(rate, global_clipnorm=1.0))
        self.trained = [keras.ops.convert_to_numpy(variable) for variable in model.model.trainable_variables]

    def advance(self, state: State, ids: np.ndarray) -> tuple[np.ndarray, State]:
        ids, parts = np.asarray(ids, np.int32), []
        for start in range(0, ids.shape[1], self.block):
            block = ids[:, start : start + self.block]
            before = state
            log_probs, state = super().advance(state, block)
            parts.append(log_probs)
            self._learn(before, block)
        return np.concatenate(parts, axis=1), state

    def _learn(self, state: State, ids: np.ndarray) -> None:
        for variable, part in zip(self.objective.carried, keras.tree.flatten(state.carried), strict=True):
            variable.assign(part)
        inputs = {
            "target_input": np.concatenate([state.last[:, None], ids[:, :-1]], axis=1),
            "carry": np.ones(1, np.float32),
        }
        self.objective.train_on_batch(inputs, ids, sample_weight=np.ones(ids.shape, np.float32))
        if self.decay:
            for variable, trained in zip(self.model.trainable_variables, self.trained, strict=True):
                variable.assign(variable + self.decay * (trained - variable))
