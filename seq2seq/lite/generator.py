"""Text to text on a LiteRT folder, with numpy, sentencepiece and the LiteRT runtime alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.lite.folder import load_search, load_shape, load_tokenizers
from seq2seq.lite.networks import LiteNetworks
from seq2seq.lite.search import beam_search, greedy_search
from seq2seq.search.options import InputTooLong, SearchOptions
from seq2seq.symbols import BOS, EOS, PAD
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.types import EMPTY, Hypothesis, SearchResult


class LiteGenerator:
    """Translates lines of text as `Generator` does, without TensorFlow and Keras.

    Args:
        networks: The network.
        source_tokenizer: For the lines that come in.
        target_tokenizer: For the lines that go out.
        options: How to search.

    Raises:
        ValueError: the folder has no networks for such a search.
    """

    def __init__(
        self,
        networks: LiteNetworks,
        source_tokenizer: SubwordTokenizer,
        target_tokenizer: SubwordTokenizer,
        options: SearchOptions,
    ):
        if options.sampling:
            raise ValueError("A LiteRT folder searches, it does not draw at random. Use the run folder for sampling.")
        if options.beam_size not in networks.beams:
            known = " and ".join(map(str, networks.beams))
            raise ValueError(
                f"This LiteRT folder searches with beams of {known}. Received: {options.beam_size}. "
                f"For another: seq2seq export RUN --format litert --beam-size {options.beam_size}"
            )
        self.networks = networks
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.options = options

    @classmethod
    def load(cls, path: Path, threads: int = 1, **options: Any) -> LiteGenerator:
        """Reads a LiteRT folder, its search changed by `options`; LiteFolderError says what is wrong with it."""
        shape = load_shape(path)
        source, target = load_tokenizers(path, shape)
        search = load_search(path, shape).changed(**options)
        return cls(LiteNetworks(path, shape, threads), source, target, search)

    def with_options(self, **changes: Any) -> LiteGenerator:
        """Returns a generator on the same networks that searches otherwise."""
        return LiteGenerator(
            self.networks, self.source_tokenizer, self.target_tokenizer, replace(self.options, **changes)
        )

    @property
    def has_attention(self) -> bool:
        return self.networks.has_attention

    def __call__(self, lines: Sequence[str] | str, batch_size: int = 64) -> list[str] | str:
        """Returns the best translation of each line, or of the one line."""
        if isinstance(lines, str):
            return self.generate([lines], batch_size)[0][0].text
        return [best[0].text for best in self.generate(lines, batch_size)]

    def generate(self, lines: Sequence[str], batch_size: int = 64) -> list[list[Hypothesis]]:
        """Returns the `num_best` hypotheses of each line, in the order of the lines; an empty line stays empty.

        Args:
            lines: Text, one input each.
            batch_size: The most lines searched together; the folder's own batch sizes below it are used.

        Raises:
            InputTooLong: a line has more than `max_input` pieces; nothing is translated then.
        """
        sources = self.source_tokenizer.encode(lines)
        for index, ids in enumerate(sources):
            if len(ids) > self.options.max_input:
                raise InputTooLong(index, len(ids), self.options.max_input)
        results: list[list[Hypothesis]] = [[EMPTY]] * len(lines)
        order = sorted((i for i, ids in enumerate(sources) if ids), key=lambda i: -len(sources[i]))
        largest = max([b for b in self.networks.batches if b <= batch_size], default=self.networks.batches[0])
        for start in range(0, len(order), largest):
            chosen = order[start : start + largest]
            found = self._search([sources[i] for i in chosen])
            for row, i in enumerate(chosen):
                results[i] = self._to_text(found, row)
        return results

    def _search(self, sources: list[list[int]]) -> SearchResult:
        options = self.options
        memory = self.networks.encode(_padded(sources))
        lengths = [len(ids) for ids in sources]
        lengths += [lengths[0]] * (memory.batch - len(sources))
        limits = np.asarray([math.floor(n * options.max_ratio) + options.max_extra for n in lengths], np.int32)

        def step(ids: np.ndarray, state: np.ndarray) -> dict[str, np.ndarray]:
            return self.networks.decode(memory, options.beam_size, ids, state)

        if options.beam_size == 1:
            return greedy_search(step, memory.state, limits)
        how = (options.beam_size, options.num_best, options.normalization, options.strength)
        return beam_search(step, memory.state, limits, *how)

    def _to_text(self, found: SearchResult, row: int) -> list[Hypothesis]:
        hypotheses = []
        for n in range(found.ids.shape[1]):
            if found.scores[row, n] > -1e8:  # the search space held as many
                ids = found.ids[row, n, : found.lengths[row, n]].tolist()
                (text,) = self.target_tokenizer.decode([ids])
                pieces = tuple(self.target_tokenizer.pieces(ids))
                numbers = float(found.scores[row, n]), float(found.log_probabilities[row, n])
                hypotheses.append(Hypothesis(text, pieces, *numbers))
        return hypotheses

    def align(self, pairs: Sequence[tuple[str, Sequence[str]]], batch_size: int = 64) -> list[np.ndarray]:
        """Returns for each (source line, target pieces) the attention weights, `(pieces + 1, source pieces + 1)`.

        The last row is the EOS, the last column the source's EOS; rows sum to 1. `batch_size` is not read: one by one.

        Raises:
            ValueError: the model has no attention.
        """
        if not self.has_attention:
            raise ValueError("This model has no attention, so it has no alignments.")
        results = []
        for (_, pieces), ids in zip(pairs, self.source_tokenizer.encode([line for line, _ in pairs]), strict=True):
            if not ids:
                results.append(np.zeros((1, 1), np.float32))
                continue
            memory = self.networks.encode(_padded([ids]))
            state, rows = memory.state, []
            for last in [BOS, *self.target_tokenizer.ids(pieces)]:
                weights, state = self.networks.align(memory, np.asarray([last], np.int32), state)
                rows.append(weights)
            results.append(np.stack(rows))
        return results


def _padded(sources: list[list[int]]) -> np.ndarray:
    ids = np.full((len(sources), max(map(len, sources)) + 1), PAD, np.int32)
    for row, source in zip(ids, sources, strict=True):
        row[: len(source) + 1] = [*source, EOS]
    return ids
