"""Reranks n-best lists by a weighted sum of scores, and tunes the weights for BLEU.

Right-to-left and reverse models see what a left-to-right model that writes token by token cannot (Liu et al. 2016;
Li & Jurafsky 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from seq2seq.inference.nbest import Candidate
from seq2seq.inference.requests import InputTooLong
from seq2seq.metrics.bleu_counts import bleu_counts, bleu_of
from seq2seq.metrics.tokenization import SPACED, Tokenization

NORMALIZATIONS = ("length", "none")
OWN = "list"
"""The name of the score that the list already has."""


class Scorer(Protocol):
    """Scores pairs: a `Generator`, or a `TextModel`, which reads no source."""

    def score(self, pairs: Sequence[tuple[str, str]], batch_size: int = 64) -> list[np.ndarray]:
        """Returns the log-probabilities of every target token and the EOS; empty where the source is empty."""


class TooLong(ValueError):
    """A text of the list has more tokens than a model reads."""

    def __init__(self, source: int, candidate: Candidate, error: InputTooLong):
        super().__init__(str(error))
        self.source = source
        """Index of its source line, from 0."""
        self.candidate = candidate


def score_lists(
    scorer: Scorer,
    sources: Sequence[str],
    lists: Sequence[Sequence[Candidate]],
    reverse: bool = False,
    normalization: str = "length",
    batch_size: int = 64,
) -> list[np.ndarray]:
    """Scores each hypothesis with a model by forced decoding. Returns a `(hypotheses,)` array for each source.

    Args:
        scorer: The model, with its tokenisers.
        sources: One line each.
        lists: The hypotheses of each source.
        reverse: Score the source given the hypothesis. An empty hypothesis gets the lowest score of its list.
        normalization: "length": the mean log-probability of a token, EOS included; "none": of the text.
        batch_size: Pairs scored together.

    Raises:
        TooLong: a text has more tokens than the model reads.
    """
    places = [(i, candidate) for i, candidates in enumerate(lists) for candidate in candidates]
    pairs = [(sources[i], candidate.text) for i, candidate in places]
    try:
        scored = scorer.score([pair[::-1] for pair in pairs] if reverse else pairs, batch_size)
    except InputTooLong as error:
        raise TooLong(*places[error.index], error) from error
    values = iter(scored)
    results = []
    for candidates in lists:
        log_probs = [next(values) for _ in candidates]
        means = [float(p.sum()) / (len(p) if normalization == "length" else 1) if len(p) else np.nan for p in log_probs]
        row = np.asarray(means, np.float64)
        known = row[~np.isnan(row)]
        results.append(np.where(np.isnan(row), known.min() if known.size else 0.0, row))
    return results


def rerank(
    lists: Sequence[Sequence[Candidate]], features: Sequence[np.ndarray], names: Sequence[str], weights: Sequence[float]
) -> list[list[Candidate]]:
    """Sorts each list by the weighted sum of its features, best first; equal sums keep their order.

    Args:
        lists: Hypotheses, a list for each source.
        features: Of each list `(hypotheses, features)`.
        names: Of the features.
        weights: One for each.

    Returns:
        The lists, with the sum as score and the features added to those that they have.
    """
    results = []
    for candidates, values in zip(lists, features, strict=True):
        totals = values @ np.asarray(weights, np.float64)
        order = np.argsort(-totals, kind="stable")
        results.append(
            [
                replace(
                    candidates[i],
                    score=float(totals[i]),
                    features={
                        **candidates[i].features,
                        **{name: (float(x),) for name, x in zip(names, values[i], strict=True)},
                    },
                )
                for i in order
            ]
        )
    return results


class Tuning:
    """Searches for the weights under which the best hypotheses of the lists have the highest BLEU.

    A coordinate search: from a start, each weight in turn is increased and decreased by a step, and changes that raise
    BLEU are kept; the step is halved when none does. It starts from the given weights, from each feature alone, and
    from random weights. Weights are not negative and sum to 1. BLEU is not continuous, so the result need not be the
    optimum; and it is tuned on these lists: measure it on others.

    Args:
        lists: Hypotheses, a list for each source, none empty.
        features: Of each list `(hypotheses, features)`.
        references: A line for each source.
        tokenization: Of their language.
    """

    def __init__(
        self,
        lists: Sequence[Sequence[Candidate]],
        features: Sequence[np.ndarray],
        references: Sequence[str],
        tokenization: Tokenization = SPACED,
    ):
        self.width = features[0].shape[1]
        sizes = [len(candidates) for candidates in lists]
        texts = [candidate.text for candidates in lists for candidate in candidates]
        repeated = [reference for reference, size in zip(references, sizes, strict=True) for _ in range(size)]
        counts = bleu_counts(texts, repeated, tokenization)
        self._counts = np.zeros((len(lists), max(sizes), counts.shape[1]), np.int64)
        self._values = np.zeros((len(lists), max(sizes), self.width))
        self._missing = np.ones((len(lists), max(sizes)), bool)
        start = 0
        for i, (size, values) in enumerate(zip(sizes, features, strict=True)):
            self._counts[i, :size] = counts[start : start + size]
            self._values[i, :size] = values
            self._missing[i, :size] = False
            start += size

    def bleu(self, weights: Any) -> float:
        """Returns the BLEU of the best hypotheses under these weights, as `rerank` chooses them."""
        totals = np.where(self._missing, -np.inf, self._values @ np.asarray(weights, np.float64))
        best = np.argmax(totals, axis=1)  # the first of equal ones
        return bleu_of(self._counts[np.arange(len(best)), best])

    def search(self, start: Sequence[float], seed: int = 1, restarts: int = 20) -> tuple[list[float], float]:
        """Returns the best weights found and their BLEU, which is never below that of `start`."""
        draw = np.random.default_rng(seed)
        spread = self._spread()
        begins = [np.asarray(start, np.float64), *np.eye(self.width)]
        # In units of the spread of each feature within a list, so that no feature dominates by its scale.
        begins += [draw.dirichlet(np.ones(self.width)) / spread for _ in range(restarts)]
        best, best_score = np.asarray(start, np.float64), self.bleu(start)
        for begin in begins:
            if begin.max() <= 0:
                continue
            weights, score = self._climb(_normalize(begin), spread)
            if score > best_score:
                best, best_score = weights, score
        return best.tolist(), best_score

    def _climb(self, weights: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, float]:
        score, step = self.bleu(weights), 0.5
        while step > 0.01:
            before = score
            for i in range(self.width):
                unit = np.zeros(self.width)
                unit[i] = step * np.max(weights * spread) / spread[i]
                for changed in (weights + unit, weights - unit):
                    if changed.max() <= 0:
                        continue
                    candidate = _normalize(changed)
                    bleu = self.bleu(candidate)
                    if bleu > score:
                        weights, score = candidate, bleu
            if score == before:
                step /= 2
        return weights, score

    def _spread(self) -> np.ndarray:
        """The mean standard deviation of each feature within a list; 1 where all values are equal."""
        real = np.where(self._missing[:, :, None], np.nan, self._values)
        spread = np.nanstd(real, axis=1).mean(axis=0)
        return np.where(spread > 0, spread, 1.0)


def _normalize(weights: np.ndarray) -> np.ndarray:
    """Not negative, with sum 1, rounded as they are printed."""
    weights = np.maximum(weights, 0.0)
    return np.round(weights / weights.sum(), 6)
