"""What every measure gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A number and how it was computed."""

    score: float
    """0 to 100 (TER may exceed 100; lower is better there)."""
    signature: str
    """Everything that must be equal for two scores to be comparable."""
