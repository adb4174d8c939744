"""Dropout over sequences."""

from __future__ import annotations

import keras


def sequence_dropout(rate: float, variational: bool, name: str) -> keras.layers.Dropout:
    """Dropout for `(batch, time, features)`.

    Args:
        rate: Share of the values that become 0, in [0, 1).
        variational: Drop the same features at every step of a sequence (Gal & Ghahramani 2016) instead of
            drawing at each step.
    """
    return keras.layers.Dropout(rate, noise_shape=(None, 1, None) if variational else None, name=name)
