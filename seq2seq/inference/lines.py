"""Lines of text to hypotheses: what every generator shares, whatever runs its network. Imports no framework."""

from __future__ import annotations

import logging
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from seq2seq.inference.constraints import MAX_ROUNDS, Constraints, TokenConstraints
from seq2seq.inference.masking import mask_constraints, restored, warn_of_faults
from seq2seq.pipeline.padding import pad, padded
from seq2seq.search.options import InputTooLong, SearchOptions
from seq2seq.symbols import EOS
from seq2seq.text.placeholders import Masked
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.types import EMPTY, Hypothesis, Padded, SearchResult

_log = logging.getLogger(__name__)


class LineGenerator(ABC):
    """Translates lines of text.

    Args:
        source_tokenizer: For the lines that come in.
        target_tokenizer: For the lines that go out.
        options: How to search.
    """

    several_sentences: float | None = None
    """Share of the training text's source lines with more than one sentence; None where it is not known."""

    def __init__(self, source_tokenizer: SubwordTokenizer, target_tokenizer: SubwordTokenizer, options: SearchOptions):
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.options = options

    @property
    @abstractmethod
    def has_attention(self) -> bool:
        """Whether `align` has something to show."""

    @abstractmethod
    def _search(
        self, sources: list[list[int]], places: list[int], constraints: list[TokenConstraints] | None = None
    ) -> SearchResult:
        """Searches for a batch of sources, pieces without EOS, which are lines `places` of a text, from 0.

        The result may have further rows, which mean nothing, and more hypotheses than `num_best`.

        Raises:
            ValueError: constraints, where the search knows none.
        """

    @abstractmethod
    def _align(self, sources: list[list[int]], targets: list[list[int]]) -> np.ndarray:
        """Attention weights `(batch, target, source)` of a batch of pairs, pieces without EOS."""

    def _batches(self, sources: Sequence[Sequence[int]], batch_size: int) -> list[list[int]]:
        """The places of the sources that go together."""
        return by_length(sources, batch_size)

    def _map(self, search: Callable[[list[int]], SearchResult], batches: list[list[int]]) -> Iterable[SearchResult]:
        """Applies `search` to each batch; the results in order."""
        return map(search, batches)

    def __call__(self, lines: Iterable[str] | str, batch_size: int = 64) -> list[str] | str:
        """Returns the best translation of each line, or of the one line; errors as `generate`."""
        if isinstance(lines, str):
            return best_text(self.generate([lines], batch_size)[0])
        return [best_text(found) for found in self.generate(lines, batch_size)]

    def generate(
        self,
        lines: Iterable[str],
        batch_size: int = 64,
        constraints: Sequence[Constraints] | None = None,
        first: int = 0,
    ) -> list[list[Hypothesis]]:
        """Returns the `num_best` hypotheses of each line, in the order of the lines; an empty line stays empty.

        Hypotheses of a line differ in their text: fewer come where the beam holds no more.

        Args:
            lines: Text, one input each: a list, an array, anything that yields texts.
            batch_size: Lines searched together, at most, lines of like length. It changes the speed, not the result.
            constraints: What is asked of each line's output. Every hypothesis keeps to it; none comes where none fits.
            first: The number of the first line among all of a text, from 0: what is drawn at random depends on it.

        Raises:
            InputTooLong: a line has more than `max_input` pieces and must not be cut; nothing is translated then.
            TypeError: lines that are no texts; it names the first of them.
            ValueError: constraints that the vocabulary cannot write, or that this search does not know; a batch size
                below 1; a model whose scores are no numbers.
        """
        lines, batch_size = check_texts(lines), check_batch_size(batch_size)
        if constraints is not None and len(constraints) != len(lines):
            raise ValueError(f"Expected constraints for each of {len(lines)} lines. Received: {len(constraints)}")
        masked = self.masked(lines)
        if constraints is not None and self.source_tokenizer.placeholders:
            constraints = mask_constraints(constraints, masked, self.source_tokenizer.placeholders)
        texts = [line.text for line in masked]
        results = self._generate(texts, batch_size, constraints, first)
        if not self.source_tokenizer.placeholders:
            return results
        if self.source_tokenizer.placeholders.required:
            results = self._with_placeholders(masked, results, batch_size, constraints)
        return restored(masked, results)

    def _with_placeholders(
        self,
        masked: Sequence[Masked],
        results: list[list[Hypothesis]],
        batch_size: int,
        constraints: Sequence[Constraints] | None,
    ) -> list[list[Hypothesis]]:
        """Searches again where the best output lacks placeholders; counts what stays wrong."""
        missing = [line.lost(found[0].text) if found else () for line, found in zip(masked, results, strict=True)]
        again = [i for i, symbols in enumerate(missing) if symbols]
        if again:
            given = constraints or [Constraints()] * len(masked)
            asked = [given[i] + Constraints(include=missing[i]) for i in again]
            found = self._search_again([masked[i].text for i in again], batch_size, asked)
            for i, hypotheses in zip(again, found, strict=True):
                results[i] = hypotheses or results[i]
        warn_of_faults(masked, results)
        return results

    def _search_again(
        self, lines: Sequence[str], batch_size: int, asked: Sequence[Constraints]
    ) -> Sequence[list[Hypothesis]]:
        """Returns the hypotheses of each masked line that keep to what is asked; none where no search can find them."""
        return [[]] * len(lines)

    def masked(self, lines: Sequence[str]) -> list[Masked]:
        """Returns the lines with symbols for what is copied, where this model has any."""
        placeholders = self.source_tokenizer.placeholders
        return [placeholders.mask(line) if placeholders else Masked(line) for line in lines]

    def text_facts(self) -> dict[str, Any]:
        """Returns what an export says of its text, beside the tokenisers."""
        found = self.source_tokenizer.placeholders
        placeholders = {"names": list(found.names), "required": found.required} if found else None
        return {
            "placeholders": placeholders,
            "right_to_left": self.target_tokenizer.right_to_left,
            "several_sentences": self.several_sentences,
        }

    def target_ids(self, pairs: Sequence[tuple[str, str]]) -> list[list[int]]:
        """Returns the pieces of the target of each (source line, target line)."""
        targets = [target for _, target in pairs]
        if placeholders := self.source_tokenizer.placeholders:
            strings = (line.strings for line in self.masked([source for source, _ in pairs]))
            targets = [placeholders.mask_by(target, mine) for target, mine in zip(targets, strings, strict=True)]
        return self.target_tokenizer.encode(targets)

    def _generate(
        self, lines: Sequence[str], batch_size: int, constraints: Sequence[Constraints] | None, first: int = 0
    ) -> list[list[Hypothesis]]:
        sources = self._read(lines)
        if constraints is not None and any(constraints):
            if self.target_tokenizer.right_to_left and any(c.prefix for c in constraints):
                raise ValueError("A model that writes from right to left cannot be given the beginning of its text.")
            asked = [TokenConstraints.encode(c, self.target_tokenizer) for c in constraints]
            return self._generate_constrained(sources, batch_size, asked, first)
        results: list[list[Hypothesis]] = [[EMPTY]] * len(lines)
        batches = self._batches(sources, batch_size)

        def search(places: list[int]) -> SearchResult:
            return self._search([sources[i] for i in places], [first + i for i in places])

        searches = self._map(search, batches)
        for places, found in zip(batches, searches, strict=True):
            limits = [self.options.output_limit(len(sources[i])) for i in places]
            for place, hypotheses in zip(places, self._to_text(found, limits), strict=True):
                results[place] = hypotheses
        return results

    def _generate_constrained(
        self, sources: list[list[int]], batch_size: int, asked: list[TokenConstraints], first: int
    ) -> list[list[Hypothesis]]:
        results: list[list[Hypothesis]] = [[EMPTY]] * len(sources)
        todo = [i for i, ids in enumerate(sources) if ids]
        for _ in range(MAX_ROUNDS):
            again = []
            for places in self._alike(sources, todo, asked, batch_size):
                given = [asked[i] for i in places] if any(asked[i].texts for i in places) else None
                found = self._search([sources[i] for i in places], [first + i for i in places], given)
                limits = [self.options.output_limit(len(sources[i])) + asked[i].length for i in places]
                for place, hypotheses in zip(places, self._to_text(found, limits), strict=True):
                    results[place] = [h for h in hypotheses if asked[place].texts.satisfied_by(h.text)]
                    before = asked[place]
                    for h in hypotheses:
                        ids = self.target_tokenizer.ids(h.pieces)
                        asked[place] = asked[place].without_spellings_in(h.text, ids, self.target_tokenizer)
                    if asked[place] != before:
                        again.append(place)
            todo = again
            if not todo:
                break
        return results

    def _alike(
        self, sources: list[list[int]], todo: list[int], asked: list[TokenConstraints], batch_size: int
    ) -> Iterable[list[int]]:
        """Batches of places whose lines are searched in one way: what is beside a line must not change its result."""
        for kind in ((False, False), (True, False), (True, True)):
            places = [i for i in todo if (bool(asked[i].texts), bool(asked[i].include)) == kind]
            for batch in self._batches([sources[i] for i in places], batch_size):
                yield [places[i] for i in batch]

    def _read(self, lines: Sequence[str]) -> list[list[int]]:
        """The pieces of each line, masked already, at most as many as the search takes."""
        return self._cut(self.source_tokenizer.encode(lines))

    def _cut(self, sources: list[list[int]]) -> list[list[int]]:
        limit = self.options.max_input
        long = {index: len(ids) for index, ids in enumerate(sources) if len(ids) > limit}
        if long and not self.options.cut_input:
            raise InputTooLong(long, limit)
        if long:
            _log.info(
                "%s of %s inputs were cut to their first %s pieces.",
                *(f"{n:,}" for n in (len(long), len(sources), limit)),
            )
        return [ids[:limit] for ids in sources]

    def align(self, pairs: Sequence[tuple[str, Sequence[str]]], batch_size: int = 64) -> list[np.ndarray]:
        """Returns for each (source line, target pieces) the attention weights, `(pieces + 1, source pieces + 1)`.

        The last row is the EOS, the last column the source's EOS; rows sum to 1.

        Raises:
            ValueError: the model has no attention, or a batch size below 1.
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
        """The hypotheses of each row for which there is a limit, the most pieces of its output."""
        rows = len(limits)
        found = SearchResult(*(np.asarray(part)[:rows] for part in found))
        check_numbers(found.scores)
        # A hypothesis that scores as forbidden is none: the search space held fewer.
        places = [(row, n) for row in range(rows) for n in range(found.ids.shape[1]) if found.scores[row, n] > -1e8]
        ids = [found.ids[row, n, : found.lengths[row, n]].tolist() for row, n in places]
        results: list[list[Hypothesis]] = [[] for _ in range(rows)]
        for (row, n), pieces, text in zip(places, ids, self.target_tokenizer.decode(ids), strict=True):
            if len(results[row]) == self.options.num_best or any(h.text == text for h in results[row]):
                continue  # the same text in other pieces
            numbers = float(found.scores[row, n]), float(found.log_probabilities[row, n])
            is_full = not self.options.extract and len(pieces) >= limits[row]
            results[row].append(Hypothesis(text, tuple(self.target_tokenizer.pieces(pieces)), *numbers, is_full))
        return results


def check_texts(lines: Iterable[str]) -> list[str]:
    """Returns lines as a list of texts; TypeError for what is no text, by its index."""
    if isinstance(lines, str | bytes | Mapping):
        raise TypeError(f"Expected several lines, as a list of texts. Received: {_shown(lines)}")
    try:
        items = list(lines)
    except TypeError:
        raise TypeError(f"Expected several lines, as a list of texts. Received: {_shown(lines)}") from None
    for index, item in enumerate(items):
        if not isinstance(item, str):
            hint = " Decode it first." if isinstance(item, bytes) else ""
            raise TypeError(f"lines[{index}]: expected text. Received: {_shown(item)}.{hint}")
    return [str(item) for item in items]  # NumPy has texts of its own


def check_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns (source, target) pairs as a list; TypeError for what is none, by its index."""
    found = []
    for index, pair in enumerate(pairs):
        if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise TypeError(f"pairs[{index}]: expected a source and a target, both text. Received: {_shown(pair)}")
        found.append((str(pair[0]), str(pair[1])))
    return found


def check_batch_size(batch_size: int) -> int:
    """Returns it as an int; ValueError for one below 1, or no whole number."""
    try:
        size = 0 if isinstance(batch_size, bool) else operator.index(batch_size)
    except TypeError:
        size = 0
    if size < 1:
        raise ValueError(f"batch_size must be a whole number of at least 1. Received: {batch_size!r}")
    return size


def check_numbers(scores: np.ndarray) -> None:
    """Raises ValueError if a score of a model is NaN, as of weights that are."""
    if np.isnan(scores).any():
        raise ValueError(
            "The model computes scores that are no numbers (NaN): its weights are damaged. "
            "Train or export it again, or take an earlier epoch's weights."
        )


def best_text(hypotheses: Sequence[Hypothesis]) -> str:
    """The text of the best hypothesis; empty where there is none."""
    return hypotheses[0].text if hypotheses else ""


def _shown(value: object) -> str:
    return f"{str(value)[:40]!r} ({type(value).__name__})"


def by_length(sources: Sequence[Sequence[int]], batch_size: int) -> list[list[int]]:
    """Groups the places of what is not empty, longest first so that the memory it takes is known at once."""
    order = sorted((i for i, ids in enumerate(sources) if ids), key=lambda i: -len(sources[i]))
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def pad_with_eos(sequences: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns `(len(sequences), longest + 1)` int32: each sequence, its EOS, then PAD."""
    return pad([[*ids, EOS] for ids in sequences])


def padded_with_eos(sequences: Sequence[Sequence[int]]) -> Padded:
    """As `pad_with_eos`, with the mask: True at the ids and the EOS of each sequence."""
    return padded([[*ids, EOS] for ids in sequences])
