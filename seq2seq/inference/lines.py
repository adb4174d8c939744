"""Lines of text to hypotheses: what every generator shares, whatever runs its network. Imports no framework."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq.inference.batching import by_length
from seq2seq.inference.checks import check_batch_size, check_numbers, check_texts
from seq2seq.inference.constraints import MAX_ROUNDS, Constraints, TokenConstraints
from seq2seq.inference.masking import mask_constraints, restored, warn_of_faults
from seq2seq.inference.requests import (
    InputTooLong,
    Request,
    RequestError,
    Result,
    nothing_fits_message,
    too_long_message,
)
from seq2seq.search.options import SearchOptions
from seq2seq.text.placeholders import Masked
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.types import EMPTY, Hypothesis, SearchResult

if TYPE_CHECKING:
    from seq2seq.inference.simultaneous import Interpreter, TextStream

_log = logging.getLogger(__name__)

FORBIDDEN_SCORE = -1e8
"""A hypothesis that scores below this holds a forbidden token: the search space had fewer hypotheses than asked for."""
UNCONSTRAINED = TokenConstraints(Constraints(), (), (), ())


@dataclass(frozen=True)
class PreparedRequest:
    """A request in the ids of the model."""

    request: Request
    masked: Masked
    """The text with symbols in the place of what is copied."""
    source: list[int]
    """Ids of the text, without EOS; empty if there is an error."""
    constraints: Constraints
    """Those of the request, masked as the text is."""
    token_constraints: TokenConstraints
    length: int
    """Tokens of the text, before it is cut."""
    error: RequestError | None = None


class LineGenerator(ABC):
    """Generates text from lines of text.

    Args:
        source_tokenizer: For the input.
        target_tokenizer: For the output.
        options: How to search.
    """

    several_sentences: float | None = None
    """Share of the training text's source lines with more than one sentence; None if it is unknown."""
    wait_k: tuple[int, ...] = ()
    """Words to wait for that the model was trained with; empty where it was trained on whole sentences."""

    def __init__(self, source_tokenizer: SubwordTokenizer, target_tokenizer: SubwordTokenizer, options: SearchOptions):
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.options = options

    @property
    @abstractmethod
    def has_attention(self) -> bool:
        """Whether `align` works."""

    @abstractmethod
    def _search(
        self, sources: list[list[int]], places: list[int], constraints: list[TokenConstraints] | None = None
    ) -> SearchResult:
        """Searches for a batch of sources, ids without EOS.

        Args:
            sources: None is empty.
            places: The number of each source's line in its text, from 0.
            constraints: For each source; only ones that `_check_supported` accepts.

        Returns:
            At least a row for each source; further rows are filler. It may have more than `num_best` hypotheses.
        """

    @abstractmethod
    def _align(self, sources: list[list[int]], targets: list[list[int]]) -> np.ndarray:
        """Returns the attention weights `(batch, target + 1, source + 1)` of a batch of pairs, ids without EOS."""

    def _check_supported(self, constraints: Constraints) -> None:
        """Raises ValueError if the search cannot keep to such constraints, whatever the vocabulary."""
        if constraints.prefix and self.target_tokenizer.right_to_left:
            raise ValueError("A model that writes from right to left cannot be given the beginning of its text.")

    def _batches(self, sources: Sequence[Sequence[int]], batch_size: int) -> list[list[int]]:
        """Returns the indices of the sources that are searched together."""
        return by_length(sources, batch_size)

    def _map(self, search: Callable[[list[int]], SearchResult], batches: list[list[int]]) -> Iterable[SearchResult]:
        """Applies `search` to each batch and returns the results in order."""
        return map(search, batches)

    def __call__(self, lines: Iterable[str] | str, batch_size: int = 64) -> list[str] | str:
        """Returns the best output of each line, or of the one line; errors as `generate`."""
        if isinstance(lines, str):
            return best_text(self.generate([lines], batch_size)[0])
        return [best_text(hypotheses) for hypotheses in self.generate(lines, batch_size)]

    def generate(
        self,
        lines: Iterable[str],
        batch_size: int = 64,
        constraints: Sequence[Constraints] | None = None,
        first: int = 0,
    ) -> list[list[Hypothesis]]:
        """Returns the hypotheses of each line, as `answer` does, but raises the first error instead of returning it.

        Args:
            lines: Texts: a list, an array, any iterable.
            batch_size: As in `answer`.
            constraints: For each line.
            first: As in `answer`.

        Raises:
            InputTooLong: a line has more than `max_input` tokens and `cut_input` is off; nothing is generated.
            TypeError: an item of `lines` is no text.
            ValueError: the vocabulary cannot write the constraints of a line, or this search cannot keep to them; or
                as in `answer`.
        """
        lines, batch_size = check_texts(lines), check_batch_size(batch_size)
        if constraints is not None and len(constraints) != len(lines):
            raise ValueError(f"Expected constraints for each of {len(lines)} lines. Received: {len(constraints)}")
        pairs = zip(lines, constraints or [Constraints()] * len(lines), strict=True)
        prepared = self._prepare([Request(line, asked) for line, asked in pairs])
        refused = [(i, item) for i, item in enumerate(prepared) if item.error]
        if lengths := {i: item.length for i, item in refused if item.error and item.error.reason == "too_long"}:
            raise InputTooLong(lengths, self.options.max_input)
        for _, item in refused:
            raise ValueError(item.error.message if item.error else "")
        return [list(result.hypotheses) for result in self._answer(prepared, batch_size, first)]

    def interpreter(self, wait_k: int) -> Interpreter:
        """Returns what translates while it reads, `wait_k` words behind its source.

        Raises:
            ValueError: this model cannot, or `wait_k` is below 1.
        """
        raise ValueError("An ensemble cannot translate while it reads (wait_k): give one run, or its LiteRT folder.")

    def stream(self, wait_k: int) -> TextStream:
        """Returns a stream for one sentence, whose words come one by one; errors as `interpreter`."""
        from seq2seq.inference.simultaneous import TextStream

        return TextStream(self.interpreter(wait_k))

    def answer(self, requests: Sequence[Request], batch_size: int = 64, first: int = 0) -> list[Result]:
        """Returns a result for each request, in their order; a request that cannot be answered has an error in it.

        Args:
            requests: An empty text has an empty output.
            batch_size: Lines searched together, at most; lines of similar length. It changes the speed alone.
            first: The number of the first request in its text, from 0: random draws depend on it.

        Raises:
            ValueError: a batch size below 1, or a model whose scores are NaN.
        """
        return self._answer(self._prepare(requests), check_batch_size(batch_size), first)

    def check_constraints(self, constraints: Constraints) -> TokenConstraints:
        """Returns constraints in ids of the target.

        Raises:
            ValueError: the vocabulary cannot write them, or this search cannot keep to them.
        """
        if not constraints:
            return UNCONSTRAINED
        self._check_supported(constraints)
        return TokenConstraints.encode(constraints, self.target_tokenizer)

    def check_common_constraints(self, constraints: Constraints) -> None:
        """Raises ValueError if no request under these constraints can be answered; for a check before many requests."""
        if constraints:
            self._check_supported(constraints)
            if not self.source_tokenizer.placeholders:  # which strings become symbols depends on the request
                TokenConstraints.encode(constraints, self.target_tokenizer)

    def _prepare(self, requests: Sequence[Request]) -> list[PreparedRequest]:
        masked = self.masked([request.text for request in requests])
        constraints = [request.constraints for request in requests]
        if self.source_tokenizer.placeholders and any(constraints):
            constraints = mask_constraints(constraints, masked, self.source_tokenizer.placeholders)
        sources = self._encode([line.text for line in masked])
        lengths = list(map(self._length, sources))
        sources = self._cut(sources)
        prepared = []
        for row in zip(requests, masked, sources, constraints, lengths, strict=True):
            request, line, source, asked, length = row
            error, token_constraints = None, UNCONSTRAINED
            if length > self.options.max_input and not self.options.cut_input:
                error = RequestError("too_long", too_long_message(length, self.options.max_input))
            else:
                try:
                    token_constraints = self.check_constraints(asked)
                except ValueError as wrong:
                    error = RequestError("constraints", str(wrong))
            source = source if error is None else []
            prepared.append(PreparedRequest(request, line, source, asked, token_constraints, length, error))
        return prepared

    def _answer(self, prepared: Sequence[PreparedRequest], batch_size: int, first: int) -> list[Result]:
        sources = [item.source for item in prepared]
        found = self._generate(sources, batch_size, [item.token_constraints for item in prepared], first)
        if placeholders := self.source_tokenizer.placeholders:
            if placeholders.required:
                self._search_for_placeholders(prepared, found, batch_size)
            found = restored([item.masked for item in prepared], found)
        results = []
        for item, hypotheses in zip(prepared, found, strict=True):
            if item.error or not hypotheses:
                message = nothing_fits_message(item.request.constraints)
                results.append(Result(error=item.error or RequestError("nothing_fits", message)))
            else:
                results.append(Result(tuple(hypotheses)))
        return results

    def _search_for_placeholders(
        self, prepared: Sequence[PreparedRequest], found: list[list[Hypothesis]], batch_size: int
    ) -> None:
        """Searches again where the best of the hypotheses `found` lacks placeholders, and warns of what stays wrong."""
        lost = {
            i: item.masked.lost(hypotheses[0].text)
            for i, (item, hypotheses) in enumerate(zip(prepared, found, strict=True))
            if hypotheses and not item.error
        }
        again = [i for i, symbols in lost.items() if symbols]
        if again:
            asked = [prepared[i].constraints + Constraints(include=lost[i]) for i in again]
            others = self._search_again([prepared[i].source for i in again], batch_size, asked)
            for i, hypotheses in zip(again, others, strict=True):
                found[i] = hypotheses or found[i]
        answered = [i for i, item in enumerate(prepared) if not item.error]
        warn_of_faults([prepared[i].masked for i in answered], [found[i] for i in answered])

    def _search_again(
        self, sources: list[list[int]], batch_size: int, constraints: Sequence[Constraints]
    ) -> Sequence[list[Hypothesis]]:
        """Returns the hypotheses of each source that keep to the constraints; none where this search cannot do it."""
        return [[]] * len(sources)

    def masked(self, lines: Sequence[str]) -> list[Masked]:
        """Returns the lines with symbols in the place of what is copied, if this model has such symbols."""
        placeholders = self.source_tokenizer.placeholders
        return [placeholders.mask(line) if placeholders else Masked(line) for line in lines]

    def text_facts(self) -> dict[str, Any]:
        """Returns what an export records of its text, besides the tokenisers."""
        placeholders = self.source_tokenizer.placeholders
        return {
            "placeholders": {"names": list(placeholders.names), "required": placeholders.required}
            if placeholders
            else None,
            "right_to_left": self.target_tokenizer.right_to_left,
            "several_sentences": self.several_sentences,
        }

    def target_ids(self, pairs: Sequence[tuple[str, str]]) -> list[list[int]]:
        """Returns the ids of the target of each (source line, target line), without EOS."""
        targets = [target for _, target in pairs]
        if placeholders := self.source_tokenizer.placeholders:
            lines = self.masked([source for source, _ in pairs])
            targets = [placeholders.mask_by(target, line.strings) for target, line in zip(targets, lines, strict=True)]
        return self.target_tokenizer.encode(targets)

    def _generate(
        self,
        sources: list[list[int]],
        batch_size: int,
        constraints: list[TokenConstraints],
        first: int = 0,
    ) -> list[list[Hypothesis]]:
        """Returns the hypotheses of each source, ids without EOS; `EMPTY` for an empty one."""
        if any(constraint.texts for constraint in constraints):
            return self._generate_constrained(sources, batch_size, list(constraints), first)
        results: list[list[Hypothesis]] = [[EMPTY]] * len(sources)
        batches = self._batches(sources, batch_size)

        def search(places: list[int]) -> SearchResult:
            return self._search([sources[i] for i in places], [first + i for i in places])

        for places, found in zip(batches, self._map(search, batches), strict=True):
            limits = [self.options.output_limit(len(sources[i])) for i in places]
            for place, hypotheses in zip(places, self._to_text(found, limits), strict=True):
                results[place] = hypotheses
        return results

    def _generate_constrained(
        self, sources: list[list[int]], batch_size: int, constraints: list[TokenConstraints], first: int
    ) -> list[list[Hypothesis]]:
        """As `_generate`. Where an excluded word comes out in other tokens, those are excluded too, and it repeats."""
        results: list[list[Hypothesis]] = [[EMPTY]] * len(sources)
        todo = [i for i, ids in enumerate(sources) if ids]
        for _ in range(MAX_ROUNDS):
            again = []
            for places in self._alike(sources, todo, constraints, batch_size):
                given = [constraints[i] for i in places] if any(constraints[i].texts for i in places) else None
                found = self._search([sources[i] for i in places], [first + i for i in places], given)
                limits = [self.options.output_limit(len(sources[i]), required=constraints[i].length) for i in places]
                for place, hypotheses in zip(places, self._to_text(found, limits), strict=True):
                    before = constraints[place]
                    results[place] = [h for h in hypotheses if before.texts.satisfied_by(h.text)]
                    for h in hypotheses:
                        ids = self.target_tokenizer.ids(h.pieces)
                        constraints[place] = constraints[place].without_spellings_in(h.text, ids, self.target_tokenizer)
                    if constraints[place] != before:
                        again.append(place)
            todo = again
            if not todo:
                break
        return results

    def _alike(
        self, sources: list[list[int]], todo: list[int], constraints: list[TokenConstraints], batch_size: int
    ) -> Iterable[list[int]]:
        """Yields batches of indices whose sources are searched in one way, so that a line's neighbours change nothing.

        The kinds: without constraints, with constraints, with terms to include.
        """
        for kind in ((False, False), (True, False), (True, True)):
            places = [i for i in todo if (bool(constraints[i].texts), bool(constraints[i].include)) == kind]
            for batch in self._batches([sources[i] for i in places], batch_size):
                yield [places[i] for i in batch]

    def _encode(self, lines: Sequence[str]) -> list[list[int]]:
        """Returns the ids of each line, which is masked already, whatever their number."""
        return self.source_tokenizer.encode(lines)

    def _length(self, source: list[int]) -> int:
        """Returns the tokens of a source, by which `max_input` limits it."""
        return len(source)

    def _cut(self, sources: list[list[int]]) -> list[list[int]]:
        """Returns at most `max_input` tokens of each source, and logs how many were cut."""
        limit = self.options.max_input
        cut = [ids[:limit] for ids in sources]
        if self.options.cut_input and (count := sum(len(ids) > limit for ids in sources)):
            _log.info(f"{count:,} of {len(sources):,} inputs were cut to their first {limit:,} tokens.")
        return cut

    def _read(self, lines: Sequence[str]) -> list[list[int]]:
        """Returns the ids of each line, which is masked already, at most `max_input`; raises InputTooLong."""
        sources = self._encode(lines)
        lengths = dict(enumerate(map(self._length, sources)))
        too_long = {i: length for i, length in lengths.items() if length > self.options.max_input}
        if too_long and not self.options.cut_input:
            raise InputTooLong(too_long, self.options.max_input)
        return self._cut(sources)

    def align(self, pairs: Sequence[tuple[str, Sequence[str]]], batch_size: int = 64) -> list[np.ndarray]:
        """Returns for each (source line, target tokens) the attention weights `(target + 1, source + 1)`.

        The last row is the EOS, the last column the source's EOS; rows sum to 1.

        Raises:
            ValueError: the model has no attention, or the batch size is below 1.
            InputTooLong: a source has more than `max_input` tokens and `cut_input` is off.
        """
        if not self.has_attention:
            raise ValueError("This model has no attention, so it has no alignments.")
        batch_size = check_batch_size(batch_size)
        targets = [self.target_tokenizer.ids(pieces) for _, pieces in pairs]
        sources = self._read([line.text for line in self.masked([line for line, _ in pairs])])
        results: list[np.ndarray] = [np.zeros((1, 1), np.float32)] * len(pairs)
        for places in self._batches(sources, batch_size):
            weights = self._align([sources[i] for i in places], [targets[i] for i in places])
            check_numbers(weights)
            for row, i in enumerate(places):
                results[i] = weights[row, : len(targets[i]) + 1, : len(sources[i]) + 1]
        return results

    def _to_text(self, found: SearchResult, limits: Sequence[int]) -> list[list[Hypothesis]]:
        """Returns the hypotheses of each row; `limits` has the most tokens of its output, for the rows that count."""
        rows = len(limits)
        found = SearchResult(*(np.asarray(part)[:rows] for part in found))
        check_numbers(found.scores)
        cells = [(row, n) for row in range(rows) for n in range(found.ids.shape[1])]
        cells = [cell for cell in cells if found.scores[cell] > FORBIDDEN_SCORE]
        ids = [found.ids[row, n, : found.lengths[row, n]].tolist() for row, n in cells]
        results: list[list[Hypothesis]] = [[] for _ in range(rows)]
        for (row, n), tokens, text in zip(cells, ids, self.target_tokenizer.decode(ids), strict=True):
            if len(results[row]) == self.options.num_best or any(h.text == text for h in results[row]):
                continue  # the same text in other tokens
            numbers = float(found.scores[row, n]), float(found.log_probabilities[row, n])
            is_full = not self.options.extract and len(tokens) >= limits[row]
            results[row].append(Hypothesis(text, tuple(self.target_tokenizer.pieces(tokens)), *numbers, is_full))
        return results


def best_text(hypotheses: Sequence[Hypothesis]) -> str:
    """Returns the text of the best hypothesis; empty where there is none."""
    return hypotheses[0].text if hypotheses else ""
