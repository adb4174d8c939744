"""How hypotheses of different lengths are compared."""

from __future__ import annotations

from typing import Any

from keras import ops

NORMALIZATIONS = ("none", "average", "gnmt")


def length_normalizer(lengths: Any, kind: str, strength: float) -> Any:
    """What a sum of log-probabilities is divided by; it never falls as `lengths` grow.

    Args:
        lengths: Pieces, the EOS counted; float, at least 1.
        kind: "none": 1; "average": length ** strength; "gnmt": ((5 + length) / 6) ** strength (Wu et al. 2016, eq. 14).
        strength: 0 is no normalisation; must not be negative.
    """
    if kind == "none":
        return ops.ones_like(lengths)
    if kind == "average":
        return lengths**strength
    if kind == "gnmt":
        return ((lengths + 5.0) / 6.0) ** strength
    raise ValueError(f"Unknown length normalisation. Expected one of {', '.join(NORMALIZATIONS)}. Received: {kind!r}")


def coverage_penalty(seen: Any, mask: Any, strength: float) -> Any:
    """What is lost for source left out: strength * sum of log(min(attention, 1)) (Wu et al. 2016, eq. 14).

    Args:
        seen: `(rows, source)`, float: all attention that a place had.
        mask: `(batch, source)`, bool; rows that share a source stand next to each other.
        strength: Must not be negative.

    Returns:
        `(rows,)`, float32, at most 0.
    """
    batch, width = ops.shape(mask)
    lack = ops.log(ops.clip(ops.cast(seen, "float32"), 1e-4, 1.0))
    lack = ops.where(ops.expand_dims(mask, 1), ops.reshape(lack, (batch, -1, width)), 0.0)
    return strength * ops.reshape(ops.sum(lack, axis=2), (-1,))
