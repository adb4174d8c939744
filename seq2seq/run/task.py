"""What the driver of a run needs of a task: a module with these names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from seq2seq.run.sections import Recipe as AnyRecipe


class Task(Protocol):
    """A module of `seq2seq.tasks`."""

    @property
    def NAME(self) -> str:
        """As in TASKS and in recipe.json."""

    @property
    def Recipe(self) -> type[AnyRecipe]:
        """Its sections."""

    @property
    def RECIPES(self) -> str:
        """Name of the module with its named recipes, in a mapping RECIPES; imported when one is asked for."""

    @property
    def VERBS(self) -> Sequence[str]:
        """Verbs of the command line that take its runs."""

    @property
    def EXPORTS(self) -> Sequence[str]:
        """Forms that its models are exported in."""

    @property
    def EXAMPLE(self) -> str:
        """A command that tries a run out, with {run} for its folder."""
