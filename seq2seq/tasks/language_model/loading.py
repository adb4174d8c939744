"""From a run folder to a model that scores and writes text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.tasks.language_model.folder import LanguageRunFolder
from seq2seq.text.codecs import word_starts

if TYPE_CHECKING:
    from seq2seq.inference.language import TextModel


def load_text_model(path: Path, others: Sequence[Path] = ()) -> TextModel:
    """Returns the model of a run folder.

    Raises:
        ValueError: something is missing or damaged, or there are `others`: language models are not mixed.
    """
    if others:
        raise ValueError(f"Expected one run: language models are not mixed. Received: {len(others) + 1} runs")
    model, codec = LanguageRunFolder(path).load_model()
    from seq2seq.inference.language import TextModel

    return TextModel(model, codec, word_starts(codec), str(path))
