"""Which epoch is the best: by what it is measured, and in what order. Imports no framework."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seq2seq.metrics import LOWER_IS_BETTER
from seq2seq.tasks.text_to_text.kind import kind_of
from seq2seq.tasks.text_to_text.recipe import Recipe

SCORES = ("bleu", "chrf", "ter", "rouge", "exact_match", "cer")
"""What greedy outputs can be scored by."""
SHORT = 4.0
"""Words: BLEU counts runs of 4, and is 0 or nearly so for lines that are shorter."""
LABELS = 4
"""Lines for each different target, from which on the targets are labels, right or wrong as a whole."""


@dataclass(frozen=True)
class Selection:
    """What chooses the best epoch. It follows from the recipe and the validation text alone."""

    score: str
    """What greedy outputs are scored by: `val_<score>` of the history."""
    by_loss: bool
    """Whether the loss chooses instead."""
    reason: str

    @classmethod
    def of(cls, recipe: Recipe, targets: Sequence[str]) -> Selection:
        """Returns what `training.select_by` means for these validation targets.

        auto: exact_match where each target comes at least `LABELS` times on average; otherwise chrf where lines have
        fewer than `SHORT` words on average; otherwise the score of the task.
        """
        asked, how = recipe.training.select_by, recipe.tokenization
        if asked not in ("auto", "loss"):
            return cls(asked, False, "training.select_by names it")
        length = sum(len(how.split(target)) for target in targets) / max(1, len(targets))
        kinds = len(set(targets))
        if len(targets) >= LABELS * max(1, kinds):
            score, reason = "exact_match", f"{len(targets):,} validation targets are of {kinds:,} kinds"
        elif length < SHORT:
            score, reason = "chrf", f"the validation targets have {length:.1f} words a line, fewer than {SHORT:.0f}"
        else:
            score = kind_of(recipe).selection_score
            reason = f"the validation targets have {length:.1f} words a line"
        return cls(score, True, "training.select_by names it") if asked == "loss" else cls(score, False, reason)

    @property
    def column(self) -> str:
        """Of the history."""
        return f"val_{self.score}"

    @property
    def name(self) -> str:
        """What chooses, in words."""
        return "loss" if self.by_loss else self.score

    def best(self, history: Sequence[Mapping[str, Any]]) -> int:
        """Returns the place of the best row; of equal scores the lower loss is better, of equal losses the earlier."""
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
