"""A generator on a test set: hypotheses and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.generation.generator import Generator
from seq2seq.metrics.bleu import Score, bleu, bleu_published, chrf, ter


@dataclass(frozen=True)
class Evaluation:
    """What came out."""

    scores: dict[str, Score]
    """bleu (cased, 13a), bleu_published (lower-cased, Moses-tokenised), chrf, ter."""
    hypotheses: list[str]

    def as_json(self) -> dict[str, Any]:
        return {name: {"score": round(s.score, 2), "signature": s.signature} for name, s in self.scores.items()}


def evaluate(
    generator: Generator, sources: Sequence[str], references: Sequence[str], language: str, batch_size: int = 64
) -> Evaluation:
    """Translates `sources` and scores the result against `references`, text of `language` (ISO 639-1)."""
    hypotheses = [best[0].text for best in generator.generate(sources, batch_size)]
    metrics = {"bleu": bleu, "bleu_published": bleu_published(language), "chrf": chrf, "ter": ter}
    return Evaluation({name: metric(hypotheses, references) for name, metric in metrics.items()}, hypotheses)


def table(scores: dict[str, Score]) -> str:
    """The scores as lines of text, signatures beside them."""
    return "\n".join(f"{name:15} {score.score:6.2f}   {score.signature}" for name, score in scores.items())
