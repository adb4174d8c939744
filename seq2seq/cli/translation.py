"""What `translate` does with some lines: hypotheses, and how they are written."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from seq2seq.cli.alignments import check_attention
from seq2seq.cli.ensembles import ensemble
from seq2seq.cli.requests import Request
from seq2seq.cli.text_io import search_options
from seq2seq.files import format_json
from seq2seq.inference import requests as inference
from seq2seq.inference.unknown import read_dictionary, replace_unknown
from seq2seq.tasks.text_to_text.loading import load_translator
from seq2seq.text.sentences import count_sentences
from seq2seq.types import Hypothesis

if TYPE_CHECKING:
    from seq2seq.inference.lines import LineGenerator

BATCHES = 32
"""Batches of lines that are read at once, and sorted by length."""


SINGLE = 0.01
"""Share of the training text's lines with several sentences, below which its lines count as single sentences."""


class Counts(NamedTuple):
    """Lines of which the user should know."""

    too_long: int = 0
    """Their outputs are empty."""
    refused: int = 0
    """With constraints that the model cannot keep to; their outputs are empty."""
    reached_limit: int = 0
    """Their outputs may be cut short."""
    several_sentences: int = 0
    """Of several sentences, for a model that was trained on single ones."""

    def plus(self, other: Counts) -> Counts:
        return Counts(*(one + more for one, more in zip(self, other, strict=True)))

    def warnings(self) -> list[str]:
        """Returns what to say once all lines are done."""
        found = []
        if self.reached_limit:
            outputs = "1 output has" if self.reached_limit == 1 else f"{self.reached_limit:,} outputs have"
            found.append(
                f"{outputs} reached the limit of length and may be cut short: raise --max-ratio or --max-extra."
            )
        if self.several_sentences:
            lines = "1 line has" if self.several_sentences == 1 else f"{self.several_sentences:,} lines have"
            found.append(
                f"{lines} several sentences, but the model was trained on lines of one: parts may be lost. "
                "Give each sentence a line of its own."
            )
        if self.refused:
            lines = "1 line has" if self.refused == 1 else f"{self.refused:,} lines have"
            found.append(f"{lines} constraints that this model cannot keep to; all others are translated.")
        if self.too_long:
            lines = "1 line was" if self.too_long == 1 else f"{self.too_long:,} lines were"
            found.append(f"{lines} too long; all others are translated.")
        return found


class Translation:
    """Translates lines as the verb's arguments want it.

    Args:
        arguments: Of `translate`.
        tell: Takes what is to be said of lines.

    Raises:
        ValueError: what is wrong with --dictionary.
    """

    def __init__(self, arguments: argparse.Namespace, tell: Callable[[str], None]):
        if arguments.dictionary and not arguments.replace_unknown:
            raise ValueError("--dictionary is for --replace-unknown.")
        self.arguments = arguments
        self.chunk_lines = arguments.batch_size * BATCHES
        self.counts = Counts()
        """Of all lines so far."""
        self._dictionary = read_dictionary(Path(arguments.dictionary)) if arguments.dictionary else {}
        self._tell = tell

    def load(self, threads: int = 0) -> LineGenerator:
        """Loads what translates, on so many threads, 0 for as many as there are cores; errors as `load_translator`."""
        arguments = self.arguments
        options = search_options(arguments) | ensemble(arguments)
        self.generator = load_translator(Path(arguments.run), threads=threads, **options)
        if arguments.replace_unknown:
            check_attention(arguments.run, self.generator)
        return self.generator

    def results(self, chunk: list[Request], number: int) -> list[list[Hypothesis]]:
        """Returns the hypotheses of each line; the first line is line `number` of all, from 0.

        A line that is too long, or that nothing fits, has none, and it is said which.
        """
        place = f"{self.arguments.input or 'standard input'}:"
        requests = [inference.Request(line.text, line.constraints) for line in chunk]
        results = self.generator.answer(requests, self.arguments.batch_size, number)
        for index, result in enumerate(results, number + 1):
            if result.error:
                is_refused = result.error.reason != "nothing_fits"
                self._tell(f"{place}{index}: {result.error.message}{' Its output is left empty.' * is_refused}")
        self.counts = self.counts.plus(self._count(chunk, results))
        hypotheses = [list(result.hypotheses) for result in results]
        if not self.arguments.replace_unknown:
            return hypotheses
        lines = [line.text for line in chunk]
        return replace_unknown(self.generator, lines, hypotheses, self._dictionary, self.arguments.batch_size)

    def _count(self, chunk: list[Request], results: list[inference.Result]) -> Counts:
        reasons = [result.error.reason if result.error else "" for result in results]
        share = self.generator.several_sentences
        counts_sentences = share is not None and share < SINGLE
        return Counts(
            reasons.count("too_long"),
            reasons.count("constraints"),
            sum(bool(result.hypotheses) and result.hypotheses[0].reached_limit for result in results),
            sum(
                counts_sentences and reason != "too_long" and count_sentences(line.text) > 1
                for line, reason in zip(chunk, reasons, strict=True)
            ),
        )

    def text(self, chunk: list[Request], number: int, results: list[list[Hypothesis]]) -> str:
        """Returns what is written of `results`."""
        return "".join(
            self._format(line, request, hypotheses)
            for line, (request, hypotheses) in enumerate(zip(chunk, results, strict=True), number)
        )

    def _format(self, number: int, request: Request, hypotheses: list[Hypothesis]) -> str:
        n_best = self.arguments.n_best
        if self.arguments.json:
            found = [_record(hypothesis) for hypothesis in hypotheses]
            best: dict[str, Any] = found[0] if found else {"output": None}
            more = {"hypotheses": found} if n_best > 1 else {}
            return format_json(request.record | best | more) + "\n"
        if n_best == 1:
            return (hypotheses[0].text if hypotheses else "") + "\n"
        return "".join(f"{number} ||| {h.text} ||| {h.score:.6f}\n" for h in hypotheses)


def _record(hypothesis: Hypothesis) -> dict[str, Any]:
    return {
        "output": hypothesis.text,
        "score": round(hypothesis.score, 6),
        "log_probability": round(hypothesis.log_probability, 6),
        "confidence": round(hypothesis.confidence, 6),
    }
