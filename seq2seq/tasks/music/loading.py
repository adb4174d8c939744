"""From a run folder to a model that scores and composes music."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.tasks.music.folder import MusicRunFolder

if TYPE_CHECKING:
    from seq2seq.inference.music import Composer


def load_composer(path: Path, others: Sequence[Path] = ()) -> Composer:
    """Returns the model of a run folder.

    Raises:
        ValueError: something is missing or damaged, or there are `others`: models of music are not mixed.
    """
    if others:
        raise ValueError(f"Expected one run: models of music are not mixed. Received: {len(others) + 1} runs")
    folder = MusicRunFolder(path)
    model, codec = folder.load_model()
    if folder.load_recipe().events.keys:
        from seq2seq.inference.rolls import RollScorer

        return RollScorer(model, codec, str(path), folder.load_corpus())
    from seq2seq.inference.music import Composer

    return Composer(model, codec, str(path), folder.load_corpus())
