"""Text to text on a model: the one path that validation, evaluation, the command line and exports use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.generation.searcher import Searcher, output_limit
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.pipeline.batches import pad, shift
from seq2seq.search.greedy import forbid_control_symbols
from seq2seq.search.options import InputTooLong, SearchOptions
from seq2seq.symbols import EOS, PAD
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.types import EMPTY, Hypothesis, SearchResult


class Generator:
    """Translates lines of text.

    Args:
        model: A built `Seq2Seq`.
        source_tokenizer: For the lines that come in.
        target_tokenizer: For the lines that go out.
        options: How to search.
    """

    def __init__(
        self,
        model: Seq2Seq,
        source_tokenizer: SubwordTokenizer,
        target_tokenizer: SubwordTokenizer,
        options: SearchOptions = SearchOptions(),
    ):
        self.model = model
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.options = options
        self._greedy: Generator | None = None
        self._searcher = _compiled(Searcher(model, options))
        self._aligner = _compiled(_Aligner(model))
        self._scorer = _compiled(_Scorer(model))

    def with_options(self, **changes: Any) -> Generator:
        """Returns a generator on the same model that searches otherwise."""
        return Generator(self.model, self.source_tokenizer, self.target_tokenizer, replace(self.options, **changes))

    @property
    def has_attention(self) -> bool:
        """Whether `align` has something to show."""
        return self.model.decoder.attend is not None

    def greedy(self) -> Generator:
        """Returns the same generator with the quickest search; made once, so that its graph is too."""
        if self._greedy is None:
            self._greedy = self.with_options(beam_size=1, num_best=1, sampling=False)
        return self._greedy

    def __call__(self, lines: Sequence[str] | str, batch_size: int = 64) -> list[str] | str:
        """Returns the best translation of each line, or of the one line."""
        if isinstance(lines, str):
            return self.generate([lines], batch_size)[0][0].text
        return [best[0].text for best in self.generate(lines, batch_size)]

    def generate(self, lines: Sequence[str], batch_size: int = 64) -> list[list[Hypothesis]]:
        """Returns the `num_best` hypotheses of each line, in the order of the lines; an empty line stays empty.

        Args:
            lines: Text, one input each.
            batch_size: Lines searched together, lines of like length. It changes the speed, not the result.

        Raises:
            InputTooLong: a line has more than `max_input` pieces; nothing is translated then.
        """
        sources = self.source_tokenizer.encode(lines)
        for index, ids in enumerate(sources):
            if len(ids) > self.options.max_input:
                raise InputTooLong(index, len(ids), self.options.max_input)
        results: list[list[Hypothesis]] = [[EMPTY]] * len(lines)
        for chosen in _by_length([len(s) for s in sources], batch_size):
            inputs = _source_batch([sources[i] for i in chosen])
            if self.options.sampling:
                # One stream a line, so that its draws do not depend on the lines beside it.
                longest = output_limit(inputs.shape[1], self.options)
                draws = [np.random.default_rng([self.options.seed, i]).random(longest + 1) for i in chosen]
                rows = draws + draws[:1] * (len(inputs) - len(chosen))
                found = self._searcher.predict_on_batch((inputs, np.asarray(rows, np.float32)))
            else:
                found = self._searcher.predict_on_batch(inputs)
            for row, hypotheses in zip(chosen, self._to_text(found, len(chosen)), strict=True):
                results[row] = hypotheses
        return results

    def _to_text(self, found: Any, rows: int) -> list[list[Hypothesis]]:
        found = SearchResult(*(np.asarray(part)[:rows] for part in found))
        places = [(row, n) for row in range(rows) for n in range(found.ids.shape[1]) if found.scores[row, n] > -1e8]
        ids = [found.ids[row, n, : found.lengths[row, n]].tolist() for row, n in places]
        results: list[list[Hypothesis]] = [[] for _ in range(rows)]
        for (row, n), pieces, text in zip(places, ids, self.target_tokenizer.decode(ids), strict=True):
            results[row].append(
                Hypothesis(
                    text,
                    tuple(self.target_tokenizer.pieces(pieces)),
                    float(found.scores[row, n]),
                    float(found.log_probabilities[row, n]),
                )
            )
        return results

    def align(self, pairs: Sequence[tuple[str, Sequence[str]]], batch_size: int = 64) -> list[np.ndarray]:
        """Returns for each (source line, target pieces) the attention weights, `(pieces + 1, source pieces + 1)`.

        The last row is the EOS, the last column the source's EOS; rows sum to 1.

        Raises:
            ValueError: the model has no attention.
        """
        if not self.has_attention:
            raise ValueError("This model has no attention, so it has no alignments.")
        targets = [self.target_tokenizer.ids(pieces) for _, pieces in pairs]
        sources = self.source_tokenizer.encode([line for line, _ in pairs])
        results: list[np.ndarray] = [np.zeros((1, 1), np.float32)] * len(pairs)
        for chosen in _by_length([len(s) for s in sources], batch_size):
            target_input, _ = _target_batch([targets[i] for i in chosen])
            source = _source_batch([sources[i] for i in chosen])
            weights = np.asarray(self._aligner.predict_on_batch((source, target_input)))
            for row, i in enumerate(chosen):
                results[i] = weights[row, : len(targets[i]) + 1, : len(sources[i]) + 1]
        return results

    def score(self, pairs: Sequence[tuple[str, str]], batch_size: int = 64) -> list[np.ndarray]:
        """Returns for each (source line, target line) the log-probability of every target piece and of the EOS.

        Forced decoding: `(pieces + 1,)`, in nats. A pair with an empty source gives an empty array.
        """
        targets = self.target_tokenizer.encode([target for _, target in pairs])
        return self.score_ids([source for source, _ in pairs], targets, batch_size)

    def score_ids(
        self, lines: Sequence[str], targets: Sequence[Sequence[int]], batch_size: int = 64
    ) -> list[np.ndarray]:
        """As `score`, for targets that are ids already."""
        sources = self.source_tokenizer.encode(lines)
        results: list[np.ndarray] = [np.zeros(0, np.float32)] * len(sources)
        for chosen in _by_length([len(s) for s in sources], batch_size):
            target_input, target_output = _target_batch([targets[i] for i in chosen])
            source = _source_batch([sources[i] for i in chosen])
            gains = np.asarray(self._scorer.predict_on_batch((source, target_input, target_output)))
            for row, i in enumerate(chosen):
                results[i] = gains[row, : len(targets[i]) + 1]
        return results


class _Aligner(keras.Model):
    def __init__(self, model: Seq2Seq):
        super().__init__(name="aligner")
        self.model = model

    def call(self, inputs: Any) -> Any:
        source, target_input = inputs
        memory = self.model.encode(source, training=False)
        return self.model.align(target_input, memory, memory.state)


class _Scorer(keras.Model):
    def __init__(self, model: Seq2Seq):
        super().__init__(name="scorer")
        self.model = model

    def call(self, inputs: Any) -> Any:
        source, target_input, target_output = inputs
        logits = ops.cast(self.model((source, target_input), training=False), "float32")
        logits = forbid_control_symbols(logits)  # as the search does, or its own output would score otherwise
        gains = ops.take_along_axis(ops.log_softmax(logits), ops.expand_dims(target_output, 2), axis=2)
        return ops.squeeze(gains, -1)


def _compiled(model: keras.Model) -> keras.Model:
    # On a CPU, XLA lost every comparison under TensorFlow; elsewhere there is nothing but a compiled step.
    model.compile(jit_compile=keras.backend.backend() != "tensorflow")
    return model


def _by_length(lengths: list[int], batch_size: int) -> list[list[int]]:
    """Groups the places of the lines that are not empty, longest first so that memory is known at once."""
    order = sorted((i for i, n in enumerate(lengths) if n), key=lambda i: -lengths[i])
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def _source_batch(sources: list[list[int]]) -> np.ndarray:
    return _static(pad([[*ids, EOS] for ids in sources]))


def _target_batch(targets: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    return shift(_static(pad([[*ids, EOS] for ids in targets])))


def _static(ids: np.ndarray) -> np.ndarray:
    """Rounds a batch up to one of few shapes where every new shape costs a compilation."""
    if keras.backend.backend() == "tensorflow":
        return ids
    rows, width = 1 << (len(ids) - 1).bit_length(), -(-ids.shape[1] // 16) * 16
    grown = np.full((rows, width), PAD, ids.dtype)
    grown[: len(ids), : ids.shape[1]] = ids
    grown[len(ids) :] = grown[0]
    return grown
