"""From folders to a generator: of a run, of several as an ensemble, or of a LiteRT export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.lite.folder import is_lite_folder

if TYPE_CHECKING:
    from seq2seq.generation.generator import Generator
    from seq2seq.generation.lines import LineGenerator


def load_translator(
    path: Path, others: Sequence[Path | str] = (), ensemble: str = "probabilities", **options: Any
) -> LineGenerator:
    """Returns what translates with a run folder or a LiteRT folder, its search changed by `options`.

    A LiteRT folder needs neither TensorFlow nor Keras. ValueError says what is wrong with the folder. With `others` as
    `load_generator`.
    """
    if is_lite_folder(path) and not others:
        from seq2seq.lite.generator import LiteGenerator

        return LiteGenerator.load(path, **options)
    return load_generator(path, others, ensemble, **options)


def load_generator(
    path: Path, others: Sequence[Path | str] = (), ensemble: str = "probabilities", **options: Any
) -> Generator:
    """Returns the run's model with its tokenisers and its search, `options` changed; errors as `load_model`.

    Args:
        path: A run folder.
        others: Further run folders: what comes back is an ensemble that searches as the first does.
        ensemble: How it mixes; see `models.ensemble.Ensemble`.
        options: Fields of `SearchOptions`.
    """
    from seq2seq.recipe.run_folder import RunFolder

    paths = [Path(path), *map(Path, others)]
    for folder in paths if others else []:
        if is_lite_folder(folder):
            raise ValueError(f"{folder} is a LiteRT folder: an ensemble wants run folders.")
    searches = [RunFolder(folder).load_recipe().search for folder in paths]
    search = searches[0].changed(**options)
    # Everything that is quick to check has been checked: now the framework.
    from seq2seq.generation.generator import Generator

    members = [Generator(*RunFolder(folder).load_model(), search) for folder in paths]
    if not others:
        return members[0]
    from seq2seq.generation.ensemble import EnsembleGenerator

    return EnsembleGenerator(members, ensemble, search, [str(folder) for folder in paths])
