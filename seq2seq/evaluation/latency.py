"""Simultaneous translation on a test set: what each wait-k costs in quality and gains in time, measured and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seq2seq.evaluation.calibration import check_figure
from seq2seq.figures import new_figure
from seq2seq.files import output_file
from seq2seq.inference.lines import LineGenerator
from seq2seq.metrics.bleu import bleu
from seq2seq.metrics.latency import Written, latency_scores
from seq2seq.metrics.score import Score
from seq2seq.metrics.tokenization import SPACED, Tokenization
from seq2seq.text.examples import Example


@dataclass(frozen=True)
class LatencyPoint:
    """The outputs for one number of words to wait for."""

    wait_k: int
    scores: dict[str, Score]
    """bleu, al, laal, ap."""
    hypotheses: list[str]

    def as_json(self) -> dict[str, Any]:
        return {name: {"score": round(s.score, 4), "signature": s.signature} for name, s in self.scores.items()}


def evaluate_latency(
    generator: LineGenerator,
    examples: Sequence[Example],
    wait_k: int,
    tokenization: Tokenization = SPACED,
    batch_size: int = 64,
) -> LatencyPoint:
    """Translates the sources as if their words came one by one, and scores it.

    Raises:
        ValueError: the model cannot, or no source has a word.
        InputTooLong: a source has too many tokens.
    """
    found = generator.interpreter(wait_k).interpret([example.source for example in examples], batch_size)
    hypotheses, references = [each.text for each in found], [example.target for example in examples]
    written = [
        Written(each.delays, each.source, len(reference.split()))
        for each, reference in zip(found, references, strict=True)
        if each.source
    ]
    scores = {"bleu": bleu(hypotheses, references, tokenization), **latency_scores(written)}
    return LatencyPoint(wait_k, scores, hypotheses)


def latency_table(points: Sequence[LatencyPoint]) -> str:
    """Returns a line for each k, and below them the signatures."""
    names = list(points[0].scores)
    lines = [f"{'wait-k':>6} " + " ".join(f"{name:>7}" for name in names)]
    for point in points:
        lines.append(f"{point.wait_k:>6} " + " ".join(f"{point.scores[name].score:>7.2f}" for name in names))
    return "\n".join([*lines, "", *(f"{name:5} {points[0].scores[name].signature}" for name in names)])


def write_latency_curve(path: Path, points: Sequence[LatencyPoint]) -> None:
    """Draws BLEU over average lagging to a .png or .svg file, completely or not at all."""
    check_figure(str(path))
    figure = new_figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    places = sorted((point.scores["al"].score, point.scores["bleu"].score, point.wait_k) for point in points)
    axes.plot(*zip(*(place[:2] for place in places), strict=True), marker="o", color="tab:blue")
    for lag, quality, wait_k in places:
        axes.annotate(f"k = {wait_k}", (lag, quality), textcoords="offset points", xytext=(6, -12))
    axes.set(xlabel="average lagging, words", ylabel="BLEU", title="Simultaneous translation, wait-k")
    axes.margins(0.1)
    axes.grid(alpha=0.3)
    kind = Path(path).suffix.lower()[1:]
    with output_file(path) as partial:
        figure.savefig(partial, format=kind, dpi=100, metadata={"Date": None} if kind == "svg" else None)
