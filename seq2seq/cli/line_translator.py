"""What `translate` does with lines in one process: requests to hypotheses, and hypotheses to text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.cli.alignment_files import check_attention
from seq2seq.cli.arguments import BATCHES, SearchChanges
from seq2seq.cli.model_arguments import ModelOptions
from seq2seq.cli.request_input import InputLine, InputOptions, RequestReader
from seq2seq.files import format_json
from seq2seq.inference.requests import Result
from seq2seq.inference.unknown import read_dictionary, replace_unknown
from seq2seq.tasks.text_to_text.loading import load_translator
from seq2seq.text.sentences import count_sentences
from seq2seq.types import Hypothesis

if TYPE_CHECKING:
    from seq2seq.inference.lines import LineGenerator

SINGLE_SENTENCES = 0.01
"""A model was trained on single sentences if a smaller share of its source lines has several."""


@dataclass(frozen=True)
class TranslationOptions:
    """All that an output depends on."""

    model: ModelOptions
    search: SearchChanges
    input: InputOptions
    n_best: int
    replace_unknown: bool
    dictionary: str | None
    batch_size: int

    def translator(self, notify: Callable[[str], None]) -> LineTranslator:
        """Returns what does the work; see there."""
        return LineTranslator(self, notify)

    def more(self) -> dict[str, Any]:
        """Returns what else an output depends on, by the names of the flags."""
        return {}


@dataclass(frozen=True)
class Counts:
    """Numbers of lines that the user should know of."""

    too_long: int = 0
    """Their outputs are empty."""
    refused: int = 0
    """Lines whose constraints this model cannot keep to; their outputs are empty."""
    reached_limit: int = 0
    """Their outputs may be cut short."""
    several_sentences: int = 0
    """Lines of several sentences, for a model that was trained on single ones."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Of synthetic pairs: how many were left out, by reason."""
    pairs: int = 0
    """Synthetic pairs, those left out included."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Counts:
        """Returns counts from a record of `as_record`, or from an empty one."""
        return cls(**{**record, "left_out": Counter(record.get("left_out", {}))})

    def as_record(self) -> dict[str, Any]:
        """Returns them as JSON holds them."""
        return {**vars(self), "left_out": dict(self.left_out)}

    def plus(self, other: Counts) -> Counts:
        """Returns the sums."""
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Counts)))

    @property
    def has_errors(self) -> bool:
        """Whether any output was left empty by an error."""
        return bool(self.too_long or self.refused)

    def warnings(self) -> list[str]:
        """Returns what to say once all lines are done."""
        warnings = []
        if self.reached_limit:
            warnings.append(
                f"{_counted(self.reached_limit, 'output has', 'outputs have')} reached the limit of length and may be "
                "cut short: raise --max-ratio or --max-extra."
            )
        if self.several_sentences:
            warnings.append(
                f"{_counted(self.several_sentences, 'line has', 'lines have')} several sentences, but the model was "
                "trained on lines of one: parts may be lost. Give each sentence a line of its own."
            )
        if self.refused:
            warnings.append(
                f"{_counted(self.refused, 'line has', 'lines have')} constraints that this model cannot keep to; "
                "all others are translated."
            )
        if self.too_long:
            warnings.append(f"{_counted(self.too_long, 'line was', 'lines were')} too long; all others are translated.")
        return warnings


def _counted(count: int, one: str, many: str) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many}"


class LineTranslator:
    """Translates lines by the options of `translate`.

    Args:
        options: The model, its search, and what is written.
        notify: Takes each message about a single line.

    Raises:
        ValueError: a file of the options is wrong, or they contradict each other.
    """

    without = "Its output is left empty."
    """What becomes of a line with an error."""

    def __init__(self, options: TranslationOptions, notify: Callable[[str], None]):
        if options.dictionary and not options.replace_unknown:
            raise ValueError("--dictionary is for --replace-unknown.")
        self.options = options
        self.chunk_lines = options.batch_size * BATCHES
        self.counts = Counts()
        """Of all lines so far."""
        self._dictionary = read_dictionary(Path(options.dictionary)) if options.dictionary else {}
        self._reader = RequestReader(options.input)
        self._notify = notify

    def load(self, threads: int = 0) -> LineGenerator:
        """Loads and returns the model, which uses `threads` cores, 0 for all.

        Raises:
            ValueError: as `load_translator`; or the model cannot keep to the constraints on every output.
        """
        model, search = self.options.model, self.options.search.values
        self.generator = load_translator(
            Path(model.run), others=model.others, ensemble=model.ensemble, threads=threads, **search
        )
        self.generator.check_common_constraints(self._reader.common)
        if self.options.replace_unknown:
            check_attention(model.run, self.generator)
        return self.generator

    def read(self, lines: Iterable[tuple[int, str]] | None = None) -> Iterator[list[InputLine]]:
        """Yields the lines of the input in chunks; see `RequestReader.read`."""
        return self._reader.read(self.chunk_lines, lines)

    def translate(self, chunk: Sequence[InputLine], first: int) -> list[list[Hypothesis]]:
        """Returns the hypotheses of each line; none where there is an error, which is reported.

        Args:
            chunk: Lines that follow each other in the input.
            first: The number of the first of them in the input, from 0.
        """
        requests = [line.request for line in chunk]
        results = self.generator.answer(requests, self.options.batch_size, first)
        for number, result in enumerate(results, first + 1):
            if result.error:
                rest = "" if result.error.reason == "nothing_fits" else f" {self.without}"
                self._notify(f"{self.options.input.name}:{number}: {result.error.message}{rest}")
        self.counts = self.counts.plus(self._count(chunk, results))
        hypotheses = [list(result.hypotheses) for result in results]
        if not self.options.replace_unknown:
            return hypotheses
        texts = [request.text for request in requests]
        return replace_unknown(self.generator, texts, hypotheses, self._dictionary, self.options.batch_size)

    def format(self, chunk: Sequence[InputLine], first: int, results: Sequence[Sequence[Hypothesis]]) -> str:
        """Returns the text that is written for the hypotheses of a chunk; arguments as in `translate`."""
        pairs = zip(chunk, results, strict=True)
        return "".join(self._format_line(number, line, found) for number, (line, found) in enumerate(pairs, first))

    def _count(self, chunk: Sequence[InputLine], results: Sequence[Result]) -> Counts:
        reasons = [result.error.reason if result.error else "" for result in results]
        share = self.generator.several_sentences
        several_sentences = 0
        if share is not None and share < SINGLE_SENTENCES:
            texts = [line.request.text for line, reason in zip(chunk, reasons, strict=True) if reason != "too_long"]
            several_sentences = sum(count_sentences(text) > 1 for text in texts)
        return Counts(
            too_long=reasons.count("too_long"),
            refused=reasons.count("constraints"),
            reached_limit=sum(bool(r.hypotheses) and r.hypotheses[0].reached_limit for r in results),
            several_sentences=several_sentences,
        )

    def _format_line(self, number: int, line: InputLine, hypotheses: Sequence[Hypothesis]) -> str:
        n_best = self.options.n_best
        if self.options.input.json:
            records = [_record(hypothesis) for hypothesis in hypotheses]
            best: dict[str, Any] = records[0] if records else {"output": None}
            more = {"hypotheses": records} if n_best > 1 else {}
            return format_json(line.record | best | more) + "\n"
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
