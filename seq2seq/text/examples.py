"""Pairs of texts, and how their words belong together."""

from __future__ import annotations

from dataclasses import dataclass, field

AlignmentPoints = list[tuple[int, int]]
"""Positions in the source and in the target that belong together, both from 0."""


@dataclass(frozen=True)
class Example:
    """A source and its target, text without line breaks, and where they were read."""

    source: str
    target: str
    line: int
    """Counted from 1."""
    references: tuple[str, ...] = ()
    """Further correct targets; only test sets have them."""
    alignment: tuple[tuple[int, int], ...] = ()
    """Words of the source and of the target that belong together, from 0; only training with an alignment loss needs
    them."""
    file: str = field(default="", compare=False)
    """The file of the source; empty for text in memory."""

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.file}:{self.line}"
