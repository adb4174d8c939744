"""From a folder to a generator: of a run, or of its LiteRT export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.lite.folder import is_lite_folder

if TYPE_CHECKING:
    from seq2seq.generation.generator import Generator
    from seq2seq.generation.lines import LineGenerator


def load_translator(path: Path, **options: Any) -> LineGenerator:
    """Returns what translates with a run folder or a LiteRT folder, its search changed by `options`.

    A LiteRT folder needs neither TensorFlow nor Keras. ValueError says what is wrong with the folder.
    """
    if is_lite_folder(path):
        from seq2seq.lite.generator import LiteGenerator

        return LiteGenerator.load(path, **options)
    return load_generator(path, **options)


def load_generator(path: Path, **options: Any) -> Generator:
    """Returns the run's model with its tokenisers and its search, `options` changed; errors as `load_model`."""
    from seq2seq.recipe.run_folder import RunFolder

    folder = RunFolder(path)
    search = folder.load_recipe().search.changed(**options)
    # Everything that is quick to check has been checked: now the framework.
    from seq2seq.generation.generator import Generator

    return Generator(*folder.load_model(), search)
