"""The ranges of a recipe's numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seq2seq.run.parsing import leaves
from seq2seq.run.sections import Recipe

LEAST_ONE = ("training.epochs", "training.accumulate", "training.loss_budget_mb")
NOT_NEGATIVE = (
    "training.warmup_steps",
    "training.gradient_clip",
    "training.weight_decay",
    "training.patience",
    "training.keep_epochs",
    "training.skip_bad_steps",
    "training.checkpoint_minutes",
)
SHARES = ("training.ema", "training.label_smoothing")
"""Fields of the section `Training`, or of `TokenTraining`, which a task may do without."""


def out_of_range(
    recipe: Recipe, least_one: Sequence[str], not_negative: Sequence[str], shares: Sequence[str]
) -> Iterator[str]:
    """Yields a sentence for each number of a recipe that is out of its range.

    Args:
        recipe: The recipe.
        least_one: Names of fields, such as model.units, that must be at least 1; those of the training are known.
        not_negative: That must not be below 0.
        shares: That must be in [0, 1).
    """
    values = dict(leaves(recipe))
    if values["training.learning_rate"] <= 0:
        yield f"training.learning_rate must be above 0, received {values['training.learning_rate']}"
    for name in (*least_one, *LEAST_ONE):
        if values.get(name, 1) < 1:
            yield f"{name} must be at least 1, received {values[name]}"
    for name in (*not_negative, *NOT_NEGATIVE):
        if values.get(name, 0) < 0:
            yield f"{name} must not be negative, received {values[name]}"
    for name in (*shares, *SHARES):
        if not 0 <= (values.get(name) or 0) < 1:
            yield f"{name} must be in [0, 1), received {values[name]}"
