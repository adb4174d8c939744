"""Which epoch is the best, by a score and the loss of validation. Imports no framework."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.metrics import LOWER_IS_BETTER


@dataclass(frozen=True)
class Selection:
    """What chooses the best epoch. It follows from the recipe and the validation data alone."""

    score: str
    """Name of the score: `val_<score>` in the history."""
    by_loss: bool
    """Whether the loss chooses instead."""
    reason: str

    @property
    def column(self) -> str:
        """Of the history."""
        return f"val_{self.score}"

    @property
    def name(self) -> str:
        """What chooses, in words."""
        return "loss" if self.by_loss else self.score

    def best(self, history: Sequence[Mapping[str, Any]]) -> int:
        """Returns the index of the best row; of equal scores the lower loss is better, of equal losses the earlier."""
        return max(range(len(history)), key=lambda place: (*self._value(history[place]), -place))

    def _value(self, row: Mapping[str, Any]) -> tuple[float, float]:
        loss, score = float(row["val_nll"]), float(row[self.column])
        first = -loss if self.by_loss else -score if self.score in LOWER_IS_BETTER else score
        return _low_if_nan(first), _low_if_nan(-loss)

    def stale(self, history: Sequence[Mapping[str, Any]], begin: int = 0) -> int:
        """Returns how many epochs in a row were better neither by the score nor by the loss, from `begin` on.

        Early scores are noise, so a loss that still falls is reason enough to go on.
        """
        if not history:
            return 0
        lowest = min(range(len(history)), key=lambda place: -_low_if_nan(-float(history[place]["val_nll"])))
        return len(history) - max(self.best(history) + 1, lowest + 1, begin)

    def is_constant(self, history: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the score is the same in all of several epochs: the loss alone then chooses."""
        return len(history) > 1 and not self.by_loss and len({float(row[self.column]) for row in history}) == 1


def _low_if_nan(value: float) -> float:
    return -math.inf if math.isnan(value) else value
