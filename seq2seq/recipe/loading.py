"""From a run folder to a generator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.recipe.run_folder import RunFolder

if TYPE_CHECKING:
    from seq2seq.generation.generator import Generator


def load_generator(path: Path, **options: Any) -> Generator:
    """Returns the run's model with its tokenisers and its search, `options` changed; errors as `load_model`."""
    folder = RunFolder(path)
    search = replace(folder.load_recipe().search, **options)
    # Everything that is quick to check has been checked: now the framework.
    from seq2seq.generation.generator import Generator

    return Generator(*folder.load_model(), search)
