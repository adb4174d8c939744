"""Text to text on a LiteRT folder; requires only numpy, sentencepiece and the LiteRT runtime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.inference.batching import by_length, pad_with_eos
from seq2seq.inference.constraints import Constraints, TokenConstraints
from seq2seq.inference.lines import UNCONSTRAINED, LineGenerator
from seq2seq.inference.simultaneous import Interpreter, check_wait_k
from seq2seq.lite.folder import load_search, load_shape, load_tokenizers
from seq2seq.lite.mbr import choose_by_mbr
from seq2seq.lite.networks import LiteNetworks
from seq2seq.lite.search import beam_search
from seq2seq.lite.simultaneous import LiteNetwork
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import PAD
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.token_batches import shift
from seq2seq.types import Hypothesis, SearchResult


class LiteGenerator(LineGenerator):
    """Translates lines of text like `Generator`, without TensorFlow and Keras.

    Args:
        networks: The networks of the folder.
        source_tokenizer: For the input lines.
        target_tokenizer: For the output lines.
        options: How to search.
        threads: How many batches are searched in parallel, each on one core with its own networks.

    Raises:
        ValueError: the folder has no networks for such a search.
    """

    def __init__(
        self,
        networks: LiteNetworks,
        source_tokenizer: SubwordTokenizer,
        target_tokenizer: SubwordTokenizer,
        options: SearchOptions,
        threads: int = 1,
    ):
        if options.sampling:
            raise ValueError("A LiteRT folder cannot sample. Use the run folder for sampling.")
        if options.extract != networks.extracts:
            made, asked = ("to extract" if extract else "to search" for extract in (networks.extracts, options.extract))
            flag = "--extract" if options.extract else "--no-extract"
            raise ValueError(
                f"This LiteRT folder was exported {made}. Received: options {asked}. "
                f"Export for that: seq2seq export RUN --format litert {flag}"
            )
        if not options.extract:
            _check_search(options, networks)
        super().__init__(source_tokenizer, target_tokenizer, options)
        self.networks = networks
        self.threads = threads
        self._idle = [networks]

    @classmethod
    def load(cls, path: Path, threads: int = 0, **options: Any) -> LiteGenerator:
        """Loads a LiteRT folder, with some search options replaced; raises LiteFolderError for a damaged one.

        With `threads` 0 there are as many as the cores that this process may use.
        """
        shape = load_shape(path)
        source, target = load_tokenizers(path, shape)
        search = load_search(path, shape).changed(**options)
        generator = cls(LiteNetworks(path, shape), source, target, search, threads or _cores())
        generator.several_sentences = shape.get("several_sentences")
        generator.wait_k = generator.networks.wait_k
        return generator

    def with_options(self, **changes: Any) -> LiteGenerator:
        """Returns a generator on the same networks with some search options replaced."""
        options = replace(self.options, **changes)
        changed = LiteGenerator(self.networks, self.source_tokenizer, self.target_tokenizer, options, self.threads)
        changed._idle = self._idle
        changed.several_sentences, changed.wait_k = self.several_sentences, self.wait_k
        return changed

    @property
    def has_attention(self) -> bool:
        return self.networks.has_attention

    def interpreter(self, wait_k: int) -> Interpreter:
        wait_k, source, target = check_wait_k(wait_k), self.source_tokenizer, self.target_tokenizer
        if not self.wait_k:
            problem = (
                "its encoder reads in both directions"
                if self.networks.bidirectional
                else "its run was trained on whole sentences"
            )
            raise ValueError(
                f"This LiteRT folder cannot translate while it reads (wait_k): {problem}. Train a run with "
                "training.wait_k, such as 1,3,5,9, and export it."
            )
        return Interpreter(LiteNetwork(self._borrowed, target.size), source, target, wait_k, self.options)

    def _check_supported(self, constraints: Constraints) -> None:
        raise ValueError("A LiteRT folder has no constraints. Use the run folder for them.")

    def _search_again(
        self, sources: list[list[int]], batch_size: int, constraints: Sequence[Constraints]
    ) -> Sequence[list[Hypothesis]]:
        # Constraints are not supported, but the beam may hold hypotheses that satisfy them.
        if self.options.beam_size == 1 or self.options.extract:
            return super()._search_again(sources, batch_size, constraints)
        whole_beam = self.with_options(num_best=self.options.beam_size)
        found = whole_beam._generate(sources, batch_size, [UNCONSTRAINED] * len(sources))
        results = []
        for hypotheses, asked in zip(found, constraints, strict=True):
            results.append([h for h in hypotheses if asked.satisfied_by(h.text)][: self.options.num_best])
        return results

    def _batches(self, sources: Sequence[Sequence[int]], batch_size: int) -> list[list[int]]:
        sizes = self.networks.batches
        batches = by_length(sources, max([b for b in sizes if b <= batch_size], default=sizes[0]))
        # A network takes the same time however few of its rows are used: a few sources go one by one.
        if batches and sizes[0] == 1 and 2 * len(batches[-1]) <= next(b for b in sizes if b >= len(batches[-1])):
            batches[-1:] = [[place] for place in batches[-1]]
        return batches

    def _map(self, search: Callable[[list[int]], SearchResult], batches: list[list[int]]) -> Iterable[SearchResult]:
        if min(self.threads, len(batches)) < 2:
            return super()._map(search, batches)
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(search, batches))

    @contextmanager
    def _borrowed(self) -> Iterator[LiteNetworks]:
        """Networks that no other thread uses at the same time."""
        try:
            networks = self._idle.pop()
        except IndexError:
            networks = self.networks.another()
        try:
            yield networks
        finally:
            self._idle.append(networks)

    def _search(
        self, sources: list[list[int]], places: list[int], constraints: list[TokenConstraints] | None = None
    ) -> SearchResult:
        with self._borrowed() as networks:
            found = self._search_on(networks, pad_with_eos(sources))
        networks.check_result(found, self.target_tokenizer.size)
        return found

    def _search_on(self, networks: LiteNetworks, source: np.ndarray) -> SearchResult:
        options = self.options
        if options.extract:
            return networks.extract(source)
        # The EOS of the source does not count.
        limits = np.asarray([options.output_limit(int((ids != PAD).sum()) - 1) for ids in source], np.int32)
        if options.beam_size == 1:
            return networks.greedy(source, limits)
        memory = networks.encode(source)
        limits = np.pad(limits, (0, memory.batch - len(limits)))  # rows that fill the batch up end at once

        def step(ids: np.ndarray, state: np.ndarray, banned: np.ndarray | None) -> dict[str, np.ndarray]:
            return networks.decode(memory, options.beam_size, ids, state, banned)

        def narrow(rows: np.ndarray) -> np.ndarray | None:
            nonlocal memory
            narrower = networks.narrow(memory, rows)
            if narrower is None:
                return None
            memory, kept = narrower
            return kept

        count = options.beam_size if options.mbr or options.num_best > 1 else 1  # some texts may turn out equal
        beam = beam_search(step, memory.state, limits, options.changed(num_best=count), narrow)
        return choose_by_mbr(beam, options.mbr, count) if options.mbr else beam

    def _align(self, sources: list[list[int]], targets: list[list[int]]) -> np.ndarray:
        target_input, _ = shift(pad_with_eos(targets))
        longest = max(map(len, sources)) + 1
        weights = np.zeros((*target_input.shape, longest), np.float32)
        with self._borrowed() as networks:
            for row, (source, ids) in enumerate(zip(sources, target_input, strict=True)):
                memory = networks.encode(pad_with_eos([source]))
                state = memory.state
                for time in range(len(targets[row]) + 1):
                    attention, state = networks.align(memory, ids[time : time + 1], state)
                    weights[row, time, : len(attention)] = attention
        return weights


def _check_search(options: SearchOptions, networks: LiteNetworks) -> None:
    if options.beam_size > networks.beams[-1]:
        raise ValueError(
            f"This LiteRT folder searches with a beam of up to {networks.beams[-1]}. Received: {options.beam_size}. "
            f"For a wider one: seq2seq export RUN --format litert --beam-size {options.beam_size}"
        )
    if options.groups > 1:
        raise ValueError("A LiteRT folder has no diverse groups. Use the run folder for them.")
    if options.coverage_penalty and options.beam_size > 1:
        raise ValueError("A LiteRT folder has no coverage penalty. Use the run folder for it.")
    rules = {"min_length": options.min_length, "no_repeat": options.no_repeat_ngram}
    if rules != networks.rules:
        made, asked = (" and ".join(f"{name} {value}" for name, value in r.items()) for r in (networks.rules, rules))
        raise ValueError(f"This LiteRT folder was exported with {made}. Received: {asked}. Export the run again.")


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
