"""Minimum risk training: outputs that the model draws itself, and what is wrong with them by a measure of whole texts.

The cross-entropy of the tokens asks for the reference alone, and only after its own beginnings. The expected risk asks
for outputs that a measure finds good, whatever they are (Shen et al. 2016; several such losses are compared by Edunov
et al. 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keras import ops

from seq2seq.types import Batch, Ids, Tensor


class Candidates(NamedTuple):
    """Outputs of the sources of a batch. In a batch its fields are extras, `candidate_` before their names."""

    input: Ids
    """`(batch, samples, time)`, int32: what the decoder reads, BOS and the output without its EOS."""
    output: Ids
    """`(batch, samples, time)`, int32: the output and its EOS."""
    weights: Tensor
    """`(batch, samples, time)`, float32: 1 at the tokens and the EOS of an output that counts, otherwise 0. Of equal
    outputs of a source one counts."""
    log_probs: Tensor
    """`(batch, samples)`, float32: the log-probability of each output, by the weights that it was drawn with."""
    risks: Tensor
    """`(batch, samples)`, float32: 0 where nothing is wrong with an output, 1 where all is."""

    def extras(self) -> dict[str, Tensor]:
        """Returns the entries of `Batch.extras`."""
        return dict(zip(EXTRAS, self, strict=True))

    @classmethod
    def of(cls, batch: Batch) -> Candidates:
        """Returns those of a batch that has them."""
        return cls(*(batch.extras[name] for name in EXTRAS))


EXTRAS = tuple(f"candidate_{name}" for name in Candidates._fields)
"""Names of the fields of `Candidates` in a batch."""


@dataclass(frozen=True)
class RiskLoss:
    """The expected risk of the outputs that were drawn for each source; see `relative_risk`. Counts in batches that
    have such outputs.

    The distribution over the outputs is that of the weights they were drawn with, without dropout; the gradients of
    their log-probabilities are those of the step, with its dropout. Without dropout they are the gradients of the risk.

    Args:
        head: Of the model.
        rate: What it counts in the objective.
        sharpness: As in `relative_risk`.
        budget: Bytes that the logits may take at once.
    """

    head: Any
    rate: float = 1.0
    sharpness: float = 0.005
    budget: int = 64 * 2**20
    name: ClassVar[str] = "risk"
    needs_attention: ClassVar[bool] = False
    needs_two_passes: ClassVar[bool] = False
    extras: ClassVar[tuple[str, ...]] = EXTRAS

    def __call__(self, batch: Batch, outputs: Any) -> Tensor:
        drawn = Candidates.of(batch)
        counted = ops.max(drawn.weights, axis=2)
        risk, pull = relative_risk(drawn.log_probs, drawn.risks, counted, self.sharpness)
        share = ops.max(batch.weights, axis=1)  # of each row: 0 in filler rows, half in each of two passes
        weights = drawn.weights * ops.expand_dims(pull * ops.expand_dims(share, 1), 2)
        time = ops.shape(drawn.output)[2]
        output, weights = (ops.reshape(each, (-1, time)) for each in (drawn.output, weights))
        # The gradient of the risk is that of the log-probabilities, each times its pull: the head's loss with weights
        # that may be below 0, in as little memory.
        pulled = -self.head.loss(outputs.candidates, output, weights, budget=self.budget, training=True).loss
        return ops.sum(share * risk) + pulled - ops.stop_gradient(pulled)


def relative_risk(log_probs: Tensor, risks: Tensor, counted: Tensor, sharpness: float) -> tuple[Tensor, Tensor]:
    """Returns how far the expected risk is above that of even probabilities, over the sharpness.

    The expected risk of Shen et al. 2016 (section 3) is the mean risk of the outputs y that were drawn, each with the
    probability Q(y) = P(y) ** sharpness, over the sum of these powers. They take a sharpness of 0.005 for
    log-probabilities of whole sequences, which differ by many nats: at 1 the likeliest output alone would count. The
    mean risk that is taken off is no function of the weights. The division keeps the gradient from becoming smaller
    with the sharpness; near 0 it is that of policy gradients with the mean as baseline, over the number of outputs.

    Args:
        log_probs: `(batch, samples)`, float32, P in nats; taken as constant.
        risks: `(batch, samples)`, float32.
        counted: `(batch, samples)`, float32: 1 for each output that counts, else 0. A row may have none.
        sharpness: Above 0.

    Returns:
        The risk, `(batch,)`; and its derivative by the log-probabilities, `(batch, samples)`: Q(y) times how far the
        risk of y is above the expected one. Both are exactly 0 in a row where all outputs have the same risk.
    """
    log_probs, risks = ops.stop_gradient(log_probs), ops.stop_gradient(risks)
    # Risks count from that of the first output that counts, so that equal ones give 0 and not a rounding error.
    first = ops.argmax(counted, axis=1)
    is_first = ops.cast(ops.equal(ops.arange(ops.shape(risks)[1]), ops.expand_dims(first, 1)), "float32")
    risks = (risks - ops.sum(risks * is_first, axis=1, keepdims=True)) * counted
    chances = ops.softmax(ops.where(counted > 0, sharpness * log_probs, -1e9), axis=1) * counted
    even = counted / ops.maximum(ops.sum(counted, axis=1, keepdims=True), 1.0)
    expected = ops.sum(chances * risks, axis=1)
    pull = chances * (risks - ops.expand_dims(expected, 1))
    return ops.sum((chances - even) * risks, axis=1) / sharpness, pull
