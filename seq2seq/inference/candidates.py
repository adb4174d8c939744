"""Outputs that a model draws for the sources of a training batch, scored against its targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from seq2seq.indexing import repeat_rows
from seq2seq.kernels.shapes import predict
from seq2seq.models.seq2seq import Seq2Seq
from seq2seq.search.greedy import draw_by_id, follow
from seq2seq.search.options import SearchOptions
from seq2seq.symbols import EOS, PAD
from seq2seq.text.subword import SubwordTokenizer
from seq2seq.text.token_batches import shift
from seq2seq.training.risk import Candidates
from seq2seq.types import Batch, Ids, Padded, SearchResult, State, Tensor

Measure = Callable[[Sequence[str], Sequence[str]], np.ndarray]
"""`(outputs, references) -> (lines,)`: how wrong each output is, 0 to 1."""

_DRAWS = 0x5157
"""Parts these random numbers from all others of a seed."""


@dataclass(frozen=True)
class Drawing:
    """What `Candidate` outputs are drawn by.

    Args:
        samples: Outputs of each source.
        limits: How long the run may write.
        seed: Of the run.
        rank: Of this process: each draws for rows of its own.
    """

    samples: int
    limits: SearchOptions
    seed: int
    rank: int = 0


class CandidateSampler:
    """Adds `Candidates` to batches: outputs drawn from the model as it is, without dropout.

    What is drawn is a function of the weights and of (seed, epoch, step). No output has more than twice the tokens of
    its target.

    Args:
        model: A built `Seq2Seq`.
        tokenizer: Of the target.
        measure: Compares the texts of outputs with those of the targets, both as the vocabulary writes them.
        drawing: How many, how long, and from which random numbers.
    """

    def __init__(self, model: Seq2Seq, tokenizer: SubwordTokenizer, measure: Measure, drawing: Drawing):
        self.tokenizer, self.measure, self.drawing = tokenizer, measure, drawing
        self._drawer = _Drawer(model)
        self._drawer.compile(jit_compile=keras.backend.backend() != "tensorflow")

    def __call__(self, batch: Batch, epoch: int, step: int) -> Batch:
        """Returns the batch with candidates among its extras."""
        targets = np.sum(batch.weights > 0, axis=1)  # tokens and EOS; 0 in filler rows
        result = self._draw(batch, targets, np.random.default_rng(self._key(epoch, step)))
        ids, lengths, log_probs = (np.asarray(part) for part in result[:3])
        counted = _first_of_equals(ids) & (targets > 0)[:, None]
        risks = np.zeros(counted.shape, np.float32)
        if counted.any():
            rows, samples = np.nonzero(counted)
            places = zip(rows, samples, strict=True)
            outputs = self.tokenizer.decode([ids[row, n, : lengths[row, n]].tolist() for row, n in places])
            texts = self.tokenizer.decode(
                [row[:n].tolist() for row, n in zip(batch.target_output, targets, strict=True)]
            )
            risks[rows, samples] = self.measure(outputs, [texts[row] for row in rows])
        output, weights = _with_eos(ids, lengths, counted)
        first, _ = shift(output.reshape(-1, output.shape[2]))
        candidates = Candidates(first.reshape(output.shape), output, weights, log_probs, risks)
        return batch._replace(extras={**batch.extras, **candidates.extras()})

    def _key(self, epoch: int, step: int) -> list[int]:
        return [self.drawing.seed, _DRAWS, epoch, step, self.drawing.rank]

    def _draw(self, batch: Batch, targets: np.ndarray, random: np.random.Generator) -> SearchResult:
        assert batch.source is not None
        options = self.drawing.limits
        lengths = np.sum(batch.source.mask, axis=1) - 1  # the EOS of the source does not count
        limits = np.minimum(options.output_limit(lengths, np.minimum, np.maximum), 2 * targets).astype(np.int32)
        # Where the backend compiles a graph for each shape, the width follows from that of the batch.
        longest = int(limits.max()) if keras.backend.backend() == "tensorflow" else 2 * batch.target_output.shape[1]
        shape = len(limits), longest + 1, self.drawing.samples
        inputs = {"source": batch.source, "limits": limits, "uniforms": random.random(shape, np.float32)}
        result: SearchResult = predict(self._drawer, inputs)
        return result


class _Drawer(keras.Model):
    """Call arguments: by name `source`, a `Padded`; `limits`, `(batch,)`, int32; `uniforms`, `(batch, width + 1,
    samples)`, float32, where width is the largest limit."""

    def __init__(self, model: Seq2Seq):
        # Half precision would leave few different random numbers.
        super().__init__(name="drawer", dtype=model.dtype_policy, autocast=False)
        self.model = model

    def call(self, inputs: dict[str, Any]) -> SearchResult:
        encoded = self.model.encode(Padded(*inputs["source"]), training=False)
        batch, width, samples = ops.shape(inputs["uniforms"])
        uniforms = ops.reshape(ops.transpose(inputs["uniforms"], (1, 0, 2)), (width, -1))

        def step(ids: Ids, state: State) -> tuple[Tensor, State]:
            logits, state = self.model.decode(ops.expand_dims(ids, 1), encoded, state, training=False)
            return ops.squeeze(logits, 1), state

        state, limits = (repeat_rows(each, samples) for each in (encoded.state, inputs["limits"]))
        drawn, _ = follow(step, state, limits, width - 1, lambda logits, time: draw_by_id(logits, uniforms[time]))
        return SearchResult(*(ops.reshape(part, (batch, samples, *ops.shape(part)[2:])) for part in drawn))


def _first_of_equals(ids: np.ndarray) -> np.ndarray:
    """Returns which rows of each `(samples, width)` are equal to none before them, `(batch, samples)`, bool."""
    same = (ids[:, :, None] == ids[:, None, :]).all(axis=3)  # (batch, samples, samples)
    return ~np.tril(same, -1).any(axis=2)


def _with_eos(ids: np.ndarray, lengths: np.ndarray, counted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns `(batch, samples, time)` outputs with their EOS, and the weights of their tokens."""
    widest = int(lengths.max()) if keras.backend.backend() == "tensorflow" else ids.shape[2]
    ids = np.pad(ids, [(0, 0), (0, 0), (0, 1)], constant_values=PAD)[:, :, : widest + 1]
    places = np.arange(widest + 1)
    output = np.where(places == lengths[:, :, None], EOS, ids).astype(np.int32)
    weights = (places <= lengths[:, :, None]) & counted[:, :, None]
    return output, weights.astype(np.float32)
