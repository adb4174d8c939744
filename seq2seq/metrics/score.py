"""What every measure gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A number and how it was computed."""

    score: float
    """Most are 0 to 100; the names for which lower is better are in `metrics.LOWER_IS_BETTER`."""
    signature: str
    """Everything that must be equal for two scores to be comparable."""
