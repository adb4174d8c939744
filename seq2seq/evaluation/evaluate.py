"""A generator on a test set: hypotheses and scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.generation.generator import Generator
from seq2seq.metrics.bleu import Score, bleu, bleu_published, chrf, ter
from seq2seq.metrics.rouge import mean_rouge, rouge
from seq2seq.metrics.summary import describe_summaries, kept_word_scores, names_right
from seq2seq.types import Example


@dataclass(frozen=True)
class Evaluation:
    """What came out."""

    scores: dict[str, Score]
    """By name; see `measure`."""
    hypotheses: list[str]

    def as_json(self) -> dict[str, Any]:
        return {name: {"score": round(s.score, 2), "signature": s.signature} for name, s in self.scores.items()}


def evaluate(
    generator: Generator, examples: Sequence[Example], task: str, language: str, batch_size: int = 64
) -> Evaluation:
    """Generates from the sources and scores the result; see `measure`."""
    hypotheses = [best[0].text for best in generator.generate([e.source for e in examples], batch_size)]
    return Evaluation(measure(hypotheses, examples, task, language), hypotheses)


def measure(hypotheses: Sequence[str], examples: Sequence[Example], task: str, language: str) -> dict[str, Score]:
    """Returns all scores of a task by their names.

    translation: bleu (cased, 13a), bleu_published (lower-cased, Moses-tokenised), chrf, ter. summarization: those of
    `rouge`, `describe_summaries` and `names_right`. compression: those of `kept_word_scores` too.

    Args:
        hypotheses: A text for each example.
        examples: With their references.
        task: As in recipes.
        language: Of the hypotheses, ISO 639-1.
    """
    sources, targets = [e.source for e in examples], [e.target for e in examples]
    if task == "translation":
        metrics = {"bleu": bleu, "bleu_published": bleu_published(language), "chrf": chrf, "ter": ter}
        return {name: metric(hypotheses, targets) for name, metric in metrics.items()}
    scores = rouge(hypotheses, [(e.target, *e.references) for e in examples], language)
    if task == "compression":
        scores |= kept_word_scores(sources, hypotheses, targets)
    return scores | {"names": names_right(hypotheses, targets)} | describe_summaries(sources, hypotheses)


def quick_score(hypotheses: Sequence[str], targets: Sequence[str], task: str, language: str) -> Score:
    """Returns the one score that epochs are compared by: BLEU, or the mean of ROUGE-1, -2 and -L."""
    return bleu(hypotheses, targets) if task == "translation" else mean_rouge(hypotheses, targets, language)


def table(scores: dict[str, Score]) -> str:
    """The scores as lines of text, signatures beside them."""
    return "\n".join(f"{name:15} {score.score:6.2f}   {score.signature}" for name, score in scores.items())
