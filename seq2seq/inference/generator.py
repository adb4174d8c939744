"""Text to text with a model in memory: the one path that validation, evaluation, the command line and exports use."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.backend import check_process
from seq2seq.indexing import gather
from seq2seq.inference.batching import by_length, padded_with_eos
from seq2seq.inference.checks import check_batch_size, check_numbers, check_pairs
from seq2seq.inference.constraints import Constraints, TokenConstraints, to_arrays
from seq2seq.inference.lines import LineGenerator
from seq2seq.inference.searcher import Searcher, first_of
from seq2seq.inference.simultaneous import Interpreter, check_wait_k
from seq2seq.inference.simultaneous_network import KerasNetwork, obstacle
from seq2seq.kernels.shapes import predict
from seq2seq.models.seq2seq import NO_SELECTOR, Seq2Seq
from seq2seq.search.options import SearchOptions
from seq2seq.search.rules import forbid_control_symbols
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.token_batches import shift
from seq2seq.types import Hypothesis, Marks, Padded, SearchResult

_log = logging.getLogger(__name__)


class Generator(LineGenerator):
    """Generates text with a model in memory.

    Args:
        model: A built `Seq2Seq`, or what can be called as one; see `_batch`.
        source_tokenizer: For the lines that come in.
        target_tokenizer: For the lines that go out.
        options: How to search.

    Raises:
        ValueError: options that extract, for a model without a selector.
    """

    def __init__(
        self,
        model: Seq2Seq,
        source_tokenizer: SubwordTokenizer,
        target_tokenizer: SubwordTokenizer,
        options: SearchOptions = SearchOptions(),
    ):
        super().__init__(source_tokenizer, target_tokenizer, options)
        if options.extract and not model.has_selector:
            raise ValueError(NO_SELECTOR)
        self.model = model
        self._greedy: Generator | None = None
        self._network: KerasNetwork | None = None
        self._searchers: dict[str, keras.Model] = {}
        self._aligner = _compiled(_Aligner(model))
        self._scorer = _compiled(_Scorer(model))

    def with_options(self, **changes: Any) -> Generator:
        """Returns a generator on the same model with other search options."""
        options = replace(self.options, **changes)
        changed = Generator(self.model, self.source_tokenizer, self.target_tokenizer, options)
        changed.several_sentences, changed.wait_k = self.several_sentences, self.wait_k
        changed._share_graphs(self)
        return changed

    def _share_graphs(self, other: Generator) -> None:
        """Takes the graphs of a generator on the same model that no option of a search changes."""
        self._aligner, self._scorer, self._network = other._aligner, other._scorer, other._network

    @property
    def has_attention(self) -> bool:
        return self.model.has_attention

    def _check_supported(self, constraints: Constraints) -> None:
        super()._check_supported(constraints)
        if constraints.include and self.options.sampling:
            raise ValueError("Sampling cannot promise terms: it draws a token and never goes back. Search instead.")
        if self.options.extract:
            raise ValueError(
                "An extract takes its source's words as they are, so it has no constraints. Without extract "
                "(--no-extract) the decoder writes, and keeps to them."
            )

    def _search_again(
        self, sources: list[list[int]], batch_size: int, constraints: Sequence[Constraints]
    ) -> Sequence[list[Hypothesis]]:
        if self.options.beam_size == 1 or self.options.sampling or self.options.extract:
            return super()._search_again(sources, batch_size, constraints)
        return self._generate(sources, batch_size, [self.check_constraints(asked) for asked in constraints])

    def greedy(self) -> Generator:
        """Returns a generator with the quickest search; made once, so that its graph is compiled once."""
        if self._greedy is None:
            self._greedy = self.with_options(beam_size=1, num_best=1, sampling=False)
        return self._greedy

    def interpreter(self, wait_k: int) -> Interpreter:
        wait_k, source, target = check_wait_k(wait_k), self.source_tokenizer, self.target_tokenizer
        if problem := self.wait_k_obstacle():
            raise ValueError(
                f"This run cannot translate while it reads (wait_k): {problem}. Train one with training.wait_k, such "
                "as 1,3,5,9, which names what else it needs."
            )
        if not self.wait_k:
            _log.warning(
                "This run was trained on whole sentences alone and will translate badly while it reads: "
                "training.wait_k, such as 1,3,5,9, trains for it."
            )
        if self._network is None:
            self._network = KerasNetwork(self.model)
        return Interpreter(self._network, source, target, wait_k, self.options)

    def wait_k_obstacle(self) -> str:
        """Returns why this run cannot write before its source has ended; empty if it can."""
        source, target = self.source_tokenizer, self.target_tokenizer
        problem = obstacle(self.model)
        if source.placeholders or source.marks_capitals or target.marks_capitals or target.right_to_left:
            problem = problem or "its tokens need the whole line (placeholders, casing mark or right_to_left)"
        return problem

    def marks(self) -> Marks | None:
        """Returns what an extraction needs to know of the vocabulary; None if the search extracts nothing."""
        return self.source_tokenizer.marks() if self.options.extract else None

    def _batch(self, sources: Sequence[Sequence[int]]) -> Any:
        """What the model reads of sources, pieces without EOS."""
        check_process()
        return _static(padded_with_eos(sources))

    def _search(
        self, sources: list[list[int]], places: list[int], constraints: list[TokenConstraints] | None = None
    ) -> SearchResult:
        inputs: dict[str, Any] = {"source": self._batch(sources)}
        height, width = first_of(inputs["source"]).values.shape
        rows = height - len(places)  # what fills the batch up
        if self.options.sampling:
            # One stream a line, so that its draws do not depend on the lines beside it.
            prefix = max((len(c.prefix) for c in constraints or ()), default=0) + 3  # its width is rounded up to 4
            longest = self.options.output_limit(width, required=prefix)
            draws = [
                [_stream(self.options.seed, place, n).random(longest + 1) for n in range(self.options.num_best)]
                for place in places
            ]
            inputs["uniforms"] = np.asarray(draws + draws[:1] * rows, np.float32)
        kind = "plain"
        if constraints is not None:
            inputs |= to_arrays([*constraints, *constraints[:1] * rows])._asdict()
            kind = "terms" if inputs["terms"].any() else "rules"
        if kind not in self._searchers:
            whole_beam = self.options.num_best > 1 or kind != "plain"  # texts may turn out equal, or break constraints
            self._searchers[kind] = _compiled(
                Searcher(self.model, self.options, whole_beam=whole_beam, terms=kind == "terms", marks=self.marks())
            )
        return predict(self._searchers[kind], inputs)

    def _align(self, sources: list[list[int]], targets: list[list[int]]) -> np.ndarray:
        target_input, _ = shift(_static(padded_with_eos(targets)).values)
        return np.asarray(predict(self._aligner, (self._batch(sources), target_input)))

    def score(self, pairs: Sequence[tuple[str, str]], batch_size: int = 64) -> list[np.ndarray]:
        """Returns for each (source line, target line) the log-probability of every target token and of the EOS.

        Forced decoding: `(target + 1,)`, in nats. A pair with an empty source gives an empty array.
        """
        pairs = check_pairs(pairs)
        return self.score_ids([source for source, _ in pairs], self.target_ids(pairs), batch_size)

    def score_ids(
        self, lines: Sequence[str], targets: Sequence[Sequence[int]], batch_size: int = 64
    ) -> list[np.ndarray]:
        """As `score`, for targets that are ids already."""
        return [scores[:, 0] for scores in self._force(lines, targets, batch_size)]

    def choices(self, pairs: Sequence[tuple[str, str]], batch_size: int = 64) -> list[np.ndarray]:
        """Returns for each (source line, target line) what the model finds most probable at every target token.

        Forced decoding: `(target + 1, 2)`, the probability of its first choice, and 1 where that is the target's token,
        else 0. A pair with an empty source gives `(0, 2)`.
        """
        pairs = check_pairs(pairs)
        rows = self._force([source for source, _ in pairs], self.target_ids(pairs), batch_size)
        return [np.stack([np.exp(row[:, 1]), row[:, 2]], axis=1) for row in rows]

    def _force(self, lines: Sequence[str], targets: Sequence[Sequence[int]], batch_size: int) -> list[np.ndarray]:
        """Returns what the scorer computes for every target token and the EOS, `(target + 1, 3)` for each line."""
        batch_size = check_batch_size(batch_size)
        sources = self._read([line.text for line in self.masked(lines)])
        results: list[np.ndarray] = [np.zeros((0, 3), np.float32)] * len(sources)
        for chosen in by_length(sources, batch_size):
            target_input, target_output = shift(_static(padded_with_eos([targets[i] for i in chosen])).values)
            source = self._batch([sources[i] for i in chosen])
            scores = np.asarray(predict(self._scorer, (source, target_input, target_output)))
            check_numbers(scores)
            for row, i in enumerate(chosen):
                results[i] = scores[row, : len(targets[i]) + 1]
        return results


def _stream(seed: int, line: int, sample: int) -> np.random.Generator:
    """The randomness of one sample of one line; the first sample is the one that is drawn alone."""
    return np.random.default_rng([seed, line, sample] if sample else [seed, line])


class _Aligner(keras.Model):
    def __init__(self, model: Seq2Seq):
        super().__init__(name="aligner", dtype=model.dtype_policy)
        self.model = model

    def call(self, inputs: Any) -> Any:
        source, target_input = inputs
        encoded = self.model.encode(source, training=False)
        return self.model.align(target_input, encoded, encoded.state)


class _Scorer(keras.Model):
    """At each target token: its log-probability, the largest one, and whether it is the most probable token."""

    def __init__(self, model: Seq2Seq):
        super().__init__(name="scorer", dtype=model.dtype_policy)
        self.model = model

    def call(self, inputs: Any) -> Any:
        source, target_input, target_output = inputs
        encoded = self.model.encode(source, training=False)
        logits, _ = self.model.decode(target_input, encoded, encoded.state, training=False)
        logits = ops.cast(logits, "float32")
        logits = forbid_control_symbols(logits)  # as the search does, or its own output would score otherwise
        log_probs = ops.log_softmax(logits)
        expected = ops.expand_dims(target_output, 2)
        is_expected = ops.equal(ops.cast(ops.argmax(log_probs, axis=2, keepdims=True), expected.dtype), expected)
        values = gather(log_probs, expected), ops.max(log_probs, axis=2, keepdims=True)
        return ops.concatenate([*values, ops.cast(is_expected, "float32")], axis=2)


def _compiled(model: keras.Model) -> keras.Model:
    # On a CPU, XLA lost every comparison under TensorFlow; elsewhere there is nothing but a compiled step.
    model.compile(jit_compile=keras.backend.backend() != "tensorflow")
    return model


def _static(batch: Padded) -> Padded:
    """Rounds a batch up to one of few shapes where every new shape costs a compilation."""
    if keras.backend.backend() == "tensorflow":
        return batch
    rows, width = batch.values.shape
    more = (1 << (rows - 1).bit_length()) - rows, -width % 16
    wide = Padded(*(np.pad(part, [(0, 0), (0, more[1])]) for part in batch))
    return Padded(*(np.concatenate([part, np.repeat(part[:1], more[0], axis=0)]) for part in wide))
