"""What chooses the best epoch of a text-to-text run."""

from __future__ import annotations

from collections.abc import Sequence

from seq2seq.run.selection import Selection
from seq2seq.tasks.text_to_text.kind import kind_of
from seq2seq.tasks.text_to_text.recipe import Recipe

SCORES = ("bleu", "chrf", "ter", "rouge", "exact_match", "cer")
"""What greedy outputs can be scored by."""
SHORT = 4.0
"""Words: BLEU counts runs of 4, and is 0 or nearly so for lines that are shorter."""
LABELS = 4
"""Lines for each different target, from which on the targets are labels, right or wrong as a whole."""


def choose_selection(recipe: Recipe, targets: Sequence[str]) -> Selection:
    """Returns what `training.select_by` means for these validation targets.

    auto: exact_match where each target comes at least `LABELS` times on average; otherwise chrf where lines have fewer
    than `SHORT` words on average; otherwise the score of the task.
    """
    select_by, tokenization = recipe.training.select_by, recipe.tokenization
    if select_by not in ("auto", "loss"):
        return Selection(select_by, False, "training.select_by names it")
    length = sum(len(tokenization.split(target)) for target in targets) / max(1, len(targets))
    kinds = len(set(targets))
    if len(targets) >= LABELS * max(1, kinds):
        score, reason = "exact_match", f"{len(targets):,} validation targets are of {kinds:,} kinds"
    elif length < SHORT:
        score, reason = "chrf", f"the validation targets have {length:.1f} words a line, fewer than {SHORT:.0f}"
    else:
        score = kind_of(recipe).selection_score
        reason = f"the validation targets have {length:.1f} words a line"
    if select_by == "loss":
        return Selection(score, True, "training.select_by names it")
    return Selection(score, False, reason)
