"""A generator on a test set: hypotheses and scores."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seq2seq.evaluation.measures import Measures
from seq2seq.inference.generator import Generator
from seq2seq.inference.lines import best_text
from seq2seq.metrics.bleu import bleu, chrf, ter
from seq2seq.metrics.error_rate import character_error_rate
from seq2seq.metrics.exact import exact_match
from seq2seq.metrics.rouge import mean_rouge
from seq2seq.metrics.score import Score
from seq2seq.metrics.tokenization import SPACED, Tokenization
from seq2seq.search.limits import advice, too_long
from seq2seq.text.examples import Example

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """Scores and hypotheses."""

    scores: dict[str, Score]
    """By name."""
    hypotheses: list[str]

    def as_json(self) -> dict[str, Any]:
        return {name: {"score": round(s.score, 2), "signature": s.signature} for name, s in self.scores.items()}


def evaluate(
    generator: Generator,
    examples: Sequence[Example],
    measures: Measures,
    tokenization: Tokenization = SPACED,
    batch_size: int = 64,
) -> Evaluation:
    """Generates from the sources and scores the result by the measures of the task."""
    _warn_of_limits(generator, examples)
    hypotheses = [best_text(results) for results in generator.generate([e.source for e in examples], batch_size)]
    return Evaluation(measures.scores(hypotheses, examples, tokenization), hypotheses)


def _warn_of_limits(generator: Generator, examples: Sequence[Example]) -> None:
    if generator.options.extract:
        return
    texts = [line.text for line in generator.masked([e.source for e in examples])]
    targets = generator.target_ids([(e.source, e.target) for e in examples])
    sides = zip(generator.source_tokenizer.encode(texts), targets, strict=True)
    lengths = np.asarray([(len(source), len(target)) for source, target in sides if source]).reshape(-1, 2)
    options = generator.options.with_limits()
    if lost := int(too_long(options, *lengths.T).sum()):
        _log.warning("%s", advice(options, lost, len(examples), "references"))


def quick_score(
    name: str, hypotheses: Sequence[str], targets: Sequence[str], tokenization: Tokenization = SPACED
) -> Score:
    """Returns one score by its name: bleu, chrf, ter, exact_match, cer, or rouge, the mean of ROUGE-1, -2 and -L."""
    if name == "rouge":
        return mean_rouge(hypotheses, targets, tokenization)
    if name in ("bleu", "ter"):
        return {"bleu": bleu, "ter": ter}[name](hypotheses, targets, tokenization)
    return {"chrf": chrf, "exact_match": exact_match, "cer": character_error_rate}[name](hypotheses, targets)


def table(scores: dict[str, Score]) -> str:
    """Returns the scores as lines of text with their signatures."""
    return "\n".join(f"{name:15} {score.score:6.2f}   {score.signature}" for name, score in scores.items())
