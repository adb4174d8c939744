"""From a run folder to a model that scores and composes music."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.tasks.music.folder import MusicRunFolder

if TYPE_CHECKING:
    from seq2seq.inference.music import Composer, MusicModel


def load_model(path: Path, others: Sequence[Path] = ()) -> MusicModel:
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

        return RollScorer(model, codec, str(path))
    from seq2seq.inference.music import Composer

    return Composer(model, codec, str(path), folder.load_corpus())


def load_composer(path: Path) -> Composer:
    """As `load_model`; ValueError too if the model does not compose."""
    from seq2seq.inference.music import Composer

    if isinstance(model := load_model(path), Composer):
        return model
    raise ValueError(
        f"{path} predicts 88 keys, each by itself: it scores music and does not compose. Train without --events.keys."
    )
