"""Terms that an objective adds to the loss of the head: coverage, alignment, selector, activations and agreement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
from keras import ops

from seq2seq.types import Batch, Mask, Tensor


@dataclass(frozen=True)
class CoverageLoss:
    """Penalises attention to what was attended to before; see `coverage_loss`.

    Args:
        rate: What a unit of it counts in the objective.
    """

    rate: float = 1.0
    name: ClassVar[str] = "coverage"
    needs_attention: ClassVar[bool] = True
    needs_two_passes: ClassVar[bool] = False
    extras: ClassVar[tuple[str, ...]] = ()

    def __call__(self, batch: Batch, outputs: Any) -> Tensor:
        return coverage_loss(outputs.attention, batch.weights)


@dataclass(frozen=True)
class AlignmentLoss:
    """Moves attention to where an alignment says; see `alignment_loss`. Counts in batches that have one.

    Args:
        rate: What a nat of it counts in the objective.
    """

    rate: float = 1.0
    name: ClassVar[str] = "alignment"
    needs_attention: ClassVar[bool] = True
    needs_two_passes: ClassVar[bool] = False
    extras: ClassVar[tuple[str, ...]] = ("alignment",)

    def __call__(self, batch: Batch, outputs: Any) -> Tensor:
        return alignment_loss(outputs.attention, batch.extras["alignment"], batch.weights)


@dataclass(frozen=True)
class SelectorLoss:
    """Trains the selector of a model; see `selector_loss`. Counts in batches that have an alignment.

    Args:
        rate: What a nat of it counts in the objective.
    """

    rate: float = 1.0
    name: ClassVar[str] = "selector"
    needs_attention: ClassVar[bool] = False
    needs_two_passes: ClassVar[bool] = False
    extras: ClassVar[tuple[str, ...]] = ("alignment",)

    def __call__(self, batch: Batch, outputs: Any) -> Tensor:
        if batch.source is None:
            raise ValueError("A selector chooses among the positions of a source. Received: a batch without a source")
        return selector_loss(outputs.keep, batch.extras["alignment"], batch.source.mask, batch.weights)


@dataclass(frozen=True)
class ActivationLoss:
    """Keeps the features small: the mean of their squares at each step, summed (Merity et al. 2018, 4.4: AR).

    Args:
        rate: What it counts in the objective; 2 is usual.
    """

    rate: float = 2.0
    name: ClassVar[str] = "activation"
    needs_attention: ClassVar[bool] = False
    needs_two_passes: ClassVar[bool] = False
    extras: ClassVar[tuple[str, ...]] = ()

    def __call__(self, batch: Batch, outputs: Any) -> Tensor:
        squares = ops.mean(ops.square(ops.cast(outputs.features, "float32")), axis=2)
        return ops.sum(squares * batch.weights)


@dataclass(frozen=True)
class SlownessLoss:
    """Keeps the features from changing fast: the mean square of the change from step to step, summed (Merity et al.
    2018, 4.4: TAR). With variational dropout the change is that of the features without it, times a constant.

    Args:
        rate: What it counts in the objective; 1 is usual.
    """

    rate: float = 1.0
    name: ClassVar[str] = "slowness"
    needs_attention: ClassVar[bool] = False
    needs_two_passes: ClassVar[bool] = False
    extras: ClassVar[tuple[str, ...]] = ()

    def __call__(self, batch: Batch, outputs: Any) -> Tensor:
        features = ops.cast(outputs.features, "float32")
        changes = ops.mean(ops.square(features[:, 1:] - features[:, :-1]), axis=2)
        return ops.sum(changes * batch.weights[:, 1:])


@dataclass(frozen=True)
class AgreementLoss:
    """Makes two passes over a batch, which drop other values, agree on the next token (R-Drop; Wu et al. 2021, eq. 4).

    With a rate of alpha the loss is half of theirs: the mean cross-entropy of both passes, and alpha / 4 times the sum
    of the divergences in both directions.

    Args:
        head: A `VocabularyHead`.
        rate: alpha. 5 is usual for translation.
        budget: Bytes that the logits may take at once.
    """

    head: Any
    rate: float = 5.0
    budget: int = 64 * 2**20
    name: ClassVar[str] = "agreement"
    needs_attention: ClassVar[bool] = False
    needs_two_passes: ClassVar[bool] = True
    extras: ClassVar[tuple[str, ...]] = ()

    def __call__(self, batch: Batch, outputs: Any) -> Tensor:
        rows = ops.reshape(outputs.features, (2, -1, outputs.features.shape[-1]))
        weights = ops.reshape(batch.weights, (2, -1))[0]  # half of each step's: the passes share it
        return self.head.divergence(rows[0], rows[1], weights, self.budget)


def coverage_loss(attention: Tensor, weights: Tensor) -> Tensor:
    """Sums the attention to positions that had it before (See et al. 2017, eq. 12) over the steps.

    Args:
        attention: `(batch, target, source)`, float.
        weights: `(batch, target)`, float32; a step of weight 0 does not count.
    """
    attention = ops.cast(attention, "float32")
    coverage = ops.cumsum(attention, axis=1) - attention
    return ops.sum(ops.sum(ops.minimum(attention, coverage), axis=2) * weights)


def alignment_loss(attention: Tensor, alignment: Tensor, weights: Tensor) -> Tensor:
    """Sums the cross-entropy of the attention with an alignment (Chen et al. 2016) over the steps.

    Args:
        attention: `(batch, target, source)`, float, rows that sum to 1.
        alignment: `(batch, target, source)`, float32: rows that sum to 1, or to 0 at a step without an alignment, which
            adds nothing.
        weights: `(batch, target)`, float32; a step of weight 0 does not count.

    Returns:
        A float32 scalar, in nats; 0 where all attention goes to the one token that it should go to.
    """
    # In float16 the gradient of a logarithm near 0 would be infinite.
    small = 1e-4 if keras.backend.standardize_dtype(attention.dtype) == "float16" else 1e-30
    logs = ops.log(ops.cast(attention, "float32") + small)
    return -ops.sum(ops.sum(alignment * logs, axis=2) * weights)


def selector_loss(keep: Tensor, alignment: Tensor, mask: Mask, weights: Tensor) -> Tensor:
    """Sums the cross-entropy of a selector's choices over the tokens of the source.

    Args:
        keep: `(batch, source)`, float32, log-odds.
        alignment: `(batch, target, source)`, float32: above 0 where a target token is aligned to a source token, which
            should then be kept.
        mask: `(batch, source)`, bool: the real positions of the source. The last of each row ends it, and does not
            count.
        weights: `(batch, target)`, float32; a row whose steps all have weight 0 does not count.

    Returns:
        A float32 scalar, in nats.
    """
    expected = ops.cast(ops.max(alignment, axis=1) > 0, "float32")
    inner = ops.concatenate([mask[:, 1:], ops.zeros_like(mask[:, :1])], axis=1)
    counted = ops.cast(inner, "float32") * ops.max(weights, axis=1, keepdims=True)
    return ops.sum(counted * (ops.softplus(keep) - expected * keep))
