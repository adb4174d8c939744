"""How hypotheses of different lengths are compared."""

from __future__ import annotations

from keras import ops

from seq2seq.types import Mask, Tensor

NORMALIZATIONS = ("none", "average", "gnmt")


def length_normalizer(lengths: Tensor, kind: str, length_penalty: float) -> Tensor:
    """Returns what a sum of log-probabilities is divided by; it never falls as `lengths` grow.

    Args:
        lengths: Tokens, EOS included; float, at least 1.
        kind: "none": 1; "average": length ** length_penalty; "gnmt": ((5 + length) / 6) ** length_penalty (Wu et al.
            2016, eq. 14).
        length_penalty: 0 is no normalisation; must not be negative.
    """
    if kind == "none":
        return ops.ones_like(lengths)
    if kind == "average":
        return lengths**length_penalty
    if kind == "gnmt":
        return ((lengths + 5.0) / 6.0) ** length_penalty
    raise ValueError(f"Unknown length normalisation. Expected one of {', '.join(NORMALIZATIONS)}. Received: {kind!r}")


def coverage_penalty(coverage: Tensor, mask: Mask, weight: float) -> Tensor:
    """Returns the penalty for source left out: weight * sum of log(min(attention, 1)) (Wu et al. 2016, eq. 14).

    Args:
        coverage: `(rows, source)`, float: the sum of the attention to each source position.
        mask: `(batch, source)`, bool; the rows of a source are neighbours.
        weight: Must not be negative.

    Returns:
        `(rows,)`, float32, at most 0.
    """
    batch, width = ops.shape(mask)
    logs = ops.log(ops.clip(ops.cast(coverage, "float32"), 1e-4, 1.0))
    logs = ops.where(ops.expand_dims(mask, 1), ops.reshape(logs, (batch, -1, width)), 0.0)
    return weight * ops.reshape(ops.sum(logs, axis=2), (-1,))
