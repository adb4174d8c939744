"""What distinguishes one task that reads text and writes text from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq.tasks import task_named
from seq2seq.text.placeholders import Placeholders

if TYPE_CHECKING:
    from seq2seq.evaluation.measures import Measures
    from seq2seq.tasks.text_to_text.recipe import Recipe


@dataclass(frozen=True)
class TextKind:
    """The facts about a text-to-text task on which the shared code depends."""

    measures: Measures
    """What outputs are scored by."""
    selection_score: str
    """What `training.select_by` auto chooses the best epoch by, where lines are long enough."""
    verb: str
    """The verb of the command line that its README shows."""
    summary: str
    """What a model does, with {source} and {target} for the languages."""
    one_language: bool
    """Whether source and target are in the same language, so that a copy of the source is no mistake."""
    keeps_placeholders: bool
    """Whether an output must hold every placeholder of its source."""


def kind_of(recipe: Recipe) -> TextKind:
    """Returns the kind of a recipe's task."""
    return kind_named(recipe.task)


def kind_named(name: str) -> TextKind:
    """Returns the kind of a text-to-text task; ValueError for the name of another task, or of none."""
    kind = getattr(task_named(name), "KIND", None)
    if not isinstance(kind, TextKind):
        raise ValueError(f"Expected the name of a task that reads and writes text. Received: {name!r}")
    return kind


def placeholders_of(recipe: Recipe) -> Placeholders | None:
    """Returns what the recipe copies; None for nothing."""
    names = recipe.tokenizer.placeholders
    return Placeholders(names, required=kind_of(recipe).keeps_placeholders) if names else None
